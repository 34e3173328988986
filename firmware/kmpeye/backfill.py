# Fills holes of the history from the meter's own logger: after a night without power, or a head that fell off. Knows
# readings and what the app hands it; loaded by chores when there may be a hole. Promises: few requests, all through
# the reader's relay, which keeps timing, budget and waking; a logger that refuses is asked once a week.
#
# What has to be remembered of the filling is one hour: up to it the history was looked at. The holes behind it are
# found again by looking, so a filling that was cut off goes on where it ended. Of the meter it is how far from UTC its
# clock is set: when that is something else the date here may be wrong, as after a wrong answer from the network, and
# records would enter under hours that are not theirs.

from micropython import const

from kmp.command import get_register, read_registers
from kmp.frame import ProtocolError
from kmpeye.readings.backfill import Log, chosen
from kmpeye.readings.moment import IDS, seconds_of, unix_on, zone_of

_SLOT_S = const(3600)
_LEAST = const(2)  # hours; a shorter hole is not worth a request
_MOST_SLOTS = const(1680)  # 70 days: no hourly logger that is known holds more than 58
_DAY_S = const(86400)
_WEEK_S = const(604800)
_STAYS_S = const(172800)  # the date is asked for once a day, so a wrong one does not stay so long
_NEAR_S = const(900)  # by less than this the clocks may be off
_RETRY_S = const(3600)  # after a budget that is spent, or a line that failed
_BREATH = const(32)  # records between two chances for others to run
_FILE = const("backfill.json")

_WRONG_CLOCK = const("wrong_clock")  # the meter does not tell its clock, or one that is in no time zone
_APART = const("the date here does not go with the meter's clock; after two days it is believed")
_NOTHING_OF_IT = const("nothing_of_it")  # no register of the log is in the history
_TRIES = const(3)
_LOST = const(("no_light", "echo_only", "other_device", "garbled", "bad_crc"))
# What a logger that is not there looks like, the meter itself having answered just before.
_REFUSED = ("no_light", "echo_only", "other_device", "empty_log", "bad_content", _WRONG_CLOCK)
_REFUSES = const("the logger at address %d refuses (%s): it is asked again in a week")
_RESTS = const("the meter's logger refused: a week after that it is asked again")


