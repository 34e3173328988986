# kmp.calendar and kmp.dates: day numbers, dates, clocks, RTCs and letters as the meter says them.
# Tables of (input, expected, why); runs on CPython and on MicroPython alike.

from kmp.calendar import (
    DAYS_1970,
    RTC_FROM_EEPROM,
    RTC_SUMMER_TIME,
    RTC_VALID,
    date_of_day,
    day_number,
    is_date,
    iso,
    iso_of_seconds,
    rtc_fields,
    rtc_number,
)
from kmp.dates import CLOCK, DATE, DATE4, RTC, date_text
from kmp.frame import UsageError
from kmp.value import is_number, token
from kmp_wire import refusal

# Unit codes that only kmp.dates knows by name.
MONTH_DAY = 50
ASCII = 54
SECONDS_2000 = 72
DATE_TIME = 79

DAYS = (
    (1970, 1, 1, -DAYS_1970, "the epoch of Unix"),
    (1999, 12, 31, -1, "the day before"),
    (2000, 1, 1, 0, "the epoch of the chip"),
    (2000, 2, 29, 59, "2000 is a leap year: divisible by 400"),
    (2000, 3, 1, 60, "the day after"),
    (2000, 12, 31, 365, "366 days long"),
    (2001, 1, 1, 366, "the next year"),
    (2004, 2, 29, 1520, "a leap year"),
    (2026, 11, 22, 9822, "a day of today"),
    (2038, 1, 19, 13898, "where 32 bits of Unix seconds end"),
    (2099, 12, 31, 36524, "the last day a date of two digits can name"),
    (2100, 2, 28, 36583, "2100 is no leap year"),
    (2100, 3, 1, 36584, "so this is the next day"),
    (2255, 12, 31, 93501, "the last day of an RTC"),
)

IMPOSSIBLE = (
    (2000, 0, 0, "what a meter sends for never"),
    (2000, 0, 1, "no month"),
    (2000, 1, 0, "no day"),
    (2000, 13, 1, "month 13"),
    (2001, 2, 29, "no leap year"),
    (2100, 2, 29, "no leap year either"),
    (2004, 2, 30, "February"),
    (2010, 4, 31, "April"),
    (2010, 12, 32, "December"),
    (2010, 255, 255, "bytes of FF"),
)

TEXTS = (
    (DATE, 220112, "2022-01-12", "a date of a real meter"),
    (DATE, 70730, "2007-07-30", "a leading zero is not sent"),
    (DATE, 0, "2000-00-00", "never: said as the meter says it"),
    (DATE, 991399, "2099-13-99", "an impossible date is not ours to mend"),
    (DATE, 1000101, None, "too many digits for YYMMDD"),
    (DATE, -1, None, "no date is negative"),
    (DATE4, 20220112, "2022-01-12", "YYYYMMDD"),
    (DATE4, 99991231, "9999-12-31", "the last one"),
    (DATE4, 100000101, None, "too many digits"),
    (CLOCK, 200243, "20:02:43", "a clock"),
    (CLOCK, 5, "00:00:05", "just after midnight"),
    (CLOCK, 240000, "24:00:00", "the end of a day, as loggers write it"),
    (CLOCK, 1000000, None, "too many digits for hhmmss"),
    (MONTH_DAY, 1231, "12-31", "a target date"),
    (MONTH_DAY, 101, "01-01", "a leading zero is not sent"),
    (MONTH_DAY, 10101, None, "too many digits for MMDD"),
    (RTC, 0x82012102100A090C, "2012-09-10T16:02:33", "a real K382"),
    (RTC, 0x80020000001B060C, "2012-06-27T00:00:00", "status and weekday are not shown"),
    (RTC, 0, "2000-00-00T00:00:00", "never"),
    (RTC, 1 << 64, None, "more than eight bytes"),
    (SECONDS_2000, 0, "2000-01-01T00:00:00", "the epoch"),
    (SECONDS_2000, 0x02_00000E11, "2000-01-01T01:00:01", "the status byte in front is not shown"),
    (SECONDS_2000, 848620800, "2026-11-22T00:00:00", "a day of today"),
    (SECONDS_2000, 0xFFFFFFFF, "2136-02-07T06:28:15", "the last one"),
    (SECONDS_2000, 1 << 40, None, "more than five bytes"),
    (ASCII, 0x4B414D0000, "KAM", "letters, filled with 00 behind"),
    (ASCII, 0x00202041, "A", "filled in front"),
    (ASCII, 0x412042, "A B", "a space between stays"),
    (ASCII, 0, "", "no letter"),
    (ASCII, 0x4107, None, "unprintable"),
    (ASCII, 0x41C3, None, "no ASCII"),
    (ASCII, 0x30324B35324143314137435A, "02K52AC1A7CZ", "the type number of a MULTICAL 603"),
    (ASCII, 0x41 << 504, "A", "64 bytes"),
    (ASCII, 1 << 512, None, "more than 64 bytes"),
    (DATE_TIME, 0x00180C1F000004, "2024-12-31T00:00:04", "a real logger of days"),
    (DATE_TIME, 0x3C10061E0E3037, "2016-06-30T14:48:55", "the hour of summer time in front is not added"),
    (DATE_TIME, 0, "2000-00-00T00:00:00", "never"),
    (DATE_TIME, 1 << 56, None, "more than seven bytes"),
)

