# The registers of a simulated meter and the time it lives in. Everything is counted in whole numbers
# (l/h times milliseconds), so a total is exact however the time was cut into steps.
# Imports plant, grid, logger, quantity and the protocol's calendar. Time only goes forward, in milliseconds since
# 2000-01-01.

from kmp.calendar import RTC_VALID, date_of_day, day_number, is_date, rtc_number
from kmp.dates import RTC
from kmp.decimal import divide_half_even
from kmp.frame import ProtocolError
from kmpsim.grid import Grid
from kmpsim.logger import Log
from kmpsim.plant import Plant
from kmpsim.quantity import HOUR_MS, NOW, TOTAL

_MINUTE_MS = 60_000
_DAY_S = 86_400
_QUARTER_MS = 900_000
_SATURDAY = 6  # 2000-01-01; weekdays of the RTC begin with Monday, 1 (k382-aimir-6)
# A volume that the averages of this month and year already rest on when the simulation starts: 10 m³.
_AVERAGE_START = 10_000 * HOUR_MS


class State:
    """The registers of `model` at a moment. start_s: seconds since 2000-01-01."""

    def __init__(self, model, seed, start_s, serial):
        self.serial = serial
        if model.pattern in ("one_phase", "three_phase"):
            self._plant = Grid(1 if model.pattern == "one_phase" else 3, model.peak, seed)
        else:
            self._plant = Plant(model.pattern, model.peak, seed)
        self._ms = 1000 * start_s
        self._clock_offset_s = 0  # what SetClock changed; the weather does not follow it
        self._sums = {}
        self._averages = {}  # of the register: [sum of temperature times volume, volume]
        self._extremes = {}  # of the register: [mantissa, when in seconds]
        self._registers = {register.id: register for register in model.registers}
        self._scales = {}  # of the register: its quantity's 1 in steps of the mantissa, as numerator, denominator
        for register in model.registers:
            if register.kind in ("now", "total", "max", "min", "average"):
                size = (TOTAL if register.kind == "total" else NOW)[register.of][1] / register.step
                self._scales[register.id] = size.numerator, size.denominator
            if register.kind == "total":
                self._sums[register.of] = 0
            elif register.kind in ("max", "min"):
                self._extremes[register.id] = [register.start, self._first_day(register.over)]
            elif register.kind == "average":
                numerator, denominator = self._scales[register.id]
                start = register.start * denominator // numerator
                self._averages[register.id] = [start * _AVERAGE_START, _AVERAGE_START]
        self._month = self._today() // 100
        self.logs = {(one.address, one.log): Log(one) for one in model.loggers}
        if self.logs:
            self._remember()
        self._enter()

    def __contains__(self, register_id):
        return register_id in self._registers

    def advance(self, milliseconds):
        """Let time pass."""
        end = self._ms + milliseconds
        while self._ms < end:
            step = min(_MINUTE_MS - self._ms % _MINUTE_MS, end - self._ms)
            minute = self._minute
            for quantity in self._sums:
                self._sums[quantity] += TOTAL[quantity][0](minute) * step
            for register_id, average in self._averages.items():
                average[0] += NOW[self._registers[register_id].of][0](minute) * minute.flow * step
                average[1] += minute.flow * step
            self._ms += step
            if not self._ms % _MINUTE_MS:
                self._enter()

    def set_clock(self, date, clock):
        """SetClock: YYMMDD and hhmmss. A moment that does not exist is refused."""
        year, month, day = 2000 + date // 10000, date // 100 % 100, date % 100
        hour, minute, second = clock // 10000, clock // 100 % 100, clock % 100
        if not is_date(year, month, day) or year > 2099 or hour > 23 or minute > 59 or second > 59:
            raise ProtocolError("there is no moment %06d %06d" % (date, clock))
        seconds = day_number(year, month, day) * _DAY_S + hour * 3600 + minute * 60 + second
        self._clock_offset_s = seconds - self._ms // 1000

    def read(self, register_id):
        """(id, unit, mantissa, exponent, nob) of a register that is in this state."""
        register = self._registers[register_id]
        return register_id, register.unit, self._mantissa(register), register.exponent, register.nob

    def values(self):
        """All registers: {id: (mantissa, exponent)}."""
        return {r.id: (self._mantissa(r), r.exponent) for r in self._registers.values()}

    def _remember(self):
        """Fill the logs with the time before the start: backwards in quarters of an hour, in hours once the logs
        that need quarters are full; each as the minute in its middle."""
        start_ms, start_sums = self._ms, dict(self._sums)
        for log in self.logs.values():
            log.start(self._seconds())
            if log.begins(self._seconds()):
                log.remember(self._seconds(), self.read)
        while waiting := [log for log in self.logs.values() if not log.full()]:
            step = _QUARTER_MS if any(log.model.every == "quarter" for log in waiting) else HOUR_MS
            step = self._ms % step or step
            if step > self._ms:
                break  # the year 2000: no meter is older
            self._ms -= step
            minute = self._plant.minute((self._ms + step // 2) // _MINUTE_MS)
            for quantity in self._sums:
                self._sums[quantity] -= TOTAL[quantity][0](minute) * step
            for log in waiting:
                if log.begins(self._seconds()):
                    log.remember(self._seconds(), self.read)
        self._ms, self._sums = start_ms, start_sums

    def _seconds(self):
        return self._ms // 1000 + self._clock_offset_s

    def _today(self):
        return _date(self._seconds())

    def _first_day(self, period):
        """The first day of this month or year: when the extremes were that the simulation starts with."""
        year, month, _ = date_of_day(self._seconds() // _DAY_S)
        return _DAY_S * day_number(year, month if period == "month" else 1, 1)

    def _enter(self):
        """A new minute: its flow, and the extremes it may set."""
        self._minute = self._plant.minute(self._ms // _MINUTE_MS)
        today = self._today()
        month = today // 100
        new_periods = ()
        if month != self._month:
            new_periods = ("month", "year") if month // 100 != self._month // 100 else ("month",)
            self._month = month
        for register_id, extreme in self._extremes.items():
            register = self._registers[register_id]
            mantissa = self._now(register)
            if (
                register.over in new_periods
                or (register.kind == "max" and mantissa > extreme[0])
                or (register.kind == "min" and mantissa < extreme[0])
            ):
                extreme[:] = mantissa, self._seconds()
        for register_id, average in self._averages.items():
            if self._registers[register_id].over in new_periods:
                average[:] = 0, 0
        for log in self.logs.values():
            log.pass_to(self._seconds(), self.read)

    def _now(self, register):
        numerator, denominator = self._scales[register.id]
        return divide_half_even(NOW[register.of][0](self._minute) * numerator, denominator)

    def _mantissa(self, register):
        kind = register.kind
        if kind == "constant":
            return register.value
        if kind == "now":
            return self._now(register)
        if kind == "total":
            numerator, denominator = self._scales[register.id]
            return (
                (register.start * denominator + self._sums[register.of] * numerator)
                // denominator
                % register.modulo
            )
        if kind in ("max", "min"):
            return self._extremes[register.id][0]
        if kind == "when":
            return (_rtc if register.unit == RTC else _date)(self._extremes[register.of][1])
        if kind == "average":
            weighted, volume = self._averages[register.id]
            if not volume:  # nothing has flowed in this period yet
                return self._now(register)
            numerator, denominator = self._scales[register.id]
            return divide_half_even(weighted * numerator, volume * denominator)
        if kind == "serial":
            return self.serial
        if kind == "date":
            return self._today()
        if kind == "rtc":
            return _rtc(self._seconds())
        return _clock(self._seconds())


def _date(seconds):
    year, month, day = date_of_day(seconds // _DAY_S)
    return year % 100 * 10000 + month * 100 + day


def _clock(seconds):
    return seconds // 3600 % 24 * 10000 + seconds // 60 % 60 * 100 + seconds % 60


def _rtc(seconds):
    days, rest = divmod(seconds, _DAY_S)
    clock = rest // 3600, rest // 60 % 60, rest % 60
    return rtc_number(*date_of_day(days), *clock, RTC_VALID, (days + _SATURDAY - 1) % 7 + 1)
