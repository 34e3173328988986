"""What the simulated meter measures: totals that grow exactly, believable days, extremes, clock and roll-over.

Uses sim_head; in invented time.
"""

import json
from fractions import Fraction

import pytest

from conftest import ROOT
from kmp.calendar import day_number, rtc_fields
from kmp.dates import CLOCK, DATE, date_text
from kmpsim import model
from kmpsim.meter import Options, SimMeter
from kmpsim.plant import Plant
from sim_head import START_S, sim


@pytest.mark.parametrize("step_ms", [1, 977, 60_000, 7_200_000])
def test_the_total_is_the_sum_of_the_flow_however_the_time_is_cut(step_ms):
    meter = sim()
    duration = 7_200_000 if step_ms > 900 else 90_000
    now = 0
    while now < duration:
        now = min(now + step_ms, duration)
        meter.due(now)
    plant = Plant("water", 900, 1)
    start = START_S * 1000
    milli_litres = Fraction(0)
    for ms in range(0, duration, 60_000):
        minute = plant.minute((start + ms) // 60_000)
        milli_litres += Fraction(minute.flow * min(60_000, duration - ms), 3600)
    mantissa, exponent = meter.state.values()[68]
    assert exponent == -3  # litres
    assert mantissa == 314131 + int(milli_litres / 1000)


def test_a_household_uses_a_believable_amount_of_water_and_a_building_of_heat():
    water, heat = sim(), sim("multical601")
    for meter in (water, heat):
        meter.due(7 * 86_400_000)
    litres = water.state.values()[68][0] - 314131
    assert 7 * 200 < litres < 7 * 600
    before, after = sim("multical601").state.values(), heat.state.values()
    kwh = after[60][0] - before[60][0]
    cubic = Fraction(after[68][0] - before[68][0], 100)
    assert 7 * 300 < kwh < 7 * 1500
    assert 30 < kwh / cubic < 60  # kWh out of a cubic metre at 26 to 52 K
    flow_energy, return_energy = (after[one][0] - before[one][0] for one in (61, 62))
    assert abs(flow_energy - return_energy - kwh) <= 1  # E4 - E5 = E1, each rounded down
    assert after[1004][0] - before[1004][0] == 7 * 24


def test_power_is_flow_times_temperature_difference():
    meter = sim("multical601")
    for hour in range(24):
        meter.due(hour * 3_600_000)
        values = meter.state.values()
        assert values[89][0] == values[86][0] - values[87][0]
        exact = Fraction(values[74][0] * values[89][0] * 1163, 100_000 * 100)  # 0.1 kW
        assert abs(values[80][0] - exact) <= Fraction(1, 2)


@pytest.mark.parametrize("name", ["multical601", "multical62"])
def test_extremes_hold_the_present_value_and_start_again_with_the_month(name):
    meter = sim(name)
    for hour in range(0, 24 * 12, 7):
        meter.due(hour * 3_600_000)
        values = meter.state.values()
        flow = values[74][0]
        assert values[126][0] <= values[140 + 1][0] <= flow <= values[139][0] <= values[124][0]
        month = day_number(2026, 11, 22) + (hour + 6) // 24 >= day_number(2026, 12, 1)
        assert (values[138][0] // 100 == 2612) == month
        assert values[138][0] % 100 >= 1


# Finer registers that begin where their total does: (meter, total, finer, its steps in one of the total, its end)
FINER = [
    ("multical403", 60, 266, 1000, 10**7),
    ("multical302", 60, 266, 1000, 10**7),
    ("multical803", 60, 266, 10_000, 10**7),
    ("multical302", 68, 239, 100, 10**8),
    ("multical62", 68, 239, 100, 10**8),
    ("multical402", 68, 223, 100, 10**8),
    ("kamstrup382", 1, 13, 10_000, 10**8),
    ("omnipower", 1, 13, 100, 10**8),
]


@pytest.mark.parametrize(("name", "total", "finer", "steps", "end"), FINER)
def test_a_finer_register_carries_the_lower_digits_of_its_total(name, total, finer, steps, end):
    meter = sim(name)
    before = meter.state.values()[finer][0]
    for hour in range(0, 48, 5):
        meter.due(hour * 3_600_000 + 1234)
        values = meter.state.values()
        assert values[finer][0] // steps == values[total][0] % (end // steps)
    assert meter.state.values()[finer][0] != before


@pytest.mark.parametrize("name", ["multical602", "multical402"])
def test_register_155_runs_apart_and_by_the_same_energy(name):
    meter = sim(name)
    before = meter.state.values()
    kwh = 10 ** (3 - before[155][1])  # 155 comes in Wh or in tenths of them
    assert before[155][0] // kwh != before[60][0] % 10**5
    meter.due(86_400_000)
    after = meter.state.values()
    assert (after[155][0] - before[155][0]) // kwh == after[60][0] - before[60][0] > 0


def test_a_full_finer_register_starts_again_where_the_meter_has_its_end():
    full = {"id": 266, "unit": 1, "nob": 4, "exponent": 0, "kind": "total", "of": "heat"}
    data = {"like": "multical403", "registers": [{**full, "start": 9_999_999, "modulo": 10**7}]}
    meter = SimMeter(model.parse(data, "full"), 0, 1, Options(start_s=START_S))
    meter.due(3_600_000)
    assert 0 < meter.state.values()[266][0] < 100_000


@pytest.mark.parametrize(
    ("name", "unit", "exponent", "joule"), [("GJ", 8, -2, 10**7), ("kWh", 2, 0, 3_600_000)]
)
def test_a_heat_meter_counts_the_same_energy_in_another_unit(name, unit, exponent, joule):
    changed = model.with_energy(model.load("multical403"), name)
    meter, other = sim("multical403"), SimMeter(changed, 0, 1, Options(start_s=START_S))
    for hour in range(0, 72, 7):
        for one in (meter, other):
            one.due(hour * 3_600_000)
        values, theirs = meter.state.values(), other.state.values()
        assert other.state.read(60)[1] == unit
        assert theirs[60][1] == exponent
        whole = 10_000 * (values[60][0] // 10_000) * 1000 + values[266][0] % 10**7  # Wh, with all digits
        assert theirs[60][0] == whole * 3600 // joule
        assert {k: v for k, v in values.items() if k not in (60, 63)} == {
            k: v for k, v in theirs.items() if k not in (60, 63)
        }


@pytest.mark.parametrize(("name", "phases"), [("kamstrup162", 1), ("kamstrup382", 3), ("omnipower", 3)])
def test_electricity_goes_one_way_at_a_time_and_adds_up(name, phases):
    meter = sim(name, start_s=day_number(2026, 6, 1) * 86400)  # the sun feeds back
    first = meter.state.values()
    fed = 0
    for quarter in range(96):
        meter.due(quarter * 900_000)
        v = {register: mantissa for register, (mantissa, _) in meter.state.values().items()}
        assert 0 in (v[1023], v[1024]) and 0 in (v[1025], v[1026])
        net = sum(v[1080 + i] - v[1344 + i] for i in range(phases))
        assert net == v[1023] - v[1024]
        assert v[39] >= v[1023] and v[40] >= v[1024]
        fed += v[1024] > 0
        for i in range(phases):
            assert 220 <= v[1054 + i] <= 240
            amperes = Fraction(v[1076 + i]) * Fraction(10) ** meter.state.values()[1076 + i][1]
            apparent = (v[1054 + i] + Fraction(1, 2)) * (amperes + Fraction(1, 100))  # VA, at the most
            assert (v[1080 + i] + v[1344 + i]) * 1000 <= apparent * (v[1170 + i] + 1)
    last = meter.state.values()
    assert 20 < fed < 70
    gained = {one: last[one][0] - first[one][0] for one in (1, 2, 3, 13, 14, 19, 20, 23, 24)}
    assert gained[13] > 20_000 and gained[14] > 5_000  # 2 kWh, 0.5 kWh
    assert abs(gained[19] + gained[23] - gained[1]) <= 1
    assert abs(gained[20] + gained[24] - gained[2]) <= 1


def test_the_moment_of_the_largest_power_is_kept():
    meter = sim("kamstrup382")
    largest, when = meter.state.values()[39][0], (2026, 11, 1, 0, 0)
    for minute in range(3 * 24 * 60):
        meter.due(minute * 60_000)
        now = meter.state.read(1023)[2]
        if now > largest:
            largest, when = now, (2026, 11, 22 + (minute + 360) // 1440, (minute // 60 + 6) % 24, minute % 60)
        assert meter.state.read(39)[2] == largest
        assert rtc_fields(meter.state.read(1049)[2])[:5] == when
    assert when[2] > 1


def test_the_rtc_says_what_clock_and_date_say():
    meter = sim("kamstrup382", time_factor=0)
    assert rtc_fields(meter.state.values()[1047][0]) == (2026, 11, 22, 6, 0, 0, 2, 7)  # a Sunday
    # As the frame k382-aimir-6 has it, but for bit 7 of its status: a Monday, 2012-09-10 16:02:33.
    moment = day_number(2012, 9, 10) * 86400 + 16 * 3600 + 2 * 60 + 33
    meter = sim("kamstrup382", time_factor=0, start_s=moment)
    assert meter.state.values()[1047][0] == 0x0201_2102_100A_090C


def test_the_clock_runs_with_the_line_and_by_its_factor():
    for factor, clock, date in (
        (1, "06:00:10", "2026-11-22"),
        (8640, "06:00:00", "2026-11-23"),
        (0, "06:00:00", "2026-11-22"),
    ):
        meter = sim("multical601", time_factor=factor)
        meter.due(10_000)
        values = meter.state.values()
        assert date_text(CLOCK, values[1002][0]) == clock
        assert date_text(DATE, values[1003][0]) == date


def test_a_frozen_meter_says_the_same_for_ever():
    meter = sim("multical601", time_factor=0)
    before = meter.state.values()
    meter.due(100 * 86_400_000)
    assert meter.state.values() == before


def test_a_total_that_is_full_starts_again_at_zero():
    data = json.loads((ROOT / "tools/kmpsim/meters/multical21.json").read_text(encoding="utf-8"))
    data["registers"][0]["start"] = 99_999_999
    meter = SimMeter(model.parse(data, "full"), 0, 1, Options(start_s=START_S))
    meter.due(86_400_000)
    assert 0 <= meter.state.values()[68][0] < 1000
