# `kmp decode`: bytes in hex, one JSON line for each frame, acknowledge or fault in them.
# Imports the protocol package; frames are found by the reader that runs on the chip.

import argparse
import sys

from kmp.frame import (
    ACKNOWLEDGE,
    BAD_CRC,
    FRAME,
    FROM_METER,
    MAX_FRAME,
    NONE,
    TO_METER,
    ProtocolError,
    Reader,
    build,
    crc16,
)
from kmp.service import name
from kmptool import hexbytes
from kmptool.describe import describe
from kmptool.jsonline import dumps

# Characters of one line of stdin: an hour of uninterrupted light at 9600 baud in hex is under 8 million.
_MAX_LINE = 8_000_000
_STOP = b"\x0d"
_LONGEST = 2 * MAX_FRAME + 2  # bytes of a frame, all of them stuffed

# What was wrong with a frame, from the reader's event BAD_CRC on.
_ERRORS = (
    "wrong CRC",
    "a byte that may not stand there (bad stuffing)",
    "longer than any KMP frame",
    "too short for address, command and CRC",
    "cut off by the start of another frame",
)

_ENDS_INSIDE = "the bytes end inside a frame"
_NO_STOP = "the stop byte 0D is missing"

_HELP = """examples:
  kmp decode 80 3F 10 01 00 44 4D C0 0D 40 3F 10 00 44 28 04 43 00 04 CB 13 29 23 0D
  kmp decode 0x80,0x3f,0x02,0x35,0xe9,0x0d
  kmp decode - < frames.txt

A frame from the meter gives
  {"direction": "from_meter", "address": 63, "cid": 16, "command": "GetRegister", "crc_ok": true,
   "registers": [{"id": 68, "name": "volume", "value": 314.131, "unit": "m³"}]}
(in one line). Values have the meter's own digits. A bad frame has "error". Exit status: 0 all good,
1 something was bad, 2 not hex."""


def add_parser(subparsers):
    parser = subparsers.add_parser(
        "decode",
        description="Take KMP frames out of hex bytes and say what they mean, one JSON line each.",
        epilog=_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "hex",
        nargs="+",
        metavar="HEX",
        help="bytes; spaces, commas, colons and 0x may stand between them, the time and label of a log before them; "
        "whole frames may stand between words. Hex dumps and the text of Python, C and ESPHome are understood. "
        "All arguments are one stream. "
        "A single - reads lines from stdin, each a stream of its own unless a frame goes over several",
    )
    parser.set_defaults(func=run, parser=parser)


def run(args):
    """Decode what the arguments say; returns the exit status."""
    if args.hex == ["-"]:
        return _stdin(args.parser)
    try:
        data = hexbytes.parse(" ".join(args.hex))
    except ValueError as error:
        args.parser.error(str(error))
    return _print(decode(data))


def _stdin(parser):
    """Each line by itself, and together with those before it while they are the beginning of a frame, as in logs with
    a byte a line. A line that is not hex is named at the end, and hides nothing after it."""
    status = None
    number = 0
    wrong = []
    begun = []  # what stood in the lines that a frame goes over
    while line := sys.stdin.readline(_MAX_LINE + 1):
        number += 1
        if len(line) > _MAX_LINE:
            parser.error("line %d is longer than %d characters" % (number, _MAX_LINE))
        if not line.strip():
            continue
        try:
            data = hexbytes.parse(line)
        except ValueError as error:
            wrong = wrong or [number, str(error)]
            continue
        status = status or 0
        lines = decode(b"".join([*begun, data]))
        if begun and _faults(lines) and not _goes_on(lines):
            status |= _apart(begun)
            begun = []
            lines = decode(data)
        if _goes_on(lines) and sum(map(len, begun)) < _LONGEST:
            begun.append(data)
        else:
            status |= _print(lines)
            begun = []
    if begun:
        status |= _apart(begun)
    if wrong:
        parser.error("line %d: %s" % tuple(wrong))
    if status is None:
        parser.error("no bytes on stdin")
    return status


def _faults(lines):
    return [line for line in lines if "error" in line]


def _goes_on(lines):
    """True when nothing is wrong but that the bytes end within a frame."""
    faults = _faults(lines)
    return faults == lines[-1:] != [] and faults[0]["error"] in (_ENDS_INSIDE, _NO_STOP)


def _apart(begun):
    status = 0
    for data in begun:
        status |= _print(decode(data))
    return status


def _print(lines):
    for line in lines:
        print(dumps(line))
    return 1 if _faults(lines) else 0


