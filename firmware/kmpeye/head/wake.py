# Waking the meter's eye: a reading is a session, and whatever woke the meter is let go on every way out of it.
# Knows nobody; what a kind of waking needs is in wake_<kind>.py, loaded only where that kind is chosen.
# Promises: after run() the magnet is away and the coil is off, whether the work ended, failed or was cancelled.

import sys

from micropython import const

_LOOK_MS = const(50)  # between two looks whether another's session is over


class Waker:
    """The kinds "none" and "fixed": nothing to do, the eye is on or it is not. Every waker has these three."""

    settles = False  # whether the meter needs its start-up time after wake()

    async def wake(self):
        """Wake the meter. Whoever calls this calls release() too, also when it fails."""

    def release(self):
        """Undo wake() now, however far it came; may be called at any time and never raises."""


def make_waker(kind, settings, clock, line, pins):
    """The waker for none, fixed, servo, coil, key or iec (settings: see wake_choice.choose).

    pins: what has Pin, PWM and Timer, on the chip the module `machine`; may be None for none, fixed and iec.
    ValueError names the setting, what it was and what is allowed; then no pin has been touched.
    """
    if kind in ("none", "fixed"):
        return Waker()
    from kmpeye.head.wake_choice import choose

    try:
        return choose(kind, settings, clock, line, pins)
    finally:
        # 1.5 KB that nobody needs again.
        del sys.modules["kmpeye.head.wake_choice"], sys.modules["kmpeye.head"].wake_choice


class Session:
    def __init__(self, waker, clock, settle_ms):
        """settle_ms: the profile's, from waking to the first request."""
        self.waker = waker
        self.clock = clock
        self.settle_ms = settle_ms
        self.awake_ms = 0  # of the last session, from the start of waking to the release
        self._busy = False  # who releases must not do it under somebody else's reading

    async def run(self, work):
        """wake, settle, await work(), release. Returns work's result; what it or the waking raises comes through."""
        while self._busy:
            await self.clock.sleep_ms(_LOOK_MS)
        self._busy = True
        waker = self.waker
        start = self.clock.ticks()
        try:
            await waker.wake()
            if waker.settles:
                await self.clock.sleep_ms(self.settle_ms)
            return await work()
        finally:
            self._busy = False
            waker.release()
            self.awake_ms = self.clock.since(start)
