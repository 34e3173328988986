# The reading as JSON: the meter's own digits, the common unit beside them, ages, what is missing.

import json

from kmpeye.readings.as_json import reading_chunks
from kmpeye.readings.snapshot import Meter, Reading, Snapshot


class Clock:
    now_s = 100
    known = True

    def uptime_s(self):
        return self.now_s

    def unix(self):
        return 1795330980 + self.now_s if self.known else None

    def iso(self, unix):
        return "unix %d" % unix


def text(snapshot, clock=None):
    return "".join(reading_chunks(snapshot, clock or Clock()))


def snapshot(*rows, **more):
    one = Snapshot(Meter("MULTICAL 601"))
    one.meter.serial = "6892850"
    one.reading = Reading(list(rows), 90, 1795331070, **more)
    return one


# (row, what stands in the text, why)
SHOWN = (
    (("volume", 68, 40, 314130, -3), '"value":314.130,"unit":"m³"}', "a trailing zero is the meter's"),
    (("volume", 68, 40, 314130, -3), '"label":"Volume"', "words for a person"),
    (
        ("heat_energy", 60, 8, 30925, -2),
        '"value":309.25,"unit":"GJ","common":{"value":85903,"unit":"kWh"}',
        "joules, to the digit the meter's last one fills",
    ),
    (("heat_energy", 60, 3, 12345, -3), '"common":{"value":12345,"unit":"kWh"}', "MWh is exact"),
    (("flow", 74, 41, 884, 0), '"value":884,"unit":"l/h","common":{"value":0.884,"unit":"m³/h"}', "exact"),
    (("power", 80, 22, 398, -1), '"value":39.8,"unit":"kW"}', "the common unit already"),
    (("flow_temperature", 86, 37, -5, -2), '"value":-0.05,"unit":"°C"}', "no quantity with a common unit"),
)


def test_the_digits_are_the_meters_and_the_common_unit_stands_beside():
    for row, part, why in SHOWN:
        assert part in text(snapshot(row)), (text(snapshot(row)), why)
        json.loads(text(snapshot(row)))


def test_an_older_register_has_its_own_age():
    rows = (("volume", 68, 40, 1, 0), ("operating_hours", 1004, 46, 7, 0))
    found = json.loads(text(snapshot(*rows, taken=[90, 40])))
    assert found["age_s"] == 10 and "age_s" not in found["registers"]["volume"]
    assert found["registers"]["operating_hours"]["age_s"] == 60


def test_what_is_missing_has_its_reason():
    found = json.loads(text(snapshot(("flow", 74, 41, 1, 0), missing=[("volume", "total_fell")])))
    assert found["missing"] == {"volume": "total_fell"} and list(found["registers"]) == ["flow"]


def test_before_the_first_reading_there_is_nothing():
    found = json.loads(text(Snapshot(Meter("MULTICAL 601"))))
    assert found["taken_at"] is None and found["age_s"] is None
    assert found["registers"] == {} and found["missing"] == {}


def test_the_date_that_becomes_known_later_is_counted_back():
    one = snapshot(("volume", 68, 40, 1, 0))
    one.reading.unix = None
    assert json.loads(text(one))["taken_at"] == "unix %d" % (1795330980 + 90)
    clock = Clock()
    clock.known = False
    other = snapshot(("volume", 68, 40, 1, 0))
    other.reading.unix = None
    assert json.loads(text(other, clock))["taken_at"] is None