def decode(data):
    """The frames, acknowledges and faults in a stream of bytes, each a dict for jsonline.dumps."""
    lines = list(_lines(data))
    if _faults(lines):
        rest = 0
        lines = []
        for start, end, line in _not_stuffed(data):
            lines += [*_lines(data[rest:start]), line]
            rest = end
        lines += _lines(data[rest:])
    return lines


def _lines(data):
    reader = Reader()
    stray = bytearray()  # the bytes outside frames since the last thing that was in order
    for byte in data:
        before = _begun(reader)  # the reader forgets it when a new frame begins
        strays = reader.stray
        reader.feed((byte,), 0, 1)
        if reader.stray > strays:
            stray.append(byte)
            continue
        if stray:
            yield from _outside(stray)
        if reader.event == FRAME:
            yield _frame(reader)
        elif reader.event == ACKNOWLEDGE:
            yield {"direction": "from_meter", "acknowledge": True}
        elif reader.event != NONE:
            crc_ok = False if reader.event == BAD_CRC else None
            yield _head(*before, crc_ok, error_text(reader.event))
    yield from _outside(stray)
    if reader.abandoned():
        yield _abandoned(reader)


def error_text(event):
    """What was wrong with a frame, for an event from BAD_CRC to CUT."""
    return _ERRORS[event - BAD_CRC]


def _begun(reader):
    """What is known of the frame in the reader's buffer: its start byte, and address and command if there."""
    return reader.start, bytes(reader.buffer[: min(reader.length, 2)])


def _head(start, known, crc_ok, error=None):
    line = {"direction": "to_meter" if start == TO_METER else "from_meter"}
    if known:
        line["address"] = known[0]
    if len(known) > 1:
        line["cid"] = known[1]
        line["command"] = name(known[1])
    line["crc_ok"] = crc_ok
    if error:
        line["error"] = error
    return line


def _frame(reader):
    line = _head(reader.start, bytes(reader.buffer[:2]), True)
    try:
        line.update(describe(reader.start, reader.application()))
    except ProtocolError as error:
        line["error"] = str(error)
    return line


def _abandoned(reader):
    """What had begun when the bytes ended: a frame but for its stop byte, as some logs print it, or a part of one."""
    begun = _begun(reader)
    reader.feed(_STOP, 0, 1)
    if reader.event == FRAME:
        return {**_frame(reader), "error": _NO_STOP}
    return _head(*begun, None, _ENDS_INSIDE)


def _not_stuffed(data):
    """Yields (start, end, line) of frames as some programs print them: with their start and stop bytes, but the
    stuffing undone. What is read as a frame is none of them, and none goes over one."""
    starts = [pos for pos, byte in enumerate(data) if byte in (TO_METER, FROM_METER)]
    stops = []  # of each: where the next good frame begins, which may be itself
    following = len(data)
    for pos in reversed(starts):
        following = pos if _good(data[pos : pos + _LONGEST]) else following
        stops.append(following)
    rest = 0
    for start, stop in zip(starts, reversed(stops), strict=True):
        if start < rest:
            continue
        for end in range(start + 6, min(stop, start + MAX_FRAME + 2) + 1):
            if data[end - 1] == _STOP[0] and not crc16(data[start + 1 : end - 1], end - start - 2):
                wire = build(data[start], data[start + 1], data[start + 2 : end - 3])
                line = _frame(_good(wire))
                if "error" not in line:
                    yield start, end, {**line, "error": "not stuffed: it travels as %s" % wire.hex()}
                    rest = end
                    break


def _good(data):
    """The reader that found the frame with which some bytes begin; None where they do not."""
    reader = Reader()
    reader.feed(data, 0, len(data))
    return reader if reader.event == FRAME else None


def _outside(stray):
    """What stood outside frames: frames but for their start byte, and what is none."""
    left = bytearray()  # what is none, as it stood
    *pieces, last = bytes(stray).split(_STOP)
    for piece, stop in (*((one, _STOP) for one in pieces), (last, b"")):
        frame = _startless(piece, "start byte is" if stop else "start and stop bytes are")
        if not frame:
            left += piece + stop
            continue
        yield from _noise(left)
        left.clear()
        yield frame
    yield from _noise(left)
    stray.clear()


def _noise(stray):
    if stray and stray != b"\0":  # a meter may send a single 00 unasked (447 2)
        yield {"stray": stray.hex(), "error": "%d bytes outside any frame" % len(stray)}


def _startless(piece, missing):
    """A frame that begins with its address, its CRC fits. None for anything else."""
    reader = _good(bytes((FROM_METER,)) + piece.lstrip(b"\0") + _STOP)
    if not reader:
        return None
    line = _frame(reader)
    if "error" in line:  # nonsense as a reply: then it is a request
        reader.start = TO_METER
        line = _frame(reader)
    return {**line, "error": "the %s missing" % missing}
