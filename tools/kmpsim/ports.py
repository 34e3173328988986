# What stands in front of the simulated meter: a TCP port like that of a serial server, or a pty. Both give
# and take bytes without waiting; a head that does not read loses bytes, as on a UART.
# Imports nothing of ours.

import errno
import os
import re
import selectors
import socket
import stat
import sys
import termios
import tty

# More than any request (518 bytes); what a port hands over at once.
_CHUNK = 4096

# A peer whose machine died says nothing: after this it is asked, and given up after three unanswered asks.
_KEEPALIVE = (("TCP_KEEPIDLE", 10), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3))  # s, s, times


class PortError(Exception):
    """The port cannot be had; the message says why and what to do."""


def say(text):
    """Words for the person who started the simulator."""
    print(text, file=sys.stderr, flush=True)


class TcpPort:
    """One line on a TCP port: one client at a time; others are turned away until it leaves."""

    def __init__(self, host, port):
        try:
            family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
            self._listener = socket.create_server((host, port), family=family, backlog=4)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                text = "%s:%d is taken; choose another port, or 0 for any free one" % (host, port)
            else:
                text = "cannot listen on %s:%d: %s" % (host, port, error.strerror or error)
            raise PortError(text) from error
        self._listener.setblocking(False)
        self._client = None
        self._selector = None
        shown = "[%s]" % host if ":" in host else host
        self.url = "socket://%s:%d" % (shown, self._listener.getsockname()[1])

    def attach(self, selector):
        self._selector = selector
        selector.register(self._listener, selectors.EVENT_READ)

    def read(self):
        """Bytes that a client sent, without waiting. Also where clients come and go."""
        data = self._receive()
        if data:
            return data  # whoever waits outside waits until this client has nothing left to say, or has left
        try:
            stranger, _ = self._listener.accept()
        except OSError:  # nobody there, or gone again already
            return b""
        if self._client:
            say("a second client was turned away: a serial line has one end")
            stranger.close()
            return b""
        stranger.setblocking(False)
        stranger.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        stranger.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in _KEEPALIVE:
            if hasattr(socket, name):  # not on every system
                stranger.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
        self._client = stranger
        self._selector.register(stranger, selectors.EVENT_READ)
        return b""

    def write(self, data):
        """Bytes for the client; lost when there is none or it does not read."""
        if not self._client:
            return
        try:
            self._client.send(data)
        except BlockingIOError:
            pass
        except OSError:
            self._drop()

    def head_baud(self):
        """None: TCP has no line speed."""
        return None

    def close(self):
        """The end; the selector may be gone already."""
        if self._client:
            self._client.close()
        self._listener.close()

    def _receive(self):
        if not self._client:
            return b""
        try:
            data = self._client.recv(_CHUNK)
        except BlockingIOError:
            return b""
        except OSError:
            data = b""
        if not data:
            self._drop()
        return data

    def _drop(self):
        self._selector.unregister(self._client)
        self._client.close()
        self._client = None


# The line speeds that a terminal can have: {constant: baud}.
_SPEEDS = {
    getattr(termios, name): int(name[1:])
    for name in dir(termios)
    if re.fullmatch("B[0-9]+", name) and name != "B0"
}


class PtyPort:
    """One line as a serial device: a pty, with a link to the end that a head opens."""

    def __init__(self, link, baud):
        _make_way(link)
        self._link = link
        # The head's end stays open here: a head may close and open it without the meter noticing.
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        settings = termios.tcgetattr(self._slave)
        settings[4] = settings[5] = {value: key for key, value in _SPEEDS.items()}[baud]
        settings[2] |= termios.CSTOPB
        termios.tcsetattr(self._slave, termios.TCSANOW, settings)
        os.set_blocking(self._master, False)
        self._device = os.ttyname(self._slave)
        try:
            os.symlink(self._device, link)
        except OSError as error:
            os.close(self._master)
            os.close(self._slave)
            raise PortError("cannot make %s: %s" % (link, error.strerror)) from error
        self.url = link

    def attach(self, selector):
        selector.register(self._master, selectors.EVENT_READ)

    def read(self):
        """Bytes that the head sent, without waiting."""
        try:
            return os.read(self._master, _CHUNK)
        except BlockingIOError:
            return b""

    def write(self, data):
        """Bytes for the head; lost when its buffer is full."""
        try:
            os.write(self._master, data)
        except BlockingIOError:
            pass

    def head_baud(self):
        """The speed that the head has set; None for one without a name."""
        return _SPEEDS.get(termios.tcgetattr(self._slave)[5])

    def close(self):
        os.close(self._master)
        os.close(self._slave)
        if os.path.islink(self._link) and os.readlink(self._link) == self._device:
            os.unlink(self._link)


def _make_way(link):
    """Remove a link that a simulator left behind; refuse to remove anything else."""
    try:
        mode = os.lstat(link).st_mode
    except OSError:
        return
    if not stat.S_ISLNK(mode) or (os.path.exists(link) and not os.readlink(link).startswith("/dev/")):
        raise PortError("%s is there already and is no link to a terminal: choose another name" % link)
    os.unlink(link)
