# The log: lines in a ring of bytes that never grows, on the console too, with a level that is looked at before a line
# is put together. Imports nothing of ours. Promises: logging never raises, and costs no memory that stays.
# A line is stamped with seconds of uptime: when the date comes to be known, it holds for the older lines too.

from micropython import const

_LONGEST = const(200)  # bytes of one line's text: a ring of 2 KiB then holds at least nine
LEVELS = ("debug", "info", "warning", "error")  # their first letters stand in the ring


class Log:
    def __init__(self, clock, size=2048, level="info", console=print):
        """size: bytes of the ring, at least 256; level: the least that is kept, one of LEVELS; console: takes each
        line too, as print() does, or None."""
        self._clock = clock
        self._ring = bytearray(size)
        self._console = console
        self.least = LEVELS.index(level)
        self.end = 0  # bytes ever written: a place in the log that the ring's going round does not change
        self.lost = 0  # lines that could not be written

    def __call__(self, text, *values):
        """One line of what anybody may want to know. values go into the %s and %d of text."""
        self.write(1, text, values)

    def debug(self, text, *values):
        self.write(0, text, values)

    def warning(self, text, *values):
        self.write(2, text, values)

    def error(self, text, *values):
        self.write(3, text, values)

    def show(self, words):
        """A line on the console only: what comes so often that it would push everything else out of the ring. words:
        what yields its parts, so that it is never in memory as a whole."""
        if self._console and self.least <= 1:
            try:
                for word in words:
                    self._console(word, end="  ")
                self._console("")
            except (MemoryError, OSError):
                self.lost += 1

    def write(self, level, text, values=()):
        """level: a place in LEVELS."""
        if level < self.least:
            return
        try:
            if values:
                text = text % values
            self._keep(("%d %s " % (self._clock.uptime_s(), LEVELS[level][0])).encode(), 64)
            self._keep(text.replace("\n", " / ").encode(), _LONGEST)
            self._keep(b"\n", 1)
            if self._console:
                self._console(text)
        # No room, no console, or text and values do not fit.
        except (MemoryError, TypeError, ValueError, OSError):
            self.lost += 1

    def _keep(self, data, most):
        ring = self._ring
        size = len(ring)
        stop = len(data)
        if stop > most:
            stop = most
            while data[stop] & 0xC0 == 0x80:  # not between the bytes of one character
                stop -= 1
        place = self.end
        for i in range(stop):
            ring[place % size] = data[i]
            place += 1
        self.end = place

    def lines(self, place=0):
        """Yields (place behind it, uptime in s, level, text) of each line behind a place, the oldest first. What is
        overwritten while somebody reads is left out."""
        ring = self._ring
        size = len(ring)
        while True:
            if place < self.end - size:
                place = self.end - size
                while ring[place % size] != 10:  # begin after the end of a line
                    place += 1
                place += 1
            if place >= self.end:
                return
            first = place % size
            while ring[place % size] != 10:
                place += 1
            last = place % size
            line = ring[first:last] if first <= last else ring[first:] + ring[:last]
            place += 1
            stamp, letter, text = bytes(line).decode().split(" ", 2)
            for level in LEVELS:
                if level[0] == letter:
                    yield place, int(stamp), level, text
