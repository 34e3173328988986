# kmp.frame.Reader: taking frames out of any stream of bytes, whole or in pieces, and counting what it saw.
# Tables of (stream, events, counters, why); runs on CPython and on MicroPython alike.

import gc

from kmp.frame import (
    ACKNOWLEDGE,
    BAD_BYTE,
    BAD_CRC,
    CUT,
    FRAME,
    FROM_METER,
    MAX_FRAME,
    METER,
    NONE,
    OVERRUN,
    SHORT,
    TO_METER,
    Reader,
    build,
)
from kmp_wire import COUNTERS, counted, events, wire

ASK = wire("80 3F 02 35 E9 0D")
ASKED = (FRAME, TO_METER, METER, b"\x02")
REPLY = wire("40 3F 02 01 23 45 67 E9 56 0D")
REPLIED = (FRAME, FROM_METER, METER, b"\x02\x01\x23\x45\x67")

# A frame of 258 bytes is the longest that fits; bytes of 11 stand for anything that is no reserved byte.
FULL = b"\x11" * MAX_FRAME

STREAMS = (
    (REPLY, [REPLIED], {"frames": 1}, "a reply"),
    (ASK + REPLY, [ASKED, REPLIED], {"echoes": 1, "frames": 1}, "our own light, then the reply"),
    (ASK, [ASKED], {"echoes": 1}, "only the echo"),
    (b"\0" + REPLY, [REPLIED], {"stray": 1, "frames": 1}, "the 00 a meter may send unasked"),
    (
        ASK + b"\0\0" + REPLY + b"\0",
        [ASKED, REPLIED],
        {"stray": 3, "echoes": 1, "frames": 1},
        "stray 00 between and after",
    ),
    (
        wire("FF 12 0D 1B 00") + REPLY + wire("7F 0D 1B"),
        [REPLIED],
        {"stray": 8, "frames": 1},
        "noise before and after: 0D and 1B mean nothing outside a frame",
    ),
    (REPLY + REPLY, [REPLIED, REPLIED], {"frames": 2}, "two frames back to back"),
    (b"\x06", [(ACKNOWLEDGE,)], {"acks": 1}, "a bare 06 outside a frame"),
    (b"\x06\x06" + REPLY, [(ACKNOWLEDGE,)] * 2 + [REPLIED], {"acks": 2, "frames": 1}, "06 twice"),
    (
        wire("40 3F 06 02 0D") + REPLY,
        [(BAD_BYTE,), REPLIED],
        {"bad_escapes": 1, "frames": 1},
        "a bare 06 inside a frame",
    ),
    (
        wire("40 3F 1B 00 11 06 1B 0D 06") + REPLY,
        [(BAD_BYTE,), (ACKNOWLEDGE,), REPLIED],
        {"bad_escapes": 1, "acks": 1, "frames": 1},
        "1B 00, and the rest of that frame is skipped up to its 0D: no acknowledge, no stray bytes in it",
    ),
    (
        wire("40 3F 1B 1B E4 0D") + REPLY,
        [(BAD_BYTE,), REPLIED],
        {"bad_escapes": 1, "frames": 1},
        "1B cannot follow 1B",
    ),
    (
        wire("40 3F 1B 0D 06") + REPLY,
        [(BAD_BYTE,), (ACKNOWLEDGE,), REPLIED],
        {"bad_escapes": 1, "acks": 1, "frames": 1},
        "1B before the stop byte: the frame is over",
    ),
    (
        wire("40 3F 1B") + REPLY,
        [(BAD_BYTE,), REPLIED],
        {"bad_escapes": 1, "frames": 1},
        "1B before 40: a new frame begins",
    ),
    (
        wire("40 3F 1B") + ASK,
        [(BAD_BYTE,), ASKED],
        {"bad_escapes": 1, "echoes": 1},
        "1B before 80: a new frame begins",
    ),
    (wire("40") + REPLY, [(CUT,), REPLIED], {"cut": 1, "frames": 1}, "40 twice"),
    (wire("80") + REPLY, [(CUT,), REPLIED], {"cut": 1, "frames": 1}, "noise that looks like a start"),
    (wire("40 40 80 40") + REPLY, [(CUT,)] * 4 + [REPLIED], {"cut": 4, "frames": 1}, "many of them"),
    (
        wire("40 3F 10 00 44") + ASK,
        [(CUT,), ASKED],
        {"cut": 1, "echoes": 1},
        "another master speaks in between",
    ),
    (wire("40 0D"), [(SHORT,)], {"short": 1}, "nothing in it"),
    (
        wire("40 3F 10 07 0D") + REPLY,
        [(SHORT,), REPLIED],
        {"short": 1, "frames": 1},
        "one byte of CRC missing",
    ),
    (
        wire("40 3F 10 07 9A 0D"),
        [(FRAME, FROM_METER, METER, b"\x10")],
        {"frames": 1},
        "the shortest there is",
    ),
    (
        wire("40 3F 02 01 23 45 66 E9 56 0D") + REPLY,
        [(BAD_CRC,), REPLIED],
        {"bad_crc": 1, "frames": 1},
        "one bit changed",
    ),
    (
        wire("80 3F 09 00 01 14 4A 00 02 77 15 C3 4A 0D"),
        [(BAD_CRC,)],
        {"bad_crc": 1},
        "SetClock as 447 prints it",
    ),
    (b"\x40" + FULL + b"\x0d", [(BAD_CRC,)], {"bad_crc": 1}, "258 bytes fit (their CRC does not)"),
    (
        b"\x40" + FULL + b"\x11\x0d" + REPLY,
        [(OVERRUN,), REPLIED],
        {"overruns": 1, "frames": 1},
        "259 bytes do not",
    ),
    (
        b"\x40" + FULL + b"\x1b\xe4\x0d" + REPLY,
        [(OVERRUN,), REPLIED],
        {"overruns": 1, "frames": 1},
        "nor when the last one is escaped",
    ),
    (
        b"\x40" + b"\x1b\xe4" * MAX_FRAME + b"\x0d",
        [(BAD_CRC,)],
        {"bad_crc": 1},
        "258 escaped bytes are 516 on the wire",
    ),
    (
        b"\x40" + FULL + b"\x11" * 999 + REPLY,
        [(OVERRUN,), REPLIED],
        {"overruns": 1, "frames": 1},
        "a stop byte lost: the next start is found",
    ),
    (wire("40 3F 10 1B"), [], {}, "the end of the stream after 1B"),
    (b"", [], {}, "nothing"),
)


