# Invented time for the whole app: the firmware's own Clock on a counter of ticks that wraps as the chip's, and sleeps
# and deadlines that end when the world says so. Runs on CPython and MicroPython; imports the firmware's clock module,
# whose names for the time it replaces, as it does with asyncio.wait_for. Promises: nothing sleeps; the same seed gives
# the same numbers on every interpreter.

import asyncio
import time

from kmpeye.system import clock

WRAP = 1 << 30  # of ticks_ms on the chip: 12.4 days
_TURNS = 6  # of the loop: so long a chain of tasks that wake each other comes to rest
LOOK_MS = 1500  # who sleeps shorter only looks whether there is something to do
COARSE_MS = 40  # while the head listens: four bytes; its deadlines allow for more


class Chance:
    """Numbers from a seed."""

    def __init__(self, seed):
        self._state = (seed * 0x9E3779B1 + 0x7F4A7C15) & 0xFFFFFFFF

    def below(self, most):
        self._state = (self._state * 1664525 + 1013904223) & 0xFFFFFFFF
        return (self._state >> 7) % most

    def between(self, least, most):
        return least + self.below(most - least + 1)


class World:
    """ms: since the beginning of the test, never back; unix(): the true date."""

    def __init__(self, unix):
        self.ms = 0
        self._unix = unix
        self._sleepers = []  # [ms, Event, sleeps only to look]
        self.offset_s = None  # how wrong the chip's own clock is; None: it does not know the date
        clock.ticks_ms = self.ticks_ms
        clock.ticks_diff = _ticks_diff
        clock.sleep_ms = self.sleep_ms
        clock.time = self
        asyncio.wait_for = self.wait_for

    def unix(self):
        return self._unix + self.ms // 1000

    def ticks_ms(self):
        return self.ms % WRAP

    def time_ns(self):
        """The chip's clock, which keeps the date over a restart."""
        return 0 if self.offset_s is None else (self.unix() + self.offset_s) * 1000000000

    gmtime = staticmethod(time.gmtime)

    async def sleep_ms(self, ms):
        if ms <= 0:
            return await asyncio.sleep(0)
        await self._until(self.ms + ms, ms < LOOK_MS)

    async def _until(self, ms, looks):
        entry = [ms, asyncio.Event(), looks]
        self._sleepers.append(entry)
        try:
            await entry[1].wait()
        finally:
            if entry in self._sleepers:
                self._sleepers.remove(entry)

    async def wait_for(self, awaitable, timeout_s):
        """asyncio's. While nothing happens such a wait may last longer."""
        over = asyncio.Event()
        ended = []

        async def run():
            try:
                ended.append((await awaitable, None))
            except Exception as error:
                ended.append((None, error))
            over.set()

        async def ring():
            await self._until(self.ms + 1000 * timeout_s, True)
            over.set()

        tasks = asyncio.create_task(run()), asyncio.create_task(ring())
        try:
            await over.wait()  # whoever waits may be cancelled in the same moment: that is no end of the time
        finally:
            for task in tasks:
                task.cancel()
        if not ended:
            raise asyncio.TimeoutError
        value, error = ended[0]
        if error:
            raise error
        return value

    async def turns(self):
        """Let everybody run who can."""
        for _ in range(_TURNS):
            await asyncio.sleep(0)

    async def step(self, idle, until_ms):
        """Go to what comes next, at most to until_ms. idle: who only looks may sleep on until somebody who waits for
        a time of his own, or until_ms."""
        await self.turns()
        first = until_ms
        for ms, _, looks in self._sleepers:
            if not (idle and looks):
                first = min(first, ms if idle else max(ms, self.ms + COARSE_MS))
        self.ms = max(self.ms, min(first, until_ms))
        for entry in self._sleepers[:]:
            if entry[0] <= self.ms:
                self._sleepers.remove(entry)
                entry[1].set()


def _ticks_diff(a, b):
    return (a - b + WRAP // 2) % WRAP - WRAP // 2
