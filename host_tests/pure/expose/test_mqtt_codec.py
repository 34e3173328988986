# The MQTT codec: packets as the specification (MQTT 3.1.1, chapters 2 and 3) writes them, whole and byte by byte,
# and one invariant under mutation. Runs on CPython and MicroPython.

from kmpeye.expose.mqtt.codec import Reader
from kmpeye.expose.mqtt.packets import connect, filled, publish, refusal, subscribe

CONNACK, PUBLISH, PUBACK, SUBACK, PINGRESP = 0x20, 0x30, 0x40, 0x90, 0xD0

# bytes, what they are, why
SENT = (
    (
        connect("c", 60, "a/s", "off", None, None),
        b"\x10\x17\0\x04MQTT\x04\x2e\0\x3c\0\x01c\0\x03a/s\0\x03off",
        "clean session, a retained will with QoS 1",
    ),
    (
        connect("c", 60, "a", "o", "ü", "pw"),
        b"\x10\x1b\0\x04MQTT\x04\xee\0\x3c\0\x01c\0\x01a\0\x01o\0\x02\xc3\xbc\0\x02pw",
        "user and password",
    ),
    (
        connect("c", 60, "a", "o", "u", None),
        b"\x10\x16\0\x04MQTT\x04\xae\0\x3c\0\x01c\0\x01a\0\x01o\0\x01u",
        "a user without a password",
    ),
    (
        connect("c", 60, "a", "o", None, "pw"),
        b"\x10\x13\0\x04MQTT\x04\x2e\0\x3c\0\x01c\0\x01a\0\x01o",
        "no password without a user (3.1.2.9)",
    ),
    (publish("a/b", 2), b"\x30\x07\0\x03a/b", "QoS 0"),
    (publish("a/b", 2, 0, True), b"\x31\x07\0\x03a/b", "retained"),
    (publish("a/b", 2, 258), b"\x32\x09\0\x03a/b\x01\x02", "QoS 1"),
    (publish("a/b", 2, 258, False, True), b"\x3a\x09\0\x03a/b\x01\x02", "again"),
    (publish("a/b", 2, 0, False, True), b"\x30\x07\0\x03a/b", "QoS 0 is never sent again (3.3.1.1)"),
    (publish("a", 124), b"\x30\x7f\0\x01a", "the largest length of one byte (2.2.3)"),
    (publish("a", 125), b"\x30\x80\x01\0\x01a", "the smallest of two"),
    (publish("a", 16380), b"\x30\xff\x7f\0\x01a", "the largest of two"),
    (publish("a", 16381), b"\x30\x80\x80\x01\0\x01a", "the smallest of three"),
    (publish("a", 2097149), b"\x30\x80\x80\x80\x01\0\x01a", "the smallest of four"),
    (subscribe(1, ("a/b", "c")), b"\x82\x0c\0\x01\0\x03a/b\x01\0\x01c\x01", "two topics, QoS 1"),
)

# bytes, (topic, payload, packet), retained, why
MESSAGES = (
    (b"\x30\x05\0\x03a/b", (b"a/b", b"", 0), False, "no payload"),
    (b"\x30\x06\0\x03a/bX", (b"a/b", b"X", 0), False, "QoS 0"),
    (b"\x31\x06\0\x03a/bX", (b"a/b", b"X", 0), True, "retained"),
    (b"\x32\x08\0\x03a/b\x01\x02X", (b"a/b", b"X", 258), False, "QoS 1"),
    (b"\x3a\x08\0\x03a/b\x01\x02X", (b"a/b", b"X", 258), False, "QoS 1, again"),
    (b"\x30\x80\x02\0\x03a/b" + b"y" * 251, (b"a/b", b"y" * 251, 0), False, "the longest that is kept"),
    (b"\x30\x81\x02\0\x03a/b" + b"y" * 252, (b"a/b", None, 0), False, "one byte more"),
    (b"\x32\x87\x08\0\x03a/b\x01\x02" + b"y" * 1024, (b"a/b", None, 258), False, "far too long"),
    (b"\x32\x87\x04\x02\x00" + b"a" * 517, (None, None, 0), False, "a topic that is too long"),
    (b"\x30\x02\0\0", (b"", b"", 0), False, "an empty topic is nobody's"),
)

BAD = (
    (b"\0\0", "type 0"),
    (b"\x10\0", "CONNECT is ours to send"),
    (b"\x34\x07\0\x03a/b\x01\x02", "QoS 2, never asked for"),
    (b"\x36\x07\0\x03a/b\x01\x02", "QoS 3 does not exist"),
    (b"\x21\x02\0\0", "flags where there are none"),
    (b"\x50\x02\0\x01", "PUBREC belongs to QoS 2"),
    (b"\xb0\x02\0\x01", "UNSUBACK: nothing was unsubscribed"),
    (b"\xf0\0", "type 15"),
    (b"\x20\x03\0\0\0", "CONNACK of three bytes"),
    (b"\x20\x01\0", "CONNACK of one byte"),
    (b"\x40\0", "PUBACK without a number"),
    (b"\x90\x02\0\x01", "SUBACK without an answer"),
    (b"\xd0\x01\0", "PINGRESP with something in it"),
    (b"\x30\x01\0", "PUBLISH shorter than the length of its topic"),
    (b"\x30\x03\0\x02a", "a topic longer than its packet"),
    (b"\x32\x03\0\x01a", "QoS 1 without a number"),
    (b"\xd0\x80\x80\x80\x80\x01", "a length of five bytes"),
)

