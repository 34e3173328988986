# What the tests of firmware/kmp share: hex to bytes, a stream to its events, a call to its refusal.
# Imports kmp.frame only; runs on CPython and on MicroPython alike.

from binascii import unhexlify

from kmp.frame import FRAME, NONE

# Every counter of kmp.frame.Reader.
COUNTERS = (
    "bytes",
    "stray",
    "echoes",
    "frames",
    "acks",
    "bad_crc",
    "bad_escapes",
    "overruns",
    "short",
    "cut",
)


def wire(text):
    """ "40 3F 0D" as bytes."""
    return unhexlify(text.replace(" ", ""))


def events(reader, data, sizes=(0,)):
    """What the reader reports for data, fed in chunks of these sizes in turn (0: all that is left).

    A list of (FRAME, start byte, address, application) and (event,).
    """
    out = []
    begin = turn = 0
    while begin < len(data):
        size = sizes[turn % len(sizes)]
        turn += 1
        end = min(begin + size, len(data)) if size else len(data)
        while begin < end:
            begin = reader.feed(data, begin, end)
            if reader.event == FRAME:
                out.append((FRAME, reader.start, reader.address, bytes(reader.application())))
            elif reader.event != NONE:
                out.append((reader.event,))
    return out


def counted(reader):
    """{counter: number} of the counters that are not 0, the number of bytes left out."""
    return {name: getattr(reader, name) for name in COUNTERS[1:] if getattr(reader, name)}


def refusal(error, function, *arguments):
    """The message of the error that the call has to raise; any other outcome fails the test."""
    try:
        result = function(*arguments)
    except error as refused:
        return str(refused)
    raise AssertionError("%r was let through and gave %r" % (arguments, result))
