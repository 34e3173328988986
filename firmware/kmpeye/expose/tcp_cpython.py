# CPython's half of tcp.py: the same four calls on CPython's event loop. Never imported on the chip.
# Imports asyncio only. Promises what tcp.py promises.

import asyncio


async def _ready(add, remove, sock):
    ready = asyncio.Event()
    add(sock, ready.set)
    try:
        await ready.wait()
    finally:
        remove(sock)


def readable(sock):
    loop = asyncio.get_event_loop()
    return _ready(loop.add_reader, loop.remove_reader, sock)


def writable(sock):
    loop = asyncio.get_event_loop()
    return _ready(loop.add_writer, loop.remove_writer, sock)


def receive(sock, view):
    try:
        return sock.recv_into(view)
    except BlockingIOError:
        return None


def transmit(sock, view):
    try:
        return sock.send(view)
    except BlockingIOError:
        return None
