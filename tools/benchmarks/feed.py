# What the frame reader allocates per byte of line, with the chip's object sizes: nothing may, or the collector
# would run while the meter is talking. Imports decode (its reply), figure and parts.

from benchmarks.decode import reply_on_the_wire
from benchmarks.figure import Figure
from benchmarks.parts import micropython, run_on_micropython

FIGURES = (Figure("alloc_per_byte", "bytes of heap per byte fed to the frame reader, 32 bits", most=0),)

_BYTES = 200_000  # half an hour of uninterrupted line


def stream():
    """A reply, an echo, a reply with a wrong CRC, one that is cut off, strays between them."""
    reply = reply_on_the_wire()
    broken = reply[:20] + bytes((reply[20] ^ 1,)) + reply[21:]
    echo = bytes.fromhex("80 3F 10 01 00 44 4D C0 0D")
    return b"\0".join((reply, echo, broken, reply[:30], echo, b"\xff\x06"))


def measure():
    seen = run_on_micropython(micropython(32), "feed", (_BYTES,), timeout_s=120, stdin=stream().hex())
    if not seen["frames"] or not seen["bad_crc"]:
        raise RuntimeError("the reader saw no frames in the stream it was fed: %s" % seen)
    return {"alloc_per_byte": seen["allocated"] / seen["fed"]}
