# The latest reading, one object that is replaced as a whole, and one event when anything changed. Every way out
# formats from here; nothing in a reading changes after it was published. Knows kmp's values only.

import asyncio

from micropython import const

_MOST_EVENTS = const(12)  # kept for who comes late; a way out that must miss none takes them as they come


class Reading:
    """values: list of (key, id, unit, mantissa, exponent), in the order of the profile; a register the meter did not
    give, or that was held back, is not in it. taken: for each of them the uptime in seconds of its own answer:
    slow registers are older than the reading. missing: [(key, reason)] of what was held back by the guard or is
    worthless because a sensor failed (readings.texts has the sentences)."""

    def __init__(self, values, uptime_s, unix, taken=None, missing=()):
        self.values = values
        self.uptime_s = uptime_s  # when the live registers were taken; always known
        self.unix = unix  # the same as a date; None while the date is not known
        self.taken = taken or [uptime_s] * len(values)
        self.missing = missing


class Meter:
    """Who was read. kind: "water", "heat" or "electricity"; the others are texts, or None where the meter does not
    tell."""

    def __init__(self, model, kind=None):
        self.model = model
        self.kind = kind
        self.serial = self.type = self.revision = None


class Snapshot:
    def __init__(self, meter):
        self.meter = meter
        self.reading = None
        self.state = "starting"  # a state of head.diagnosis; "ok" while the meter answers
        self.text = "the meter has not been read yet"  # the same as a sentence
        self.flags = None  # keys of the flags that are set, sorted; None: no info code was read yet
        # (number of the event, uptime_s, unix or None, what, key), the latest last. what: "state" (key: the state),
        # "appeared" and "gone" (key: the flag), "held" and "released" (key: the register).
        self.events = []
        self.event_number = 0
        self.number = 0  # counts publications
        self._changed = asyncio.Event()

    def changed(self):
        """There is something new in any of the above: wake everybody who waits."""
        self.number += 1
        self._changed.set()
        self._changed.clear()

    def event(self, uptime_s, unix, what, key):
        """Add an event; whoever calls this calls changed() afterwards."""
        self.event_number += 1
        self.events.append((self.event_number, uptime_s, unix, what, key))
        if len(self.events) > _MOST_EVENTS:
            self.events.pop(0)

    async def wait(self, number):
        """Return as soon as self.number differs from number; the new number."""
        while self.number == number:
            await self._changed.wait()
        return self.number
