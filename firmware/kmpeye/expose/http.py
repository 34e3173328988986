# A small HTTP/1.1 server: bounded requests, streamed replies, one exchange a connection.
# Imports tcp (sockets); knows no reading, and asks `access` who may do what. Parsing is pure: Exchange.feed().
# Promises: at most three connections at a time, each with one fixed buffer; every wait for a client has a
# deadline; every connection ends with a closed socket; nothing a client sends raises out of a task.

import asyncio
import gc
from json import dumps, loads

from micropython import const

from kmpeye.expose import tcp

_PLACES = const(3)  # connections; each takes about 2 KiB while it lasts
# One line of a head (our longest address has 60 bytes), or the body, or the reply's next bytes.
_BUFFER = const(1024)
_HEAD_MAX = const(4096)  # all lines together: a browser sends 600-900 bytes, more with cookies of other sites
_FIRST_BYTE_S = const(3)  # browsers open spare connections and leave them silent: each holds a place
_BACKLOG = const(6)  # a browser opens up to six connections at once; those over our places wait here
# A connection waits for a place: longer than a silent one holds it.
_TURN_WAITS = const(35)  # tenths of a second; then it is refused
_DISCARD_MAX = const(16)  # buffers of unread input thrown away at the end of a connection
# The one address with a body longer than the buffer: its handler takes it with more().
_LONG = const("/api/update")

# The headers that are kept, with a space on either side; all others pass through.
_KEPT = const(
    b" host content-length transfer-encoding content-type if-none-match accept origin authorization "
)

# Ends every head. The page has no inline script or style and asks nobody but this device.
# There are no reason phrases: no client reads them, HTTP/2 dropped them, and the body says more.
_ALWAYS = const(
    "Connection: close\r\nX-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n"
    "Content-Security-Policy: default-src 'self'; img-src 'self' data:; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'\r\n\r\n"
)
_NO_STORE = const("Cache-Control: no-store\r\n")
_RETRY = const("Retry-After: 2\r\n")


class Refusal(Exception):
    """The request cannot be served: status, one sentence for a person; then header lines, each with its CRLF, or
    members of the JSON ('"code":"host"'), as many as there are. Without a code it is made of the status: "http_404"."""


