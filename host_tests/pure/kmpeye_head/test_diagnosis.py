# One state from the last try, the counters and the past; what garbled bytes suggest; advice for every state.
# host_tests/host/test_line_conditions.py holds the same to a whole meter and head.

from kmp.frame import METER, TO_METER, build
from kmpeye.head.advice import advice
from kmpeye.head.diagnosis import Diagnosis
from kmpeye.head.garbled import Listener, suspect
from kmpeye.head.line import Line
from kmpeye.head.transaction import Head

REQUEST = build(TO_METER, METER, b"\x10\x01\x00\x44")
REPLY = b"\x40\x3f\x10\x00\x44\x28\x04\x43\x00\x04\xcb\x13\x29\x23\x0d"
STATES = (
    "ok",
    "asleep",
    "no_light",
    "echo_only",
    "garbled",
    "bad_crc",
    "other_device",
    "throttled",
    "refused",
    "budget_spent",
    "port_error",
)


class Clock:
    def ticks(self):
        return 0


def head():
    return Head(Line("none", 1200, Clock()))


def feed(reader, data):
    pos = 0
    while pos < len(data):
        pos = reader.feed(data, pos, len(data))


def judged(reason, tries=(), needs="magnet", throttles=True, answered=False):
    """The state after a reading whose tries heard these bytes."""
    one = head()
    diagnosis = Diagnosis(needs, throttles)
    if answered:
        diagnosis.begin(one)
        diagnosis.end(one)
    diagnosis.begin(one)
    for heard in tries:
        one.requests += 1
        feed(one.line.reader, heard)
    diagnosis.end(one, reason)
    return diagnosis.state


BAD = REPLY[:8] + b"\x01" + REPLY[9:]
BAD_ECHO = REQUEST[:5] + b"\x45" + REQUEST[6:]
TABLE = (
    # reason of the last try, what the tries heard, state, why
    (None, (REPLY,), "ok", "an answer"),
    ("no_light", (b"", b"", b""), "no_light", "nothing at all"),
    ("no_light", (b"\0", b"", b"\0"), "no_light", "a lone 00 means nothing"),
    ("no_light", (REQUEST, b"", b""), "echo_only", "an echo once"),
    ("echo_only", (REQUEST, REQUEST, REQUEST), "echo_only", "the echo"),
    ("no_light", (b"", b"\x11\x22\x33\x44", b""), "garbled", "an earlier try heard more"),
    ("echo_only", (REQUEST + b"\x40\x01\x1b\x01", REQUEST, REQUEST), "garbled", "a broken frame"),
    ("no_light", (BAD, b"", b""), "bad_crc", "a damaged reply, and then nothing"),
    ("garbled", (REQUEST, BAD_ECHO, REQUEST), "garbled", "an own echo that was disturbed"),
    ("garbled", (REQUEST + BAD, REQUEST, REQUEST), "bad_crc", "a damaged reply beside the echo"),
    ("bad_crc", (BAD,), "bad_crc", "as the head says"),
    ("other_device", (REPLY,), "other_device", "as the head says"),
    ("refused", (REPLY,), "refused", "as the reader says"),
    ("port_error", (), "port_error", "as the line says"),
    ("budget_spent", (), "budget_spent", "as the plan says"),
)


def test_the_state_follows_from_all_tries():
    for reason, tries, state, why in TABLE:
        assert judged(reason, tries) == state, why


def test_silence_of_a_meter_that_answered_before():
    rows = (("magnet", True, "throttled"), ("magnet", False, "asleep"), ("key", False, "asleep"))
    for needs, throttles, state in rows:
        for reason, heard in (("no_light", b""), ("echo_only", REQUEST)):
            assert judged(reason, (heard,) * 3, needs, throttles, True) == state
    assert judged("no_light", (b"",), "none", False, True) == "no_light"
    assert judged("echo_only", (REQUEST,), "none", False, True) == "echo_only"


def test_a_change_is_told_once():
    one = head()
    diagnosis = Diagnosis("none", False)
    told = []
    for reason in ("no_light", "no_light", None, None, "bad_crc"):
        diagnosis.begin(one)
        told.append(diagnosis.end(one, reason))
    assert told == [True, False, True, False, True]


NOISE = (b"\x12\x9a", b"\xc1\x07\x33", b"")
EVEN = bytes([byte & 127 for byte in REPLY])
SUSPECTS = (
    ((REQUEST + b"\xe0\x3c\xf1", REQUEST + b"\xe0\x3c\xf9"), "baud", "the same beginning twice"),
    ((b"\xe0\x3c\xf1", b"\xe0\x3c\xf1"), "baud", "without an echo"),
    (NOISE, "noise", "never the same"),
    ((REQUEST + b"\x12\x9a", REQUEST + b"\x13\x00", REQUEST), "noise", "beside an echo"),
    ((EVEN, EVEN), "stop_bits", "no bit 7"),
    ((b"\x04\xbe\xea\xfe\xee",) * 2, "inversion", "the image of our own request"),
    ((b"", b""), "noise", "nothing more"),
)


def test_what_garbled_bytes_suggest():
    request = build(TO_METER, METER, b"\x10\x05\x00\x44\x00\x4a")
    for tries, suspicion, why in SUSPECTS:
        tries = [one.replace(REQUEST, request) for one in tries]
        assert suspect(request, tries) == suspicion, why


def test_a_listener_reads_frames_and_keeps_what_it_heard_of_each_try():
    listener = Listener()
    feed(listener, b"\x11")  # before the first try
    listener.reset()
    feed(listener, REQUEST + REPLY)
    listener.reset()
    feed(listener, bytes(range(1, 6)) * 100)
    assert listener.frames == 1 and listener.echoes == 1
    assert bytes(listener.tries[0]) == REQUEST + REPLY
    assert [len(one) for one in listener.tries] == [len(REQUEST + REPLY), 64]


def test_every_state_has_a_sentence_and_advice():
    for state in STATES:
        for detail in ("", "key", "magnet", "none", "unknown", "baud", "stop_bits", "inversion", "noise"):
            says, todo = advice(state, detail)
            assert says and todo and len(says) < 100 and len(todo) < 180
    assert advice("asleep", "key") != advice("asleep", "magnet") != advice("asleep")
    assert advice("garbled", "baud") != advice("garbled", "inversion")


def test_a_state_that_does_not_exist_has_no_advice():
    for state in ("", "okay", "asleep.key.x"):
        try:
            advice(state)
        except ValueError as e:
            assert "no state" in str(e)
        else:
            raise AssertionError(state)
