# The one place where the two asyncios differ for a TCP server: wait for a socket, then take or give bytes
# at once. Imports asyncio.core, errno, socket and sys only; the servers beside it build on it.
# Promises: an accepted socket has readinto(view) and write(view), which never wait: None when there is
# nothing to take or no room; nothing here waits but readable() and writable().
# (MicroPython's start_server goes round without a pause when sockets run out, and its streams keep
# a second buffer; CPython's streams cannot read into ours.)

import socket
import sys
from errno import errorcode

from micropython import const

_RETRY_MS = const(60000)  # after a port was found taken


def listen(host, port, backlog):
    """Open a listening socket; OSError when the port is taken."""
    sock = socket.socket()
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(socket.getaddrinfo(host, port)[0][-1])  # unix MicroPython knows addresses as raw bytes only
        sock.listen(backlog)
    except OSError:
        sock.close()
        raise
    sock.setblocking(False)
    return sock


async def listening(app, name, way_out, backlog):
    """A listening socket on the port that the setting <name>_port says, tried until it can be had; way_out.error says
    why it cannot, and becomes None."""
    port = app.config[name + "_port"]
    while True:
        try:
            sock = listen(app.config["http_host"], port, backlog)
            break
        except OSError as e:
            code = errorcode.get(e.args[0], e.args[0])
            error = "port %d cannot be used (%s): is it taken? set another %s_port" % (port, code, name)
            if error != way_out.error:
                app.log("%s: %s" % (name, error))
            way_out.error = error
            await app.clock.sleep_ms(_RETRY_MS)
    way_out.error = None
    app.log("%s: listening on port %d" % (name, port))
    return sock


if sys.implementation.name == "micropython":
    from asyncio import core  # type: ignore[attr-defined]

    def accept(sock):
        """Take one waiting connection; OSError when it is gone again or no socket is left."""
        sock = sock.accept()[0]
        sock.setblocking(False)
        return sock

    def readable(sock):
        """Awaitable: done when bytes, a connection or an error wait."""
        yield core._io_queue.queue_read(sock)

    def writable(sock):
        """Awaitable: done when bytes can be sent, or an error waits."""
        yield core._io_queue.queue_write(sock)

else:
    from kmpeye.expose.tcp_cpython import accept, readable, writable  # noqa: F401  (called through here)
