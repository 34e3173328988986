# The date from the network: an SNTP client (RFC 4330, RFC 5905 14) that asks several servers in turn and never waits
# for one. Imports nothing of ours. Promises that a clock is set by none but a valid answer to our own question, and
# that the loop runs on: the platform's look-up of names blocks, for seconds where no name server answers, so one that
# does not comes in by constructor.
#
# MicroPython's ntptime is not used: it knows one server, blocks up to a second in recv, and takes any 48 bytes from
# anybody for the time: no check of mode, stratum, leap, or that they answer our question.

import errno
import os
import socket

from micropython import const

_PORT = const(123)
_PACKET = const(48)
_FIRST = const(0x23)  # no leap second known, version 4, mode 3: client
_MODE_SERVER = const(4)
_LEAP_UNKNOWN = const(3)  # the server's own clock is not set
_MOST_STRATUM = const(15)
_1900 = const(2208988800)  # from the epoch of NTP to that of Unix
_PIVOT = const(1577836800)  # 2020-01-01: seconds before it belong to the era that begins in February 2036
_ANSWER_MS = const(2000)  # servers on the other side of the world need 300 ms
_LOOK_MS = const(20)  # the answer's time is known that exactly, a second is needed
_STEP_MS = const(1000)
_FIRST_PAUSE_S = const(60)
_MOST_PAUSE_S = const(3600)
_GOOD_S = const(3600)  # the crystal would do for a day; the answer also says that the network is there


class BadAnswer(Exception):
    """Something that is no valid answer; the message says why."""


def read(packet, nonce):
    """(Unix seconds, milliseconds) at which the server sent this packet. nonce: the 8 bytes sent as our time, which
    the server has to give back."""
    if len(packet) < _PACKET:
        raise BadAnswer("a packet of %d bytes" % len(packet))
    if packet[0] & 7 != _MODE_SERVER:
        raise BadAnswer("mode %d instead of a server's" % (packet[0] & 7))
    if packet[24:32] != nonce:
        raise BadAnswer("it answers another question")
    if not packet[1]:
        raise BadAnswer("it wants to be left alone (%s)" % packet[12:16].hex())
    if packet[1] > _MOST_STRATUM or packet[0] >> 6 == _LEAP_UNKNOWN:
        raise BadAnswer("its own clock is not set")
    if packet[40:48] == bytes(8):
        raise BadAnswer("it says no time")
    seconds = int.from_bytes(packet[40:44], "big") - _1900
    if seconds < _PIVOT:
        seconds += 1 << 32
    return seconds, int.from_bytes(packet[44:46], "big") * 1000 >> 16


class Ntp:
    """`server` is the one that answered last, `error` why the last one asked did not, or None."""

    def __init__(self, servers, clock, log, online=None, lookup=None, port=_PORT):
        """servers: names or addresses with spaces between them; clock: system.clock.Clock; online(): True while there
        is a network, not given: always; lookup(name, clock): awaitable of the address as text, not given: the
        platform's, which blocks. ValueError when no server is named."""
        self.servers = servers.split()
        if not self.servers:
            raise ValueError("ntp: no server is named")
        self.clock = clock
        self.log = log
        self.server = None
        self.error = None
        self.answers = 0
        self.answered_s = None  # uptime
        self.corrected_s = None  # by how much the date was set forward the last time; None: it was not known
        self._online = online
        self._lookup = lookup
        self._port = port
        self._turn = 0

    def status(self):
        ago = None if self.answered_s is None else self.clock.uptime_s() - self.answered_s
        return {
            "server": self.server,
            "answered_s_ago": ago,
            "corrected_s": self.corrected_s,
            "error": self.error,
        }

    async def run(self):
        """For ever: the date when the network comes, then once an hour; every server in turn while none answers."""
        pause_s = _FIRST_PAUSE_S
        while True:
            while self._online and not self._online():
                await self.clock.sleep_ms(_STEP_MS)
            for _ in range(len(self.servers)):
                if await self.ask():
                    pause_s = _FIRST_PAUSE_S
                    await self._sleep_s(_GOOD_S)
                    break
            else:
                await self._sleep_s(pause_s)
                pause_s = min(2 * pause_s, _MOST_PAUSE_S)

    async def ask(self):
        """Ask the server whose turn it is; True when the clock was set."""
        server = self.servers[self._turn]
        try:
            await self._exchange(server)
        except (OSError, BadAnswer) as error:
            text = "%s: %s" % (server, error)
            if self.error != text:
                self.log("ntp: " + text)
            self.error = text
            self._turn = (self._turn + 1) % len(self.servers)
            return False
        self.server = server
        self.error = None
        return True

    async def _exchange(self, server):
        clock = self.clock
        if self._lookup:
            server = await self._lookup(server, clock)
        address = socket.getaddrinfo(server, self._port, 0, socket.SOCK_DGRAM)[0]
        sock = socket.socket(address[0], socket.SOCK_DGRAM)
        try:
            sock.setblocking(False)
            sock.connect(address[-1])  # what comes from anybody else is not seen
            nonce = os.urandom(8)  # instead of our time, which is nobody's business
            packet = bytearray(_PACKET)
            packet[0] = _FIRST
            packet[40:] = nonce
            sent = clock.ticks()
            sock.send(packet)
            wrong = None
            while True:
                passed = clock.since(sent)
                answer = _receive(sock)
                if answer:
                    try:
                        seconds, ms = read(answer, nonce)
                        break
                    except BadAnswer as error:
                        wrong = error  # the right one may still come
                elif passed > _ANSWER_MS:
                    raise wrong or BadAnswer("no answer")
                else:
                    await clock.sleep_ms(_LOOK_MS)
        finally:
            sock.close()
        unix = seconds + (ms + passed // 2 + 500) // 1000  # half of the way is the way back
        before = clock.unix()
        clock.set_unix(unix)
        self.corrected_s = None if before is None else unix - before
        self.answers += 1
        self.answered_s = clock.uptime_s()
        if before is None:
            self.log("ntp: the date is %s" % clock.iso(unix))

    async def _sleep_s(self, seconds):
        until_s = self.clock.uptime_s() + seconds
        while self.clock.uptime_s() < until_s:
            await self.clock.sleep_ms(_STEP_MS)


def _receive(sock):
    """A packet, or None when none is there yet; OSError when the other side has no such service."""
    try:
        return sock.recv(_PACKET)
    except OSError as error:
        if error.args[0] == errno.EAGAIN:
            return None
        raise
