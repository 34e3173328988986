# The calendar that KMP's dates live in: days as numbers, without the platform's epoch (2000 on the chip, 1970 on a
# PC), and the meter's own clock, the RTC of eight bytes, for which it imports value and encode. Rules: Kamstrup
# 5512-447 5.1; the RTC's layout was checked on real frames of a K382.

from micropython import const

RTC_SUMMER_TIME = const(1)  # bits of the RTC's status byte
RTC_VALID = const(2)
RTC_FROM_EEPROM = const(4)

_DAY_S = const(86400)
DAYS_1970 = const(10957)  # days from the Unix epoch to 2000-01-01
_DAYS_MARCH_0 = const(730425)  # days from 0000-03-01 to 2000-01-01


def day_number(year, month, day):
    """Days from 2000-01-01 (day 0) to a date of the Gregorian calendar."""
    if month < 3:  # years begin in March here, so that the leap day comes last
        year -= 1
        month += 12
    days = 365 * year + year // 4 - year // 100 + year // 400
    return days + (153 * month - 457) // 5 + day - 1 - _DAYS_MARCH_0


def date_of_day(days):
    """(year, month, day) of a day number: the other way round."""
    days += _DAYS_MARCH_0
    century = (4 * days + 3) // 146097
    days -= 146097 * century // 4
    year = (4 * days + 3) // 1461
    days -= 1461 * year // 4
    month = (5 * days + 2) // 153
    day = days - (153 * month + 2) // 5 + 1
    year += 100 * century
    if month >= 10:
        return year + 1, month - 9, day
    return year, month + 3, day


def is_date(year, month, day):
    """True for a day that exists."""
    return 1 <= month <= 12 and 1 <= day and date_of_day(day_number(year, month, day)) == (year, month, day)


def rtc_fields(number):
    """(year, month, day, hour, minute, second, status, weekday) of an 8-byte RTC value (unit 53)."""
    from kmp.encode import unsigned_bytes

    raw = unsigned_bytes(number, 8)
    return 2000 + raw[7], raw[6], raw[5], raw[4], raw[3], raw[2], raw[0], raw[1]


def rtc_number(year, month, day, hour, minute, second, status=RTC_VALID, weekday=0):
    """The other way round: the integer of an 8-byte RTC value. Years 2000 to 2255."""
    from kmp.encode import octets
    from kmp.value import unsigned

    return unsigned(octets(status, weekday, second, minute, hour, day, month, year - 2000), 0, 8)


def date_time_fields(number):
    """(year, month, day, hour, minute, second, summer) of a 7-byte date and time (unit 79), the clock of the newer
    heat meters: standard time, and the minutes that summer time adds to it."""
    from kmp.encode import unsigned_bytes

    raw = unsigned_bytes(number, 7)
    return 2000 + raw[1], raw[2], raw[3], raw[4], raw[5], raw[6], raw[0]


def iso(year, month, day, hour, minute, second):
    """ "2010-11-01T00:00:00" """
    return "%04d-%02d-%02dT%02d:%02d:%02d" % (year, month, day, hour, minute, second)


def iso_of_seconds(seconds):
    """The same from seconds since 2000-01-01."""
    rest = seconds % _DAY_S
    year, month, day = date_of_day(seconds // _DAY_S)
    return iso(year, month, day, rest // 3600, rest // 60 % 60, rest % 60)
