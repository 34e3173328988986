# The captive portal's DNS on bytes: each vector names its source or its reason.

from kmpeye.system.wifi_dns import answer

HERE = bytes((192, 168, 4, 1))
NAME = b"\x07captive\x05apple\x03com\x00"
ASK = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00" + NAME
SAYS = b"\x12\x34\x85\x00\x00\x01\x00\x01\x00\x00\x00\x00" + NAME
NOTHING = b"\x12\x34\x85\x00\x00\x01\x00\x00\x00\x00\x00\x00" + NAME
RECORD = b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x00\x00\x04" + HERE
EDNS = b"\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x00"

# query, reply, why
QUESTIONS = (
    (ASK + b"\x00\x01\x00\x01", SAYS + b"\x00\x01\x00\x01" + RECORD, "type A (RFC 1035 4.1)"),
    (ASK + b"\x00\xff\x00\x01", SAYS + b"\x00\xff\x00\x01" + RECORD, "any type"),
    (ASK + b"\x00\x1c\x00\x01", NOTHING + b"\x00\x1c\x00\x01", "AAAA: the name exists, without one"),
    (ASK + b"\x00\x41\x00\x01", NOTHING + b"\x00\x41\x00\x01", "HTTPS, as phones ask"),
    (ASK + b"\x00\x01\x00\x03", NOTHING + b"\x00\x01\x00\x03", "class CHAOS"),
    (
        ASK[:11] + b"\x01" + NAME + b"\x00\x01\x00\x01" + EDNS,
        SAYS + b"\x00\x01\x00\x01" + RECORD,
        "an OPT record behind the question is passed over",
    ),
    (
        b"\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x01",
        b"\x00\x00\x84\x00\x00\x01\x00\x01\x00\x00\x00\x00\x00\x00\x01\x00\x01" + RECORD,
        "the root, no recursion desired",
    ),
    (
        b"\x12\x34\x28\x00" + ASK[4:] + b"\x00\x01\x00\x01",
        b"\x12\x34\xa8\x04\x00\x00\x00\x00\x00\x00\x00\x00",
        "an update (opcode 5) is not implemented",
    ),
    (b"\x12\x34\x81\x80" + ASK[4:] + b"\x00\x01\x00\x01", None, "an answer is no question"),
    (ASK[:5] + b"\x02" + ASK[6:] + b"\x00\x01\x00\x01", None, "two questions"),
    (ASK[:5] + b"\x00" + ASK[6:] + b"\x00\x01\x00\x01", None, "no question"),
    (ASK + b"\x00\x01\x00", None, "cut off"),
    (ASK[:12] + b"\xc0\x0c\x00\x01\x00\x01", None, "a pointer to itself"),
    (ASK[:12] + b"\x3f" + b"x" * 20, None, "a label beyond the end"),
    (ASK[:12] + (b"\x3f" + b"x" * 63) * 4 + b"\x00\x00\x01\x00\x01", None, "a name of 257 bytes"),
    (b"", None, "nothing"),
    (ASK[:11], None, "less than a header"),
)


def test_questions_and_what_is_answered():
    for query, reply, why in QUESTIONS:
        assert answer(query, HERE) == reply, (why, answer(query, HERE))


def test_every_beginning_of_a_question_is_borne():
    whole = ASK + b"\x00\x01\x00\x01"
    for size in range(len(whole)):
        assert answer(whole[:size], HERE) is None, size


def test_any_bytes_give_a_bounded_reply_or_none():
    number = 1
    for _ in range(1500):
        data = bytearray(ASK + b"\x00\x01\x00\x01" + EDNS)
        for _ in range(4):
            number = (number * 1103 + 12345) & 0xFFFFF
            data[number % len(data)] = number >> 8 & 0xFF
        reply = answer(data, HERE)
        assert reply is None or (len(reply) <= len(data) + 16 and reply[:2] == data[:2] and reply[2] & 0x80)
