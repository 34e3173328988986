# A visitor of the page in a soak: asks for one address after the other, over a real socket, and says what was not
# answered as it should be. Runs on CPython and MicroPython; imports nothing of ours. Promises not to wait: what has
# come is taken after each step of the world.

import json
import socket
from errno import EAGAIN

_EVERY_MS = 3 * 3600000
_PATHS = (
    "/api/status",
    "/api/history",
    "/api/reading",
    "/api/history?register=%s&step=day",
    "/metrics",
    "/api/history.csv?register=%s&step=month",
    "/api/log",
)
_ANSWER_MS = 120000  # heavy answers wait until the meter was read
_PIECE = 4096
_ASKED = b"GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
_OK = b"HTTP/1.1 200 "


class Visitor:
    """answers: whole ones; wrong: a sentence for each other one that memory does not excuse."""

    def __init__(self, port, register):
        """register: one that is recorded. Nothing is asked on the first day, when there is no history yet."""
        self.answers = 0
        self.wrong = []
        self._page = socket.getaddrinfo("127.0.0.1", port)[0][-1]
        self._register = register
        self._visits = 0
        self._next_ms = 24 * 3600000
        self._socket = None
        self._came = bytearray()
        self._began = 0, 0  # ms, and how often memory had run out

    def waits(self):
        """Whether an answer is due."""
        return self._socket is not None

    def step(self, ms, served, failures):
        """served: whether there is a server; failures: how often memory has run out."""
        if self._socket:
            if self._take():
                self._look_at(failures)
            elif ms - self._began[0] > _ANSWER_MS:
                self.wrong.append(
                    "%s was not answered since minute %d" % (self._path(), self._began[0] // 60000)
                )
                self.leave()
        elif served and ms >= self._next_ms:
            self._next_ms = ms + _EVERY_MS
            self._began = ms, failures
            self._visits += 1
            self._socket = socket.socket()
            self._socket.connect(self._page)  # who listens on this machine is there at once
            self._socket.send(_ASKED % self._path().encode())
            self._socket.setblocking(False)

    def leave(self):
        """Hang up."""
        if self._socket:
            self._socket.close()
            self._socket = None
        self._came = bytearray()

    def _path(self):
        path = _PATHS[self._visits % len(_PATHS)]
        return path % self._register if "%" in path else path

    def _take(self):
        """True at the end of the answer."""
        while True:
            try:
                piece = self._socket.recv(_PIECE)
            except OSError as error:
                return error.args[0] != EAGAIN  # else hung up
            if not piece:
                return True
            self._came.extend(piece)

    def _look_at(self, failures):
        head, _, body = bytes(self._came).partition(b"\r\n\r\n")
        if head.startswith(_OK) and _whole(head, body):
            self.answers += 1
        elif failures == self._began[1]:
            self.wrong.append(
                "%s was answered with %s ... %s" % (self._path(), bytes(head[:60]), bytes(body[-60:]))
            )
        self.leave()


def _whole(head, body):
    if b"application/json" in head:
        try:
            json.loads(body)
        except ValueError:
            return False
    return body[-1:] in (b"}", b"\n")
