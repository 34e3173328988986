# What was used in each hour, day and month: tables of readings and the exact rows they have to give.
# Real files in a temporary folder; runs on CPython and on MicroPython alike.

from kmp.calendar import date_of_day, day_number
from kmpeye.system.timezone import Zone
from kmpeye_history.scene import CET, DAY, GJ, HOUR, KWH, LITRE, M3, MWH, NEW_YEAR, Scene, energy, refusal

MARCH_29 = 1774738800  # local midnights: the day with 23 hours, and the one with 25
OCTOBER_25 = 1792879200
JANUARY_H = 744


def spans(rows, origin=NEW_YEAR):
    """Rows in short: (begin, end) in hours from the origin, consumption, state."""
    return [((row[0] - origin) / HOUR, (row[1] - origin) / HOUR, row[2], row[6]) for row in rows]


def test_hours_are_differences_of_totals():
    with Scene() as scene:
        scene.hours(NEW_YEAR + 7, 5, 1000, 3, M3, -2)
        assert scene.rows(NEW_YEAR, NEW_YEAR + 4 * HOUR, "hour") == [
            (NEW_YEAR + HOUR * i, NEW_YEAR + HOUR * (i + 1), 3, 1003 + 3 * i, -2, M3, "", False)
            for i in range(4)
        ]


def test_a_hole_is_one_row_with_its_difference():
    with Scene() as scene:
        scene.hours(NEW_YEAR, 3)
        scene.hours(NEW_YEAR + 10 * HOUR, 3, 50)
        assert spans(scene.rows(NEW_YEAR, NEW_YEAR + DAY, "hour")) == [
            (0, 1, 1, ""),
            (1, 2, 1, ""),
            (2, 10, 48, "hole"),
            (10, 11, 1, ""),
            (11, 12, 1, ""),
        ]


def test_a_query_may_begin_and_end_anywhere():
    with Scene() as scene:
        scene.hours(NEW_YEAR + 7, 100)
        for first, last, expected in (
            (10, 12, [(10, 11), (11, 12)]),
            (10.5, 12.5, [(10, 11), (11, 12)]),
            (-50, 1, [(0, 1)]),
            (98, 300, [(98, 99)]),
        ):
            rows = scene.rows(NEW_YEAR + int(first * HOUR), NEW_YEAR + int(last * HOUR), "hour")
            assert [row[:2] for row in spans(rows)] == expected


def test_a_hole_over_the_first_moment_is_the_first_row_as_a_whole():
    with Scene() as scene:
        scene.hours(NEW_YEAR - 20 * HOUR, 18)
        scene.hours(NEW_YEAR + 10 * HOUR, 40, 50)
        after = [(10 + i, 11 + i, 1, "") for i in range(14)]
        for first in (-2, 0, 9):
            rows = spans(scene.rows(NEW_YEAR + first * HOUR, NEW_YEAR + DAY, "hour"))
            assert rows == [(-3, 10, 33, "hole")] + after, first
        assert spans(scene.rows(NEW_YEAR + 10 * HOUR, NEW_YEAR + DAY, "hour")) == after
        days = spans(scene.rows(NEW_YEAR, NEW_YEAR + 2 * DAY, "day"))
        assert days == [(-20, 24, 64, "open"), (24, 48, 24, "")]


def test_spans_that_follow_each_other_have_every_hourly_row_once():
    with Scene() as scene:
        total = 0
        for begin, count in ((0, 20), (27, 30), (80, 1), (130, 50)):
            scene.hours(NEW_YEAR + begin * HOUR, count, total)
            total += 5 * count
        whole = scene.rows(NEW_YEAR, NEW_YEAR + 200 * HOUR, "hour")
        parts = []
        for day in range(8):
            try:
                parts += scene.rows(NEW_YEAR + day * DAY, NEW_YEAR + (day + 1) * DAY, "hour")
            except LookupError:
                pass
        assert parts == whole


def test_a_register_that_is_missing_at_the_first_moment_is_looked_for_in_older_segments():
    with Scene(("energy", "volume"), segment_bytes=512) as scene:
        for i in range(200):
            values = {"energy": (KWH, i, 0)}
            if i in (3, 150):
                values["volume"] = (M3, 10 * i, -2)
            scene.history.append(NEW_YEAR + HOUR * i, HOUR * i, values)
        rows = scene.rows(NEW_YEAR + 100 * HOUR, NEW_YEAR + 200 * HOUR, "hour", "volume")
        assert spans(rows) == [(3, 150, 1470, "hole")]


def test_days_and_months_with_what_stands_open_at_both_ends():
    with Scene() as scene:
        scene.hours(NEW_YEAR - 10 * HOUR, 24 * 40)
        rows = spans(scene.rows(NEW_YEAR - 2 * DAY, NEW_YEAR + 39 * DAY, "day"))
        assert rows[0] == (-10, 0, 10, "open")
        assert rows[1:] == [(24 * i, 24 * i + 24, 24, "") for i in range(39)]
        assert spans(scene.rows(NEW_YEAR, NEW_YEAR + 60 * DAY, "month")) == [
            (0, JANUARY_H, JANUARY_H, ""),
            (JANUARY_H, 949, 205, "open"),
        ]


