# Light on a serial line: how long bytes take, what a receiver at another speed makes of them, and the bytes
# on their way in both directions. Pure: times are milliseconds from any start and come in from outside.
# Imports nothing of ours.

import heapq
from collections import deque

_BITS = 11  # start, 8 data, 2 stop (447 2)
_DATA_BITS = 8

# Bytes on their way to the meter. A head has one request under way, at most 518 bytes stuffed; a client of the
# TCP port that floods loses what is beyond a few of those.
_MAX_UNDER_WAY = 4096


def byte_ms(baud):
    """How long one byte takes."""
    return _BITS * 1000 / baud


def sample(data, from_baud, to_baud, stop_bits=2):
    """What a receiver at to_baud makes of bytes sent back to back at from_baud: [(ms after the first start
    bit when the byte is complete, byte)]. As a UART does: a falling edge starts a byte, the start bit must
    still be low in its middle, data bits are taken in their middles, a missing stop bit is not cared about."""
    bits = []
    for byte in data:
        bits.append(0)
        bits.extend(byte >> i & 1 for i in range(_DATA_BITS))
        bits.extend([1] * stop_bits)

    def level(at):  # at: bit times of the sender
        return bits[int(at)] if at < len(bits) else 1

    ratio = from_baud / to_baud  # one bit of the receiver, in bits of the sender
    out = []
    at = 0.0
    while at < len(bits):
        if level(at):  # idle: on to the next edge
            at = int(at) + 1.0
            continue
        if level(at + ratio / 2):  # too short for a start bit
            at += ratio / 2
            continue
        byte = 0
        for i in range(_DATA_BITS):
            byte |= level(at + (1.5 + i) * ratio) << i
        at += (1.5 + _DATA_BITS) * ratio  # the middle of the stop bit
        out.append(((at + ratio / 2) * 1000 / from_baud, byte))
        while at < len(bits) and not level(at):  # a missing stop bit: the next edge needs the line high first
            at = int(at) + 1.0
    return out


def garble(data, from_baud, to_baud, stop_bits=2):
    """The bytes of sample() without their times."""
    return bytes(byte for _, byte in sample(data, from_baud, to_baud, stop_bits))


class Line:
    """The bytes under way between head and meter.

    `meter_baud` and `head_baud` may differ: then each side hears what sample() says. With fast, light takes
    no time at all.
    """

    def __init__(self, meter_baud, fast):
        self.meter_baud = meter_baud
        self.head_baud = meter_baud
        self.dropped = 0  # bytes of a head that sent more than can be under way
        self._fast = fast
        self._to_meter = deque()  # (start, end, byte)
        self._free_at = 0  # when the head's last byte is out
        self._to_head = []  # heap of (end, sequence, byte)
        self._sequence = 0

    def byte_ms(self, baud):
        return 0 if self._fast else byte_ms(baud)

    def send(self, data, now_ms, echo):
        """The head sends; with echo it hears its own light."""
        room = _MAX_UNDER_WAY - len(self._to_meter)
        self.dropped += max(0, len(data) - room)
        data = data[:room]
        start = max(now_ms, self._free_at)
        each = self.byte_ms(self.meter_baud)
        for after, byte in self._timed(data, self.head_baud, self.meter_baud):
            self._to_meter.append((start + (after - each), start + after, byte))
        if echo:
            self.shine(data, start, self.head_baud)
        self._free_at = start + len(data) * self.byte_ms(self.head_baud)

    def shine(self, data, start, baud=None):
        """Light towards the head from `start` on, at the meter's baud if no other is said."""
        baud = baud or self.meter_baud
        for after, byte in self._timed(data, baud, self.head_baud):
            heapq.heappush(self._to_head, (start + after, self._sequence, byte))
            self._sequence += 1

    def next_to_meter(self):
        """When the next byte is complete at the meter, or None."""
        return self._to_meter[0][1] if self._to_meter else None

    def next_to_head(self):
        """When the next byte is complete at the head, or None."""
        return self._to_head[0][0] if self._to_head else None

    def take_to_meter(self):
        """(start, end, byte) of the byte that next_to_meter spoke of."""
        return self._to_meter.popleft()

    def take_to_head(self):
        """(end, byte) of the byte that next_to_head spoke of."""
        end, _, byte = heapq.heappop(self._to_head)
        return end, byte

    def _timed(self, data, from_baud, to_baud):
        """[(ms after the start, byte)] as the other side receives them."""
        if from_baud != to_baud:
            return [(0 if self._fast else after, byte) for after, byte in sample(data, from_baud, to_baud)]
        each = self.byte_ms(from_baud)
        return [((i + 1) * each, byte) for i, byte in enumerate(data)]
