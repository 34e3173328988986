# Time, in one place: milliseconds that wrap (2^30 ms = 12.4 days on the chip), seconds of uptime that do not,
# and the date, once it is known. The rest of the firmware gets a Clock by constructor and never asks `time`.
# A test passes its own with the same six methods.

import asyncio
import time

from micropython import const

_2000 = const(946684800)  # 2000-01-01 in Unix seconds: the chip's epoch

if hasattr(time, "ticks_ms"):
    _ticks_ms = time.ticks_ms
    _ticks_diff = time.ticks_diff
    _sleep_ms = asyncio.sleep_ms
else:  # CPython

    def _ticks_ms():
        return time.monotonic_ns() // 1000000

    def _ticks_diff(a, b):
        return a - b

    def _sleep_ms(ms):
        return asyncio.sleep(ms / 1000)


class Clock:
    def __init__(self):
        self._epoch = _2000 if time.gmtime(0)[0] == 2000 else 0
        self._mark = _ticks_ms()
        self._uptime_s = 0

    def ticks(self):
        """Milliseconds for `since`; the number itself means nothing."""
        return _ticks_ms()

    def since(self, ticks):
        """Milliseconds since a value of ticks(), which must be younger than 6 days."""
        return _ticks_diff(_ticks_ms(), ticks)

    def sleep_ms(self, ms):
        """An awaitable."""
        return _sleep_ms(ms)

    def uptime_s(self):
        """Whole seconds since the start. Called at least once in 6 days (the app does, every second)."""
        seconds = _ticks_diff(_ticks_ms(), self._mark) // 1000
        if seconds > 0:
            self._uptime_s += seconds
            if hasattr(time, "ticks_add"):
                self._mark = time.ticks_add(self._mark, seconds * 1000)
            else:
                self._mark += seconds * 1000
        return self._uptime_s

    def unix(self):
        """Seconds since 1970 (UTC), or None while nobody told the date: a chip starts in the year 2000."""
        now = time.time_ns() // 1000000000 + self._epoch
        return now if now > 1700000000 else None  # before the end of 2023 the date was never set

    def iso(self, unix):
        """ "2026-11-22T06:40:00Z" """
        from kmp.calendar import iso_of_seconds

        return iso_of_seconds(unix - _2000) + "Z"
