"""What the simulated meter measures: totals that grow exactly, believable days, extremes, clock and roll-over.

Uses sim_head; in invented time.
"""

import json
from fractions import Fraction

import pytest

from conftest import ROOT
from kmp.calendar import CLOCK, DATE, date_text, day_number
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