class Backfill:
    """`filled` counts hours; `error` is a sentence or None; `next_s` is the uptime at which another look is wanted, 0
    when there is no need for one before the next hole."""

    def __init__(self, app):
        self.app = app
        self.filled = 0
        self.error = None
        self.next_s = 0
        self._profile = profile = app.reader.profile
        loggers = len(profile.loggers)
        self._done = 0  # the hour, counted from 1970, up to which no hole is left to ask for; 0: not known
        self._turned = [None] * loggers  # of each logger: see readings.backfill.Log
        self._refused = [0] * loggers  # Unix seconds when it refused
        # Seconds east of UTC that the meter's clock is set, a day where that is not known; the same as it seems to be
        # since a moment, the third, in Unix seconds.
        self._clock = [_DAY_S, 0, 0]
        self._changed = False  # since it was kept
        state = app.keep.load(_FILE)
        try:
            name, done, turned, refused, clock = state
            if (
                name == profile.name
                and (len(turned), len(refused), len(clock)) == (loggers, loggers, 3)
                and done + sum(refused) + sum([abs(one) for one in clock]) >= 0
            ):
                self._done, self._turned, self._refused, self._clock = done, turned, refused, clock
        except (TypeError, ValueError):
            pass  # none was kept, or it is damaged: all is found anew

    async def look(self):
        """Find holes between what was looked at and the present, and fill them."""
        unix = self.app.clock.unix()
        if unix is None or self.app.clock.uptime_s() < self.next_s:
            return
        now = unix // _SLOT_S
        # A clock that was put back makes `now` the earlier one.
        self._done = max(min(self._done, now), now - _MOST_SLOTS)
        hole = await self._hole(self._done, now, self._latest())
        if hole:
            await self._fill(unix, now, hole)
        else:
            self._done = now

    async def _hole(self, since, until, after=None):
        """The next one in hours from `since`, before `until`: (first hour, hour behind it, values before, values
        after); None when all that are left are too short. A history that begins later has no hole there."""
        app = self.app
        # A reader that is meant to read every 6 hours has no holes of 5.
        least = max(_LEAST, 2 * app.reader.interval_s // _SLOT_S)
        before = None
        last = number = 0
        records = app.history.records("hour", since * _SLOT_S, until * _SLOT_S - 1)
        try:
            for unix, _, values in records:
                slot = unix // _SLOT_S
                if before is not None and slot - last > least:
                    return last + 1, slot, before, values
                before = values
                last = slot
                number += 1
                if number % _BREATH == 0:
                    await app.clock.sleep_ms(0)
        finally:
            records.close()  # the open file too
        if before is not None and until - last > least:
            return last + 1, until, before, after or {}
        return None

    async def _fill(self, unix, now, hole):
        while hole:
            if not await self._ask_loggers(unix, hole):
                break  # for now; what was filled is not asked for again
            self._done = hole[1]
            self._changed = True
            hole = await self._hole(hole[1], now, self._latest())
        else:
            self._done = now
            self.error = None
            self.next_s = 0
        if self._changed:
            self._changed = False
            state = [self._profile.name, self._done, self._turned, self._refused, self._clock]
            self.app.keep.save(_FILE, state)

    def _latest(self):
        reading = self.app.snapshot.reading
        return {one[0]: one[2:] for one in reading.values} if reading else {}

    async def _ask_loggers(self, unix, hole):
        """True when this hole needs no further request, False to try later what is left of it."""
        app = self.app
        loggers = self._profile.loggers
        later_s = 0
        asked = False
        part = hole
        for i in range(len(loggers)):
            rest_s = self._refused[i] + _WEEK_S - unix
            if self._refused[i] and 0 < rest_s <= _WEEK_S:
                later_s = min(later_s or rest_s, rest_s)
                continue
            reason = await self._ask_logger(i, part, hole[3])
            if reason == _NOTHING_OF_IT:
                continue
            if reason in _REFUSED:
                self._refused[i] = unix
                self._changed = True
                self.error = _REFUSES % (loggers[i][0], reason)
                later_s = later_s or _WEEK_S
                continue
            if reason:
                self.error = "the meter's logger cannot be read now: %s" % reason
                self.next_s = app.clock.uptime_s() + _RETRY_S
                return False
            self._refused[i] = 0
            asked = True
            part = await self._hole(hole[0] - 1, hole[1], hole[3])
            if not part:
                break
        if not asked and later_s:
            self.next_s = app.clock.uptime_s() + later_s
            self.error = self.error or _RESTS
            return False
        return True

    async def _ask_logger(self, i, part, after):
        """Fill this hole, and what follows of it, from one logger. None, or a word why not."""
        app = self.app
        names = dict(self._profile.registers)
        address, number, ids = self._profile.loggers[i]
        keys = {one: names[one] for one in ids if names.get(one) in app.history.registers}
        if not keys:
            return _NOTHING_OF_IT
        ids = [one for one in ids if one in keys or one in IDS]
        log = Log(self._relay, address, number, ids, self._turned[i])
        east, reason = await self._zone(ids)
        end = part[1]
        while part and not reason:
            reason = await self._one_hole(log, east, keys, part)
            part = await self._hole(part[1], end, after) if part[1] < end else None
        if log.turned != self._turned[i]:
            self._turned[i] = log.turned
            self._changed = True
        return reason

    async def _one_hole(self, log, east, keys, hole):
        """Take from one log what is in it for the hole. None, or a word why it cannot be read."""
        app = self.app
        at, end, before, after = hole
        before = before.copy()
        step_s = _SLOT_S  # between two records of this log; electricity meters have them every 15 minutes
        while at < end:
            count = max(1, (end - at) * _SLOT_S // step_s)
            records, reason = await log.from_time(at * _SLOT_S + east - unix_on(0), count)
            if reason:
                return reason
            asked = at
            previous = 0
            for _, values in records:
                meter_s = seconds_of(values)
                unix = 0 if meter_s is None else unix_on(meter_s) - east
                if unix // _SLOT_S < asked or unix <= previous:
                    continue  # not what was asked for: a date that makes no sense
                step_s = min(step_s, unix - previous) if previous else step_s
                previous = unix
                slot = unix // _SLOT_S
                if slot < at:
                    continue  # a second one in its hour
                at = slot + 1
                if slot >= end:
                    break
                values = chosen(values, keys, before, after)
                if values and app.history.insert(unix, values):
                    before.update(values)
                    self.filled += 1
                await app.clock.sleep_ms(0)
            if at == asked:
                return None  # nothing from here on
        return None

    async def _zone(self, ids):
        """(seconds east of UTC that the meter's clock is set, None), or (None, a word why not)."""
        app = self.app
        request = get_register([one for one in ids if one in IDS])
        reply, reason = await self._relay(app.reader.head.address, request)
        if reason:
            return None, "no_meter" if reason in _REFUSED else reason
        try:
            meter_s = seconds_of(read_registers(reply))
        except ProtocolError:
            meter_s = None
        unix = app.clock.unix()
        east = None if meter_s is None else zone_of(meter_s, unix)
        if east is None:
            return None, _WRONG_CLOCK
        before = self._clock
        self._clock = self._believed(unix_on(meter_s) - unix, east, unix)
        if self._clock != before:
            self._changed = True
        return (None, _APART) if self._clock[2] else (self._clock[0], None)

    def _believed(self, ahead, east, unix):
        """What to remember of a meter's clock that is so many seconds ahead of UTC; `east` is the nearest zone."""
        known, apart, since = self._clock
        usual = (known,)
        if known == _DAY_S:
            zone = self.app.zone()
            usual = zone.offset(unix), zone.standard, 0
        for one in usual:
            if abs(ahead - one) < _NEAR_S:
                return [one, 0, 0]
        if not since or abs(ahead - apart) >= _NEAR_S:
            return [known, east, unix]
        return [apart, 0, 0] if unix - since >= _STAYS_S else self._clock

    async def _relay(self, address, application):
        """The reader's relay, which asks once: a reply that got lost is no refusal."""
        for _ in range(_TRIES):
            reply, reason = await self.app.reader.relay(address, application)
            if reason not in _LOST:
                break
        return reply, reason
