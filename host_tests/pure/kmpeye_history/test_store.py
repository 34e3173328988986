# The history's records: what comes back, when a segment begins, what gives way, what damage costs.
# Real files in a temporary folder; runs on CPython and on MicroPython alike.

from kmpeye.readings.history.fit import next_layout
from kmpeye.readings.history.index import OVERHEAD_BYTES, SEGMENT_BYTES
from kmpeye.readings.history.store import History
from kmpeye_history.scene import (
    CET,
    DAY,
    GJ,
    HOUR,
    KWH,
    LITRE,
    M3,
    MWH,
    NEW_YEAR,
    Scene,
    change_byte,
    energy,
    refusal,
)

FORMATS = (
    (0, "zero"),
    (-1, "negative"),
    (1 << 24, "more than a record's usual 3 bytes"),
    ((1 << 63) - 1, "the largest signed one"),
    ((1 << 64) - 1, "the largest of 8 bytes"),
    (-1 << 63, "the smallest"),
    (314131, "a real meter's"),
)


def test_one_reading_of_each_hour_is_kept_the_first():
    with Scene() as scene:
        for minute in range(0, 180, 5):
            written = scene.history.append(NEW_YEAR + 60 * minute + 7, 60 * minute, energy(minute))
            assert written == (minute % 60 == 0), minute
        assert scene.recorded() == [(NEW_YEAR + 7 + HOUR * i, 60 * i) for i in range(3)]
        scene.restart()
        assert not scene.history.append(NEW_YEAR + 179 * 60, 5, energy(1)), (
            "the hour is known after a restart"
        )


def test_the_first_reading_of_a_local_day_is_a_daily_one():
    with Scene() as scene:
        scene.hours(NEW_YEAR - 5 * HOUR, 72)
        assert scene.recorded("day") == [
            (NEW_YEAR - 5 * HOUR, 0),
            (NEW_YEAR, 5),
            (NEW_YEAR + DAY, 29),
            (NEW_YEAR + 2 * DAY, 53),
        ]
        assert len(scene.recorded()) == 72
        assert scene.recorded(first=NEW_YEAR, last=NEW_YEAR + HOUR) == [(NEW_YEAR, 5), (NEW_YEAR + HOUR, 6)]


def test_every_integer_of_64_bits_comes_back_exactly():
    with Scene(("energy", "volume")) as scene:
        for i in range(2 * len(FORMATS)):
            mantissa, why = FORMATS[i % len(FORMATS)]
            values = {"energy": (KWH, mantissa, 3), "volume": (M3, i, -3)}
            assert scene.history.append(NEW_YEAR + HOUR * i, HOUR * i, values), why
        found = list(scene.restart().records("hour", 0, 1 << 32))
        for i in range(len(found)):
            mantissa, why = FORMATS[i % len(FORMATS)]
            assert found[i] == (
                NEW_YEAR + HOUR * i,
                False,
                {"energy": (KWH, mantissa, 3), "volume": (M3, i, -3)},
            ), why
        assert len(found) == 2 * len(FORMATS)


def test_what_is_no_number_of_64_bits_is_missing_never_wrong():
    with Scene() as scene:
        for i, value in enumerate(((KWH, 1 << 64, 0), (255, 1, 0), (KWH, 1, 64), None)):
            assert scene.history.append(NEW_YEAR + HOUR * i, 0, {"energy": value})
        assert [mantissa for _, mantissa in scene.recorded()] == [None] * 4


def test_a_missing_register_is_missing():
    with Scene(("energy", "volume")) as scene:
        sent = [{"volume": (M3, 5, 0)}, {}, energy(7), {"energy": (KWH, 8, 0), "volume": (M3, 6, 0)}, {}]
        for i in range(len(sent)):
            assert scene.history.append(NEW_YEAR + HOUR * i, HOUR * i, sent[i])
        assert [values for _, _, values in scene.history.records("hour", 0, 1 << 32)] == sent


def test_a_change_of_unit_or_exponent_begins_a_segment():
    with Scene() as scene:
        at = NEW_YEAR + HOUR
        for i, (unit, exponent) in enumerate(((KWH, 0), (KWH, 0), (MWH, 0), (MWH, -2), (GJ, -2))):
            scene.hours(at + 30 * HOUR * i, 30, 100 * i, 1, unit, exponent)
        seen = [values["energy"] for _, _, values in scene.history.records("hour", 0, 1 << 32)]
        assert seen[::30] == [(KWH, 0, 0), (KWH, 100, 0), (MWH, 200, 0), (MWH, 300, -2), (GJ, 400, -2)]
        assert [name for name in scene.names() if name[0] == "h"] == ["h00001", "h00002", "h00003", "h00004"]


def test_a_unit_that_changes_every_hour_does_not_eat_the_past():
    with Scene() as scene:
        scene.hours(NEW_YEAR, 100)
        for i in range(20):
            scene.history.append(
                NEW_YEAR + HOUR * (100 + i), HOUR, {"energy": (LITRE if i % 2 else M3, 100 + i, 0)}
            )
        assert len(scene.names()) <= 5
        assert "changes its unit too often" in scene.history.notes[-1]
        assert len(scene.recorded()) == 120, "the hours are kept, without that register"
        assert scene.recorded()[-2:] == [(NEW_YEAR + HOUR * 118, None), (NEW_YEAR + HOUR * 119, 119)]


