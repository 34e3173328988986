# The part of the chip's machine module that the system uses, strict: what the chip refuses is refused here, in its
# words, and what it does not have is an AttributeError. host/test_fakes.py holds every signature to the stubs.

PWRON_RESET = 1
HARD_RESET = 2
WDT_RESET = 3
DEEPSLEEP_RESET = 4
SOFT_RESET = 5

_MOST = 2048  # bytes of RTC memory

cause = PWRON_RESET  # for a test to set
resets = 0


def reset_cause():
    return cause


def reset():
    global resets
    resets += 1
    raise SystemExit("reset")


class RTC:
    """Each one made here has a memory of its own; the chip has one."""

    def __init__(self, id=0):
        self._memory = b""
        self._datetime = (2000, 1, 1, 5, 0, 0, 0, 0)

    def memory(self, data=None):
        if data is None:
            return self._memory
        if len(data) > _MOST:
            raise ValueError("buffer too long")
        self._memory = bytes(data)

    def datetime(self, datetimetuple=None):
        if datetimetuple is None:
            return self._datetime
        year, month, day, weekday, hour, minute, second, us = datetimetuple
        if not (2000 <= year < 2100 and 1 <= month <= 12 and 1 <= day <= 31 and 0 <= weekday <= 6):
            raise ValueError(datetimetuple)
        if not (0 <= hour < 24 and 0 <= minute < 60 and 0 <= second < 60 and 0 <= us < 1000000):
            raise ValueError(datetimetuple)
        self._datetime = datetimetuple


class WDT:
    """It cannot be stopped. A test gives it the clock it lives by."""

    def __init__(self, *, id=0, timeout=5000):
        if id != 0:
            raise ValueError("no such WDT")
        if timeout < 1000:
            raise ValueError("timeout too short")
        self._timeout = timeout
        self._last = 0
        self._bitten = False
        self.clock = None
        self.fed = 0

    def feed(self):
        self._bitten = self.bitten()
        self._last = self.clock.ticks()
        self.fed += 1

    def bitten(self):
        """Whether the chip would have been restarted by now."""
        return self._bitten or self.clock.since(self._last) > self._timeout