def test_a_day_so_far():
    with Scene() as scene:
        scene.hours(NEW_YEAR + 5, 40)
        rows = scene.rows(NEW_YEAR, NEW_YEAR + 39 * HOUR + 60, "day")
        assert rows == [
            (NEW_YEAR, NEW_YEAR + DAY, 24, 24, 0, KWH, "", False),
            (NEW_YEAR + DAY, NEW_YEAR + 39 * HOUR + 5, 15, 39, 0, KWH, "open", False),
        ]


def test_days_with_summer_time_have_23_and_25_hours():
    for midnight, hours in ((MARCH_29, 23), (OCTOBER_25, 25)):
        with Scene() as scene:
            scene.hours(midnight - DAY, 24 * 4)
            rows = spans(scene.rows(midnight - DAY, midnight + (hours + 24) * HOUR, "day"), midnight)
            assert rows == [(-24, 0, 24, ""), (0, hours, hours, ""), (hours, hours + 24, 24, "")]
            assert len(scene.rows(midnight, midnight + hours * HOUR, "hour")) == hours


def test_a_missed_midnight_makes_two_days_one_hole_and_leaves_the_month():
    with Scene() as scene:
        scene.hours(NEW_YEAR, 47)
        scene.hours(NEW_YEAR + 50 * HOUR, 700, 50)
        assert spans(scene.rows(NEW_YEAR, NEW_YEAR + 4 * DAY, "day")) == [
            (0, 24, 24, ""),
            (24, 72, 48, "hole"),
            (72, 96, 24, ""),
        ]
        assert spans(scene.rows(NEW_YEAR, NEW_YEAR + 31 * DAY, "month")) == [(0, JANUARY_H, JANUARY_H, "")]


def test_midnights_that_only_hourly_records_know_are_found():
    with Scene() as scene:
        for i in range(60):
            scene.history.append(None, 5 + HOUR * i, energy(i))
        scene.history.clock_known(NEW_YEAR + 60 * HOUR, 60 * HOUR)
        scene.hours(NEW_YEAR + 60 * HOUR, 24, 60)
        assert spans(scene.rows(NEW_YEAR, NEW_YEAR + 3 * DAY, "day")) == [
            (24 * i, 24 * i + 24, 24, "") for i in range(3)
        ]


def test_what_the_logger_filled_is_marked():
    with Scene() as scene:
        scene.hours(NEW_YEAR, 20)
        scene.hours(NEW_YEAR + 30 * HOUR, 40, 30)
        for i in range(20, 30):
            scene.history.insert(NEW_YEAR + HOUR * i, energy(i))
        rows = scene.rows(NEW_YEAR, NEW_YEAR + 2 * DAY, "day")
        assert [row[2:] for row in rows] == [(24, 24, 0, KWH, "", True), (24, 48, 0, KWH, "", True)]
        rows = scene.rows(NEW_YEAR + 18 * HOUR, NEW_YEAR + 32 * HOUR, "hour")
        assert [row[7] for row in rows] == [False] + [True] * 11 + [False] * 2


def test_another_meter_begins_anew():
    for step in ("hour", "day"):
        with Scene() as scene:
            scene.hours(NEW_YEAR, 30, 5000)
            scene.restart(serial="99")
            scene.hours(NEW_YEAR + 33 * HOUR, 60, 2)
            rows = spans(scene.rows(NEW_YEAR, NEW_YEAR + 3 * DAY, step))
            at = [row[3] for row in rows].index("new meter")
            assert rows[at] == (29, 33, None, "new meter")
            if step == "hour":
                assert rows[at - 1] == (28, 29, 1, "")
                assert rows[at + 1] == (33, 34, 1, "")
            else:
                assert rows == [
                    (0, 24, 24, ""),
                    (24, 29, 5, "open"),
                    (29, 33, None, "new meter"),
                    (33, 48, 15, "open"),
                    (48, 72, 24, ""),
                ]


def test_a_serial_that_was_not_told_yet_is_not_another_meter():
    with Scene(serial=None) as scene:
        scene.hours(NEW_YEAR, 3)
        for serial, expected in (("77", [1] * 3), (None, [1] * 4), ("77", [1] * 5), ("78", [1] * 5 + [None])):
            scene.restart(serial=serial)
            hour = len(expected)
            scene.hours(NEW_YEAR + hour * HOUR, 1, hour)
            rows = scene.rows(NEW_YEAR, NEW_YEAR + DAY, "hour")
            assert [row[2] for row in rows] == expected


