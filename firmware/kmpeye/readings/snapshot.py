# The latest reading, one object that is replaced as a whole, and one event when it is. Every way out formats
# from here; nothing in it changes after it was published. Knows kmp's values only.

import asyncio


class Reading:
    """values: list of (key, id, unit, mantissa, exponent), in the order of the profile. A register the meter
    did not give is not in it."""

    def __init__(self, values, uptime_s, unix):
        self.values = values
        self.uptime_s = uptime_s  # when it was taken; always known
        self.unix = unix  # the same as a date; None while the date is not known


class Meter:
    """Who was read. Texts, or None where the meter does not tell."""

    def __init__(self, model):
        self.model = model
        self.serial = self.type = self.revision = None


class Snapshot:
    def __init__(self, meter):
        self.meter = meter
        self.reading = None
        self.number = 0  # counts publications
        self._changed = asyncio.Event()

    def changed(self):
        """There is a new reading, or the meter has told more of itself: wake everybody who waits."""
        self.number += 1
        self._changed.set()
        self._changed.clear()

    async def wait(self, number):
        """Return as soon as self.number differs from number; the new number."""
        while self.number == number:
            await self._changed.wait()
        return self.number