class Exchange:
    """One request and its reply, in one buffer: read first, then written.

    A handler finds method, path, query (as sent), headers {name: bytes} and the body, buffer[:size], which start()
    gives up, or object(), or takes a long one with more(); it answers with start(), write() and flush()."""

    def __init__(self, buffer, socket, reply_s):
        self.socket = socket
        self.buffer = buffer
        self.view = memoryview(buffer)
        self.end = 0  # behind the last byte that was received, later behind the last one gathered
        self.head = 0  # bytes of the head taken so far
        self.size = None  # of the body; None: the head is not complete
        self.method = self.path = ""
        self.headers = {}
        self.whole = False  # was all of the request received?
        self.sent = False  # has anything left this device?
        self.mute = False  # HEAD: no body
        self.reply_s = reply_s
        self.peer = None  # the client's address, as the socket's accept() gave it

    def feed(self, count):
        """`count` bytes were put behind `end`: True when the request is whole, Refusal when it is bad."""
        view = self.view
        headers = self.headers
        self.end += count
        while self.size is None:
            stop = self.buffer.find(b"\n", 0, self.end)
            if stop < 0:
                if self.end == _BUFFER:
                    raise Refusal(431 if self.method else 414, "a line is longer than 1024 bytes")
                return False
            line = bytes(view[:stop])
            stop += 1
            self.head += stop
            if self.head > _HEAD_MAX:
                raise Refusal(431, "the headers are longer than 4096 bytes")
            self.end -= stop
            view[: self.end] = view[stop : stop + self.end]
            if line[-1:] == b"\r":
                line = line[:-1]
            if not self.method:
                if line:  # empty lines before the first one are forgiven (RFC 9112 §2.2)
                    self._first(line)
            elif line:
                name, colon, value = line.partition(b":")
                if not colon or name.split() != [name] or b"\r" in line or b"\0" in line:
                    raise Refusal(400, "a header must read: Name: value")
                name = name.lower()
                if b" " + name + b" " in _KEPT:
                    name = name.decode()
                    value = value.strip()
                    if headers.get(name):  # RFC 9110 §5.3; what must be single fails below
                        value = headers[name] + b"," + value
                    headers[name] = value
            elif "transfer-encoding" in headers:
                raise Refusal(501, "send Content-Length instead of Transfer-Encoding")
            else:
                size = headers.get("content-length", b"0")
                if not size.isdigit() or b"," in headers.get("host", b","):
                    raise Refusal(400, "send one Host, and Content-Length as a number")
                self.size = int(size)
                if self.size > _BUFFER:
                    if self.path != _LONG:
                        raise Refusal(413, "the body is longer than 1024 bytes")
                    return True
        return self.end >= self.size

    def _first(self, line):
        parts = line.split(b" ")
        target = parts[1] if len(parts) == 3 else b""
        if target[:7] == b"http://":  # the whole address, as for a proxy
            target = target[target.find(b"/", 7) :]
        if (
            target[:1] != b"/"
            or not parts[0]
            or min(line) < 0x20
            or max(line) > 0x7E
            or parts[2][:5] != b"HTTP/"
        ):
            raise Refusal(400, "the first line must read: METHOD /address HTTP/1.1")
        if parts[2] == b"HTTP/1.0":
            self.headers["host"] = b""  # may come without
        elif parts[2] != b"HTTP/1.1":
            raise Refusal(505, "this server speaks HTTP/1.1")
        self.method = parts[0].decode()
        self.path, _, self.query = target.decode().partition("?")

    async def read(self):
        """Receive the whole request; EOFError when the client ends it before."""
        count = 0
        try:
            while not self.feed(count):
                count = self.socket.readinto(self.view[self.end :])
                if count is None:
                    count = 0
                    await tcp.readable(self.socket)
                elif not count:
                    raise EOFError
        except OSError:
            raise EOFError
        self.whole = self.end >= self.size

    async def more(self):
        """The next bytes of the body, good until the next call; `size` is what is left of it. EOFError when the client
        ends it before, or sends nothing for reply_s."""
        count = self.end
        try:
            while not count:
                count = self.socket.readinto(self.view[: self.size])
                if count is None:
                    await asyncio.wait_for(tcp.readable(self.socket), self.reply_s)
                elif not count:
                    raise EOFError
        except (OSError, asyncio.TimeoutError):
            raise EOFError
        piece = self.view[: min(count, self.size)]
        self.end = 0
        self.size -= len(piece)
        self.whole = not self.size
        return piece

    def object(self):
        """The whole body, a JSON object; Refusal when it is none."""
        try:
            text = bytes(self.view[: self.size]).decode().strip()
            found = loads(text) if text.endswith("}") else None  # MicroPython takes what was cut off for JSON
        except (ValueError, RuntimeError):  # also no UTF-8, also nested too deep
            found = None
        if not isinstance(found, dict):
            raise Refusal(400, "send a JSON object", '"code":"not_json"')
        return found

    async def start(self, status, type, headers=_NO_STORE):
        """Begin a reply; forgets what has been gathered. headers: lines, each with its CRLF."""
        self.end = 0
        await self.write(("HTTP/1.1 %d \r\nContent-Type: " % status, type, "\r\n", headers, _ALWAYS))
        if self.method == "HEAD":
            await self.flush()
            self.mute = True

    async def write(self, data):
        """Gather every piece (str or bytes) of an iterable; sent when the buffer is full, at flush() and at the end."""
        for piece in data:
            if isinstance(piece, str):
                piece = piece.encode()
            while self.end + len(piece) >= _BUFFER:
                stop = _BUFFER - self.end
                self.view[self.end :] = piece[:stop]
                self.end = _BUFFER
                await self.flush()
                piece = piece[stop:]
            stop = self.end + len(piece)
            self.view[self.end : stop] = piece
            self.end = stop

    def gone(self):
        """Between two flushes of a long reply: has the client hung up? What it sends by now is of no use."""
        try:
            return self.socket.readinto(self.view) == 0
        except OSError:
            return True

    async def flush(self):
        """Send what has been gathered; EOFError when the client has gone or takes nothing for reply_s."""
        data = self.view[: 0 if self.mute else self.end]
        self.end = 0
        self.sent = True
        try:
            while len(data):
                count = self.socket.write(data)
                if count is None:
                    await asyncio.wait_for(tcp.writable(self.socket), self.reply_s)
                else:
                    data = data[count:]
        except (OSError, asyncio.TimeoutError):
            raise EOFError


