# Values that are not quantities but dates, clocks and letters: their unit codes and their text. Loaded when a meter
# sends one; imports calendar only where days have to be counted. (Kamstrup 5512-447 5.1)

from micropython import const

CLOCK = const(47)  # hhmmss
DATE = const(48)  # YYMMDD
DATE4 = const(49)  # YYYYMMDD
_MONTH_DAY = const(50)  # MMDD
RTC = const(53)  # 8 bytes: status, weekday, ss, mm, hh, DD, MM, YY
_ASCII = const(54)
_SECONDS_2000 = const(72)  # status byte, then 32 bit of seconds since 2000-01-01
_DATE_TIME = const(79)  # 7 bytes: minutes of summer time that are still to be added, YY, MM, DD, hh, mm, ss

_MAX_LETTERS = const(64)  # as many bytes as kmp.value takes for a text


def date_text(unit, number):
    """The text of a value whose unit is not a quantity, digit for digit as the meter said it: dates
    2022-01-12, month and day 12-31, clocks 20:02:43, RTCs 2010-11-01T00:00:00, ASCII as letters.
    Says None where the number cannot be one (too many digits, unprintable): then it is just a number."""
    if number < 0:
        return None
    if unit == _ASCII:
        return _letters(number)
    if unit in (RTC, _SECONDS_2000, _DATE_TIME):
        from kmp import calendar

        if unit == RTC:
            return None if number >> 64 else calendar.iso(*calendar.rtc_fields(number)[:6])
        if unit == _DATE_TIME:
            return None if number >> 56 else calendar.iso(*calendar.date_time_fields(number)[:6])
        return None if number >> 40 else calendar.iso_of_seconds(number & 0xFFFFFFFF)
    digits = "%08d" % number
    parts = [digits[:4], digits[4:6], digits[6:]]
    separator = "-"
    if unit == _MONTH_DAY:
        if digits[:4] != "0000":
            return None
        del parts[0]
    elif unit != DATE4:
        if digits[:2] != "00":
            return None
        if unit == DATE:
            parts[0] = "20" + digits[2:4]
        else:
            parts[0] = digits[2:4]
            separator = ":"
    return separator.join(parts) if len(digits) == 8 else None


def _letters(number):
    if number >> 8 * _MAX_LETTERS:
        return None
    raw = number.to_bytes(_MAX_LETTERS, "big").strip(b"\0 ")
    for byte in raw:
        if not 32 <= byte <= 126:
            return None
    return raw.decode()
