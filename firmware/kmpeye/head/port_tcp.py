# A serial line somewhere on the network (ser2net, esp-link, the simulator) as a port: socket://host:port.
# The speed is set at the far end. Connecting has a deadline; a name look-up has not, so give an address.

import errno
import select
import socket

from micropython import const

_CONNECT_MS = const(5000)  # a serial server on the same network answers within milliseconds
_BUSY = (errno.EAGAIN, errno.EINPROGRESS)


async def connect(url, clock):
    """Open socket://host:port. OSError says what failed."""
    host, _, port = url[len("socket://") :].rstrip("/").rpartition(":")
    if not host or not port.isdigit():
        raise OSError("%s: socket://HOST:PORT expected" % url)
    address = socket.getaddrinfo(host.strip("[]"), int(port), 0, socket.SOCK_STREAM)[0]
    sock = socket.socket(address[0], socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        try:
            sock.connect(address[-1])
        except OSError as e:
            if e.args[0] not in _BUSY:
                raise
        poll = select.poll()
        poll.register(sock, select.POLLOUT | select.POLLHUP)  # the chip tells of nothing it was not asked for
        start = clock.ticks()
        ready = poll.poll(0)
        while not ready:
            if clock.since(start) > _CONNECT_MS:
                raise OSError("%s: no answer within %d s" % (url, _CONNECT_MS // 1000))
            await clock.sleep_ms(20)
            ready = poll.poll(0)
        if ready[0][1] & (select.POLLERR | select.POLLHUP):
            raise OSError("%s: connection refused" % url)
        return TcpPort(sock)
    except BaseException:
        sock.close()
        raise


class TcpPort:
    def __init__(self, sock):
        self._sock = sock
        self._poll = select.poll()
        self._poll.register(sock, select.POLLIN)

    def set_baud(self, baud):
        """Nothing to do here: the far end has its own speed."""

    def write(self, data):
        sent = self._sock.send(data)
        if sent != len(data):  # cannot happen with a request of 52 bytes on a connection that lives
            raise OSError(errno.EIO)

    def any(self):
        return bool(self._poll.poll(0))

    def readinto(self, buf):
        try:
            data = self._sock.recv(len(buf))
        except OSError as e:
            if e.args[0] in _BUSY:
                return None
            raise
        buf[: len(data)] = data
        return len(data)

    def close(self):
        self._sock.close()
