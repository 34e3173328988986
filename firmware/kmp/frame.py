# KMP frames: CRC, byte stuffing, building a frame, taking frames out of a stream of bytes.
# Imports nothing of ours, does no I/O and knows no clock. Promise: any bytes, fed whole or one by one,
# give the same events; the buffer never grows and nothing is allocated per byte.
# Rules: Kamstrup 5512-447 rev M1, 2 and 3.1-3.2.

from micropython import const

try:
    from binascii import crc_hqx  # type: ignore[attr-defined]  # in C on CPython; MicroPython has none
except ImportError:
    crc_hqx = None

TO_METER = const(0x80)  # start byte of a request
FROM_METER = const(0x40)  # start byte of a reply
_STOP = const(0x0D)
ACK = const(0x06)  # bare byte outside any frame: SetClock and PutRegister were carried out
_ESCAPE = const(0x1B)
_RESERVED = const(b"\x80\x40\x0d\x06\x1b")  # travel as 1B and their complement

METER = const(0x3F)  # destination: the meter itself
LOGGER_TOP = const(0x7F)  # destination: logger top module, and the logger of MULTICAL 801
LOGGER_BASE = const(0xBF)  # destination: logger base module

# Bytes between start and stop, unstuffed: destination, at most 255 application bytes (the log commands
# carry their limit in one byte, 447 6.3; the longest seen on a real meter is 241) and two of CRC.
MAX_FRAME = const(258)

# What Reader.feed reports.
NONE = const(0)  # all bytes taken, nothing complete yet
FRAME = const(1)  # a frame with the right CRC
ACKNOWLEDGE = const(2)  # a bare 06 outside a frame
BAD_CRC = const(3)
BAD_BYTE = const(4)  # 1B before a byte it cannot escape, or a bare 06 inside a frame
OVERRUN = const(5)  # longer than the buffer: no KMP device sends that
SHORT = const(6)  # complete, but too short for destination, command and CRC
CUT = const(7)  # a new frame began before this one ended

_IDLE = const(0)  # between frames
_SKIP = const(1)  # this frame is lost: wait for its stop byte or the next start byte
_INSIDE = const(2)
_ESCAPED = const(3)  # inside, and the byte before was 1B


class ProtocolError(Exception):
    """The other side broke the rules of KMP; the message says which."""


class UsageError(Exception):
    """The caller asked for what KMP cannot carry; the message says what would be right."""


def crc16(data, length):
    """CRC-16 of data[:length], polynomial 1021, start 0, most significant bit first (447 3.2). Over bytes that
    end in their own CRC it is 0."""
    if crc_hqx:
        return crc_hqx(memoryview(data)[:length], 0)
    crc = 0
    i = 0
    while i < length:
        # What the eight shifts of a byte do to the rest, all at once: the polynomial has the bits 12, 5 and 0.
        mixed = crc >> 8 ^ data[i]
        mixed ^= mixed >> 4
        crc = (crc << 8 ^ mixed << 12 ^ mixed << 5 ^ mixed) & 0xFFFF
        i += 1
    return crc


def build(start, destination, application):
    """The bytes of a frame on the wire. start: TO_METER or FROM_METER; application: command and its data."""
    n = len(application)
    if start & 0x3F or not start or not 0 <= destination <= 255 or not 1 <= n <= MAX_FRAME - 3:
        raise UsageError(
            "a frame has the start 80 or 40, an address of 0 to 255 and 1 to 255 application bytes; not %02X, %d and %d"
            % (start, destination, n)
        )
    plain = bytearray((destination,))
    plain.extend(application)
    crc = crc16(plain, n + 1)
    plain.extend(bytes((crc >> 8, crc & 0xFF)))
    out = bytearray((start,))
    for byte in plain:
        if byte in _RESERVED:
            out.append(_ESCAPE)
            byte ^= 0xFF
        out.append(byte)
    out.append(_STOP)
    return bytes(out)


class Reader:
    """Takes frames out of a stream. One per line; holds one frame at a time in a fixed buffer.

    Feed it and look at `event` after each call:

        pos = 0
        while pos < n:
            pos = reader.feed(chunk, pos, n)
            if reader.event == FRAME: ... reader.start, reader.address, reader.application()

    The counters live as long as the line and are what the diagnosis reads.
    """

    def __init__(self):
        self.buffer = bytearray(MAX_FRAME)
        self.length = 0  # bytes in the buffer: address, application, CRC
        self.start = 0  # start byte of the frame in the buffer
        self.event = NONE
        self._state = _IDLE
        self.bytes = 0  # every byte fed
        self.stray = 0  # bytes outside frames, acknowledges left out
        self.echoes = 0  # good frames towards the meter: our own light, or another master
        self.frames = 0  # good frames from the meter
        self.acks = self.bad_crc = self.bad_escapes = self.overruns = self.short = self.cut = 0

    @property
    def address(self):
        """Address of the frame reported by FRAME."""
        return self.buffer[0]

    def application(self):
        """Command and data of the frame reported by FRAME: a view, valid until the next feed."""
        return memoryview(self.buffer)[1 : self.length - 2]

    def abandoned(self):
        """At the end of the stream: True when a frame had begun and not ended."""
        return self._state >= _INSIDE

    def inside(self):
        """True while a frame from the meter has begun and not ended."""
        return self.start == FROM_METER and self._state >= _INSIDE

    def reset(self):
        """Forget a half frame (the line was quiet for too long). Counters stay."""
        self._state = _IDLE
        self.length = 0

    def feed(self, data, pos, end):
        """Take data[pos:end] up to the byte that completes an event; return the position after it.

        `event` is NONE when all was taken and nothing completed.
        """
        buffer = self.buffer
        length = self.length
        state = self._state
        first = pos
        event = NONE
        while pos < end and not event:
            byte = data[pos]
            pos += 1
            if state == _INSIDE and byte not in _RESERVED:
                if length == MAX_FRAME:
                    event = OVERRUN
                    state = _SKIP
                else:
                    buffer[length] = byte
                    length += 1
            elif byte == TO_METER or byte == FROM_METER:
                if state >= _INSIDE:
                    event = CUT if state == _INSIDE else BAD_BYTE
                self.start = byte
                length = 0
                state = _INSIDE
            elif state == _IDLE:
                if byte == ACK:
                    event = ACKNOWLEDGE
                else:
                    self.stray += 1
            elif byte == _STOP:
                if state == _INSIDE:
                    event = SHORT if length < 4 else BAD_CRC if crc16(buffer, length) else FRAME
                elif state == _ESCAPED:
                    event = BAD_BYTE
                state = _IDLE
            elif state == _INSIDE and byte == _ESCAPE:
                state = _ESCAPED
            elif state == _ESCAPED and byte ^ 0xFF in _RESERVED:
                if length == MAX_FRAME:
                    event = OVERRUN
                    state = _SKIP
                else:
                    buffer[length] = byte ^ 0xFF
                    length += 1
                    state = _INSIDE
            elif state != _SKIP:
                event = BAD_BYTE
                state = _SKIP
        self.length = length
        self._state = state
        self.event = event
        self.bytes += pos - first
        if event == FRAME:
            if self.start == FROM_METER:
                self.frames += 1
            else:
                self.echoes += 1
        elif event == ACKNOWLEDGE:
            self.acks += 1
        elif event == BAD_CRC:
            self.bad_crc += 1
        elif event == BAD_BYTE:
            self.bad_escapes += 1
        elif event == OVERRUN:
            self.overruns += 1
        elif event == SHORT:
            self.short += 1
        elif event:
            self.cut += 1
        return pos
