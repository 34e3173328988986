# The line to the meter: owns the port, opens it again when it is lost, feeds what arrives to one frame reader
# and knows when the line was last busy. Knows kmp and the port. Nothing that arrives here raises.
#
# Reading never waits (a cancelled read of MicroPython's streams can lose a byte): whoever expects bytes calls
# poll() in short steps, so there is no reader task to die and nothing is lost between two of them.

import errno

from kmp.frame import NONE, Reader
from micropython import const

from kmpeye.head.port import open_port

_CHUNK = const(64)  # bytes taken per read: 0.6 s of line at 1200 baud
_BITS = const(11)  # start, 8 data, 2 stop

_PAUSE_FIRST_S = const(2)  # after the first failure to open the port; doubled each time
_PAUSE_MOST_S = const(300)


class PortError(Exception):
    """The port is gone or cannot be opened; the message says why."""


def os_error_text(e):
    """A person's words for an OSError, the same on every interpreter."""
    for part in reversed(e.args):
        if isinstance(part, str):
            return part
    code = e.args[0] if e.args else 0
    return errno.errorcode.get(code, "error %s" % code)


class Line:
    def __init__(self, where, baud, clock, pins=None):
        """where: address of the port (see port.py); pins: the board's, for "uart"."""
        self.where = where
        self.baud = baud
        self.clock = clock
        self.reader = Reader()
        self.error = None  # why there is no port, in words; None while there is one
        self.opened = 0  # how often the port was opened
        self.last_byte = clock.ticks()  # when the line was last busy, in either direction
        self._pins = pins
        self._port = None
        self._chunk = bytearray(_CHUNK)
        self._failures = 0
        self._retry_s = 0  # uptime from which the port may be tried again

    def wire_ms(self, count):
        """Milliseconds that count bytes take on the line, rounded up."""
        return (count * _BITS * 1000 + self.baud - 1) // self.baud

    async def open(self):
        """Open the port if it is not. PortError when it cannot be, or when it is too early to try again."""
        if self._port:
            return
        if self._failures and self.clock.uptime_s() < self._retry_s:
            raise PortError(self.error)
        try:
            self._port = await open_port(self.where, self.baud, self.clock, self._pins)
        except (OSError, ValueError, ImportError) as e:
            self._lost(e)
        self.error = None
        self._failures = 0
        self.opened += 1
        self.last_byte = self.clock.ticks()
        await self.clock.sleep_ms(getattr(self._port, "settle_ms", 0))

    def _lost(self, e):
        text = os_error_text(e) if isinstance(e, OSError) else str(e)
        self.error = text if self.where in text else "%s: %s" % (self.where, text)
        pause = min(_PAUSE_FIRST_S << min(self._failures, 8), _PAUSE_MOST_S)
        self._failures += 1
        self._retry_s = self.clock.uptime_s() + pause
        self.close()
        raise PortError(self.error)

    def close(self):
        """Let go of the port; the next open() takes it again."""
        port = self._port
        self._port = None
        if port:
            try:
                port.close()
            except OSError:  # it is gone already, which is what was wanted
                pass

    def set_baud(self, baud):
        """Change the speed, now and for later openings."""
        self.baud = baud
        if self._port:
            try:
                self._port.set_baud(baud)
            except OSError as e:
                self._lost(e)

    def write(self, data):
        """Send all bytes at once."""
        try:
            self._port.write(data)
        except OSError as e:
            self._lost(e)
        self.last_byte = self.clock.ticks()

    def poll(self, sink):
        """Take what has arrived. sink(event) is called for each thing the reader completes (kmp.frame's
        events); inside it the frame is at self.reader. Returns the number of bytes."""
        total = 0
        chunk = self._chunk
        reader = self.reader
        try:
            while self._port and self._port.any():
                count = self._port.readinto(chunk)
                if count is None:
                    break
                if not count:
                    raise OSError("the other end closed the connection")
                self.last_byte = self.clock.ticks()
                total += count
                pos = 0
                while pos < count:
                    pos = reader.feed(chunk, pos, count)
                    if reader.event != NONE:
                        sink(reader.event)
                if count < _CHUNK:
                    break
        except OSError as e:
            self._lost(e)
        return total
