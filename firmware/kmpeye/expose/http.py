# A small HTTP/1.1 server: bounded requests, streamed replies, one reply a connection.
# Imports http_message (request and reply), http_parse (Refusal) and tcp (sockets); knows no reading.
# Promises: at most max_connections at a time, their buffers made once at the start; every request and reply
# has a deadline; every connection ends with a closed socket; nothing a client sends raises out of a task.

import asyncio
import gc

from micropython import const

from kmpeye.expose import tcp
from kmpeye.expose.http_message import ALWAYS, Gone, Request, Response
from kmpeye.expose.http_parse import Refusal

_FIRST_BYTE_S = const(3)  # browsers open spare connections and leave them silent: each holds a place
_BACKLOG = const(6)  # a browser opens up to six connections at once; those over our places wait here
_TURN_WAITS = const(5)  # tenths of a second a connection waits for a place before it is refused
_PAUSE_S = const(1)  # after a failed accept: without it the loop would spin while sockets are used up
_DISCARD_MAX = const(16)  # buffers of unread input thrown away at the end of a connection

_RETRY = ("Retry-After: 2",)


class Server:
    """routes: rows (path, methods, handler); a path ending in * is a prefix.

    handler: async (request, response), may raise Refusal; log: takes one line when it failed otherwise."""

    def __init__(self, routes, log=None, max_connections=3, request_s=10, reply_s=30):
        self._routes = routes
        self._log = log
        self._request_s = request_s  # for the whole request, head and body
        self._reply_s = reply_s
        self._max = max_connections
        self._places = []  # (request, response): made when first needed, then kept and used again
        self._tasks = ()
        self._listener = None
        self.requests = 0  # heads that arrived whole
        self.rejected = 0  # refused: bad, late, unknown or too many
        self.errors = 0  # handlers that failed

    @property
    def open(self):
        """Connections now."""
        return sum([request.socket is not None for request, _ in self._places])

    async def start(self, host, port):
        """Listen; OSError when the port is taken."""
        self._listener = tcp.listen(host, port, _BACKLOG)
        self._tasks = (asyncio.create_task(self._accept()), asyncio.create_task(self._watch()))

    async def close(self):
        """Stop listening and cut all connections."""
        tasks = self._tasks + tuple([request.task for request, _ in self._places if request.task])
        for task in tasks:
            task.cancel()
        for task in tasks:
            try:
                await task
            except asyncio.CancelledError:
                pass
        for request, _ in self._places:
            request.close()  # where the task was cancelled before it ran
        self._tasks = ()
        self._listener.close()

    async def _watch(self):
        while True:
            await asyncio.sleep(1)
            for request, _ in self._places:
                if request.task:
                    request.tick()

    async def _accept(self):
        while True:
            await tcp.readable(self._listener)
            # A page comes as several requests at once: let the extra ones wait a moment for their turn.
            waits = 0
            while self.open == self._max and waits < _TURN_WAITS:
                waits += 1
                await asyncio.sleep(0.1)
            request = None
            try:
                request, response = self._place()
                sock = tcp.accept(self._listener)
                if request:
                    request.socket = sock
                    request.task = asyncio.create_task(self._serve(request, response))
                else:
                    self._turn_away(sock)
            except (OSError, MemoryError):
                if request:
                    request.close()
                gc.collect()
                await asyncio.sleep(_PAUSE_S)

    def _place(self):
        for place in self._places:
            if not place[0].socket:
                return place
        if len(self._places) == self._max:
            return None, None
        request = Request(self._reply_s)
        place = (request, Response(request))
        self._places.append(place)
        return place

    def _turn_away(self, sock):
        self.rejected += 1
        try:
            tcp.receive(sock, bytearray(1024))  # closing over unread input would lose the reply
            body = b'{"error": "all connections are in use; try again in 2 seconds"}'
            tcp.transmit(
                sock, b"HTTP/1.1 503 %sapplication/json\r\nRetry-After: 2\r\n\r\n%s" % (ALWAYS, body)
            )
        finally:
            sock.close()

    async def _serve(self, request, response):
        try:
            refusal = await self._answer(request, response)
            if refusal:
                self.rejected += refusal.status != 500
                if not response.sent:
                    await response.refuse(refusal)
                    if not request.complete:
                        await asyncio.sleep(0.1)  # the rest of a long head is still on its way
            for _ in range(_DISCARD_MAX):  # closing over unread input would lose the reply
                if not tcp.receive(request.socket, request.view):
                    break
        except (Gone, OSError, asyncio.CancelledError):
            pass
        finally:
            request.close()

    async def _answer(self, request, response):
        # Serve one request; the refusal to send if that did not go well.
        try:
            request.clear()
            response.clear()
            request.deadline_in(min(_FIRST_BYTE_S, self._request_s))
            count = await request.receive(request.room())
            request.deadline_in(self._request_s)
            while not request.feed(count):
                count = await request.receive(request.room())
            self.requests += 1
            if not request.body_size:
                request.answering()
            await self._handler(request)(request, response)
            if not response.status:
                raise RuntimeError("the handler sent no reply")
            await response.flush()
        except Refusal as refusal:
            return refusal
        except asyncio.CancelledError:
            if not request.overdue:
                raise  # the server is being closed
            if request.reading:
                return Refusal(408, "the request did not arrive within %d seconds" % self._request_s)
            return Refusal(503, "the answer took too long", _RETRY)
        except MemoryError:
            gc.collect()
            return Refusal(503, "not enough memory just now; try again", _RETRY)
        except Gone:
            raise
        except Exception as error:
            self.errors += 1
            if self._log:
                self._log("http: %s %s: %r" % (request.method, request.path, error))
            return Refusal(500, "the device made a mistake; it has been counted and logged")

    def _handler(self, request):
        path = request.path
        method = "GET" if request.method == "HEAD" else request.method
        allowed = ()
        for pattern, methods, handler in self._routes:
            if pattern == path or (pattern[-1] == "*" and path.startswith(pattern[:-1])):
                if method in methods:
                    return handler
                allowed += tuple(methods)
        if not allowed:
            raise Refusal(404, "nothing is at this address; the page is at /")
        if "GET" in allowed:
            allowed += ("HEAD",)
        raise Refusal(405, "this address takes other methods", ("Allow: " + ", ".join(allowed),))
