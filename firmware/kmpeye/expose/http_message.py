# One request and its reply, as a handler sees them: for http.py, which keeps one pair a connection.
# Imports http_parse (the head) and tcp (the socket); json and os in the calls that need them.
# Promises: request and reply share one fixed buffer, read first and then written; nothing of a reply
# is held beyond it, small pieces leave together, and every wait has a deadline.

from kmpeye.expose import tcp
from kmpeye.expose.http_parse import Head, Refusal

# Sent with everything. The page has no inline script or style and asks nobody but this device.
# There are no reason phrases: no client reads them, HTTP/2 dropped them, and the body says more.
ALWAYS = (
    b"\r\nConnection: close\r\nX-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n"
    b"Content-Security-Policy: default-src 'self'; img-src 'self' data:; base-uri 'none'; "
    b"form-action 'self'; frame-ancestors 'none'\r\nContent-Type: "
)
_NO_STORE = ("Cache-Control: no-store",)


class Gone(Exception):
    """The client has ended or reset the connection: nobody is left to answer."""


class Request(Head):
    """What a handler is given: method, path, query, header(name), await body(limit). Holds the connection."""

    def __init__(self, reply_s):
        super().__init__()
        self._reply_s = reply_s
        self.socket = None
        self.task = None

    def clear(self):
        super().clear()
        self.endless = False
        self.overdue = False
        self.reading = True  # a deadline that strikes now is the client's: 408
        self.deadline_in(0)

    def close(self):
        if self.socket:
            self.socket.close()
        self.socket = self.task = None

    def deadline_in(self, seconds):
        """Cancel the task after so many seconds; 0: never."""
        self._left = seconds + 1 if seconds else 0  # the running second counts for nothing: never early

    def tick(self):
        """Called once a second by the server: one task for all deadlines, no timer a wait."""
        if self._left:
            self._left -= 1
            if not self._left:
                self.overdue = True
                self.task.cancel()

    async def body(self, limit):
        """The whole body, at most `limit` bytes (413). Before response.start(): both use one buffer."""
        size = self.body_size
        if size > limit:
            raise Refusal(413, "the body is larger than %d bytes" % limit)
        body = bytearray(size)
        rest = self.rest()[:size]
        at = len(rest)
        body[:at] = rest
        view = memoryview(body)
        while at < size:
            at += await self.receive(view[at:])
        self.answering()
        return body

    def answering(self):
        """The request has been read; from now on the deadline is for the reply."""
        self.reading = False
        self.deadline_in(self._reply_s)

    async def receive(self, view):
        """Bytes read into view, at least one."""
        count = None
        try:
            while count is None:
                count = tcp.receive(self.socket, view)
                if count is None:
                    await tcp.readable(self.socket)
        except OSError:
            pass
        if not count:
            raise Gone
        return count

    async def transmit(self, view):
        """Send all of view; each piece the network takes renews the deadline."""
        at = 0
        try:
            while at < len(view):
                self.answering()
                count = tcp.transmit(self.socket, view[at:])
                if count is None:
                    await tcp.writable(self.socket)
                else:
                    at += count
        except OSError:
            raise Gone
        if self.endless:
            self.deadline_in(0)


class Response:
    """What a handler answers with: send() or file() at once, or start(), write() or stream(), flush()."""

    def __init__(self, request):
        self._request = request
        self._view = request.view  # the request has been read: its buffer now gathers the reply
        self.clear()

    def clear(self):
        self.status = 0  # 0: not started
        self.sent = False  # has anything left this device?
        self._fill = 0
        self._mute = False  # HEAD, 304: no body

    async def send(self, status, content_type, body, headers=_NO_STORE):
        """The whole reply at once; body is str or bytes."""
        if isinstance(body, str):
            body = body.encode()
        await self.start(status, content_type, headers, len(body))
        await self.write(body)

    async def start(self, status, content_type, headers=_NO_STORE, size=None, endless=False):
        """Begin a reply; headers are lines. endless: it may stay open (events), the deadline is per flush."""
        if self.status:
            raise RuntimeError("the reply has already been started")
        self.status = status
        self._request.endless = endless
        pieces = [b"HTTP/1.1 %d " % status, ALWAYS, content_type]
        for line in headers:
            pieces.append(b"\r\n")
            pieces.append(line)
        if size is not None:
            pieces.append(b"\r\nContent-Length: %d" % size)
        pieces.append(b"\r\n\r\n")
        await self.stream(pieces)
        self._mute = status == 304 or self._request.method == "HEAD"

    async def write(self, data):
        """Gather str or bytes; sent when the buffer is full, at flush() and at the end."""
        await self.stream((data,))

    async def stream(self, pieces):
        """Gather every piece (str or bytes) of an iterable: one call, so a piece costs next to nothing."""
        view = self._view
        if self._mute:
            return
        for piece in pieces:
            if isinstance(piece, str):
                piece = piece.encode()
            while self._fill + len(piece) >= len(view):
                room = len(view) - self._fill
                view[self._fill :] = piece[:room]
                self._fill = len(view)
                await self.flush()
                piece = piece[room:]
            end = self._fill + len(piece)
            view[self._fill : end] = piece
            self._fill = end

    async def flush(self):
        """Send what has been gathered."""
        if self._fill:
            self.sent = True
            await self._request.transmit(self._view[: self._fill])
            self._fill = 0

    async def refuse(self, refusal):
        """Forget what has been gathered and answer with one sentence."""
        import json

        self.clear()
        body = json.dumps({"error": refusal.text})
        await self.send(refusal.status, "application/json", body, _NO_STORE + refusal.headers)
        await self.flush()

    async def file(self, path, content_type):
        """Send a file, or path.gz where that is stored; asked again it costs one short reply (ETag)."""
        packed = _stat(path + ".gz")
        stat = None
        if not packed or not self._request.accepts_gzip():
            stat = _stat(path)
            if packed and not stat:
                raise Refusal(406, "this is stored gzipped only; send Accept-Encoding: gzip")
            packed = None
        stat = stat or packed
        if not stat:
            raise Refusal(404, "the file is missing on the device; deploy it again")
        with open(path + ".gz" if packed else path, "rb") as stored:
            if packed:
                stored.seek(
                    -8, 2
                )  # a gzip file ends with the CRC and size of its content: a tag without a clock
                tag = stored.read(8).hex()
                stored.seek(0)
            else:
                tag = "%x-%x" % (stat[6], stat[8])
            headers = ["Cache-Control: no-cache", "Vary: Accept-Encoding", 'ETag: "' + tag + '"']
            if tag in (self._request.header("if-none-match") or ""):
                return await self.start(304, content_type, headers)
            if packed:
                headers.append("Content-Encoding: gzip")
            await self.start(200, content_type, headers, stat[6])
            await self.flush()
            while not self._mute:
                self._fill = stored.readinto(self._view)
                if not self._fill:
                    break
                await self.flush()


def _stat(path):
    import os

    try:
        return os.stat(path)
    except OSError:
        return None
