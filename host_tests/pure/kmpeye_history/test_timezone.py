# kmpeye.system.timezone: tables of moments people can check by hand, the strings that are refused, the way back.
# The wide comparison, against CPython's zoneinfo, is host_tests/host/test_timezone_zoneinfo.py.

from kmpeye.system.timezone import Zone

CET = "CET-1CEST,M3.5.0,M10.5.0/3"

# unix, string, local date and offset, why
MOMENTS = (
    (0, CET, (1970, 1, 1, 1, 0, 0, 3600), "the Unix epoch, before the chip's"),
    (1774745999, CET, (2026, 3, 29, 1, 59, 59, 3600), "the last second of winter 2026"),
    (1774746000, CET, (2026, 3, 29, 3, 0, 0, 7200), "two o'clock is left out"),
    (1792889999, CET, (2026, 10, 25, 2, 59, 59, 7200), "the last second of summer 2026"),
    (1792890000, CET, (2026, 10, 25, 2, 0, 0, 3600), "two o'clock comes again"),
    (2085978496, CET, (2036, 2, 7, 7, 28, 16, 3600), "NTP's seconds begin anew"),
    (2147483648, CET, (2038, 1, 19, 4, 14, 8, 3600), "a signed 32-bit second is full"),
    (4102444799, CET, (2100, 1, 1, 0, 59, 59, 3600), "2100"),
    (4107542400, CET, (2100, 3, 1, 1, 0, 0, 3600), "2100 has no 29 February"),
    (1767225600, "AEST-10AEDT,M10.1.0,M4.1.0/3", (2026, 1, 1, 11, 0, 0, 39600), "New Year in summer"),
    (1767225600, "IST-5:30", (2026, 1, 1, 5, 30, 0, 19800), "half an hour"),
    (1767225600, "<-1234>12:34:56", (2025, 12, 31, 11, 25, 4, -45296), "minutes and seconds, a quoted name"),
    (1767225600, "EST5EDT,0/0,J365/25", (2025, 12, 31, 20, 0, 0, -14400), "summer all the year, at its seam"),
    (1767243600, "EST5EDT,0/0,J365/25", (2026, 1, 1, 1, 0, 0, -14400), "and on the other side"),
    (1783000000, "EST5EDT", (2026, 7, 2, 9, 46, 40, -14400), "without a rule: the usual one"),
)

# string, local time, later, unix, why
BACK = (
    (CET, (2026, 10, 25, 2, 30, 0), False, 1792888200, "comes twice: the first"),
    (CET, (2026, 10, 25, 2, 30, 0), True, 1792891800, "comes twice: the second"),
    (CET, (2026, 3, 29, 2, 30, 0), False, 1774746000, "does not come: the jump"),
    (CET, (2026, 3, 29, 2, 30, 0), True, 1774746000, "does not come: there is only one jump"),
    (CET, (2026, 6, 1, 0, 0, 0), True, 1780264800, "comes once"),
    ("CST5CDT,M3.2.0/0,M11.1.0/1", (2026, 3, 8, 0, 0, 0), False, 1772946000, "Cuba's day begins at one"),
    ("UTC0", (2026, 1, 1, 0, 0, 0), False, 1767225600, "no rule"),
)

REFUSED = (
    ("", "at character 1", "nothing"),
    ("CE-1", "3 letters", "a short name"),
    ("<CE", "between < and >", "an open name"),
    ("Europe/Copenhagen", "number from 0 to 24 is expected at character 7", "a name of the database"),
    ("CET", "number from 0 to 24", "no offset"),
    ("CET-25", "number from 0 to 24", "an offset beyond a day"),
    ("CET-1:60", "number from 0 to 59", "minutes"),
    ("CET-1CEST,M3.5.0", "the end of summer time", "one jump only"),
    ("CET-1CEST,M13.5.0,M10.5.0", "number from 1 to 12", "month 13"),
    ("CET-1CEST,M3.6.0,M10.5.0", "number from 1 to 5", "week 6"),
    ("CET-1CEST,M3.5,M10.5.0", "Mm.w.d", "no weekday"),
    ("CET-1CEST,M3.5.7,M10.5.0", "number from 0 to 6", "weekday 7"),
    ("CET-1CEST,J0,J60", "number from 1 to 365", "day 0"),
    ("CET-1CEST,366,60", "number from 0 to 365", "day 366"),
    ("CET-1CEST,M3.5.0/168,M10.5.0", "number from 0 to 167", "hour 168"),
    ("CET-1CEST;M3.5.0,M10.5.0", "number from 0 to 24", "another separator"),
    ("CET-1CEST,M3.5.0,M10.5.0/3 ", "the end is expected at character 27", "something behind it"),
    ("X" * 65, "at most 64", "a long one"),
)


def test_local_time_of_a_moment():
    for unix, text, expected, why in MOMENTS:
        assert Zone(text).local(unix) == expected, why


def test_a_local_time_is_a_moment():
    for text, local, later, expected, why in BACK:
        assert Zone(text).unix_of_local(*local, later=later) == expected, why


def test_every_hour_of_years_with_jumps_comes_back():
    for text in (CET, "AEST-10AEDT,M10.1.0,M4.1.0/3", "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0"):
        zone = Zone(text)
        for unix in range(1767225600, 1767225600 + 366 * 86400, 3600):
            local = zone.local(unix)
            assert unix in (zone.unix_of_local(*local[:6]), zone.unix_of_local(*local[:6], later=True)), unix


def test_years_are_not_mixed_up_when_asked_crosswise():
    zone = Zone(CET)
    for unix, expected in (
        (1792890000, 3600),
        (1774746000, 7200),
        (0, 3600),
        (1774745999, 3600),
        (2160000000, 7200),
    ):
        assert zone.offset(unix) == expected


def test_a_string_that_is_no_zone_is_refused_with_its_place():
    for text, said, why in REFUSED:
        try:
            Zone(text)
        except ValueError as error:
            assert said in str(error), (why, str(error))
        else:
            raise AssertionError("%s was accepted: %s" % (text, why))
