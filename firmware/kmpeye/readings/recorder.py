# Puts readings into the history on flash: one task that waits for the snapshot. Imports history and the snapshot.
# Promises: only what was measured in a reading is recorded with it, never a slow register's older value; everybody who
# asks gets the one History there is; and while nobody does, it takes no memory.

import asyncio

from micropython import const

_FOLDER = const("history")
_SLOT_S = const(3600)
_USUAL_KIB = const(400)  # of a flash of 4 MB
_IDLE_S = const(5)  # not asked for so long, the history is let go of
_MODULES = const("store past fit index segment merge query")

# What a history is worth keeping of, the most wanted first; a meter has some of them, and six fit a record.
_WANTED = """
heat_energy
cooling_energy
volume
energy_in
energy_out
heat_energy_high_resolution
volume_high_resolution
energy_in_high_resolution
energy_out_high_resolution
reverse_volume
flow_temperature
return_temperature
water_temperature
ambient_temperature
volume_2
input_a
input_b
"""
_MOST = const(6)


def registers(profile):
    """The keys of a profile that are recorded."""
    offered = [key for _, key in profile.registers]
    return [key for key in _WANTED.split() if key in offered][:_MOST]


class Recorder:
    """notes and damaged: of the history when it was last looked at (History.notes and damaged)."""

    def __init__(self, app, board_kib=None):
        """app: config, clock, forget, log, reader, snapshot, zone(). board_kib: the flash that the board's file gives
        the history, where the settings do not say."""
        self.app = app
        self._board_kib = board_kib
        self.notes = ()
        self.damaged = ()
        self._slot = -1  # the hour that has its record
        self._history = None  # while somebody uses it
        self._used_s = 0  # uptime when it was asked for last
        self._forced_s = 0  # History.forced_s, while there is none
        self._undated = False  # records of this start wait for their date, which the History knows

    def open(self):
        """The History of the meter that is read now, or None while none is known or the flash refuses. Ask again for
        each use."""
        app = self.app
        self._used_s = app.clock.uptime_s()
        keys = registers(app.reader.profile)
        if not keys:
            return None
        if self._history:
            self._history.registers = tuple(keys)  # a meter that does not offer all of its profile has fewer
            return self._history
        try:
            from kmpeye.readings.history.store import History

            limit_bytes = (app.config["history_kib"] or self._board_kib or _USUAL_KIB) << 10
            history = History(_FOLDER, keys, app.snapshot.meter.serial, limit_bytes, app.zone())
        except (OSError, ValueError) as e:
            app.log("history: %s" % e)
            return None
        except MemoryError:
            self.lean()
            raise
        history.uptime_s = self._used_s
        history.forced_s = self._forced_s
        self.damaged = history.damaged
        self._history = history
        return history

    def past(self):
        """For who only reads in it (history.past.Past), or None as open()."""
        app = self.app
        keys = registers(app.reader.profile)
        if self._history or not keys:
            return self.open()
        from kmpeye.readings.history.past import Past

        try:
            return Past(_FOLDER, keys, app.zone(), self.notes)
        except (OSError, ValueError) as e:
            app.log("history: %s" % e)
            return None

    def _close(self):
        """Let go of what open() loaded, unless it is in use."""
        if self._history and self.app.clock.uptime_s() - self._used_s > _IDLE_S:
            self.lean()

    def lean(self):
        """Let go of it at once, but for a date that records wait for: whoever reads in it still can."""
        if not self._undated:
            if self._history:
                self._forced_s = self._history.forced_s
                self._history = None
            self.app.forget(*["readings.history." + name for name in _MODULES.split()])

    async def run(self):
        """For ever."""
        snapshot = self.app.snapshot
        number = 0
        reading = None
        waited = True  # for the date
        while True:
            try:
                number = await asyncio.wait_for(snapshot.wait(number), _IDLE_S)
            except asyncio.TimeoutError:
                pass
            if waited and self._undated and self.app.clock.unix() is not None:
                # At once, as the power may go before the next reading: the last one is recorded once more, now dated,
                # which dates those before it, and is its hour's where they are another's.
                reading = None
                waited = False
            self._close()
            # While something else needs much memory the record waits for the next look.
            if snapshot.reading is not reading and snapshot.reading and not self.app.reader.busy:
                reading = snapshot.reading
                unix = reading.unix
                clock = self.app.clock
                if unix is None and clock.unix() is not None:
                    unix = clock.unix() - clock.uptime_s() + reading.uptime_s
                if unix is None or unix // _SLOT_S != self._slot:
                    self._record(reading, unix)

    def _record(self, reading, unix):
        alone = not self._history
        history = self.open()
        if history:
            history.serial = self.app.snapshot.meter.serial
            history.append(unix, reading.uptime_s, self._measured(reading, history.registers))
            for text in history.notes:
                if text not in self.notes:
                    self.app.log("history: %s" % text)
            self.notes = tuple(history.notes)
            # What the flash refuses is tried again with the next reading.
            self._undated = unix is None or not history.clock_known(unix, reading.uptime_s)
            if unix is not None:
                self._slot = unix // _SLOT_S
                if alone:
                    self.lean()

    def _measured(self, reading, keys):
        """{key: (unit, mantissa, exponent)} of what was measured just now."""
        values = {}
        for i in range(len(reading.values)):
            row = reading.values[i]
            if row[0] in keys and reading.taken[i] == reading.uptime_s:
                values[row[0]] = row[2:]
        return values
