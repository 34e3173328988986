# An MQTT broker in invented time, instead of the socket that the client would open: what it took and acknowledged, and
# the ways in which one goes away. Imports nothing. Promises: a client that sends what MQTT 3.1.1 does not have
# fails the soak.

CONNECT, PUBLISH, SUBSCRIBE, PINGREQ, DISCONNECT = 0x10, 0x30, 0x82, 0xC0, 0xE0
_UNHEARD_MS = 10000  # so long a connection is tried that nobody answers
_MOST = 4096  # bytes that wait in one connection: a client that goes on although nobody takes them


class Broker:
    """published: (topic, payload, retain) of all that came whole is given to it; connections: how often a client came.
    gone(): how it is away now, "refuses" or "mute", or None."""

    def __init__(self, gone, published):
        self.gone = gone
        self.published = published
        self.connections = 0

    async def open_socket(self, app, port, tls):
        """As kmpeye.expose.mqtt.host has it."""
        how = self.gone()
        if how == "mute":
            await app.clock.sleep_ms(_UNHEARD_MS)
        if how:
            raise OSError("there is no broker")
        self.connections += 1
        return Socket(self)


class Socket:
    """One connection. It ends with the first trouble, as the other end's memory of it does."""

    def __init__(self, broker):
        self._broker = broker
        self._came = bytearray()  # not yet a whole packet
        self._leaves = bytearray()
        self._mute = False
        self._closed = False

    def _lost(self):
        """Whether nothing comes from the other end any more. OSError: it said that it goes."""
        how = self._broker.gone()
        if how == "refuses":
            self._closed = True
        self._mute = self._mute or how == "mute"
        if self._closed:
            raise OSError("connection reset")
        return self._mute

    def readinto(self, view):
        if self._lost() or not self._leaves:
            return None
        count = min(len(view), len(self._leaves))
        view[:count] = self._leaves[:count]
        self._leaves = self._leaves[count:]
        return count

    def write(self, data):
        if self._lost() and len(self._came) + len(data) > _MOST:
            return None
        self._came.extend(data)
        while not self._mute and self._packet():
            pass
        return len(data)

    def close(self):
        self._closed = True

    def _packet(self):
        """Take a whole packet. False: there is none yet."""
        came = self._came
        length = shift = 0
        for at in range(1, min(len(came), 5)):
            length |= (came[at] & 0x7F) << shift
            shift += 7
            if came[at] < 0x80:
                break
        else:
            return False
        if len(came) <= at + length:
            return False
        self._take(came[0], bytes(came[at + 1 : at + 1 + length]))
        self._came = came[at + 1 + length :]
        return True

    def _take(self, first, body):
        if first == CONNECT:
            self._leaves.extend(b"\x20\x02\0\0")
        elif first == SUBSCRIBE:
            self._leaves.extend(b"\x90\x03" + body[:2] + b"\x01")
        elif first == PINGREQ:
            self._leaves.extend(b"\xd0\0")
        elif first == DISCONNECT:
            self._closed = True
        else:
            assert first & 0xF0 == PUBLISH, first
            end = 2 + int.from_bytes(body[:2], "big")
            topic = body[2:end].decode()
            if first & 6:
                self._leaves.extend(b"\x40\x02" + body[end : end + 2])
                end += 2
            self._broker.published(topic, body[end:], first & 1)
