# Values that are not quantities but dates, clocks and letters: their unit codes and their text. Loaded when a meter
# sends one; imports calendar only where days have to be counted. (Kamstrup 5512-447 5.1)

from micropython import const

CLOCK = const(47)  # hhmmss
DATE = const(48)  # YYMMDD
DATE4 = const(49)  # YYYYMMDD
MONTH_DAY = const(50)  # MMDD
RTC = const(53)  # 8 bytes: status, weekday, ss, mm, hh, DD, MM, YY
ASCII = const(54)
SECONDS_2000 = const(72)  # status byte, then 32 bit of seconds since 2000-01-01


def date_text(unit, number):
    """The text of a value whose unit is not a quantity, digit for digit as the meter said it: dates
    2022-01-12, month and day 12-31, clocks 20:02:43, RTCs 2010-11-01T00:00:00, ASCII as letters.
    Says None where the number cannot be one (too many digits, unprintable): then it is just a number."""
    if number < 0:
        return None
    if unit == ASCII:
        return _letters(number)
    if unit == RTC or unit == SECONDS_2000:
        from kmp import calendar

        if unit == RTC:
            return None if number >> 64 else calendar.iso(*calendar.rtc_fields(number)[:6])
        return None if number >> 40 else calendar.iso_of_seconds(number & 0xFFFFFFFF)
    digits = "%08d" % number
    parts = [digits[:4], digits[4:6], digits[6:]]
    separator = "-"
    if unit == MONTH_DAY:
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
    if number >> 80:
        return None
    raw = number.to_bytes(10, "big").strip(b"\0 ")
    for byte in raw:
        if not 32 <= byte <= 126:
            return None
    return raw.decode()