class Server:
    """routes: {path: (methods, handler, argument...)}, the methods as the header Allow has them. GET and HEAD show
    something, every other method changes something: access holds them apart, unless a mark stands before the methods:
    "!" what GET shows is for the owner only, "*" open to everybody and under every name.

    handler: async (exchange, argument...), may raise Refusal; log: takes one line when it failed otherwise;
    access(exchange, mark): raises a Refusal when this client may not; without it everybody may.
    elsewhere(exchange): a header line Location for whom the page has to be shown first (captive portal), or None."""

    def __init__(self, routes, log, access=None, request_s=10, reply_s=30, elsewhere=None):
        self._routes = routes
        self._log = log
        self._access = access
        self._elsewhere = elsewhere
        self._request_s = request_s  # for a whole request, head and body
        self._reply_s = reply_s  # for each piece of a reply
        self._buffer = None  # kept from the last connection for the next: one is enough while it is quiet
        self.open = 0  # connections now
        self.requests = 0  # that arrived whole

    async def start(self, host, port):
        """Listen; OSError when the port is taken."""
        self._listener = tcp.listen(host, port, _BACKLOG)
        self._task = asyncio.create_task(self._accept())

    async def close(self):
        """Stop listening."""
        self._task.cancel()
        self._listener.close()

    def accept(self):
        """The listener's, for tcp.accept(): it notes who calls."""
        accepted = self._listener.accept()
        self._peer = accepted[1]
        return accepted

    async def _accept(self):
        while True:
            await tcp.readable(self._listener)
            # A page comes as several requests at once: let the extra ones wait a moment for their turn.
            for _ in range(_TURN_WAITS):
                if self.open >= _PLACES:
                    await asyncio.sleep(0.1)
            try:
                buffer = self._buffer or bytearray(_BUFFER)
                exchange = Exchange(buffer, tcp.accept(self), self._reply_s)
                exchange.peer = self._peer
                self._buffer = None
                if self.open < _PLACES:
                    asyncio.create_task(self._serve(exchange))  # noqa: RUF006  (what it waits for holds it)
                else:  # here, so that there is one of these at a time
                    await self._serve(exchange)
            except (OSError, MemoryError):
                gc.collect()
                await asyncio.sleep(1)  # without it the loop would spin while sockets are used up

    async def _serve(self, exchange):
        self.open += 1
        refusal = None
        socket = exchange.socket
        try:
            try:
                await self._answer(exchange)
            except Refusal as e:
                refusal = e.args
            except MemoryError:
                gc.collect()
                refusal = (503, "out of memory; try again", _RETRY)
            except EOFError:
                raise
            except Exception as e:
                self._log("http: %s %s: %r" % (exchange.method, exchange.path, e))
                refusal = (500, "the device failed; its log says how")
            if refusal and not exchange.sent:
                text = '{"error":' + dumps(refusal[1])
                headers = _NO_STORE
                for line in refusal[2:]:
                    if line[-1] == "\n":
                        headers += line
                    else:
                        text += "," + line
                if '"code"' not in text:
                    text += ',"code":"http_%d"' % refusal[0]
                text = (text + "}").encode()
                headers += "Content-Length: %d\r\n" % len(text)
                await exchange.start(refusal[0], "application/json", headers)
                await exchange.write((text,))
                await exchange.flush()
                if not exchange.whole:
                    await asyncio.sleep(0.1)  # the rest of the request is still on its way
            for _ in range(_DISCARD_MAX):  # closing over unread input would lose the reply
                if not socket.readinto(exchange.view):
                    break
        except (EOFError, OSError, MemoryError):
            pass  # the client has gone, or there is no room to tell it
        finally:
            socket.close()
            self._buffer = exchange.buffer
            self.open -= 1

    async def _answer(self, exchange):
        if self.open > _PLACES:
            raise Refusal(503, "all connections are in use; try again", _RETRY)
        try:
            await asyncio.wait_for(tcp.readable(exchange.socket), min(_FIRST_BYTE_S, self._request_s))
            await asyncio.wait_for(exchange.read(), self._request_s)
        except asyncio.TimeoutError:
            raise Refusal(408, "send the whole request at once")
        self.requests += 1
        location = self._elsewhere and self._elsewhere(exchange)
        if location:
            raise Refusal(302, "the page is here", location)
        route = self._routes.get(exchange.path)
        if not route:
            raise Refusal(404, "nothing is here; the page is at /")
        methods = route[0]
        mark = methods[0]
        if mark in "!*":
            methods = methods[1:]
        if exchange.method not in methods.split(", "):
            raise Refusal(405, "this address takes " + methods, "Allow: %s\r\n" % methods)
        if self._access:
            self._access(exchange, mark)
        await route[1](exchange, *route[2:])
        await exchange.flush()
