# kmpeye.meter_clock: how far the meter's clock is off in whatever zone it is kept, and the one command that sets it.
# Runs on CPython and on MicroPython alike.

from kmp.meter import read_request, register_reply
from kmp.service import SET_CLOCK
from kmpeye.meter_clock import MeterClock, drift_of, set_request
from kmpeye.readings.moment import unix_on
from kmpeye.system.timezone import Zone
from virtual_line import VirtualClock, drive

CET = Zone("CET-1CEST,M3.5.0,M10.5.0/3")
HOUR = 3600
DAY = 24 * HOUR
WINTER = 1795132800  # 2026-11-20 00:00 UTC
SUMMER = 1782000000  # 2026-06-21 00:00 UTC


def shown(unix, east):
    """What a meter's clock shows then."""
    return unix + east - unix_on(0)


DRIFTS = (
    (WINTER, shown(WINTER, HOUR), (0, HOUR), "standard time in winter"),
    (WINTER, shown(WINTER, HOUR + 75), (75, HOUR), "fast"),
    (WINTER, shown(WINTER, HOUR - 1500), (-1500, HOUR), "25 minutes slow, nearer to our zone than to UTC"),
    (SUMMER, shown(SUMMER, HOUR), (0, HOUR), "standard time in summer, as meters are kept"),
    (SUMMER, shown(SUMMER, 2 * HOUR - 9), (-9, 2 * HOUR), "a meter that was put to summer time"),
    (SUMMER, shown(SUMMER, 4), (4, 0), "a meter that keeps UTC"),
    (WINTER, shown(WINTER - 8 * DAY, HOUR), (-8 * DAY, HOUR), "a week behind"),
    (WINTER, 5, (unix_on(5) - WINTER - HOUR, HOUR), "reset to 2000: standard time is what it should show"),
    (WINTER, shown(WINTER, -HOUR), (-2 * HOUR, HOUR), "nearer to UTC, but not near: it is no meter of UTC"),
    (WINTER, shown(WINTER, 23 * HOUR), (22 * HOUR, HOUR), "nearly a day ahead"),
)

SETTINGS = (
    (WINTER, HOUR, 261120, 10000, "01:00:00 in winter"),
    (WINTER + 86399 - HOUR, HOUR, 261120, 235959, "the last second of a day"),
    (WINTER - HOUR, HOUR, 261120, 0, "the first"),
    (4102444800, 0, 101, 0, "2100-01-01: two digits of the year"),
)


def test_the_drift_is_measured_in_the_zone_the_meter_is_kept_in():
    for unix, meter_s, expected, why in DRIFTS:
        assert drift_of(meter_s, unix, CET) == expected, why


def test_the_request_that_sets_it_holds_date_and_clock():
    for unix, east, date, clock, why in SETTINGS:
        cid, fields = read_request(set_request(unix, east))
        assert (cid, fields) == (SET_CLOCK, {"date": date, "clock": clock}), why


class Clock(VirtualClock):
    known = True

    def unix(self):
        return WINTER + self.uptime_s() if self.known else None


class House:
    """The app, as far as MeterClock sees it; a file system of one file that can refuse."""

    def __init__(self, allowed=True, slow_s=400, kept=None, word=None, silence=None):
        self.config = {"allow_meter_writes": allowed}
        self.clock = Clock()
        self.reader = self.head = self.profile = self.keep = self
        self.kind = "heat"
        self.address = 63
        self.kept = kept
        self.full = False
        self.word = word  # why SetClock fails
        self.silence = silence  # why the clock cannot be read
        self.slow_s = slow_s
        self.log = []
        self.sent = []
        self.asked = 0
        self.log_lines = []
        self.log = self.log_lines.append

    def load(self, name):
        return self.kept

    def save(self, name, state):
        if self.full:
            raise OSError(28)
        self.kept = state

    async def relay(self, address, application):
        assert read_request(application)[1]["ids"] == [1003, 1002]
        self.asked += 1
        if self.silence:
            return None, self.silence
        local = self.clock.unix() + HOUR - self.slow_s - WINTER
        assert 0 <= local < DAY
        number = local // 3600 * 10000 + local // 60 % 60 * 100 + local % 60
        return register_reply([(1003, 48, 261120, 0, 4), (1002, 47, number, 0, 4)]), None

    async def send(self, application):
        self.sent.append(read_request(application))
        return self.word

    def look(self):
        clock = MeterClock(self, CET, self.send)
        drive(clock.look())
        return clock


def test_it_is_set_only_where_the_owner_allows_it_and_only_when_it_is_off():
    for allowed, slow_s, sets in (
        (False, 400, 0),
        (False, -400, 0),
        (True, 60, 0),
        (True, -60, 0),
        (True, 61, 1),
        (True, -61, 1),
    ):
        house = House(allowed, slow_s)
        clock = house.look()
        assert len(house.sent) == sets, (allowed, slow_s)
        assert clock.drift_s == (0 if sets else -slow_s)
        assert house.kept == ([WINTER] if sets else None)


def test_no_try_is_repeated_on_the_same_day_however_it_ended():
    house = House(word="no_light")
    assert "cannot be set: no_light" in house.look().error
    again = house.look()
    assert len(house.sent) == 1 and "less than a day ago" in again.error
    house.kept = [WINTER - DAY + 1]
    house.look()
    assert len(house.sent) == 1
    house.kept = [WINTER - DAY]
    house.look()
    assert len(house.sent) == 2


def test_what_cannot_be_remembered_is_not_done():
    house = House()
    house.full = True
    try:
        house.look()
    except OSError:
        pass
    else:
        raise AssertionError("the flash refused")
    assert house.sent == []


def test_a_state_file_that_is_damaged_is_none():
    for kept in (None, [], {}, ["x"], [None]):
        house = House(kept=kept)
        house.look()
        assert len(house.sent) == 1, kept


def test_without_the_date_or_an_answer_nothing_is_compared():
    house = House()
    house.clock.known = False
    clock = house.look()
    assert (house.asked, clock.drift_s) == (0, None)
    house = House(silence="budget_spent")
    clock = house.look()
    assert (house.asked, clock.drift_s, clock.error) == (
        1,
        None,
        "the meter's clock cannot be read now: budget_spent",
    )
    drive(clock.look())
    assert house.asked == 1, "not again before an hour has passed"
    house.silence = None
    house.clock.pass_ms(HOUR * 1000)
    drive(clock.look())
    assert (house.asked, clock.error, len(house.sent)) == (2, None, 1)
