"""Our time zones against CPython's zoneinfo: the same string as the footer of a TZif file, every jump of 1971 to 2099.

Uses conftest.py and the standard library. The file is made here, so no time zone database is needed; where the system
has one, the names people know are compared too, from the year their present rule has held.
"""

import datetime
import io
import random
import struct
import subprocess
import sys
import zoneinfo

import pytest

from conftest import absent
from kmpeye.system.timezone import Zone

UTC = datetime.timezone.utc
FIRST, LAST = 31536000, 4102444800  # 1971 to 2099

STRINGS = (
    ("CET-1CEST,M3.5.0,M10.5.0/3", "central Europe"),
    ("GMT0BST,M3.5.0/1,M10.5.0", "Britain"),
    ("IST-1GMT0,M10.5.0,M3.5.0/1", "Ireland, whose winter is the exception"),
    ("EET-2EEST,M3.5.0/3,M10.5.0/4", "Finland"),
    ("EST5EDT,M3.2.0,M11.1.0", "New York"),
    ("NST3:30NDT,M3.2.0,M11.1.0", "Newfoundland, half an hour"),
    ("AEST-10AEDT,M10.1.0,M4.1.0/3", "Sydney: the year begins in summer"),
    ("<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "Lord Howe: half an hour of summer"),
    ("<-04>4<-03>,M9.1.6/24,M4.1.6/24", "Chile: jumps at midnight"),
    ("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "Greenland: the evening before"),
    ("EET-2EEST,M3.4.4/50,M10.4.4/50", "Gaza: two days after a Thursday"),
    ("CST5CDT,M3.2.0/0,M11.1.0/1", "Cuba: a day without its midnight"),
    ("IST-5:30", "India"),
    ("<+0545>-5:45", "Nepal"),
    ("UTC0", "no zone"),
)

# CPython takes the days of these one too early (n counts from 0) or too late (J59 in a leap year): the C library
# is asked instead.
DAYS_OF_THE_YEAR = (
    ("XXX3YYY,J60/0,J300/5", "29 February not counted, after it"),
    ("XXX3YYY,J59/0,J365/5", "29 February not counted, before it"),
    ("XXX3YYY,59/0,300/5", "29 February counted"),
    ("XXX3YYY,0/3,364", "the first day and the last"),
)

# The name, its string, and the year from which the string is the law there.
NAMES = (
    ("Europe/Copenhagen", "CET-1CEST,M3.5.0,M10.5.0/3", 1997),
    ("Europe/London", "GMT0BST,M3.5.0/1,M10.5.0", 1997),
    ("Europe/Helsinki", "EET-2EEST,M3.5.0/3,M10.5.0/4", 1997),
    ("America/New_York", "EST5EDT,M3.2.0,M11.1.0", 2008),
    ("Australia/Sydney", "AEST-10AEDT,M10.1.0,M4.1.0/3", 2009),
    ("Australia/Lord_Howe", "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", 2009),
    ("Asia/Kolkata", "IST-5:30", 1971),
)


def footer_only(text):
    """CPython's zone with nothing but this rule (RFC 8536: version 2, no transition, the string at the end)."""
    header = b"TZif2" + bytes(15) + struct.pack(">6l", 0, 0, 0, 0, 1, 4)
    block = header + struct.pack(">lbb", 0, 0, 0) + b"XXX\0"
    return zoneinfo.ZoneInfo.from_file(io.BytesIO(block + block + b"\n" + text.encode() + b"\n"))


def said(zone, unix):
    then = datetime.datetime.fromtimestamp(unix, UTC).astimezone(zone)
    return (*then.timetuple()[:6], int(then.utcoffset().total_seconds()))


def moments(ours, first, last):
    """Both sides of every jump, and a few thousand moments between."""
    rng = random.Random(4)
    year = datetime.datetime.fromtimestamp(first, UTC).year
    while (start := int(datetime.datetime(year, 1, 1, tzinfo=UTC).timestamp())) < last:
        yield from (start - 1, start, start + 86400 * 180)
        offset = ours.offset(start)
        low = start
        for high in range(start, start + 367 * 86400, 10 * 86400):
            if ours.offset(high) != offset:
                while high - low > 1:
                    middle = (low + high) // 2
                    low, high = (middle, high) if ours.offset(middle) == offset else (low, middle)
                yield from (high - 3601, high - 1, high, high + 1, high + 3599, high + 3600)
                offset = ours.offset(high)
            low = high
        year += 1
    yield from (rng.randrange(first, last) for _ in range(3000))


def compare(ours, theirs, first, last):
    for unix in moments(ours, first, last):
        expected = said(theirs, unix)
        assert ours.local(unix) == expected, (ours.text, unix)
        then = datetime.datetime(*expected[:6], tzinfo=theirs)
        for later in (False, True):
            moment = int(then.replace(fold=int(later)).astimezone(UTC).timestamp())
            assert ours.unix_of_local(*expected[:6], later=later) == moment, (ours.text, expected, later)


@pytest.mark.parametrize("text, why", STRINGS, ids=[row[1] for row in STRINGS])
def test_a_rule_means_what_cpython_says_it_means(text, why):
    compare(Zone(text), footer_only(text), FIRST, LAST)


@pytest.mark.parametrize("text, why", DAYS_OF_THE_YEAR, ids=[row[1] for row in DAYS_OF_THE_YEAR])
def test_days_of_the_year_mean_what_the_c_library_says_they_mean(text, why):
    ours = Zone(text)
    asked = list(moments(ours, FIRST, LAST))
    program = (
        "import sys, time\n"
        "for line in sys.stdin:\n"
        "    then = time.localtime(int(line))\n"
        "    print(*then[:6], then.tm_gmtoff)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"TZ": text},
        input="\n".join(map(str, asked)),
        capture_output=True,
        text=True,
        check=True,
    )
    for unix, line in zip(asked, done.stdout.splitlines(), strict=True):
        assert ours.local(unix) == tuple(map(int, line.split())), unix


@pytest.mark.parametrize("name, text, since", NAMES, ids=[row[0] for row in NAMES])
def test_a_zone_people_know(name, text, since):
    try:
        theirs = zoneinfo.ZoneInfo(name)
    except zoneinfo.ZoneInfoNotFoundError:
        absent("this system has no time zone database")
    compare(Zone(text), theirs, int(datetime.datetime(since, 1, 2, tzinfo=UTC).timestamp()), LAST)


@pytest.mark.parametrize("text, why", STRINGS, ids=[row[1] for row in STRINGS])
def test_a_skipped_time_is_the_moment_of_the_jump(text, why):
    ours, theirs = Zone(text), footer_only(text)
    for unix in moments(ours, FIRST, FIRST + 40 * 31557600):
        gap = ours.offset(unix) - ours.offset(unix - 1)
        for late in (0, gap // 2, gap - 1) if gap > 0 else ():
            before = datetime.datetime.fromtimestamp(unix, UTC) + datetime.timedelta(
                seconds=ours.offset(unix - 1) + late
            )
            naive = before.replace(tzinfo=theirs)
            back = naive.astimezone(UTC).astimezone(theirs)
            assert back.timetuple()[:6] != naive.timetuple()[:6], "CPython says that this time exists"
            assert ours.unix_of_local(*naive.timetuple()[:6]) == unix