def test_another_set_of_registers_or_meter_begins_a_segment():
    with Scene() as scene:
        scene.hours(NEW_YEAR, 3)
        scene.restart(registers=("volume", "energy")).append(NEW_YEAR + 3 * HOUR, 0, energy(3))
        scene.restart(serial=None).append(NEW_YEAR + 4 * HOUR, 0, energy(4))
        scene.restart(serial="99").append(NEW_YEAR + 5 * HOUR, 0, energy(5))
        assert [mantissa for _, mantissa in scene.recorded()] == [0, 1, 2, 3, 4, 5]
        assert [name for name in scene.names() if name[0] == "h"] == ["h00001", "h00002", "h00003"]


def test_the_loggers_records_fill_holes_and_never_replace():
    with Scene() as scene:
        scene.hours(NEW_YEAR + HOUR, 5, 1)
        scene.hours(NEW_YEAR + 50 * HOUR, 5, 50)
        for i in list(range(4, 53)) + list(range(-30, 0)):
            assert scene.history.insert(NEW_YEAR + HOUR * i, energy(1000 + i))
        scene.restart()
        found = list(scene.history.records("hour", 0, 1 << 32))
        expected = [(i, True) for i in range(-30, 0)] + [(i, False) for i in range(1, 6)]
        expected += [(i, True) for i in range(6, 50)] + [(i, False) for i in range(50, 55)]
        assert [((unix - NEW_YEAR) // HOUR, filled) for unix, filled, _ in found] == expected
        assert [values["energy"][1] for _, filled, values in found if not filled] == [
            1,
            2,
            3,
            4,
            5,
            50,
            51,
            52,
            53,
            54,
        ]
        midnights = [unix for unix, _ in scene.recorded("day")]
        expected = [-24 * HOUR, HOUR, DAY, 2 * DAY, 50 * HOUR]
        assert midnights == [NEW_YEAR + second for second in expected], (
            "midnights of the logger are daily ones"
        )
        assert not scene.history.insert(100, energy(1)), "a nonsense date does not enter"


def test_full_the_oldest_hours_give_way_and_days_never():
    with Scene(segment_bytes=512, limit_bytes=16384 + 4096 * 12) as scene:
        assert scene.hours(NEW_YEAR, 24 * 30) == 24 * 30
        assert len(scene.names()) <= 12
        assert scene.size() <= 512 * 12
        assert "oldest hours give way" in scene.history.notes[-1]
        days = scene.recorded("day")
        assert [unix for unix, _ in days] == [NEW_YEAR + DAY * i for i in range(30)]
        hours = scene.recorded(first=NEW_YEAR + DAY * 25)
        assert [unix for unix, _ in hours] == [NEW_YEAR + HOUR * i for i in range(600, 720)]
        assert scene.names()[-1] == scene.restart().index.name(0, scene.history.index.next_numbers[0] - 1)


def test_a_damaged_segment_is_skipped_and_named():
    with Scene(segment_bytes=512) as scene:
        scene.hours(NEW_YEAR, 200)
        change_byte(scene.path("h00002"), 20)
        scene.restart()
        assert [name for name, _ in scene.history.damaged] == ["h00002"]
        assert "CRC of the header" in scene.history.damaged[0][1]
        found = scene.recorded()
        assert 120 < len(found) < 200
        assert [row for row in found if row[1] * HOUR != row[0] - NEW_YEAR] == []
        assert scene.history.append(NEW_YEAR + 200 * HOUR, 0, energy(200)), "life goes on"


def test_a_damaged_record_costs_itself():
    with Scene() as scene:
        scene.hours(NEW_YEAR + HOUR, 20)
        change_byte(scene.path("h00001"), -10 * 10 - 3)
        assert [mantissa for _, mantissa in scene.recorded()] == list(range(9)) + list(range(10, 20))
        assert scene.history.damaged == [("h00001", "1 damaged records")]


def test_a_segment_that_ends_inside_a_record_is_left_alone():
    with Scene() as scene:
        scene.hours(NEW_YEAR + HOUR, 10)
        with open(scene.path("h00001"), "r+b") as file:
            file.seek(0, 2)
            file.write(b"torn")
        assert scene.history.append(NEW_YEAR + HOUR * 11, 0, energy(11))
        assert len(scene.recorded()) == 11
        assert scene.history.damaged == [("h00001", "ends inside a record")]


def test_a_file_that_was_only_begun_is_no_damage():
    with Scene() as scene:
        scene.hours(NEW_YEAR, 3)
        open(scene.path("h00002"), "wb").close()
        open(scene.path("notes.txt"), "wb").close()
        scene.restart()
        assert scene.names() == ["d00001", "h00001", "notes.txt"]
        assert not scene.history.damaged


def test_a_history_that_cannot_be_is_refused():
    for changed, said in (
        ({"registers": ()}, "1 to 6"),
        ({"registers": tuple("abcdefg")}, "1 to 6"),
        ({"serial": "1" * 41}, "more than 40 bytes"),
        ({"limit_bytes": 30000}, "bytes of flash at least"),
    ):
        settings = {"registers": ("energy",), "serial": "", "limit_bytes": 409600, "zone": CET}
        settings.update(changed)
        assert said in refusal(ValueError, History, "/tmp", **settings)


def test_460_days_of_hours_and_10_years_of_days_fit_into_400_kib():
    layout = next_layout(None, ["x" * 20] * 6, "12345678", {}, False)
    header = len(layout.pack())
    places = (SEGMENT_BYTES - header) // layout.record_bytes - 1
    segments = (400 * 1024 - OVERHEAD_BYTES) // 8192
    daily = (3653 + places - 1) // places
    # One segment is in use, and two more when the meter's logger fills hours and midnights.
    assert (segments - daily - 3) * places >= 460 * 23
