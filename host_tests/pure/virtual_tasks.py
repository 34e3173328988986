# Real asyncio tasks in virtual time, for tests on three interpreters: a clock with the firmware clock's methods whose
# time passes only when every task waits for it. Nothing here sleeps.

import asyncio
import sys

_TURNS = 12  # of the loop: so long a chain of tasks that wake each other comes to rest


class TaskClock:
    def __init__(self, uptime_s=0, unix=None):
        self.now = uptime_s * 1000
        self._waiting = []  # [ms, Event]
        self._started = None if unix is None else unix - uptime_s

    def ticks(self):
        return self.now

    def since(self, ticks):
        return self.now - ticks

    def uptime_s(self):
        return self.now // 1000

    def unix(self):
        return None if self._started is None else self._started + self.uptime_s()

    def iso(self, unix):
        return "unix %d" % unix

    async def sleep_ms(self, ms):
        if ms <= 0:
            return await asyncio.sleep(0)
        entry = [self.now + ms, asyncio.Event()]
        self._waiting.append(entry)
        try:
            await entry[1].wait()
        finally:
            if entry in self._waiting:
                self._waiting.remove(entry)

    async def run_s(self, seconds):
        """Let so much time pass for everybody who sleeps."""
        end = self.now + seconds * 1000
        while True:
            for _ in range(_TURNS):
                await asyncio.sleep(0)
            first = None
            for entry in self._waiting:
                if first is None or entry[0] < first[0]:
                    first = entry
            if first is None or first[0] > end:
                break
            self.now = max(self.now, first[0])  # a test may have let time jump
            self._waiting.remove(first)
            first[1].set()
        self.now = end


def scene(coroutine):
    """Run a test's coroutine on a loop of its own."""
    if sys.implementation.name == "micropython":
        asyncio.new_event_loop()  # else its one loop still has the tasks of the test before
    return asyncio.run(coroutine)
