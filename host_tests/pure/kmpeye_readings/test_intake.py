# From replies to a published reading: unit codes corrected, dates that never happened, high resolution joined, flags.

from kmpeye.meter.choice import choose
from kmpeye.readings.intake import Intake
from kmpeye.readings.snapshot import Meter, Snapshot
from kmpeye.system.config import checked

FOLDER = "firmware/meters"


def intake(name="multical403", state=None):
    profile = choose(checked({"meter": name}), {}, FOLDER, [])
    return Intake(profile, Snapshot(Meter(profile.model)), lambda text: None, state or {})


def take(one, found, uptime_s, serial=None):
    """A reply in, the reading out; every register was asked for."""
    rows = one.rows(found)
    verdict = one.judge(rows, serial, uptime_s, None)
    one.publish(rows, verdict, one.profile.registers, uptime_s, None)
    return {row[0]: row[2:] for row in one.snapshot.reading.values}


def test_the_order_is_the_profiles_and_unknown_registers_are_ignored():
    one = intake()
    take(one, [(74, 41, 1, 0), (60, 3, 5, -3), (9999, 3, 5, 0)], 0)
    assert [row[0] for row in one.snapshot.reading.values] == ["heat_energy", "flow"]


def test_a_date_that_has_not_happened_is_left_out():
    one = intake()
    assert "target_date" not in take(one, [(60, 3, 5, -3), (98, 50, 0, 0)], 0)
    assert "target_date" in take(one, [(60, 3, 5, -3), (98, 50, 1231, 0)], 10)


def test_the_serial_number_is_not_a_reading():
    assert "serial" not in take(intake(), [(60, 3, 5, -3), (1001, 51, 77, 0)], 0)


def test_high_resolution_is_published_as_the_whole_total_or_not_at_all():
    # The register runs modulo 10 MWh: it says 2345678 Wh while the total is 12.345 MWh.
    one = intake()
    found = take(one, [(60, 3, 12345, -3), (266, 1, 2345678, 0)], 0)
    assert found["heat_energy"] == (3, 12345, -3), "the meter's own digits"
    assert found["heat_energy_high_resolution"] == (1, 12345678, 0)
    assert "heat_energy_high_resolution" not in take(one, [(266, 1, 2345679, 0)], 10), "no total to join"


def test_joining_goes_on_after_a_restart():
    one = intake()
    take(one, [(60, 3, 19999, -3), (266, 1, 9999600, 0)], 0)
    state = one.state()
    again = intake(state=state)
    found = take(again, [(60, 3, 20000, -3), (266, 1, 300, 0)], 60)
    assert found["heat_energy_high_resolution"] == (1, 20000300, 0)


def test_a_unit_code_that_means_another_is_corrected_where_readings_come_in():
    one = intake()
    one.profile.units = {21: 22}
    assert take(one, [(60, 3, 5, -3), (80, 21, 398, -1)], 0)["power"] == (22, 398, -1)


def test_failed_sensors_are_missing_with_their_flag():
    one = intake()
    found = take(
        one, [(60, 3, 5, -3), (86, 37, 18500, -2), (87, 37, 3000, -2), (89, 38, 0, -2), (80, 22, 0, -1)], 0
    )
    assert "flow_temperature" not in found and found["return_temperature"] == (37, 3000, -2)
    assert ("flow_temperature", "sensor_t1") in one.snapshot.reading.missing


def test_flags_are_kept_over_a_restart_so_that_nothing_appears_twice():
    one = intake("multical21")
    take(one, [(68, 40, 5, -3), (99, 0, 4, 0)], 0)
    assert one.snapshot.flags == ["leak"] and one.snapshot.events == []
    again = intake("multical21", one.state())
    take(again, [(68, 40, 5, -3), (99, 0, 4, 0)], 0)
    assert again.snapshot.events == []
    take(again, [(68, 40, 5, -3), (99, 0, 0, 0)], 10)
    assert [(what, key) for _, _, _, what, key in again.snapshot.events] == [("gone", "leak")]


def test_a_watch_of_our_own_where_the_meter_has_none():
    one = intake("multical61")
    has_leak = any(flag == "leak" for _, flag in one.profile.info)
    assert (one.watch is None) == has_leak
    if one.watch:
        for hour in range(30):
            take(one, [(68, 40, 1000 + hour, -2)], hour * 3600)
        assert one.snapshot.flags == ["continuous_flow"]
