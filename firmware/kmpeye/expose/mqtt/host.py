# What differs between the interpreters for a client of a broker: finding its address, opening a socket, TLS. This is
# MicroPython's half; host_cpython.py is the other. Promises: a socket from here has readinto(view) and write(view),
# which never wait: None when there is nothing to take or no room; only open() waits, with a deadline.

import errno
import select
import socket
import sys

from micropython import const

_CONNECT_MS = const(10000)  # across the internet too
_STEP_MS = const(20)
_BUSY = (errno.EAGAIN, errno.EINPROGRESS)


async def joined(sock, address, clock):
    """Connect a socket that does not block; OSError when nobody is there or nobody answers in time."""
    try:
        sock.connect(address)
    except OSError as e:
        if e.args[0] not in _BUSY:
            raise
    poll = select.poll()
    poll.register(sock, select.POLLOUT | select.POLLHUP)  # the chip tells of nothing it was not asked for
    start = clock.ticks()
    ready = poll.poll(0)
    while not ready:
        if clock.since(start) > _CONNECT_MS:
            raise OSError("the broker does not answer")
        await clock.sleep_ms(_STEP_MS)
        ready = poll.poll(0)
    if ready[0][1] & (select.POLLERR | select.POLLHUP):
        raise OSError("there is no broker: the connection was refused")


if sys.implementation.name == "micropython":

    async def open_socket(app, port, tls):
        """A socket connected with mqtt_host. TLS shakes hands with the first bytes that are written."""
        from kmpeye.expose.mqtt.names import lookup

        host = app.config["mqtt_host"]
        try:
            address = socket.getaddrinfo(await lookup(host, app.clock), port)[0][-1]
        finally:
            app.forget("expose.mqtt.names")
        sock = socket.socket()
        try:
            sock.setblocking(False)
            await joined(sock, address, app.clock)
            if tls:
                from kmpeye.expose.mqtt.certificates import wrap

                sock = wrap(sock, host, app.config)
                app.forget("expose.mqtt.certificates")
            return sock
        except BaseException:
            sock.close()
            raise

else:
    from kmpeye.expose.mqtt.host_cpython import open_socket  # noqa: F401