TOKENS = (
    (40, 314131, -3, "314.131", "a quantity is a number"),
    (0, -5, -2, "-0.05", "also without a unit"),
    (51, 14990045, 0, "14990045", "a meter number is a number"),
    (DATE, 220112, 0, '"2022-01-12"', "a date is a string"),
    (CLOCK, 200243, 0, '"20:02:43"', "a clock is a string"),
    (MONTH_DAY, 1231, 0, '"12-31"', "month and day are a string"),
    (RTC, 0x82012102100A090C, 0, '"2012-09-10T16:02:33"', "an RTC is a string"),
    (ASCII, 0x41225C42, 0, '"A\\"\\\\B"', "JSON's own characters are escaped"),
    (DATE, 220112, -2, "2201.12", "with an exponent it cannot be a date: just the number"),
    (DATE, 99999999, 0, "99999999", "nor with too many digits"),
    (CLOCK, -1, 0, "-1", "nor negative"),
)


def test_day_numbers_of_known_days():
    for year, month, day, number, why in DAYS:
        assert day_number(year, month, day) == number, why
        assert date_of_day(number) == (year, month, day), why
        assert is_date(year, month, day), why


def test_every_day_from_1999_to_2101_follows_the_one_before():
    number = day_number(1999, 1, 1)
    for year in range(1999, 2102):
        leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
        for month in range(1, 13):
            for day in range(1, (31, 28 + leap, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)[month - 1] + 1):
                assert day_number(year, month, day) == number
                assert date_of_day(number) == (year, month, day)
                number += 1
            assert not is_date(year, month, day + 1)


def test_days_that_do_not_exist():
    for year, month, day, why in IMPOSSIBLE:
        assert not is_date(year, month, day), why


def test_texts_of_dates_clocks_and_letters():
    for unit, number, expected, why in TEXTS:
        assert date_text(unit, number) == expected, why


def test_tokens_are_exact_json():
    for unit, mantissa, exponent, expected, why in TOKENS:
        assert token(unit, mantissa, exponent) == expected, why


def test_units_that_are_not_quantities():
    strings = [unit for unit in range(256) if not is_number(unit)]
    assert strings == [CLOCK, DATE, DATE4, MONTH_DAY, RTC, ASCII, SECONDS_2000, DATE_TIME]


def test_rtc_fields_of_a_real_k382():
    assert rtc_fields(0x82012102100A090C) == (2012, 9, 10, 16, 2, 33, 0x82, 1)
    status = rtc_fields(0x82012102100A090C)[6]
    assert status & RTC_VALID and not status & (RTC_SUMMER_TIME | RTC_FROM_EEPROM)


def test_rtcs_come_back():
    for fields in (
        (2000, 1, 1, 0, 0, 0, RTC_VALID, 0),
        (2012, 2, 29, 23, 59, 59, RTC_VALID | RTC_SUMMER_TIME, 3),
        (2255, 12, 31, 24, 0, 0, 255, 255),
    ):
        assert rtc_fields(rtc_number(*fields)) == fields


def test_an_rtc_of_fields_that_do_not_fit_is_the_callers_error():
    for fields in (
        (1999, 1, 1, 0, 0, 0),
        (2256, 1, 1, 0, 0, 0),
        (2012, 1, 1, 0, 0, -1),
        (2012, 1, 300, 0, 0, 0),
    ):
        assert "0 to 255" in refusal(UsageError, rtc_number, *fields)


def test_iso_texts():
    assert iso(2010, 11, 1, 0, 0, 0) == "2010-11-01T00:00:00"
    assert iso_of_seconds(-1) == "1999-12-31T23:59:59"
    assert iso_of_seconds(86400 * 59 + 3661) == "2000-02-29T01:01:01"
