# A reply of 8 registers from the bytes on the wire to values, on CPython: PyKMP's time over ours, in one run.
# Imports the protocol package, PyKMP, figure and parts. Both must give the same values, or nothing is compared.

import sys
import time

from benchmarks.figure import Figure
from benchmarks.parts import Missing
from firmware_tree import FIRMWARE, ROOT

FIGURES = (Figure("decode_vs_pykmp", "PyKMP's time over ours, 8 registers on CPython", least=5),)

_ROUNDS = 15
_REPLIES = 200  # in a round: long enough for the clock, short enough that both see the same machine

# What a MULTICAL 601 answers to 60 68 1004 86 87 89 74 80: (id, unit, mantissa, exponent, bytes).
REGISTERS = (
    (60, 3, 309257, -3, 4),
    (68, 40, 785024, -2, 4),
    (1004, 46, 71268, 0, 4),
    (86, 37, 8613, -2, 4),
    (87, 37, 4127, -2, 4),
    (89, 38, 4486, -2, 4),
    (74, 41, 345, 0, 4),
    (80, 22, 179, -1, 4),
)


def protocol():
    """The firmware's protocol package, found as on the chip."""
    for folder in (FIRMWARE, ROOT / "tools" / "cpython"):
        if str(folder) not in sys.path:
            sys.path.append(str(folder))
    from kmp import command, frame, meter

    return command, frame, meter


def reply_on_the_wire():
    _, frame, meter = protocol()
    return frame.build(frame.FROM_METER, frame.METER, meter.register_reply(REGISTERS))


def ours():
    """A function from wire bytes to [(id, unit, mantissa, exponent)]."""
    command, frame, _ = protocol()
    reader = frame.Reader()

    def decode(wire):
        reader.feed(wire, 0, len(wire))
        if reader.event != frame.FRAME:
            raise ValueError("our reader found no frame in it: event %d" % reader.event)
        return command.read_registers(reader.application())

    return decode


def theirs():
    """A function from wire bytes to [(id, unit, Decimal)]."""
    try:
        from pykmp import client, codec, messages
    except ImportError as error:
        raise Missing("no PyKMP to compare with: run `make setup`") from error
    whole = client.ClientCodec()

    def decode(wire):
        encoded = client.EncodedClientResponse(physical_bytes=wire, request_cls=messages.GetRegisterRequest)
        registers = whole.decode(frame=encoded).registers
        return [(one.id_, one.unit, codec.FloatCodec.decode(one.value)) for one in registers.values()]

    return decode


def check_same(wire, decode_ours, decode_theirs):
    """The comparison is one only when both say the same."""
    mine = [(number, unit, mantissa, exponent) for number, unit, mantissa, exponent in decode_ours(wire)]
    other = [
        (number, unit, int(value.scaleb(-value.as_tuple().exponent)), value.as_tuple().exponent)
        for number, unit, value in decode_theirs(wire)
    ]
    if mine != other:
        raise ValueError("PyKMP and we read one reply differently:\n%s\n%s" % (other, mine))


def seconds(decode, wire):
    start = time.perf_counter()
    for _ in range(_REPLIES):
        decode(wire)
    return time.perf_counter() - start


def measure(rounds=_ROUNDS):
    wire = reply_on_the_wire()
    decode_ours, decode_theirs = ours(), theirs()
    check_same(wire, decode_ours, decode_theirs)
    # Interleaved, so that a busy machine slows both; the best of each is what the code can do.
    pairs = [(seconds(decode_theirs, wire), seconds(decode_ours, wire)) for _ in range(rounds)]
    return {"decode_vs_pykmp": min(pair[0] for pair in pairs) / min(pair[1] for pair in pairs)}
