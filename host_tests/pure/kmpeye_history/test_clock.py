# The history and the clock: not known yet, known later, put back, put forward, summer time, the years 2036 and 2038.
# Real files in a temporary folder; runs on CPython and on MicroPython alike.

from kmpeye.system.timezone import Zone
from kmpeye_history.scene import CET, DAY, HOUR, NEW_YEAR, Scene, energy


def undated(scene, count, first_uptime=5, total=0):
    return sum(scene.history.append(None, first_uptime + HOUR * i, energy(total + i)) for i in range(count))


def test_records_before_the_clock_is_known_get_their_date():
    with Scene() as scene:
        scene.hours(NEW_YEAR, 10)
        size = scene.size()
        scene.restart()
        started = NEW_YEAR + 20 * HOUR + 100
        assert undated(scene, 5, total=20) == 5
        assert len(scene.recorded()) == 10, "nothing is invented"
        old = scene.content("h00001")
        scene.history.clock_known(started + 4 * HOUR + 50, 4 * HOUR + 50)
        assert scene.content("h00001")[: len(old)] == old, "nothing old is rewritten"
        expected = [(NEW_YEAR + HOUR * i, i) for i in range(10)]
        expected += [(started + 5 + HOUR * i, 20 + i) for i in range(5)]
        assert scene.recorded() == expected
        assert not scene.history.append(started + 4 * HOUR + 60, 4 * HOUR + 60, energy(99)), (
            "that hour has one"
        )
        assert scene.history.append(started + 5 * HOUR, 5 * HOUR, energy(25))
        scene.restart()
        assert scene.recorded()[:15] == expected
        assert scene.size() - size == 10 * 7


def test_a_reading_with_a_date_tells_the_clock_too():
    with Scene() as scene:
        undated(scene, 2)
        assert scene.history.append(NEW_YEAR + 2 * HOUR, 2 * HOUR, energy(2))
        assert scene.recorded() == [(NEW_YEAR + 5, 0), (NEW_YEAR + HOUR + 5, 1), (NEW_YEAR + 2 * HOUR, 2)]


def test_weeks_without_a_clock_span_segments():
    with Scene(segment_bytes=256) as scene:
        assert undated(scene, 100) == 100
        assert len(scene.names()) > 4
        scene.history.clock_known(NEW_YEAR + 100 * HOUR, 100 * HOUR)
        expected = [(NEW_YEAR + 5 + HOUR * i, i) for i in range(100)]
        assert scene.recorded() == expected
        scene.restart()
        assert scene.recorded() == expected
        assert scene.recorded(first=NEW_YEAR + 50 * HOUR, last=NEW_YEAR + 60 * HOUR) == expected[50:60]


def test_a_start_without_a_clock_leaves_records_without_a_date_and_says_so():
    with Scene() as scene:
        scene.hours(NEW_YEAR, 2)
        scene.restart()
        undated(scene, 3)
        scene.restart()
        assert "3 records have no date" in scene.history.notes[0]
        undated(scene, 2, total=50)
        scene.history.clock_known(NEW_YEAR + 20 * HOUR, 2 * HOUR)
        assert [mantissa for _, mantissa in scene.recorded()] == [0, 1, 50, 51], "a date is of one start only"
        assert scene.recorded()[2:] == [(NEW_YEAR + 18 * HOUR + 5 + HOUR * i, 50 + i) for i in range(2)]


def test_starting_over_and_over_without_a_clock_does_not_fill_the_flash():
    with Scene() as scene:
        scene.hours(NEW_YEAR, 2)
        for _ in range(50):
            scene.restart()
            undated(scene, 1)
        size = scene.size()
        assert size < 100 + 100 + 10 * 4
        for minute in range(50):
            scene.restart()
            undated(scene, 1)
            scene.history.append(NEW_YEAR + 3 * HOUR + minute * 60, 20, energy(3))
        assert scene.size() == size + 30, (
            "one record with a date, one that waited for its date, one that gave it"
        )
        assert undated(scene, 1, first_uptime=HOUR) == 1


