# MQTT 3.1.1 as bytes: the packets a client sends, and a reader of those a broker sends. No I/O, no clock; imports
# nothing of ours. Promises: any bytes give a packet or Broken, whole or byte by byte; a packet that is longer than
# the buffer is taken to its end, and only its beginning is kept.

from micropython import const

CONNACK = const(0x20)
PUBLISH = const(0x30)
PUBACK = const(0x40)
SUBACK = const(0x90)
PINGRESP = const(0xD0)

PINGREQ = b"\xc0\0"
DISCONNECT = b"\xe0\0"

_DUP = const(8)
_QOS_1 = const(2)
_QOS_2 = const(4)
_RETAIN = const(1)
_KEPT = const(256)  # of a packet: our longest topic has some 150 bytes, a command fewer than ten
_LENGTH_SHIFTS = const(28)  # a length has at most four bytes of seven bits (2.2.3)

# What a broker says to CONNECT, by its code less 1 (3.2.2.3).
_REFUSALS = const(
    (
        "the broker does not speak MQTT 3.1.1",
        "the broker refuses our client id",
        "the broker is not available",
        "user name or password is wrong",
        "the broker does not let this user in",
    )
)


class Broken(Exception):
    """What the broker sent is not MQTT, or says no; the message is a sentence."""


def _text(text):
    data = text.encode()
    return len(data).to_bytes(2, "big") + data


def _packet(kind, body):
    return _head(kind, len(body)) + body


def _head(kind, length):
    head = bytearray((kind,))
    while True:
        head.append(length & 0x7F | (0x80 if length > 0x7F else 0))
        length >>= 7
        if not length:
            return bytes(head)


def connect(client, keep_alive_s, will_topic, will, user, password):
    """CONNECT for a clean session; the will is retained and has QoS 1. user and password may be None."""
    flags = 0x2E
    body = _text(client) + _text(will_topic) + _text(will)
    if user is not None:
        flags |= 0x80
        body += _text(user)
        if password is not None:  # without a user there is none (3.1.2.9)
            flags |= 0x40
            body += _text(password)
    return _packet(0x10, b"\0\x04MQTT\x04" + bytes((flags,)) + keep_alive_s.to_bytes(2, "big") + body)


def publish(topic, size, packet=0, retain=False, dup=False):
    """What stands before the `size` bytes of a payload. packet: its number for QoS 1, 0 for QoS 0."""
    kind = PUBLISH | (_RETAIN if retain else 0)
    body = _text(topic)
    if packet:
        kind |= _QOS_1 | (_DUP if dup else 0)
        body += packet.to_bytes(2, "big")
    return _head(kind, len(body) + size) + body


def subscribe(packet, topics):
    """SUBSCRIBE with QoS 1."""
    body = packet.to_bytes(2, "big")
    for topic in topics:
        body += _text(topic) + b"\x01"
    return _packet(0x82, body)


def puback(packet):
    return b"\x40\x02" + packet.to_bytes(2, "big")


class Reader:
    """Takes the packets of a broker out of its bytes. `whole`: one is there, until the next feed()."""

    def __init__(self):
        self._buffer = bytearray(_KEPT)
        self.kind = 0  # of the packet, without flags
        self.retained = False  # a PUBLISH that was waiting at the broker when we subscribed
        self.whole = False
        self._start()

    def _start(self):
        self._first = self._length = self._shift = self._passed = 0
        self.whole = False

    def feed(self, data, pos, end):
        """Take bytes of data from pos; the place behind the last one taken: end, or that of a whole packet."""
        if self.whole:
            self._start()
        while self._shift >= 0:
            if pos == end:
                return pos
            byte = data[pos]
            pos += 1
            if not self._first:
                self._begin(byte)
                continue
            self._length |= (byte & 0x7F) << self._shift
            self._shift += 7
            if byte < 0x80:
                self._shift = -1
            elif self._shift == _LENGTH_SHIFTS:
                raise Broken("the length of a packet has more than four bytes")
        take = min(end - pos, self._length - self._passed)
        keep = min(take, _KEPT - self._passed)
        if keep > 0:
            self._buffer[self._passed : self._passed + keep] = data[pos : pos + keep]
        self._passed += take
        if self._passed == self._length:
            self.whole = True
            self._check()
        return pos + take

    def _begin(self, byte):
        self._first = byte
        self.kind = byte & 0xF0
        flags = byte & 0x0F
        if self.kind == PUBLISH:
            self.retained = bool(flags & _RETAIN)
            if not flags & _QOS_2:  # never asked for; with QoS 1 it would be the QoS 3 that does not exist
                return
        elif not flags and self.kind in (CONNACK, PUBACK, SUBACK, PINGRESP):
            return
        raise Broken("a packet begins with 0x%02x" % byte)

    def _check(self):
        length = self._length
        if self.kind == PUBLISH:
            if length >= 2 and self._payload() <= length:
                return
        elif self.kind == SUBACK:
            if length > 2:
                return
        elif length == (0 if self.kind == PINGRESP else 2):
            return
        raise Broken("a packet 0x%02x of %d bytes" % (self._first, length))

    def _payload(self):
        # Where it begins.
        return 2 + self.packet(0) + (2 if self._first & _QOS_1 else 0)

    def packet(self, at=0):
        """The number that PUBACK and SUBACK name."""
        return self._buffer[at] << 8 | self._buffer[at + 1]

    def refused(self):
        """CONNACK or SUBACK: a sentence, or None."""
        if self.kind == CONNACK:
            code = self._buffer[1]
            if not code:
                return None
            return _REFUSALS[code - 1] if code <= len(_REFUSALS) else "the broker refuses us (%d)" % code
        if self._buffer.find(b"\x80", 2, min(self._length, _KEPT)) >= 0:
            return "the broker refuses a subscription"
        return None

    def message(self):
        """PUBLISH: (topic, payload, packet number or 0 for QoS 0). payload is None when the packet is longer than the
        buffer; topic is None then too where it does not fit."""
        start = self._payload()
        packet = self.packet(start - 2) if self._first & _QOS_1 and start <= _KEPT else 0
        end = 2 + self.packet(0)
        topic = bytes(self._buffer[2:end]) if end <= _KEPT else None
        payload = bytes(self._buffer[start : self._length]) if self._length <= _KEPT else None
        return topic, payload, packet