def test_streams_give_their_events_and_counters():
    for stream, expected, counters, why in STREAMS:
        reader = Reader()
        assert events(reader, stream) == expected, why
        assert counted(reader) == counters, why
        assert reader.bytes == len(stream), why


def test_chunks_of_any_size_give_the_same_as_the_whole():
    for stream, expected, counters, why in STREAMS:
        for sizes in ((1,), (2,), (3, 1), (7, 2, 5), (64,)):
            reader = Reader()
            assert events(reader, stream, sizes) == expected, (why, sizes)
            assert counted(reader) == counters, (why, sizes)
            assert reader.bytes == len(stream), (why, sizes)


def test_one_reader_takes_all_streams_one_after_the_other():
    reader = Reader()
    buffer = reader.buffer
    for stream, expected, _, why in STREAMS:
        assert events(reader, stream) == expected, why
        reader.reset()
        assert reader.buffer is buffer and len(buffer) == MAX_FRAME, why
    for counter in COUNTERS[1:]:
        assert getattr(reader, counter) == sum(row[2].get(counter, 0) for row in STREAMS), counter
    assert reader.bytes == sum(len(row[0]) for row in STREAMS)


def test_a_frame_cut_anywhere_does_not_hurt_the_next_one():
    frame = build(FROM_METER, METER, wire("10 00 44 28 04 43 1B 06 0D 40"))
    for end in range(1, len(frame)):
        for start, following, event in ((TO_METER, ASK, ASKED), (FROM_METER, REPLY, REPLIED)):
            reader = Reader()
            got = events(reader, frame[:end] + following)
            broken = BAD_BYTE if frame[end - 1] == 0x1B else CUT
            assert got == [(broken,), event], (end, start)


