# Time, in one place: milliseconds that wrap (2^30 ms = 12.4 days on the chip), seconds of uptime that do not,
# and the date, once it is known. The rest of the firmware gets a Clock by constructor and never asks `time`.
# A test passes its own with the same methods.

import asyncio
import time

from micropython import const

_2000 = const(946684800)  # 2000-01-01 in Unix seconds: the chip's epoch

if hasattr(time, "ticks_ms"):
    ticks_ms = time.ticks_ms
    ticks_diff = time.ticks_diff
    sleep_ms = asyncio.sleep_ms
else:  # CPython

    def ticks_ms():
        return time.monotonic_ns() // 1000000  # type: ignore[attr-defined]

    def ticks_diff(a, b):
        return a - b

    def sleep_ms(ms):
        return asyncio.sleep(ms / 1000)


class Clock:
    def __init__(self):
        self._epoch = _2000 if time.gmtime(0)[0] == 2000 else 0
        self._mark = ticks_ms()
        self._uptime_s = 0
        self._rest_ms = 0  # of the second that has begun
        self._started = None  # when uptime was 0, in Unix seconds, as somebody told who knew

    def ticks(self):
        """Milliseconds for `since`; the number itself means nothing."""
        return ticks_ms()

    def since(self, ticks):
        """Milliseconds since a value of ticks(), which must be younger than 6 days."""
        return ticks_diff(ticks_ms(), ticks)

    def sleep_ms(self, ms):
        """An awaitable."""
        return sleep_ms(ms)

    def uptime_s(self):
        """Whole seconds since the start. Called at least once in 6 days (the app does, every second)."""
        now = ticks_ms()
        rest = self._rest_ms + ticks_diff(now, self._mark)
        self._mark = now
        self._uptime_s += rest // 1000
        self._rest_ms = rest % 1000
        return self._uptime_s

    def unix(self):
        """Seconds since 1970 (UTC), or None while nobody told the date: a chip starts in the year 2000."""
        if self._started is not None:
            return self._started + self.uptime_s()
        now = time.time_ns() // 1000000000 + self._epoch
        return now if now > 1700000000 else None  # before the end of 2023 the date was never set

    def set_unix(self, unix):
        """It is now `unix`. Ticks and uptime, and so every interval, do not notice. The chip's own clock is set too:
        it keeps the date over a restart."""
        self._started = unix - self.uptime_s()
        try:
            from machine import RTC
        except ImportError:  # a PC, whose clock is not ours to set
            return
        year, month, day, hour, minute, second, weekday, _ = time.gmtime(unix - self._epoch)[:8]
        RTC().datetime((year, month, day, weekday, hour, minute, second, 0))

    def iso(self, unix):
        """ "2026-11-22T06:40:00Z" """
        return "%04d-%02d-%02dT%02d:%02d:%02dZ" % time.gmtime(unix - self._epoch)[:6]
