# What is to be done beside reading: a line on the console for each reading; now and then filling holes of the history
# from the meter's logger; once a day looking at the meter's clock. One small task that is always there; the code of
# these is loaded when its time has come and let go of afterwards. Knows backfill and meter_clock.
# Promises that nothing of them ends the task.

import gc

from micropython import const

from kmpeye.system import forget

_SLOT_S = const(3600)
_RETRY_S = const(3600)
# Free bytes that filling needs: the code of the history and the logger's, loaded into the heap, and room to work.
_FILL_BYTES = const(36864)


class Chores:
    """`filled`: hours taken from the meter's logger since the start; `drift_s`: how fast the meter's clock is, None
    while that is not known; `fill_error`, `clock_error`: a sentence or None; `filling`: True while it is done."""

    def __init__(self, app, send):
        """app: as a way out gets it. send(application): awaitable of None when the meter
        acknowledged, else a word why not; called for SetClock alone, where the setting allow_meter_writes is on."""
        self.app = app
        self.send = send
        self.filled = 0
        self.filling = False
        self.fill_error = self.clock_error = self.drift_s = None
        self._profile = None
        self._slot = 0  # the hour of the last reading; 0: the history was not looked at since the start
        self._fill_s = 0  # uptime before which it is not looked at again
        self._clock_s = 0  # the same for the meter's clock

    def status(self):
        return {
            "filling": self.filling,
            "filled_hours": self.filled,
            "fill_error": self.fill_error,
            "drift_s": self.drift_s,
            "clock_error": self.clock_error,
        }

    async def run(self):
        """For ever: after each reading."""
        snapshot = self.app.snapshot
        number = snapshot.number
        shown = None
        while True:
            number = await snapshot.wait(number)
            if snapshot.reading is not shown and snapshot.reading:
                shown = snapshot.reading
                self.app.show(shown)
            await self.look()

    async def look(self):
        """Do what is due, once there is a reading with a date."""
        app = self.app
        reading = app.snapshot.reading
        if not reading or not reading.unix:
            return
        profile = app.reader.profile
        if profile is not self._profile:  # it was learned which meter this is
            self._profile = profile
            self._slot = self._fill_s = self._clock_s = 0
        uptime_s = app.clock.uptime_s()
        if profile.loggers:
            slot = reading.unix // _SLOT_S
            # Whether more than two hours are a hole, and how many there are, is found out there.
            due = uptime_s >= self._fill_s if self._fill_s else slot > self._slot + 2
            # One that cannot be opened now is looked at later.
            if not due or (self._has_room() and app.history):
                self._slot = slot
                if due:
                    await self._fill()
        # Water meters fall silent when they are asked too often, and none is known to tell its date.
        if profile.kind != "water" and uptime_s >= self._clock_s:
            await self._compare()

    def _has_room(self):
        """Whether filling fits into the memory: else it would take that of readings and answers, and fail too."""
        gc.collect()
        if not hasattr(gc, "mem_free") or gc.mem_free() > _FILL_BYTES:  # CPython has no such limit
            return True
        self.fill_error = "the memory is too small to fill from the meter's logger"
        return False

    async def _fill(self):
        self.filling = True
        self._fill_s = self.app.clock.uptime_s() + _RETRY_S
        try:
            from kmpeye.backfill import Backfill

            backfill = Backfill(self.app)
            try:
                await backfill.look()
            finally:
                self.filled += backfill.filled
            self.fill_error = backfill.error
            self._fill_s = backfill.next_s
        except (MemoryError, OSError) as error:
            self.fill_error = "filling from the meter's logger stopped: %s" % error
        self.filling = False
        forget("backfill", "readings.backfill")
        gc.collect()

    async def _compare(self):
        self._clock_s = self.app.clock.uptime_s() + _RETRY_S
        reader = self.app.reader
        reader.busy = self
        try:
            from kmpeye.meter_clock import MeterClock

            meter_clock = MeterClock(self.app, self.app.zone(), self.send)
            await meter_clock.look()
            self.drift_s = meter_clock.drift_s
            self.clock_error = meter_clock.error
            self._clock_s = meter_clock.next_s
        except (MemoryError, OSError) as error:
            self.clock_error = "looking at the meter's clock failed: %s" % error
        finally:
            if reader.busy is self:
                reader.busy = None
        forget("meter_clock")
        gc.collect()
