# CPython's half of tcp.py: the same three calls on CPython's event loop. Never imported on the chip.
# Imports asyncio only. Promises what tcp.py promises.

import asyncio


class _Socket:
    """An accepted socket with the calls of MicroPython's."""

    def __init__(self, sock):
        self._sock = sock
        self.fileno = sock.fileno
        self.close = sock.close

    def readinto(self, view):
        try:
            return self._sock.recv_into(view)
        except BlockingIOError:
            return None

    def write(self, view):
        try:
            return self._sock.send(view)
        except BlockingIOError:
            return None


def accept(sock):
    sock = sock.accept()[0]
    sock.setblocking(False)
    return _Socket(sock)


async def _ready(add, remove, sock):
    ready = asyncio.Event()
    handle = sock.fileno()  # still the same when the socket is closed before this task hears of it
    add(handle, ready.set)
    try:
        await ready.wait()
    finally:
        remove(handle)


def readable(sock):
    loop = asyncio.get_event_loop()
    return _ready(loop.add_reader, loop.remove_reader, sock)


def writable(sock):
    loop = asyncio.get_event_loop()
    return _ready(loop.add_writer, loop.remove_writer, sock)
