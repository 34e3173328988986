# What the tests of backfill and chores share: a meter with a logger, made of the protocol's own replies, and the app as
# far as they see it, with a real history. Time is virtual; runs on CPython and on MicroPython alike.

from kmp.calendar import date_of_day
from kmp.command import GET_REGISTER
from kmp.frame import METER
from kmp.log import OUTSIDE
from kmp.meter import log_reply, read_request, register_reply
from kmpeye.backfill import Backfill
from kmpeye.readings.moment import seconds_of, unix_on
from kmpeye.readings.snapshot import Meter, Reading, Snapshot
from kmpeye.system import keep
from kmpeye_history.scene import CET, Scene
from virtual_line import VirtualClock, drive

HOUR = 3600
DAY = 24 * HOUR
START = 1795132800  # 2026-11-20 00:00 UTC
EAST = HOUR  # the meter's clock shows standard time of central Europe
MWH, M3, CLOCK, DATE = 3, 40, 47, 48
KEYS = ("heat_energy", "volume")
TOP, BASE = 127, 191
IDS = (1003, 1002, 60, 68)


def totals(hour):
    return 55000 + 7 * hour, 191000 + 3 * hour


def stamp(meter_s):
    """The registers date and clock."""
    year, month, day = date_of_day(meter_s // DAY)
    rest = meter_s % DAY
    return (
        (1003, DATE, year % 100 * 10000 + month * 100 + day, 0, 4),
        (1002, CLOCK, rest // 3600 * 10000 + rest // 60 % 60 * 100 + rest % 60, 0, 4),
    )


class Clock(VirtualClock):
    wrong_s = 0  # how fast our date is

    def unix(self):
        return START + self.uptime_s() + self.wrong_s


class Profile:
    name = "multical601"
    kind = "heat"
    registers = ((60, "heat_energy"), (68, "volume"), (74, "flow"))
    loggers = ((TOP, 1, IDS), (BASE, 1, IDS))


class Logger:
    """A meter and one logger. `says` are words that the relay gives back instead of asking, one a request."""

    def __init__(self, clock, address=TOP):
        self.clock = clock
        self.address = METER  # the meter's, as a head has it
        self.logger = address
        self.asked = []  # addresses, in turn
        self.says = []
        self.fast_s = 0  # how wrong the meter's clock is
        self.spoil = None  # what becomes of (hour, [register, ...]) on its way into the log
        self.first = -1000  # the oldest hour it holds
        self.info = 0

    async def relay(self, address, application):
        self.asked.append(address)
        self.clock.pass_ms(1500)
        if self.says:
            word = self.says.pop(0)
            if word:
                return None, word
        cid, fields = read_request(application)
        if cid == GET_REGISTER and address == METER:
            now = START + self.clock.uptime_s() + EAST + self.fast_s - unix_on(0)
            return register_reply([one for one in stamp(now) if one[0] in fields["ids"]]), None
        if address != self.logger:
            return None, "no_light"
        if self.info:
            return log_reply(cid, 1, [], 0, 0, self.info), None
        year, month, day, hour, minute, second = fields["when"][:6]
        asked = seconds_of(
            [
                (1003, DATE, year * 10000 + month * 100 + day, 0),
                (1002, CLOCK, hour * 10000 + minute * 100 + second, 0),
            ]
        )
        jump_s = (self.fast_s + HOUR // 2) // HOUR * HOUR  # records are made at full hours of its own clock
        hour = max(self.first, (unix_on(asked) - EAST - jump_s - START + HOUR - 1) // HOUR)
        now = self.clock.uptime_s() // HOUR
        rows = []
        while hour <= now and len(rows) < fields["records"]:
            energy, volume = totals(hour)
            row = list(stamp(START + hour * HOUR + EAST + jump_s - unix_on(0)))
            row += [(60, MWH, energy, -3, 4), (68, M3, volume, -2, 4)]
            row = [one for one in row if one[0] in fields["ids"]]
            rows.append((hour % 65536, self.spoil(hour, row) if self.spoil else row))
            hour += 1
        return log_reply(cid, 1, rows, 0, now, 0 if rows else OUTSIDE), None


class Reader:
    interval_s = HOUR

    def __init__(self, logger):
        self.profile = Profile()
        self.head = logger
        self.relay = logger.relay


class House(Scene):
    """The app, as far as Backfill sees it: a real history, snapshot and state file."""

    def zone(self):
        return CET

    def __init__(self, logger=TOP):
        self.clock = Clock()
        Scene.__init__(self, registers=KEYS, zone=CET)
        self.logger = Logger(self.clock, logger)
        self.reader = Reader(self.logger)
        self.snapshot = Snapshot(Meter("MULTICAL 601", "heat"))
        self.keep = self
        self.lines = []
        self.config = {"allow_meter_writes": False}
        self.backfill = Backfill(self)

    def save(self, name, state):
        keep.save(self.path(name), state)

    def load(self, name):
        return keep.load(self.path(name))

    def log(self, text):
        self.lines.append(text)

    def read(self, first, last):
        """A reading in each of these hours."""
        for hour in range(first, last + 1):
            self.clock.now = max(self.clock.now, (hour * HOUR + 5) * 1000)
            energy, volume = totals(hour)
            values = {"heat_energy": (MWH, energy, -3), "volume": (M3, volume, -2)}
            assert self.history.append(self.clock.unix(), self.clock.uptime_s(), values)
            rows = [(key, 0) + values[key] for key in KEYS]
            self.snapshot.reading = Reading(rows, self.clock.uptime_s(), self.clock.unix())

    def look(self):
        """What was asked for a look: {address: requests}."""
        self.logger.asked.clear()
        drive(self.backfill.look())
        asked = self.logger.asked
        return {one: asked.count(one) for one in asked}

    def again(self):
        """The reader started anew."""
        self.history = self.restart()
        self.backfill = Backfill(self)

    def hours(self):
        """Hours recorded, and those of them from the logger; every value is the meter's."""
        own = []
        filled = []
        for unix, is_filled, values in self.history.records("hour", 0, 1 << 32):
            hour = (unix - START) // HOUR
            energy, volume = totals(hour)
            expected = {"heat_energy": (MWH, energy, -3), "volume": (M3, volume, -2)}
            assert values and values == {key: expected[key] for key in values}, hour
            assert unix - START == hour * HOUR + (0 if is_filled else 5)
            (filled if is_filled else own).append(hour)
        return own, filled