REFUSALS = (
    (b"\x20\x02\0\0", None),
    (b"\x20\x02\x01\0", None),
    (b"\x20\x02\0\x01", "MQTT 3.1.1"),
    (b"\x20\x02\0\x04", "user name or password"),
    (b"\x20\x02\0\x05", "does not let this user in"),
    (b"\x20\x02\0\x09", "(9)"),
    (b"\x90\x04\0\x01\x01\x00", None),
    (b"\x90\x04\0\x80\x01\x01", None),
    (b"\x90\x04\0\x01\x01\x80", "subscription"),
)


def feed(reader, data, pos=0):
    """Give the reader bytes until a packet is whole or there are no more; the place behind the last one taken."""
    while pos < len(data) and not reader.whole:
        count = min(len(reader.room), len(data) - pos)
        reader.room[:count] = data[pos : pos + count]
        reader.took(count)
        pos += count
    return pos


def packets(pieces):
    """(kind, message) of each packet in pieces of bytes."""
    reader = Reader()
    found = []
    for piece in pieces:
        pos = 0
        while pos < len(piece):
            pos = feed(reader, piece, pos)
            if reader.whole:
                found.append((reader.kind, reader.message() if reader.kind == PUBLISH else None))
                reader.begin()
    return found


def one_by_one(data):
    for at in range(len(data)):
        yield data[at : at + 1]


def test_packets_are_built_as_the_specification_writes_them():
    for data, right, why in SENT:
        assert data == right, (why, data)


def test_messages_are_read_whole_and_byte_by_byte():
    for data, right, retained, why in MESSAGES:
        for pieces in ([data], one_by_one(data)):
            assert packets(pieces) == [(PUBLISH, right + (retained,))], (why, packets(pieces))


def test_packets_that_follow_each_other_are_kept_apart():
    data = b"".join([row[0] for row in MESSAGES]) + b"\xd0\0\x40\x02\0\x07\xd0\0"
    right = [(PUBLISH, row[1] + (row[2],)) for row in MESSAGES]
    for pieces in ([data], one_by_one(data), [data[:500], data[500:501], data[501:]]):
        found = packets(pieces)
        assert found[: len(right)] == right
        assert [one[0] for one in found[len(right) :]] == [PINGRESP, PUBACK, PINGRESP]


def test_what_is_not_mqtt_is_refused_in_one_way():
    for data, why in BAD:
        for pieces in ([data], one_by_one(data)):
            try:
                packets(pieces)
            except ValueError as e:
                assert str(e), why
            else:
                raise AssertionError(why)


def test_a_refusal_is_a_sentence():
    for data, said in REFUSALS:
        reader = Reader()
        assert feed(reader, data) == len(data) and reader.whole
        refused = refusal(reader.kind, reader.body())
        assert refused is None if said is None else said in refused, (data, refused)


def test_an_acknowledgement_names_its_packet():
    reader = Reader()
    feed(reader, b"\x40\x02\xff\xfe")
    assert (reader.kind, reader.packet()) == (PUBACK, 0xFFFE)


def test_a_publication_goes_out_in_pieces_of_one_buffer():
    for size in (0, 1, 255, 256, 257, 700):
        texts = ["ü" * (size // 4), "x" * (size - size // 4 * 4), "", "y" * (size - size // 4 * 2)]
        pieces = [bytes(piece) for piece in filled(b"head", texts)]
        assert b"".join(pieces) == b"head" + "".join(texts).encode(), size
        assert [len(piece) for piece in pieces[:-1]] == [256] * (len(pieces) - 1), size
        assert 0 < len(pieces[-1]) <= 256, size


def test_any_bytes_give_packets_or_our_one_error():
    seed = 12345
    good = b"".join([row[0] for row in MESSAGES[:7]]) + b"\x20\x02\0\0\x90\x03\0\x01\x01\x40\x02\0\x01\xd0\0"
    for _ in range(400):
        data = bytearray(good)
        for _ in range(1 + seed % 4):
            seed = (seed * 1103515245 + 12345) & 0x3FFFFFFF
            data[(seed >> 8) % len(data)] = seed & 0xFF
        seen = []
        for pieces in ([bytes(data)], one_by_one(bytes(data))):
            try:
                seen.append(packets(pieces))
            except ValueError as e:
                seen.append(str(e))
        assert seen[0] == seen[1], data