def test_the_end_of_the_stream_inside_a_frame_is_seen():
    rows = (
        (REPLY, False, False, "a whole frame"),
        (REPLY[:-1], True, True, "no stop byte"),
        (wire("40"), True, True, "a start byte only"),
        (wire("40 3F 1B"), True, True, "after 1B"),
        (ASK[:-1], True, False, "half an echo"),
        (wire("40 3F 06 11"), False, False, "already refused"),
        (b"\0\0", False, False, "no frame at all"),
    )
    for stream, abandoned, inside, why in rows:
        reader = Reader()
        events(reader, stream)
        assert reader.abandoned() == abandoned, why
        assert reader.inside() == inside, why


def test_reset_forgets_half_a_frame_and_keeps_the_counters():
    rows = (
        (wire("40 3F 10"), {"echoes": 1}, "inside"),
        (wire("40 3F 1B"), {"echoes": 1}, "after 1B"),
        (wire("40 3F 06 11"), {"echoes": 1, "bad_escapes": 1}, "skipping"),
    )
    for half, counters, why in rows:
        reader = Reader()
        events(reader, ASK + half)
        assert counted(reader) == counters, why
        reader.reset()
        assert not reader.abandoned() and not reader.inside(), why
        assert events(reader, b"\x06" + REPLY) == [(ACKNOWLEDGE,), REPLIED], why
        counters.update({"acks": 1, "frames": 1})
        assert counted(reader) == counters, why


def test_feed_stays_between_its_two_positions():
    reader = Reader()
    stream = REPLY + REPLY
    assert reader.feed(stream, 0, 0) == 0 and reader.event == NONE
    assert reader.feed(stream, 0, 4) == 4 and reader.event == NONE
    assert reader.feed(stream, 4, len(stream)) == len(REPLY) and reader.event == FRAME
    assert reader.feed(stream, len(REPLY), len(stream) - 1) == len(stream) - 1 and reader.event == NONE
    assert reader.inside()
    assert reader.bytes == len(stream) - 1


def test_feed_takes_bytes_bytearrays_and_views():
    for stream in (REPLY, bytearray(REPLY), memoryview(REPLY)):
        assert events(Reader(), stream) == [REPLIED]


def test_the_application_is_a_view_that_costs_no_copy():
    reader = Reader()
    reader.feed(REPLY, 0, len(REPLY))
    view = reader.application()
    reader.buffer[1] = 0x55
    assert view[0] == 0x55 and len(view) == 5


def test_feeding_allocates_nothing():
    if not hasattr(gc, "mem_alloc"):
        return  # CPython keeps no such count; the same file runs on MicroPython, where it matters
    stream = bytearray()
    for row in STREAMS:
        stream += row[0] + b"\0"
    pieces = [stream] * (10000 // len(stream) + 1)
    reader = Reader()
    gc.collect()
    gc.disable()
    try:
        before = gc.mem_alloc()
        fed_whole = feed_pieces(reader, pieces, 0)
        fed_bytewise = feed_pieces(reader, pieces, 1)
        grown = gc.mem_alloc() - before
    finally:
        gc.enable()
    assert fed_whole == fed_bytewise and fed_whole >= 10000
    assert grown == 0, "%d bytes allocated while %d were fed" % (grown, 2 * fed_whole)


def feed_pieces(reader, pieces, step):
    fed = 0
    for piece in pieces:
        fed += feed_all(reader, piece, step)
    return fed


def feed_all(reader, data, step):
    """Feed data whole (step 0) or by steps, and look at no result: what is left is the reader's own cost."""
    pos = 0
    size = len(data)
    while pos < size:
        end = pos + step if step else size
        while pos < end:
            pos = reader.feed(data, pos, end)
    return size