UNITS = (
    # before, after: (unit, mantissa of the total, exponent); the row across; why
    ((MWH, 12, 0), (KWH, 12345, 0), (345, 12345, 0, KWH, ""), "MWh shown as kWh"),
    ((KWH, 12345, 0), (MWH, 13, 0), (655, 13000, -3, MWH, ""), "and back: the finer digits stay"),
    ((M3, 314131, -3), (LITRE, 314140, 0), (9, 314140, 0, LITRE, ""), "m³ and litres"),
    ((KWH, 100, 0), (KWH, 10123, -2), (123, 10123, -2, KWH, ""), "more decimals"),
    ((KWH, 10123, -2), (KWH, 102, 0), (77, 10200, -2, KWH, ""), "fewer decimals"),
    ((GJ, 40, 0), (MWH, 12, 0), (None, 12, 0, MWH, "new unit"), "GJ to MWh has a rest"),
    ((M3, 40, 0), (KWH, 12, 0), (None, 12, 0, KWH, "new unit"), "a nonsense"),
)


def test_a_change_of_unit_is_turned_into_the_new_one_or_is_a_break():
    for before, after, expected, why in UNITS:
        with Scene() as scene:
            assert scene.history.append(NEW_YEAR, 0, {"energy": before})
            assert scene.history.append(NEW_YEAR + HOUR, 0, {"energy": after})
            rows = scene.rows(NEW_YEAR, NEW_YEAR + HOUR, "hour")
            assert [row[2:7] for row in rows] == [expected], why


def test_missing_values_of_a_register_are_its_hole_alone():
    with Scene(("energy", "volume")) as scene:
        for i in range(6):
            values = {"energy": (KWH, i, 0), "volume": (M3, 10 * i, -2)}
            if i in (2, 3):
                del values["volume"]
            scene.history.append(NEW_YEAR + HOUR * i, HOUR * i, values)
        assert [row[3] for row in spans(scene.rows(NEW_YEAR, NEW_YEAR + 5 * HOUR, "hour"))] == [""] * 5
        assert spans(scene.rows(NEW_YEAR, NEW_YEAR + 5 * HOUR, "hour", "volume")) == [
            (0, 1, 10, ""),
            (1, 4, 30, "hole"),
            (4, 5, 10, ""),
        ]


def test_local_hours_and_days_of_other_zones():
    with Scene(zone=Zone("IST-5:30")) as scene:
        scene.hours(NEW_YEAR + 7, 72)
        rows = scene.rows(NEW_YEAR, NEW_YEAR + 3 * DAY, "day")
        assert rows[1][0] == NEW_YEAR - 4 * HOUR - HOUR // 2 + DAY
        assert [row[2] for row in rows[1:-1]] == [24, 24]
        hours = scene.rows(NEW_YEAR + 10 * HOUR, NEW_YEAR + 20 * HOUR, "hour")
        assert [row[0] % HOUR for row in hours] == [1800] * len(hours)
        utc = scene.rows(NEW_YEAR, NEW_YEAR + 2 * DAY, "day", zone=Zone("UTC0"))
        assert utc[1][0] % DAY == 0


def test_months_of_two_years_are_read_from_daily_records():
    with Scene() as scene:
        first = day_number(2026, 1, 1)
        for day in range(800):
            scene.hours(CET.unix_of_local(*date_of_day(first + day)), 2, 24 * day)
        rows = scene.rows(NEW_YEAR, NEW_YEAR + 760 * DAY, "month")
        assert [row[2] // 24 for row in rows[:14]] == [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31, 31, 28]
        assert [row[6] for row in rows] == [""] * 24 + ["open"]
        local = [CET.local(row[0])[:4] for row in rows]
        assert local == [(2026 + i // 12, 1 + i % 12, 1, 0) for i in range(25)]


def test_a_reader_that_goes_on_while_hours_are_added_or_give_way():
    with Scene(segment_bytes=512, limit_bytes=16384 + 4096 * 6) as scene:
        scene.hours(NEW_YEAR, 150)
        rows = scene.history.query("energy", NEW_YEAR, NEW_YEAR + 400 * HOUR, "hour")
        seen = [next(rows)]
        scene.hours(NEW_YEAR + 150 * HOUR, 200, 150)
        seen += [row for row in rows if row]
        assert seen[0][2] == 1
        assert sum(row[2] for row in seen) == seen[-1][3] - seen[0][3] + 1
        assert [name for name, _ in scene.history.damaged] == []


REFUSED = (
    (ValueError, ("energy", 0, 1, "week"), "hour, day, month are"),
    (ValueError, ("energy", 5, 5, "hour"), "before to"),
    (LookupError, ("power", 0, 1, "hour"), "there is of energy"),
    (LookupError, ("energy", 0, NEW_YEAR, "hour"), "2025-12-31T23:00:00Z to 2026-01-01T02:00:00Z"),
    (LookupError, ("energy", NEW_YEAR + 3 * HOUR, NEW_YEAR + DAY, "hour"), "the history goes from"),
)


def test_what_makes_no_sense_or_is_not_there_is_refused_with_what_there_is():
    with Scene() as scene:
        assert "nothing was recorded yet" in refusal(LookupError, scene.history.query, "energy", 0, 9, "hour")
        scene.hours(NEW_YEAR, 3)
        for error, arguments, said in REFUSED:
            assert said in refusal(error, scene.history.query, *arguments)
        scene.restart(registers=("volume",))
        assert len(scene.rows(NEW_YEAR, NEW_YEAR + DAY, "hour")) == 2, (
            "a register of old segments can be asked for"
        )
