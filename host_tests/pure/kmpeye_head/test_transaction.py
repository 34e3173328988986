# One question and its answer on a line that echoes, stutters and lies: the timing of 447 2.1 and what survives.

from kmp.command import get_register, get_serial, get_type, read_registers
from kmp.frame import FROM_METER, METER, TO_METER, build
from kmp.meter import register_reply, serial_reply
from kmpeye.head.line import Line
from kmpeye.head.transaction import Head, NoAnswer
from virtual_line import ScriptedPort, VirtualClock, drive

VOLUME = build(FROM_METER, METER, register_reply([(68, 40, 314131, -3, 4)]))
FLOW = build(FROM_METER, METER, register_reply([(74, 41, 12, 0, 2)]))
ASK_VOLUME = build(TO_METER, METER, get_register([68]))
BAD = VOLUME[:-3] + bytes((VOLUME[-3] ^ 1,)) + VOLUME[-2:]
EMPTY = build(FROM_METER, METER, register_reply([]))
OTHER_ADDRESS = build(FROM_METER, 0x7F, register_reply([(68, 40, 1, 0, 4)]))
GARBAGE = b"\xff\xfe\x3c\x00\xaa"
ECHO = -10 * len(ASK_VOLUME)  # our own light arrives while we send


class Scene:
    def __init__(self, script, now=0):
        self.clock = VirtualClock(now)
        self.port = ScriptedPort(self.clock, script)
        self.line = Line("scripted", 1200, self.clock, opener=self.opener)
        self.head = Head(self.line)

    async def opener(self, where, baud, clock, pins):
        return self.port

    def ask(self, application=None, **options):
        return drive(self.head.ask(application or get_register([68]), **options))

    def fails(self, **options):
        try:
            self.ask(**options)
        except NoAnswer as e:
            return e
        raise AssertionError("answered")


def always(*parts):
    return Scene(lambda number, request: parts)


def gaps(times):
    return [times[i + 1] - times[i] for i in range(len(times) - 1)]


# what the head hears, and why it must still find the volume
SURVIVED = (
    ([(50, VOLUME)], "a plain reply"),
    ([(ECHO, ASK_VOLUME), (50, VOLUME)], "a passive head hears its own light first"),
    ([(10, b"\x00"), (60, VOLUME)], "the meter may send a lone 00 unasked (447 2)"),
    ([(5, GARBAGE), (90, VOLUME)], "noise before the reply"),
    ([(5, b"\x40\x3f\x10"), (60, VOLUME)], "noise that looks like the beginning of a reply"),
    ([(50, VOLUME), (250, GARBAGE)], "noise after the reply"),
    ([(20, FLOW), (200, VOLUME)], "a late reply to another question"),
    ([(20, BAD), (300, VOLUME)], "a damaged frame, then the reply"),
    ([(20, OTHER_ADDRESS), (300, VOLUME)], "another device answers too"),
    ([(1590, VOLUME)], "the first byte just within 1.6 s"),
)


def test_a_reply_is_found_among_everything_else():
    for parts, why in SURVIVED:
        scene = Scene(lambda number, request, parts=parts: parts)
        reply = scene.ask(retries=0)
        assert read_registers(reply) == [(68, 40, 314131, -3)], why


# what the head hears after every request, the reason it must give, and why
UNANSWERED = (
    ([], "no_light", "nothing at all"),
    ([(ECHO, ASK_VOLUME)], "echo_only", "only our own request"),
    ([(ECHO, ASK_VOLUME), (30, b"\x00")], "echo_only", "the lone 00 means nothing"),
    ([(30, GARBAGE)], "garbled", "bytes, but no frame"),
    ([(30, BAD)], "bad_crc", "a damaged reply"),
    ([(30, VOLUME[:7])], "bad_crc", "a reply that stops in the middle"),
    ([(30, OTHER_ADDRESS)], "other_device", "a good frame from another address"),
    ([(30, FLOW)], "other_device", "a good frame to another question"),
    ([(1800, VOLUME)], "no_light", "later than the meter may be"),
)


def test_no_answer_has_a_reason():
    for parts, reason, why in UNANSWERED:
        failure = Scene(lambda number, request, parts=parts: parts).fails(retries=0)
        assert failure.reason == reason, (why, failure.reason)
        assert len(str(failure)) > 20, "a sentence for a person"


def test_silence_is_asked_three_times_with_quiet_between():
    scene = always()
    scene.fails()
    times = [ms for ms, _ in scene.port.requests]
    assert len(times) == 3
    sending = 10 * len(ASK_VOLUME)
    for gap in gaps(times):
        assert 1600 <= gap - sending < 2500, times


