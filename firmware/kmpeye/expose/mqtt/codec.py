# MQTT 3.1.1 as bytes, what a broker sends: a reader of its packets; packets.py is the other half. No I/O, no clock;
# imports nothing of ours. Promises: any bytes give a packet or ValueError, whole or byte by byte; a packet that is
# longer than the buffer is taken to its end, and only its beginning is kept.

from micropython import const

# Types of packets (2.2.1), without flags.
_CONNACK = const(0x20)
_PUBLISH = const(0x30)
_PUBACK = const(0x40)
_SUBACK = const(0x90)
_PINGRESP = const(0xD0)

_QOS_1 = const(2)
_QOS_2 = const(4)
_RETAIN = const(1)
_KEPT = const(256)  # of a packet: our longest topic has some 150 bytes, a command fewer than ten
_SPARE = const(64)  # what is not kept comes in pieces of this
_LENGTH_SHIFTS = const(28)  # a length has at most four bytes of seven bits (2.2.3)


class Reader:
    """Takes the packets of a broker out of its bytes, which go into `room`. `whole`: a packet is there, until begin().
    kind: its type."""

    def __init__(self):
        self._buffer = memoryview(bytearray(_KEPT + _SPARE))
        self.begin()

    def begin(self):
        """The next byte is the first one of a packet."""
        self._first = self._length = self._shift = self._passed = 0
        self.whole = False
        self.room = self._buffer[:1]

    def took(self, count):
        """So many bytes are in `room`, one at least; from here on it is elsewhere."""
        if self._shift >= 0:
            byte = self._buffer[0]
            if not self._first:
                self._head(byte)
                return
            self._length |= (byte & 0x7F) << self._shift
            self._shift += 7
            if byte > 0x7F:
                if self._shift == _LENGTH_SHIFTS:
                    raise ValueError("the length of a packet has more than four bytes")
                return
            self._shift = -1
        else:
            self._passed += count
        passed = self._passed
        left = self._length - passed
        if left:
            start = min(passed, _KEPT)
            self.room = self._buffer[start : start + min(left, _KEPT - start or _SPARE)]
        else:
            self.whole = True
            self._check()

    def _head(self, byte):
        self._first = byte
        self.kind = byte & 0xF0
        if self.kind == _PUBLISH:
            if not byte & _QOS_2:  # never asked for; with QoS 1 it would be the QoS 3 that does not exist
                return
        elif byte in (_CONNACK, _PUBACK, _SUBACK, _PINGRESP):
            return
        raise ValueError("a packet begins with 0x%02x" % byte)

    def _check(self):
        length = self._length
        if self.kind == _PUBLISH:
            if length >= 2 and self._payload() <= length:
                return
        elif self.kind == _SUBACK:
            if length > 2:
                return
        elif length == (0 if self.kind == _PINGRESP else 2):
            return
        raise ValueError("a packet 0x%02x of %d bytes" % (self._first, length))

    def _payload(self):
        # Where it begins.
        return 2 + self.packet(0) + (2 if self._first & _QOS_1 else 0)

    def packet(self, at=0):
        """The number that PUBACK and SUBACK name."""
        return self._buffer[at] << 8 | self._buffer[at + 1]

    def body(self):
        """What is kept of the packet behind its length."""
        return bytes(self._buffer[: min(self._length, _KEPT)])

    def message(self):
        """PUBLISH: (topic, payload, packet number or 0 for QoS 0, whether it was waiting at the broker when we
        subscribed). payload is None when the packet is longer than the buffer; topic is None then too where it does
        not fit."""
        start = self._payload()
        packet = self.packet(start - 2) if self._first & _QOS_1 and start <= _KEPT else 0
        end = 2 + self.packet(0)
        body = self.body()
        topic = body[2:end] if end <= _KEPT else None
        payload = body[start:] if self._length <= _KEPT else None
        return topic, payload, packet, bool(self._first & _RETAIN)
