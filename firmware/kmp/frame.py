# KMP frames: CRC, byte stuffing, building a frame, taking frames out of a stream of bytes.
# Imports nothing of ours, does no I/O and knows no clock. Promise: any bytes, fed whole or one by one,
# give the same events; the buffer never grows and nothing is allocated per byte.
# Rules: Kamstrup 5512-447 rev M1, 2 and 3.1-3.2.

import binascii

from micropython import const

crc_hqx = getattr(binascii, "crc_hqx", None)  # CPython has this CRC in C; MicroPython does not

TO_METER = const(0x80)  # start byte of a request
FROM_METER = const(0x40)  # start byte of a reply
_STOP = const(0x0D)
ACK = const(0x06)  # bare byte outside any frame: SetClock and PutRegister were carried out
_ESCAPE = const(0x1B)
_RESERVED = b"\x80\x40\x0d\x06\x1b"  # travel as 1B and their complement

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

_ERRORS = (
    "wrong CRC",
    "a byte that may not stand there (bad stuffing)",
    "longer than any KMP frame",
    "too short for address, command and CRC",
    "cut off by the start of another frame",
)

_IDLE = const(0)  # between frames
_INSIDE = const(1)
_ESCAPED = const(2)  # the byte before was 1B
_SKIP = const(3)  # this frame is lost: wait for its stop byte or the next start byte


class ProtocolError(Exception):
    """The other side broke the rules of KMP; the message says which."""


class UsageError(Exception):
    """The caller asked for what KMP cannot carry; the message says what would be right."""


# CRC-16, polynomial 1021, start 0, most significant bit first (447 3.2), four bits at a time.
_CRC_NIBBLE = (
    0x0000, 0x1021, 0x2042, 0x3063, 0x4084, 0x50A5, 0x60C6, 0x70E7,
    0x8108, 0x9129, 0xA14A, 0xB16B, 0xC18C, 0xD1AD, 0xE1CE, 0xF1EF,
)  # fmt: skip


def crc16_python(data, length):
    """CRC of data[:length]; over bytes that end in their own CRC it is 0."""
    crc = 0
    table = _CRC_NIBBLE
    i = 0
    while i < length:
        byte = data[i]
        crc = (crc << 4 & 0xFFFF) ^ table[(crc >> 12) ^ (byte >> 4)]
        crc = (crc << 4 & 0xFFFF) ^ table[(crc >> 12) ^ (byte & 15)]
        i += 1
    return crc


if crc_hqx:

    def crc16(data, length):
        """As crc16_python, in C."""
        return crc_hqx(memoryview(data)[:length], 0)

else:
    crc16 = crc16_python


def build(start, destination, application):
    """The bytes of a frame on the wire.

    start: TO_METER or FROM_METER; destination: 0-255; application: command and its data, 1-255 bytes.
    """
    if start != TO_METER and start != FROM_METER:
        raise UsageError("a frame starts with 80 or 40, not %02X" % start)
    n = len(application)
    if not 1 <= n <= MAX_FRAME - 3:
        raise UsageError("a frame carries 1 to %d application bytes, not %d" % (MAX_FRAME - 3, n))
    if not 0 <= destination <= 255:
        raise UsageError("a KMP address is 0 to 255, not %d" % destination)
    plain = bytearray(n + 3)
    plain[0] = destination
    plain[1 : n + 1] = application
    crc = crc16(plain, n + 1)
    plain[n + 1] = crc >> 8
    plain[n + 2 :] = bytes((crc & 0xFF,))
    out = bytearray(2 * (n + 3) + 2)  # stuffing can at most double a frame
    out[0] = start
    k = 1
    for byte in plain:
        if byte in _RESERVED:
            out[k] = _ESCAPE
            k += 1
            byte ^= 0xFF
        out[k] = byte
        k += 1
    out[k] = _STOP
    return bytes(memoryview(out)[: k + 1])


def error_text(event):
    """What was wrong with a frame, for an event from BAD_CRC to CUT."""
    return _ERRORS[event - BAD_CRC]


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
        self.acks = 0
        self.bad_crc = 0
        self.bad_escapes = 0
        self.overruns = 0
        self.short = 0
        self.cut = 0

    @property
    def address(self):
        """Address of the frame reported by FRAME."""
        return self.buffer[0]

    def application(self):
        """Command and data of the frame reported by FRAME: a view, valid until the next feed."""
        return memoryview(self.buffer)[1 : self.length - 2]

    def inside(self):
        """True while a frame from the meter has begun and not ended."""
        return self.start == FROM_METER and (self._state == _INSIDE or self._state == _ESCAPED)

    def reset(self):
        """Forget a half frame (the line was quiet for too long). Counters stay."""
        self._state = _IDLE
        self.length = 0

    def abandoned(self):
        """End of the stream: True when a frame had begun and not ended."""
        return self._state == _INSIDE or self._state == _ESCAPED

    def feed(self, data, pos, end):
        """Take data[pos:end] up to the byte that completes an event; return the position after it.

        `event` is NONE when all was taken and nothing completed.
        """
        buffer = self.buffer
        length = self.length
        state = self._state
        first = pos
        event = NONE
        while pos < end:
            byte = data[pos]
            pos += 1
            if state == _INSIDE:
                if byte not in _RESERVED:
                    if length == MAX_FRAME:
                        event = OVERRUN
                        state = _SKIP
                        break
                    buffer[length] = byte
                    length += 1
                    continue
                if byte == _ESCAPE:
                    state = _ESCAPED
                    continue
                if byte == _STOP:
                    state = _IDLE
                    if length < 4:
                        event = SHORT
                    elif crc16(buffer, length):
                        event = BAD_CRC
                    else:
                        event = FRAME
                    break
                if byte == ACK:
                    event = BAD_BYTE
                    state = _SKIP
                    break
                self.start = byte
                length = 0
                event = CUT
                break
            if state == _ESCAPED:
                if byte ^ 0xFF in _RESERVED:
                    if length == MAX_FRAME:
                        event = OVERRUN
                        state = _SKIP
                        break
                    buffer[length] = byte ^ 0xFF
                    length += 1
                    state = _INSIDE
                    continue
                event = BAD_BYTE
                if byte == TO_METER or byte == FROM_METER:
                    self.start = byte
                    length = 0
                    state = _INSIDE
                else:
                    state = _IDLE if byte == _STOP else _SKIP
                break
            # outside a frame
            if byte == TO_METER or byte == FROM_METER:
                self.start = byte
                length = 0
                state = _INSIDE
            elif state == _SKIP:
                if byte == _STOP:
                    state = _IDLE
            elif byte == ACK:
                event = ACKNOWLEDGE
                break
            else:
                self.stray += 1
        self.length = length
        self._state = state
        self.event = event
        self.bytes += pos - first
        if event:
            self._count(event)
        return pos

    def _count(self, event):
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
        else:
            self.cut += 1
