# The meter's own clock beside ours: how far it is off, and, where the owner allows writing, setting it right. Knows
# readings and what the app hands it; loaded by chores once a day. Promises one request a day, and at most one SetClock
# a day: only with the setting allow_meter_writes, only when the clock is off by more than a minute. No other command
# that writes is here.

from micropython import const

from kmp.calendar import date_of_day
from kmp.command import get_register, read_registers
from kmp.frame import ProtocolError
from kmpeye.readings.moment import CLOCK_ID, DATE_ID, RTC_ID, seconds_of, unix_on

_DAY_S = const(86400)
_NEAR_S = const(1800)
_WEEK_S = const(604800)
_RETRY_S = const(3600)
_MOST_DRIFT_S = const(60)
_FILE = const("meterclock.json")


def drift_of(meter_s, unix, zone):
    """(drift, east): how many seconds the meter's clock, which shows meter_s (seconds since 2000), is fast, and how far
    east of UTC it is meant to be set. Meters keep the zone's standard time, some its summer time or UTC: the nearest
    counts, if it is within half an hour. A clock that is further off is measured by standard time."""
    ahead = unix_on(meter_s) - unix
    best = zone.standard
    for east in (zone.offset(unix), 0):
        if abs(ahead - east) < abs(ahead - best):
            best = east
    if abs(ahead - best) > _NEAR_S:
        best = zone.standard
    return ahead - best, best


def set_request(unix, east):
    """The application that sets a clock to this moment."""
    from kmp.service import set_clock

    local = unix + east - unix_on(0)
    year, month, day = date_of_day(local // _DAY_S)
    rest = local % _DAY_S
    return set_clock(
        year % 100 * 10000 + month * 100 + day,
        rest // 3600 * 10000 + rest // 60 % 60 * 100 + rest % 60,
    )


class MeterClock:
    """`drift_s` is what the last look found, None before it and where the meter tells no clock."""

    def __init__(self, app, zone, send):
        """zone: system.timezone.Zone. send(application): awaitable of None when the meter acknowledged, or a word why
        not; it is called for SetClock alone, and only where writing is allowed."""
        self.app = app
        self.zone = zone
        self.drift_s = None
        self.error = None
        self._send = send
        self._allowed = app.config["allow_meter_writes"]
        self.next_s = 0  # uptime at which another look is wanted
        state = app.keep.load(_FILE)
        # Unix seconds of the last try to set it; a start does not count as a new day.
        self.set_unix = state[0] if isinstance(state, list) and state and isinstance(state[0], int) else 0

    async def look(self):
        """Compare the clocks, if that is due and the date is known; set the meter's, if that is allowed and needed."""
        app = self.app
        clock = app.clock
        if clock.unix() is None or clock.uptime_s() < self.next_s:
            return
        meter_s, self.error = await self._ask()
        if self.error:
            self.next_s = clock.uptime_s() + _RETRY_S
            return
        if meter_s is None:
            self.error = "the meter does not tell its date and clock"
            self.next_s = clock.uptime_s() + _WEEK_S
            return
        self.next_s = clock.uptime_s() + _DAY_S
        unix = clock.unix()
        self.drift_s, east = drift_of(meter_s, unix, self.zone)
        if not self._allowed or abs(self.drift_s) <= _MOST_DRIFT_S:
            return
        if 0 <= unix - self.set_unix < _DAY_S:
            self.error = "the meter's clock was set less than a day ago and is off again"
            return
        self.set_unix = unix
        app.keep.save(_FILE, [unix])  # before it is done: whatever happens then, it is not done again today
        reason = await self._send(set_request(clock.unix(), east))
        if reason:
            self.error = "the meter's clock cannot be set: %s" % reason
        else:
            app.log("the meter's clock was %d s off and has been set" % self.drift_s)
            self.drift_s = 0

    async def _ask(self):
        """(seconds since 2000 on the meter's clock or None, None), or (None, why it cannot be asked now)."""
        reader = self.app.reader
        # The RTC says whether it shows summer time; only electricity meters have one.
        ids = (RTC_ID,) if reader.profile.kind == "electricity" else (DATE_ID, CLOCK_ID)
        reply, reason = await reader.relay(reader.head.address, get_register(ids))
        if reason:
            return None, "the meter's clock cannot be read now: %s" % reason
        try:
            return seconds_of(read_registers(reply)), None
        except ProtocolError as error:
            return None, "the meter's clock cannot be read: %s" % error
