# MQTT 3.1.1 as bytes, what a client sends, and what a broker's refusals mean. No I/O; imports nothing of ours. Loaded
# while something is sent. Promises: a publication goes out in pieces of one small buffer, however long it is.

from micropython import const

_CONNACK = const(0x20)
_DUP = const(8)
_QOS_1 = const(2)
_RETAIN = const(1)
_PIECE = const(256)  # a component of Home Assistant's has some 250 bytes; TLS adds 29 to each piece

# What a broker says to CONNECT, by its code less 1 (3.2.2.3).
_REFUSALS = const(
    "the broker does not speak MQTT 3.1.1|the broker refuses our client id|the broker is not available|"
    "user name or password is wrong|the broker does not let this user in"
)


def _text(text):
    data = text.encode()
    return len(data).to_bytes(2, "big") + data


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
    body = b"\0\x04MQTT\x04" + bytes((flags,)) + keep_alive_s.to_bytes(2, "big") + body
    return _head(0x10, len(body)) + body


def subscribe(packet, topics):
    """SUBSCRIBE with QoS 1."""
    body = packet.to_bytes(2, "big")
    for topic in topics:
        body += _text(topic) + b"\x01"
    return _head(0x82, len(body)) + body


def publish(topic, size, packet=0, retain=False, dup=False):
    """What stands before the `size` bytes of a payload. packet: its number for QoS 1, 0 for QoS 0."""
    kind = 0x30 | (_RETAIN if retain else 0)
    body = _text(topic)
    if packet:
        kind |= _QOS_1 | (_DUP if dup else 0)
        body += packet.to_bytes(2, "big")
    return _head(kind, len(body) + size) + body


def filled(head, texts):
    """Yields head and the texts as views of one buffer: send each before the next is asked for."""
    buffer = memoryview(bytearray(_PIECE))
    end = 0
    piece = head
    texts = iter(texts)
    while piece is not None:
        at = 0
        while at < len(piece):
            count = min(len(piece) - at, _PIECE - end)
            buffer[end : end + count] = piece[at : at + count]
            end += count
            at += count
            if end == _PIECE:
                yield buffer
                end = 0
        piece = next(texts, None)
        if piece is not None:
            piece = piece.encode()
    if end:
        yield buffer[:end]


def refusal(kind, body):
    """What a CONNACK or SUBACK says, as a sentence; None where it is yes."""
    if kind == _CONNACK:
        code = body[1]
        said = _REFUSALS.split("|")
        if code > len(said):
            return "the broker refuses us (%d)" % code
        return said[code - 1] if code else None
    return "the broker refuses a subscription" if 0x80 in body[2:] else None
