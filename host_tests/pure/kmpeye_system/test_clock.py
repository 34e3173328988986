# The clock across the wrap of the ticks, and when somebody tells the date. Replaces the module's ticks by a counter
# that wraps as the chip's does.

import sys

from fakes import machine
from kmpeye.system import clock as clock_module
from kmpeye.system.clock import Clock

PERIOD = 1 << 30  # ms: 12.4 days
NOV_22 = 1795329600  # 2026-11-22T06:40:00Z, a Sunday


class Ticks:
    """Replaces the module's ticks while a test runs."""

    def __init__(self, now):
        self.now = now

    def __enter__(self):
        self.kept = (clock_module.ticks_ms, clock_module.ticks_diff)
        clock_module.ticks_ms = lambda: self.now % PERIOD
        clock_module.ticks_diff = lambda a, b: (a - b + PERIOD // 2) % PERIOD - PERIOD // 2
        return self

    def __exit__(self, *_):
        clock_module.ticks_ms, clock_module.ticks_diff = self.kept


def test_uptime_goes_on_where_the_ticks_begin_anew():
    for start in (0, 5, PERIOD - 1, PERIOD - 1500, PERIOD // 2):
        with Ticks(start) as ticks:
            clock = Clock()
            for hour in range(24 * 400):  # past two years of ticks 32-bit integers would wrap at
                ticks.now = start + hour * 3600000
                assert clock.uptime_s() == hour * 3600


def test_no_millisecond_is_lost_between_two_looks():
    with Ticks(PERIOD - 2000) as ticks:
        clock = Clock()
        for i in range(1, 5001):
            ticks.now = PERIOD - 2000 + i
            assert clock.uptime_s() == i // 1000
        assert clock.since(clock.ticks() - 300) == 300


def test_a_told_date_goes_on_with_the_uptime():
    with Ticks(0) as ticks:
        clock = Clock()
        ticks.now = 100500
        clock.set_unix(NOV_22)
        assert clock.unix() == NOV_22
        ticks.now += 3600000
        assert clock.unix() == NOV_22 + 3600
        assert clock.iso(clock.unix()) == "2026-11-22T07:40:00Z"


def test_intervals_do_not_notice_that_the_date_jumps():
    with Ticks(0) as ticks:
        clock = Clock()
        clock.set_unix(NOV_22)
        ticks.now = 10000
        before = (clock.uptime_s(), clock.ticks())
        for unix in (NOV_22 - 3 * 31536000, NOV_22 + 10 * 31536000, 2147483648 + 5):
            clock.set_unix(unix)
            assert clock.unix() == unix
            assert (clock.uptime_s(), clock.ticks(), clock.since(before[1])) == before + (0,)


def test_the_chips_own_clock_is_set_too():
    kept = sys.modules.get("machine")
    rtc = machine.RTC()

    class Machine:
        @staticmethod
        def RTC():
            return rtc

    sys.modules["machine"] = Machine
    try:
        Clock().set_unix(NOV_22)
    finally:
        if kept:
            sys.modules["machine"] = kept
        else:
            del sys.modules["machine"]
    assert rtc.datetime() == (2026, 11, 22, 6, 6, 40, 0, 0)