def test_after_a_damaged_reply_the_line_is_quiet_for_1600_ms():
    scene = Scene(lambda number, request: [(50, BAD if number == 0 else VOLUME)])
    assert scene.ask()
    (first, _), (second, _) = scene.port.requests
    assert second - (first + 10 * len(ASK_VOLUME) + 50 + 10 * len(BAD)) >= 1600


def test_bytes_that_still_come_prolong_the_quiet():
    scene = Scene(lambda number, request: [(1500, GARBAGE * 20)] if number == 0 else [(50, VOLUME)])
    assert scene.ask()
    (first, _), (second, _) = scene.port.requests
    assert second - (first + 10 * len(ASK_VOLUME) + 1500 + 10 * len(GARBAGE) * 20) >= 1600


def test_a_line_that_is_never_quiet_is_asked_all_the_same():
    scene = always(*[(1000 * second, b"\xff") for second in range(20)])
    assert scene.fails(retries=1).reason in ("garbled", "bad_crc")
    assert len(scene.port.requests) == 2


def test_more_than_eight_registers_are_split_within_one_wake():
    ids = list(range(60, 80))

    def script(number, request):
        asked = ids[8 * number : 8 * number + 8]
        return [(50, build(FROM_METER, METER, register_reply([(one, 2, one, 0, 4) for one in asked])))]

    scene = Scene(script)
    found = drive(scene.head.registers(ids))
    assert [one[0] for one in found] == ids
    assert len(scene.port.requests) == 3
    end = scene.port.requests[0][0] + 10 * len(scene.port.requests[0][1]) + 50
    reply_end = end + 10 * len(script(0, b"")[0][1])
    gap = scene.port.requests[1][0] - reply_end
    assert 0 <= gap <= 40, "at once, but not within one byte time"
    assert scene.clock.since(0) < 6000


def test_registers_the_meter_leaves_out_are_not_there():
    scene = always((50, VOLUME))
    assert drive(scene.head.registers([68, 9999, 74])) == [(68, 40, 314131, -3)]
    assert drive(always((50, EMPTY)).head.registers([9999])) == []


def test_a_reply_with_a_right_crc_and_wrong_content_is_no_answer_and_no_crash():
    for nob, words in ((0, "a value of 0 bytes"), (11, "a value of 11 bytes")):
        wrong = build(FROM_METER, METER, b"\x10\x00\x44\x28" + bytes((nob, 0)) + b"\x01" * nob)
        try:
            drive(always((50, wrong)).head.registers([68]))
        except NoAnswer as e:
            assert e.reason == "bad_crc" and words in str(e), (nob, str(e))
        else:
            raise AssertionError("taken for an answer")


def test_a_late_reply_does_not_answer_the_next_question():
    def script(number, request):
        if number == 0:
            return [(1650, FLOW)]  # just too late
        return [(50, VOLUME)]

    scene = Scene(script)
    assert scene.fails(retries=0).reason == "no_light"
    assert read_registers(scene.ask()) == [(68, 40, 314131, -3)]
    assert scene.head.stale == 1


def test_an_acknowledge_is_an_answer_where_it_is_expected():
    scene = always((50, b"\x06"))
    assert scene.ask(get_type(), acknowledge=True) == b""
    assert always((50, b"\x06")).fails(retries=0).reason == "garbled"


def test_a_serial_number_is_read_through_an_echo():
    serial = build(FROM_METER, METER, serial_reply(68123456))
    request = build(TO_METER, METER, get_serial())
    scene = always((-10 * len(request), request), (80, serial))
    assert scene.ask(get_serial())[1:] == (68123456).to_bytes(4, "big")


def test_a_lost_port_is_said_at_once_and_opened_again():
    def script(number, request):
        raise OSError("unplugged")

    scene = Scene(script)
    failure = scene.fails()
    assert failure.reason == "port_error" and "unplugged" in str(failure)
    assert scene.port.closed == 1 and len(scene.port.requests) == 0
    assert scene.fails().reason == "port_error", "too early to try again"
    scene.clock.now += 3000
    scene.port.script = lambda number, request: [(50, VOLUME)]
    assert scene.ask()
    assert scene.line.opened == 2


def test_the_pause_before_a_lost_port_is_tried_again_grows_to_five_minutes():
    scene = Scene(None)

    async def refuse(where, baud, clock, pins):
        scene.tried.append(clock.now)
        raise OSError("no such device")

    scene.tried = []
    scene.line._opener = refuse
    for _ in range(3000):
        scene.fails()
        scene.clock.now += 1000
    pauses = gaps(scene.tried)
    assert pauses[0] <= 3000 and pauses == sorted(pauses) and pauses[-1] <= 301000 and len(pauses) < 20, (
        pauses
    )