def test_a_clock_put_back_waits_or_begins_a_segment_but_never_doubles():
    for back, again, why in (
        (2 * HOUR, 2, "two hours: they have their records"),
        (25 * HOUR, 25, "a day: they have theirs too"),
        (200 * HOUR, 0, "a week: recorded where nothing was, merged by time"),
    ):
        with Scene() as scene:
            scene.hours(NEW_YEAR + 300 * HOUR, 60, 300)
            now = NEW_YEAR + 359 * HOUR - back
            written = scene.hours(now + HOUR, 30, 1000)
            assert written == 30 - again if again < 30 else written == 0, why
            found = scene.recorded()
            slots = [unix // HOUR for unix, _ in found]
            assert slots == sorted(set(slots)), why
            assert [row for row in found if row[1] < 1000] == [
                (NEW_YEAR + HOUR * i, i) for i in range(300, 360)
            ], "what was recorded stays"
            scene.restart()
            assert scene.recorded() == found, why
            assert scene.hours(now + 31 * HOUR, 3, 2000) >= 0


def test_a_clock_that_was_years_ahead_for_an_hour_does_not_stop_the_history():
    with Scene() as scene:
        scene.hours(NEW_YEAR, 30)
        assert scene.history.append(NEW_YEAR + 3650 * DAY, 31 * HOUR, energy(30))
        assert scene.hours(NEW_YEAR + 32 * HOUR, 50, 32) == 50
        scene.restart()
        assert scene.hours(NEW_YEAR + 82 * HOUR, 50, 82) == 50
        assert [mantissa for _, mantissa in scene.recorded(last=NEW_YEAR + 365 * DAY)] == [
            i for i in range(132) if i not in (30, 31)
        ]


def test_a_clock_that_was_ahead_for_an_hour_costs_no_hour():
    for ahead, why in ((2, "the next but one"), (10, "the next day"), (25, "a day"), (80, "half a week")):
        with Scene() as scene:
            begin = NEW_YEAR // DAY * DAY
            scene.hours(begin, 40)
            assert scene.history.append(begin + (40 + ahead) * HOUR, 40 * HOUR, energy(1000)), why
            scene.hours(begin + 41 * HOUR, ahead + 30, 41)
            expected = [i for i in range(ahead + 71) if i not in (40, 40 + ahead)]
            for _ in range(2):
                assert [mantissa for _, mantissa in scene.recorded() if mantissa < 1000] == expected, why
                days = [scene.history._day_of(unix) for unix, _ in scene.recorded("day")]
                assert days == sorted(set(days)), why
                scene.restart()


def test_a_clock_that_jumps_all_the_time_does_not_eat_the_past():
    with Scene() as scene:
        scene.hours(NEW_YEAR, 100)
        for i in range(60):
            scene.history.append(NEW_YEAR + HOUR * (100 + i) + (i % 2) * 90 * DAY, HOUR * i, energy(100 + i))
        assert len(scene.names()) <= 7
        assert "too often" in " ".join(scene.history.notes)
        assert [mantissa for _, mantissa in scene.recorded(last=NEW_YEAR + 99 * HOUR)] == list(range(100))


def test_a_clock_put_forward_leaves_a_hole():
    with Scene() as scene:
        scene.hours(NEW_YEAR, 5)
        scene.hours(NEW_YEAR + 100 * DAY, 5, 5)
        assert scene.recorded() == [(NEW_YEAR + HOUR * i, i) for i in range(5)] + [
            (NEW_YEAR + 100 * DAY + HOUR * i, 5 + i) for i in range(5)
        ]


def test_summer_time_is_no_jump():
    for midnight, hours in ((1774738800, 23), (1792879200, 25)):  # 2026-03-29 and 2026-10-25
        with Scene() as scene:
            assert scene.hours(midnight, 49) == 49
            assert scene.recorded("day") == [(midnight, 0), (midnight + hours * HOUR, hours)] + (
                [(midnight + 47 * HOUR, 47)] if hours == 23 else [(midnight + 49 * HOUR, 49)][1:]
            )


def test_the_years_2036_and_2038_and_the_last_one():
    for moment in (2085978496, 2147483648, 3725320447 - 5 * HOUR):
        with Scene() as scene:
            assert scene.hours(moment - 5 * HOUR, 10) == 10
            scene.restart()
            assert scene.recorded() == [(moment + HOUR * (i - 5), i) for i in range(10)]


def test_a_year_that_cannot_be_is_not_recorded():
    with Scene() as scene:
        for unix in (0, 946684800, 1577836799, 3725320448, 1 << 40):
            assert not scene.history.append(unix, 5, energy(1))
        assert "before 2020 or after 2087" in scene.history.notes[0]
        assert scene.names() == []


def test_days_begin_at_local_midnight_in_zones_of_half_hours():
    with Scene(zone=Zone("IST-5:30")) as scene:
        start = NEW_YEAR // DAY * DAY
        scene.hours(start + 7, 72)
        days = [unix for unix, _ in scene.recorded("day")]
        assert days == [start + 7] + [start + 19 * HOUR + DAY * i + 7 for i in range(3)]
        scene.restart()
        scene.hours(start + 7 + 72 * HOUR, 24, 72)
        assert len(scene.recorded("day")) == 5


def test_the_zone_may_change():
    with Scene(zone=CET) as scene:
        scene.hours(NEW_YEAR, 48)
        scene.restart(zone=Zone("UTC0"))
        scene.hours(NEW_YEAR + 48 * HOUR, 48, 48)
        assert [mantissa for _, mantissa in scene.recorded()] == list(range(96))
