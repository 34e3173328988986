"""An outage of 40 hours against the simulated meters: the real head, history and backfill; no hole is left.

Uses kmpsim and sim_house in invented time. What a record has to say comes from a second simulator of the same seed,
whose registers are looked at in each hour and which has no logger to ask.
"""

import pytest

from kmp.frame import METER
from kmpeye.backfill import Backfill
from kmpsim.state import State
from sim_house import HOUR, SEED, START, START_S, House
from virtual_line import drive

OWN_BEFORE = 6  # readings before the outage, one an hour
OUTAGE = 40  # hours without one

# simulated meter, profile, registers of the history, requests at most, why that many
METERS = (
    (
        "multical601-67-0b",
        "multical601",
        ("heat_energy", "volume"),
        9,
        "the clock, then 5 records in 128 bytes",
    ),
    ("multical801", "multical801", ("heat_energy", "volume"), 9, "the same at the same address"),
    (
        "kamstrup382",
        "kamstrup382",
        ("energy_in", "energy_out"),
        15,
        "the clock and both byte orders for the monthly log, the clock again, then 3 hours in 255 bytes",
    ),
)


def truth(house, hours):
    """{hour: {key: (unit, mantissa, exponent)}} by a meter of the same seed that nobody asks."""
    model = house.meter.model
    state = State(model, SEED, START_S, model.serial)
    units = {one.id: one.unit for one in model.registers}
    out = {}
    for hour in range(hours):
        values = state.values()
        out[hour] = {key: (units[one], *values[one]) for key, one in house.ids.items()}
        state.advance(HOUR * 1000)
    return out


@pytest.mark.parametrize("meter, profile, keys, most, why", METERS, ids=[row[0] for row in METERS])
def test_after_an_outage_of_40_hours_no_hole_is_left(meter, profile, keys, most, why, tmp_path):
    house = House(meter, profile, keys, tmp_path)
    backfill = Backfill(house)
    for hour in range(OWN_BEFORE):
        house.read(hour)
    last = OWN_BEFORE + OUTAGE
    house.read(last)
    drive(backfill.look())

    records = house.records()
    assert [(unix - START) // HOUR for unix, _, _ in records] == list(range(last + 1))
    filled = [(unix, values) for unix, is_filled, values in records if is_filled]
    assert [(unix - START) / HOUR for unix, _ in filled] == list(range(OWN_BEFORE, last))
    right = truth(house, last)
    assert [values for _, values in filled] == [right[hour] for hour in range(OWN_BEFORE, last)]
    assert house.relayed == most, why
    assert (backfill.filled, backfill.error, backfill.next_s) == (OUTAGE, None, 0)

    rows = [row for row in house.history.query(keys[0], START, START + last * HOUR, "hour", None) if row]
    assert {row[6] for row in rows} == {""}, "every hour is a whole one"
    first, end = records[0][2][keys[0]], records[-1][2][keys[0]]
    assert sum(row[2] for row in rows) == end[1] - first[1]

    drive(backfill.look())
    assert house.relayed == most, "once filled, nothing is asked"


def test_a_multical_601_without_a_module_is_asked_once_a_week(tmp_path):
    house = House("multical601", "multical601", ("heat_energy", "volume"), tmp_path)
    backfill = Backfill(house)
    for hour in (0, 1, 20):
        house.read(hour)
    drive(backfill.look())
    refused = house.relayed
    assert refused == 2 * (1 + 3), "the clock and three tries for each of two places where a module may be"
    assert house.meter.counters.ignored["address"] == 6
    hour = 21
    while hour < 20 + 7 * 24 - 6:
        house.read(hour)
        drive(backfill.look())
        hour += 6
    assert house.relayed == refused
    house.read(hour + 12)
    drive(backfill.look())
    assert house.relayed == 2 * refused
    assert not any(is_filled for _, is_filled, _ in house.records())


def test_the_outage_may_end_in_another_outage(tmp_path):
    house = House("multical601-67-0b", "multical601", ("heat_energy", "volume"), tmp_path)
    backfill = Backfill(house)
    house.read(0)
    house.read(30)
    asked = house.relay
    left = 3

    async def until_spent(address, application):
        nonlocal left
        left -= 1
        return await asked(address, application) if left >= 0 else (None, "budget_spent")

    house.relay = until_spent
    drive(backfill.look())
    assert backfill.filled == 10, "the clock and two pages"
    house.relay = asked
    house.read(60)
    drive(Backfill(house).look())
    assert [(unix - START) // HOUR for unix, _, _ in house.records()] == list(range(61))
    right = truth(house, 60)
    for unix, is_filled, values in house.records():
        if is_filled:
            assert values == right[(unix - START) // HOUR]
    assert house.head.address == METER
