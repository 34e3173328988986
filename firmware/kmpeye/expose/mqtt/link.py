# One connection to a broker: pieces of text go out through a small buffer, packets come in as they are there.
# Imports the codec and host; the socket and the clock come in. Promises: no wait is longer than patience_ms without
# a byte moving, and the loop gets its turn after every buffer that was sent.

from micropython import const

from kmpeye.expose.mqtt.codec import Reader

_OUT = const(256)  # a component of Home Assistant's has some 250 bytes; TLS adds 29 to each buffer
_IN = const(128)
_STEP_MS = const(20)


class Link:
    def __init__(self, clock, patience_ms):
        self._clock = clock
        self.patience_ms = patience_ms
        self.sock = None
        self.reader = None
        self.heard = self.said = 0  # ticks of the last bytes that came and went
        self._out = bytearray(_OUT)
        self._in = bytearray(_IN)
        self._end = self._pos = self._count = 0

    def begin(self, sock):
        self.sock = sock
        self.reader = Reader()
        self.heard = self.said = self._clock.ticks()
        self._end = self._pos = self._count = 0

    def close(self):
        if self.sock:
            self.sock.close()
            self.sock = self.reader = None

    def packet(self):
        """True when a whole packet is in reader, False when there is none yet. OSError: the broker has gone."""
        while not self._take():
            self._pos = self._count = 0
            count = self.sock.readinto(self._in)
            if count is None:
                return False
            if not count:
                raise OSError("the broker closed the connection")
            self._count = count
            self.heard = self._clock.ticks()
        return True

    def _take(self):
        reader = self.reader
        while self._pos < self._count:
            self._pos = reader.feed(self._in, self._pos, self._count)
            if reader.whole:
                return True
        return False

    async def write(self, pieces):
        """Send every piece (text or bytes) of an iterable, as far as the buffer fills; flush() sends the rest."""
        for piece in pieces:
            if isinstance(piece, str):
                piece = piece.encode()
            at = 0
            while at < len(piece):
                count = min(len(piece) - at, _OUT - self._end)
                self._out[self._end : self._end + count] = piece[at : at + count]
                self._end += count
                at += count
                if self._end == _OUT:
                    await self.flush()

    async def flush(self):
        clock = self._clock
        data = memoryview(self._out)[: self._end]
        self._end = 0
        start = clock.ticks()
        while data:
            count = self.sock.write(data)
            if count:
                data = data[count:]
                start = clock.ticks()
                await clock.sleep_ms(0)
            elif clock.since(start) > self.patience_ms:
                raise OSError("the broker takes nothing any more")
            else:
                await clock.sleep_ms(_STEP_MS)
        self.said = clock.ticks()
