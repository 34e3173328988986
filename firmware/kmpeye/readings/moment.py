# When it was on the meter's own clock: the registers 1003 and 1002 (date, clock) or 1047 (RTC) as one number, and
# which hour of UTC that is. Pure; imports kmp's calendar. Promises None for what cannot be a moment, never a guess.

from micropython import const

from kmp.calendar import RTC_SUMMER_TIME, day_number, is_date, rtc_fields
from kmp.dates import CLOCK, DATE, DATE4, RTC

CLOCK_ID = const(1002)
DATE_ID = const(1003)
RTC_ID = const(1047)
IDS = (DATE_ID, CLOCK_ID, RTC_ID)

_2000 = const(946684800)  # 2000-01-01 in Unix seconds
_DAY_S = const(86400)
_MIDNIGHT = const(240000)  # some meters write the end of a day so
_STEP_S = const(900)  # time zones differ by quarters of an hour
_MOST_S = const(54000)  # 15 h: no time zone is further from UTC


def seconds_of(values):
    """Seconds since 2000-01-01 on the meter's clock, in its standard time where the RTC says that it shows summer
    time. values: rows (register id, unit, mantissa, exponent). None: they hold no whole, existing moment."""
    date = clock = None
    for register, unit, mantissa, exponent in values:
        if exponent or mantissa < 0:
            continue
        if register == RTC_ID and unit == RTC and not mantissa >> 64:
            year, month, day, hour, minute, second, status, _ = rtc_fields(mantissa)
            found = _seconds(year, month, day, hour, minute, second)
            if found is not None and status & RTC_SUMMER_TIME:
                found -= 3600
            return found
        if register == DATE_ID and (unit == DATE4 or (unit == DATE and mantissa < 1000000)):
            date = mantissa if unit == DATE4 else mantissa + 20000000
        elif register == CLOCK_ID and unit == CLOCK:
            clock = mantissa
    if date is None or clock is None:
        return None
    year, month, day = date // 10000, date // 100 % 100, date % 100
    if clock == _MIDNIGHT:
        found = _seconds(year, month, day, 0, 0, 0)
        return None if found is None else found + _DAY_S
    return _seconds(year, month, day, clock // 10000, clock // 100 % 100, clock % 100)


def _seconds(year, month, day, hour, minute, second):
    # The years a meter can live in; an RTC of nothing but zeros has no month.
    if not 2000 <= year <= 2255 or not is_date(year, month, day) or hour > 23 or minute > 59 or second > 59:
        return None
    return day_number(year, month, day) * _DAY_S + hour * 3600 + minute * 60 + second


def unix_on(meter_s):
    """Seconds of a clock that shows UTC as Unix seconds."""
    return meter_s + _2000


def zone_of(meter_s, unix):
    """How far east of UTC the meter's clock is set, in seconds, when it shows meter_s at unix: its zone without its
    error, so a multiple of 15 minutes. None for a clock that is in no zone: then its dates mean nothing."""
    east = meter_s + _2000 - unix
    east = (east + _STEP_S // 2) // _STEP_S * _STEP_S
    return east if -_MOST_S <= east <= _MOST_S else None
