# What is wrong when bytes come back and no frame: the speed, the data format, light and dark exchanged, or no meter at
# all but stray light. Knows kmp's frames. Loaded while a meter is garbled; the head then reads with a Listener.
# Promises a suspicion, not a proof: each rests on bytes that are known, the request just sent and how a reply begins.

from micropython import const

from kmp.command import get_register
from kmp.frame import FROM_METER, TO_METER, Reader, build

_MOST = const(64)  # bytes kept of a try: the longest request, stuffed, and how the reply begins
_ENOUGH = const(8)  # bytes that agree by chance once in 256 times
_BITS = const(11)  # start, 8 data, 2 stop


# What a Reader counts.
_COUNTERS = const(
    ("bytes", "stray", "echoes", "frames", "bad_crc", "bad_escapes", "overruns", "short", "cut")
)


class Listener(Reader):
    """A Reader that keeps what it heard. Put in the place of the line's for a reading."""

    def __init__(self):
        super().__init__()
        self.tries = []  # the bytes of each

    def reset(self):
        """The head does this before each try."""
        Reader.reset(self)
        self.tries.append(bytearray())

    def feed(self, data, pos, end):
        after = Reader.feed(self, data, pos, end)
        if self.tries:
            heard = self.tries[-1]
            heard.extend(data[pos : min(after, pos + _MOST - len(heard))])
        return after


def listen(line, close):
    """Give the line a new Listener, or a plain Reader again; what was counted goes on."""
    reader = Listener() if close else Reader()
    for name in _COUNTERS:
        setattr(reader, name, getattr(line.reader, name))
    line.reader = reader


def suspected(head, ids):
    """What is probably wrong, after a reading of these registers with a Listener; "" when too little was heard."""
    tries = head.line.reader.tries
    if len(tries) < 2:
        return ""
    return suspect(build(TO_METER, head.address, get_register(ids)), tries)


def suspect(request, tries):
    """What is probably wrong: "baud", "stop_bits", "inversion" or "noise".

    request: the frame that was sent; tries: the bytes heard after each time, two or more.
    """
    replies = []
    for heard in tries:
        heard = bytes(heard)
        for sent in (request, bytes((FROM_METER,)) + request[1:3]):
            image = _inverted(sent)
            if len(image) > 1 and image[:3] in heard:
                return "inversion"
        at = heard.find(request)
        replies.append(heard if at < 0 else heard[at + len(request) :])
    every = b"".join(replies)
    if len(every) >= _ENOUGH and (max(every) < 128 or not any(_ones(byte) & 1 for byte in every)):
        return "stop_bits"  # bit 7 is always 0, or always makes the ones even: 7 bits with parity
    # The same question has the same answer, at least how it begins, at whatever speed; stray light does not repeat.
    begins = [one[:2] for one in replies if len(one) > 1]
    return "baud" if len(begins) > 1 and begins.count(begins[0]) == len(begins) else "noise"


def _ones(byte):
    count = 0
    while byte:
        byte &= byte - 1
        count += 1
    return count


def _inverted(data):
    """The bytes that a receiver makes of data when dark is light for it and it was idle: a start bit is the first
    dark after light, the eight bits after it are the byte."""
    bits = 0  # one integer, first bit lowest; the sender's dark (1) is the receiver's start
    for i, byte in enumerate(data):
        bits |= (byte << 1 | 3 << _BITS - 2) << i * _BITS
    end = len(data) * _BITS
    out = bytearray()
    at = 0
    while True:
        # To the next edge from the receiver's 1 (the sender's 0) to its 0.
        while at < end and bits >> at & 1:
            at += 1
        while at < end and not bits >> at & 1:
            at += 1
        if at + _BITS - 2 > end:
            return bytes(out)
        out.append(~(bits >> at + 1) & 0xFF)
        at += _BITS - 2
