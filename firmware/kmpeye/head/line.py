# The line to the meter: owns the port, opens it again when it is lost, feeds what arrives to one frame reader
# and knows when the line was last busy. Knows kmp and the port. Nothing that arrives here raises.
#
# Reading never waits (a cancelled read of MicroPython's streams can lose a byte): whoever expects bytes calls
# poll() in short steps, so there is no reader task to die and nothing is lost between two of them.

import errno

from micropython import const

from kmp.frame import Reader
from kmpeye.head.port import open_port

_CHUNK = const(64)  # bytes taken per read: 0.6 s of line at 1200 baud
_BITS = const(11)  # start, 8 data, 2 stop

_PAUSE_FIRST_S = const(2)  # after the first failure to open the port; doubled each time
_PAUSE_MOST_S = const(300)


class PortError(Exception):
    """The port is gone or cannot be opened; the message says why."""


class Line:
    def __init__(self, where, baud, clock, pins=None, opener=open_port):
        """where: address of the port (see port.py); pins: the board's, for "uart"."""
        self._opener = opener
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
        self._pause_s = 0  # since the last failure to open the port
        self.retry_s = 0  # uptime from which the port may be tried again

    def wire_ms(self, count):
        """Milliseconds that count bytes take on the line, rounded up."""
        return (count * _BITS * 1000 + self.baud - 1) // self.baud

    async def open(self):
        """Open the port if it is not. PortError when it cannot be, or when it is too early to try again."""
        if self._port:
            return
        if self._pause_s and self.clock.uptime_s() < self.retry_s:
            raise PortError(self.error)
        try:
            self._port = await self._opener(self.where, self.baud, self.clock, self._pins)
        except (OSError, ValueError, ImportError) as e:
            self._lost(e)
        self.error = None
        self._pause_s = 0
        self.opened += 1
        self.last_byte = self.clock.ticks()
        await self.clock.sleep_ms(getattr(self._port, "settle_ms", 0))

    def _lost(self, e):
        text = e.args[-1] if e.args else "error"  # words, where there are any
        if isinstance(text, int):
            text = errno.errorcode.get(text, "error %d" % text)
        if self.where not in text:
            text = "%s: %s" % (self.where, text)
        self.error = text
        self._pause_s = min(2 * self._pause_s, _PAUSE_MOST_S) or _PAUSE_FIRST_S
        self.retry_s = self.clock.uptime_s() + self._pause_s
        self.close()
        raise PortError(text)

    def close(self):
        """Let go of the port; the next open() takes it again."""
        port = self._port
        self._port = None
        try:
            if port:
                port.close()
        except OSError:  # it is gone already, which is what was wanted
            pass

    def set_baud(self, baud):
        """Change the speed, now and for later openings."""
        self.baud = baud
        try:
            if self._port:
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
        events); inside it the frame is at self.reader."""
        chunk = self._chunk
        reader = self.reader
        count = _CHUNK
        try:
            while count == _CHUNK and self._port and self._port.any():
                count = self._port.readinto(chunk)
                if count == 0:
                    raise OSError("the other end closed the connection")
                if count:
                    self.last_byte = self.clock.ticks()
                    pos = 0
                    while pos < count:
                        pos = reader.feed(chunk, pos, count)
                        if reader.event:
                            sink(reader.event)
        except OSError as e:
            self._lost(e)
