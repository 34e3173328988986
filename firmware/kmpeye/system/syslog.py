# The log to a syslog server over UDP (RFC 5424, RFC 5426), when a server is set. Imports nothing of ours.
# Promises: a server that is not there costs nothing but its packets; nobody waits for it; lines from before the Wi-Fi
# came follow when it is there, as far as the log still holds them.

import socket

from micropython import const

_PORT = const(514)
_STEP_MS = const(1000)
_AGAIN_S = const(600)  # after a name that could not be found
_BURST = const(20)  # lines at a time
_FACILITY = const(1 * 8)  # user-level messages

_SEVERITY = {"debug": 7, "info": 6, "warning": 4, "error": 3}


def message(level, host, date, text):
    """One line as a syslog message. date: as RFC 3339 has it, None: not known."""
    return "<%d>1 %s %s kmpeye - - - %s" % (_FACILITY + _SEVERITY[level], date or "-", host, text)


class Syslog:
    def __init__(self, server, host, log, clock, online, lookup=None):
        """server: NAME or NAME:PORT; host: what this device is called; online(): is there a network; lookup(name,
        clock): awaitable of the address as text, not given: the platform's, for which everything waits."""
        self._server = server
        self._host = host
        self._lines = log
        self._clock = clock
        self._online = online
        self._lookup = lookup
        self.sent = 0

    async def run(self):
        """For ever: send what is new in the log."""
        clock = self._clock
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            sock.setblocking(False)
            place = 0
            while True:
                while not self._online():
                    await clock.sleep_ms(_STEP_MS)
                address = await self._address()
                if not address:
                    await clock.sleep_ms(_AGAIN_S * 1000)
                    continue
                while self._online():
                    place = self._send(sock, address, place)
                    await clock.sleep_ms(_STEP_MS)
        finally:
            sock.close()

    async def _address(self):
        name, _, port = self._server.partition(":")
        try:
            if self._lookup:
                name = await self._lookup(name, self._clock)
            return socket.getaddrinfo(name, int(port or _PORT))[0][-1]
        except (OSError, ValueError) as e:
            self._lines.warning("syslog: %s cannot be found: %s", self._server, e)
            return None

    def _send(self, sock, address, place):
        """Send lines behind a place in the log; the place behind the last one."""
        count = 0
        for behind, stamp, level, text in self._lines.lines(place):
            date = None
            unix = self._clock.unix()
            if unix:
                date = self._clock.iso(unix - self._clock.uptime_s() + stamp)
            try:
                sock.sendto(message(level, self._host, date, text).encode(), address)
            except OSError:  # no room, or no way there: the next round
                return place
            place = behind
            self.sent += 1
            count += 1
            if count == _BURST:
                break
        return place
