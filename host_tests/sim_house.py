"""A simulated meter with the real head on it, and the app as far as those know it who ask for more than readings.

Imports the firmware and kmpsim; time is invented. The date is the simulated meter's, which shows central European time.
"""

from kmp.calendar import day_number
from kmp.command import get_register, read_registers
from kmpeye.head.line import Line
from kmpeye.head.transaction import Head, NoAnswer
from kmpeye.meter.profile import load
from kmpeye.readings.history.store import History
from kmpeye.readings.moment import unix_on
from kmpeye.readings.snapshot import Meter, Reading, Snapshot
from kmpeye.system import keep
from kmpeye.system.timezone import Zone
from sim_head import sim
from virtual_line import VirtualClock, drive

HOUR = 3600
START_S = day_number(2026, 11, 18) * 86400 + 4 * HOUR  # on the meter's clock
START = unix_on(START_S) - HOUR
SEED = 3
CET = Zone("CET-1CEST,M3.5.0,M10.5.0/3")


class Clock(VirtualClock):
    def unix(self):
        return START + self.uptime_s()


class Port:
    """The head's port on a simulated meter."""

    def __init__(self, clock, meter):
        self._clock = clock
        self._meter = meter
        self._waiting = []

    def write(self, data):
        self._meter.receive(data, self._clock.now)

    def any(self):
        self._waiting += [byte for _, byte in self._meter.due(self._clock.now)]
        return bool(self._waiting)

    def readinto(self, buf):
        count = min(len(buf), len(self._waiting))
        buf[:count] = self._waiting[:count]
        del self._waiting[:count]
        return count or None

    def close(self):
        pass


class House:
    """The app, as far as the backfill knows it, with a reader that reads when it is told to."""

    def __init__(self, meter, profile, keys, folder, wrong_s=0):
        """keys: registers of the history; wrong_s: how fast the meter's clock is."""
        self.folder = folder
        self.clock = Clock()
        self.meter = sim(meter, SEED, start_s=START_S + wrong_s)
        self.profile = load(profile, "firmware/meters")
        self.interval_s = HOUR
        self.keys = keys
        self.ids = {key: register for register, key in self.profile.registers if key in keys}

        async def opener(*_):
            return Port(self.clock, self.meter)

        self.head = Head(Line("simulated", self.meter.model.baud, self.clock, None, opener))
        self.reader = self
        self.relayed = 0
        self.logged = []
        self.config = {"allow_meter_writes": False}
        self.snapshot = Snapshot(Meter(self.profile.model, self.profile.kind))
        self.history = History(str(folder / "history"), keys, "1", 400 << 10, CET)
        self.keep = self

    async def relay(self, address, application):
        self.relayed += 1
        try:
            return await self.head.ask(application, 0, False, address), None
        except NoAnswer as error:
            return None, error.reason

    def zone(self):
        return CET

    def save(self, name, state):
        keep.save(str(self.folder / name), state)

    def load(self, name):
        return keep.load(str(self.folder / name))

    def log(self, text):
        self.logged.append(text)

    def read(self, hour):
        """One reading at the beginning of an hour after the start."""
        self.clock.now = max(self.clock.now, hour * HOUR * 1000)
        reply = drive(self.head.ask(get_register(list(self.ids.values()))))
        found = {one: (unit, mantissa, exponent) for one, unit, mantissa, exponent in read_registers(reply)}
        unix, uptime_s = self.clock.unix(), self.clock.uptime_s()
        values = {key: found[register] for key, register in self.ids.items()}
        assert self.history.append(unix, uptime_s, values)
        self.snapshot.reading = Reading(
            [(key, self.ids[key], *value) for key, value in values.items()], uptime_s, unix
        )
        self.snapshot.changed()

    def records(self):
        return list(self.history.records("hour", 0, 1 << 32))
