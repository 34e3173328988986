# The one place where the two asyncios differ for a TCP server: wait for a socket, then take or give bytes
# at once. Imports asyncio.core, socket and sys only; the servers beside it build on it.
# Promises: no buffer of its own, no copy; nothing here waits but readable() and writable().
# (MicroPython's start_server goes round without a pause when sockets run out, and its streams keep
# a second buffer; CPython's streams cannot read into ours.)

import socket
import sys


def listen(host, port, backlog):
    """Open a listening socket; OSError when the port is taken."""
    sock = socket.socket()
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(socket.getaddrinfo(host, port)[0][-1])  # unix MicroPython knows addresses as raw bytes only
        sock.listen(backlog)
        sock.setblocking(False)
    except OSError:
        sock.close()
        raise
    return sock


def accept(listener):
    """Take one waiting connection; OSError when it is gone again or no socket is left."""
    sock = listener.accept()[0]
    sock.setblocking(False)
    return sock


if sys.implementation.name == "micropython":
    from asyncio import core  # type: ignore[attr-defined]

    def readable(sock):
        """Awaitable: done when bytes, a connection or an error wait."""
        yield core._io_queue.queue_read(sock)

    def writable(sock):
        """Awaitable: done when bytes can be sent, or an error waits."""
        yield core._io_queue.queue_write(sock)

    def receive(sock, view):
        """Bytes read into view; 0: the other side has ended; None: nothing there."""
        return sock.readinto(view)

    def transmit(sock, view):
        """Bytes of view the network took; None: none now."""
        return sock.write(view)

else:
    from kmpeye.expose.tcp_cpython import readable, receive, transmit, writable  # noqa: F401  (called through here)
