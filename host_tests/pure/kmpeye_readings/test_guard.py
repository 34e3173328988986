# kmpeye.readings.guard: what is published of a reading, what is held back and why, and what a failed sensor makes
# worthless. Tables of readings; runs on CPython and on MicroPython alike.

import json

from kmp.registers import register_id
from kmpeye.readings.guard import _TOTALS, Guard
from kmpeye.readings.texts import describe, held_sentence

WH, KWH, MWH, GJ, GCAL, LITRE, M3 = 1, 2, 3, 8, 12, 39, 40
HOUR = 3600
DAY = 86400
UNIX = 1_700_000_000
LIMITS = {"flow_m3h": 10, "power_kw": 100}


def row(key, unit, mantissa, exponent=0):
    return key, register_id(key), unit, mantissa, exponent


def judge(guard, rows, uptime_s, unix=None, serial=None, flags=()):
    return guard.judge(rows, serial, uptime_s, unix, flags)


def total(guard, key, value, uptime_s, unix=None, serial=None):
    """Judge one total; (published, reason of what is held or None, ask again)."""
    verdict = judge(guard, [row(key, *value)], uptime_s, unix, serial)
    held = guard.held.get(key)
    assert bool(verdict.values) != (key in verdict.held) and verdict.held == ([key] if held else [])
    return bool(verdict.values), held and held[0], verdict.ask_again


# A name, a key, and readings: hours after the first, the value, the reason it is held for, asked again.
SERIES = (
    (
        "a spike at zero",
        "volume",
        (
            (0, (M3, 314131, -3), None, False),
            (1, (M3, 0, -3), "total_fell", True),
            (1, (M3, 314151, -3), None, False),
        ),
    ),
    (
        "a zero that stays is held as long as it stays, and asked again once",
        "volume",
        (
            (0, (M3, 314131, -3), None, False),
            (1, (M3, 0, -3), "total_fell", True),
            (1, (M3, 0, -3), "total_fell", False),
            (2, (M3, 5, -3), "total_fell", False),
            (99, (M3, 100000, -3), "total_fell", False),
            (999, (M3, 314130, -3), "total_fell", False),
            (999, (M3, 314131, -3), None, False),
        ),
    ),
    (
        "standing still and rising as the meter can",
        "volume",
        (
            (0, (M3, 314131, -3), None, False),
            (1, (M3, 314131, -3), None, False),
            (2, (M3, 324131, -3), None, False),
            (3, (M3, 334487, -3), None, False),
            (4, (M3, 344845, -3), "rose_too_fast", True),
            (5, (M3, 344845, -3), None, False),
        ),
    ),
    (
        "a jump upwards is held, said twice or not, until that much can have flowed",
        "volume",
        (
            (0, (M3, 100000, -3), None, False),
            (1, (M3, 600000, -3), "rose_too_fast", True),
            (1, (M3, 600000, -3), "rose_too_fast", False),
            (2, (M3, 600010, -3), "rose_too_fast", False),
            (50, (M3, 600020, -3), None, False),
        ),
    ),
    (
        "one digit more or less at each end",
        "heat_energy",
        (
            (0, (MWH, 55, 0), None, False),
            (1, (MWH, 57, 0), None, False),
            (2, (MWH, 60, 0), "rose_too_fast", True),
        ),
    ),
    (
        "a meter set up anew from MWh to GJ and back is compared exactly",
        "heat_energy",
        (
            (0, (MWH, 55006, -3), None, False),
            (1, (GJ, 19802, -2), None, False),
            (2, (GJ, 19801, -2), "total_fell", True),
            (3, (GJ, 19803, -2), None, False),
            (4, (MWH, 55008, -3), None, False),
            (5, (GCAL, 4728, -2), "total_fell", True),
            (6, (GCAL, 4729, -2), None, False),
        ),
    ),
    (
        "a unit read wrongly: MWh for GJ, and the other way round",
        "heat_energy",
        (
            (0, (GJ, 19802, -2), None, False),
            (1, (MWH, 19802, -2), "rose_too_fast", True),
            (1, (GJ, 19802, -2), None, False),
            (2, (MWH, 55006, -3), None, False),
            (3, (GJ, 55006, -3), "total_fell", True),
        ),
    ),
    (
        "fewer decimals are no fall, within the digit that went",
        "volume",
        (
            (0, (M3, 314139, -3), None, False),
            (1, (M3, 31413, -2), None, False),
            (2, (M3, 31412, -2), "total_fell", True),
            (3, (LITRE, 314139, 0), None, False),
        ),
    ),
    (
        "one digit of each format less is a fall",
        "volume",
        (
            (0, (M3, 314131, -3), None, False),
            (1, (M3, 31412, -2), "total_fell", True),
            (2, (M3, 31413, -2), None, False),
        ),
    ),
    (
        "another quantity in a total's place",
        "volume",
        (
            (0, (M3, 314131, -3), None, False),
            (1, (KWH, 314131, -3), "unit_changed", True),
            (1, (51, 314131, -3), "unit_changed", False),
            (2, (M3, 314131, -3), None, False),
        ),
    ),
    (
        "a first value below nothing, or more than 40 years can bring",
        "volume",
        (
            (0, (M3, -1, -3), "impossible", True),
            (0, (M3, 4294967295, -2), "impossible", False),
            (0, (M3, 2**79, -63), None, False),
        ),
    ),
    (
        "operating hours go with the time",
        "operating_hours",
        (
            (0, (46, 30000, 0), None, False),
            (1, (46, 30001, 0), None, False),
            (2, (46, 30300, 0), "rose_too_fast", True),
            (2, (46, 30002, 0), None, False),
            (3, (46, 12, 0), "total_fell", True),
        ),
    ),
    (
        "m³·°C and the energy in the water are bound by the flow",
        "volume_times_flow_temperature",
        (
            (0, (43, 5000, 0), None, False),
            (1, (43, 7000, 0), None, False),
            (2, (43, 9500, 0), "rose_too_fast", True),
        ),
    ),
    (
        "E4 rises faster than the power of the meter",
        "flow_energy",
        (
            (0, (MWH, 5000, -3), None, False),
            (1, (MWH, 7300, -3), None, False),
            (2, (MWH, 9800, -3), "rose_too_fast", True),
        ),
    ),
    (
        "integers past every word size",
        "energy_in",
        (
            (0, (WH, 35064000000, -3), None, False),
            (1, (WH, 2**80 - 1, -3), "rose_too_fast", True),
            (1, (WH, 2**80 - 1, 63), "rose_too_fast", False),
            (1, (WH, 35064000001, -3), None, False),
        ),
    ),
)

TOTAL_KEYS = (
    "energy_in energy_out energy_in_tariff_1 energy_out_tariff_1 energy_in_tariff_2 energy_out_tariff_2 "
    "energy_in_tariff_3 energy_out_tariff_3 energy_in_tariff_4 energy_out_tariff_4 heat_energy flow_energy "
    "return_energy cooling_energy tariff_2 tariff_3 volume volume_2 mass mass_2 control_energy tap_water_energy "
    "heat_energy_y volume_times_flow_temperature volume_times_return_temperature reverse_volume"
)

# What no rule of totals may touch: up, down, below zero.
FREE = (
    ("flow", 41, 1200, 0),
    ("input_a", M3, 5, -2),
    ("power", 22, 150, -1),
    ("ambient_temperature", 37, -5, 0),
    ("volume_high_resolution", LITRE, 12345, -3),
    ("battery_days", 62, 2000, 0),
    ("max_flow_this_month", 41, 900, 0),
)


def test_the_table_of_totals_is_the_one_in_words():
    assert list(_TOTALS) == sorted([register_id(key) for key in TOTAL_KEYS.split()])


def test_each_reading_of_a_series_is_published_or_held():
    for name, key, readings in SERIES:
        guard = Guard(LIMITS)
        for hours, value, reason, again in readings:
            got = total(guard, key, value, 7 + hours * HOUR)
            assert got == (reason is None, reason, again), (name, hours, value, got)


def test_each_series_goes_on_over_a_restart_when_the_date_is_known():
    for name, key, readings in SERIES:
        state = None
        for hours, value, reason, again in readings:
            guard = Guard(LIMITS, json.loads(json.dumps(state)))
            got = total(guard, key, value, 3, UNIX + hours * HOUR)
            assert got == (reason is None, reason, again), (name, hours, value, got)
            state = guard.state()


def test_a_rise_is_possible_up_to_the_limit_the_meters_steps_and_two_digits():
    for litres, reason in ((1002, None), (1003, "rose_too_fast")):
        guard = Guard(LIMITS)
        total(guard, "volume", (M3, 0, -3), 0)
        # 232 s and the 128 s of the meter's steps are a tenth of an hour: 1 m³.
        assert total(guard, "volume", (M3, litres, -3), 232)[1] == reason, litres


def test_between_readings_of_one_run_the_state_is_all_there_is():
    guard = Guard(LIMITS)
    total(guard, "volume", (M3, 5, -3), 0, serial="1")
    again = Guard(LIMITS, guard.state(), True)
    assert again.accepted["volume"][3] == 0, "by uptime, not only by date"
    total(again, "volume", (M3, 5, -3), 9, serial="2")
    again = Guard(LIMITS, again.state(), True)
    assert total(again, "volume", (M3, 1, -3), 19, serial="2")[0], "the second time it is another meter"


def test_what_is_no_total_is_never_held():
    guard = Guard(LIMITS)
    for factor in (1, 1000, 0, -1, 5):
        rows = [row(key, unit, mantissa * factor, exponent) for key, unit, mantissa, exponent in FREE]
        verdict = judge(guard, rows, 5)
        assert verdict.values == rows and not verdict.held and not verdict.ask_again
    assert guard.state() == Guard(LIMITS).state()


def test_a_total_of_a_unit_nobody_knows_is_let_through():
    guard = Guard(LIMITS)
    for value in (5, 7, 3):
        assert total(guard, "tariff_2", (51, value, 0), 5) == (True, None, False)


def test_one_suspect_register_does_not_hold_the_others():
    guard = Guard(LIMITS)
    judge(guard, [row("heat_energy", MWH, 55006, -3), row("volume", M3, 187556, -2), row("flow", 41, 5)], 0)
    verdict = judge(
        guard, [row("heat_energy", MWH, 0, -3), row("volume", M3, 187557, -2), row("flow", 41, 9)], HOUR
    )
    assert verdict.values == [row("volume", M3, 187557, -2), row("flow", 41, 9)]
    assert verdict.held == ["heat_energy"] and verdict.ask_again


def test_a_missing_register_leaves_its_series_as_it_is():
    guard = Guard(LIMITS)
    total(guard, "volume", (M3, 314131, -3), 0)
    assert not judge(guard, [row("flow", 41, 5)], HOUR).held
    assert total(guard, "volume", (M3, 0, -3), 2 * HOUR)[1] == "total_fell"
    assert not judge(guard, [row("flow", 41, 5)], 3 * HOUR).held, "not in this reading"
    assert "volume" in guard.held, "but not forgotten"
    assert total(guard, "volume", (M3, 354131, -3), 4 * HOUR)[0], "40 m³ in four hours"


def test_another_serial_number_said_twice_starts_a_new_series():
    guard = Guard(LIMITS)
    assert total(guard, "volume", (M3, 314131, -3), 0, serial="68000001")[0]
    assert total(guard, "volume", (M3, 2, -3), HOUR, serial="68000002") == (False, "new_serial", True)
    assert total(guard, "volume", (M3, 2, -3), HOUR + 3, serial="68000002") == (True, None, False)
    assert total(guard, "volume", (M3, 0, -3), 2 * HOUR, serial="68000002")[1] == "total_fell"


def test_a_serial_number_said_once_changes_nothing():
    guard = Guard(LIMITS)
    total(guard, "volume", (M3, 314131, -3), 0, serial="68000001")
    assert total(guard, "volume", (M3, 314132, -3), HOUR, serial="68000002")[1] == "new_serial"
    assert total(guard, "volume", (M3, 314132, -3), HOUR, serial="68000001") == (True, None, False)
    assert total(guard, "volume", (M3, 2, -3), 2 * HOUR, serial="68000001")[1] == "total_fell"
    assert total(guard, "volume", (M3, 314133, -3), 3 * HOUR, serial=None)[0], "not asked this time"


def test_an_exchange_seen_by_the_fall_first_takes_two_more_askings():
    guard = Guard(LIMITS)
    total(guard, "volume", (M3, 314131, -3), 0, serial="68000001")
    assert total(guard, "volume", (M3, 2, -3), HOUR) == (False, "total_fell", True)
    assert total(guard, "volume", (M3, 2, -3), HOUR + 2, serial="68000002") == (False, "new_serial", True)
    assert total(guard, "volume", (M3, 2, -3), HOUR + 4, serial="68000002") == (True, None, False)


def test_the_owners_word_starts_a_new_series():
    guard = Guard(LIMITS)
    total(guard, "volume", (M3, 314131, -3), 0, serial="68000001")
    total(guard, "volume", (M3, 5, -3), HOUR, serial="68000001")
    guard.exchange()
    assert not guard.held
    assert total(guard, "volume", (M3, 5, -3), 2 * HOUR, serial="68000001") == (True, None, False)


def test_a_rise_over_an_unknown_time_is_let_through_when_it_is_said_twice():
    before = Guard(LIMITS)
    total(before, "volume", (M3, 100000, -3), 5, serial="1")
    cases = (
        ((M3, 100005, -3), (True, None, False), "little: it can have flowed at once"),
        ((M3, 900000, -3), (False, "unknown_gap", True), "much: nobody knows in what time"),
        ((M3, 99999, -3), (False, "total_fell", True), "a fall is one in any time"),
    )
    for value, expected, why in cases:
        assert total(Guard(LIMITS, before.state()), "volume", value, 5) == expected, why
    guard = Guard(LIMITS, before.state())
    total(guard, "volume", (M3, 90000000, -3), 5)
    assert total(guard, "volume", (M3, 900000, -3), 8)[1] == "unknown_gap", "not the same as the first time"
    assert total(guard, "volume", (M3, 900001, -3), 11) == (True, None, False)


def test_a_clock_that_went_back_is_an_unknown_time():
    guard = Guard(LIMITS)
    total(guard, "volume", (M3, 100000, -3), 5, UNIX)
    guard = Guard(LIMITS, guard.state())
    assert total(guard, "volume", (M3, 200000, -3), 5, UNIX - DAY) == (False, "unknown_gap", True)


def test_within_one_run_a_jump_of_the_date_does_not_count():
    guard = Guard(LIMITS)
    total(guard, "volume", (M3, 100000, -3), 0, UNIX)
    assert total(guard, "volume", (M3, 200000, -3), HOUR, UNIX + 9 * DAY)[1] == "rose_too_fast"


def test_only_what_stays_for_a_day_asks_for_the_owner():
    guard = Guard(LIMITS)
    total(guard, "volume", (M3, 314131, -3), 0, UNIX)
    for hour in range(1, 25):
        total(guard, "volume", (M3, hour, -3), hour * HOUR, UNIX + hour * HOUR)
        assert not guard.persists("volume", hour * HOUR, UNIX + hour * HOUR), hour
    guard = Guard(LIMITS, json.loads(json.dumps(guard.state())))
    total(guard, "volume", (M3, 30, -3), 9, UNIX + 25 * HOUR)
    assert guard.persists("volume", 9, UNIX + 25 * HOUR), "over a restart too"
    assert not guard.persists("volume", 9), "not when the date is not known"
    total(guard, "volume", (M3, 7, -3), 10, UNIX + 25 * HOUR)
    assert not guard.persists("volume", 10, UNIX + 25 * HOUR), "something else was said: from the beginning"
    assert not guard.persists("flow", 0), "nothing is held"


def test_limits_that_a_profile_leaves_out_are_above_every_meter():
    guard = Guard({})
    assert total(guard, "volume", (M3, 0, 0), 0)[0]
    assert total(guard, "volume", (M3, 12000, 0), HOUR)[0]
    assert not total(guard, "volume", (M3, 50000, 0), 2 * HOUR)[0]


def heat(t1, t2, difference=None, power=None, unit=37):
    rows = [row("flow_temperature", unit, *t1), row("return_temperature", unit, *t2)]
    if difference is not None:
        rows.append(row("temperature_difference", 38, difference, -2))
    if power is not None:
        rows.append(row("power", 22, power, -1))
    return rows


# rows, flags, missing, why
SENSORS = (
    (heat((5365, -2), (4579, -2), 786, 47), (), {}, "all is well"),
    (
        heat((18500, -2), (4579, -2), 0, 0),
        (),
        {86: "sensor_t1", 89: "sensor_t1", 80: "sensor_t1"},
        "185.00 °C",
    ),
    (heat((185, 0), (1850, -1)), (), {86: "sensor_t1", 87: "sensor_t2"}, "185, whatever the decimals"),
    (heat((18501, -2), (18499, -2)), (), {}, "close is not it"),
    (
        heat((0, -2), (18500, -2), 0),
        (),
        {87: "sensor_t2", 89: "sensor_t2"},
        "one failed: the other may be 0.00",
    ),
    (
        heat((5365, -2), (0, -2), 0, 0),
        ("sensor_t2",),
        {87: "sensor_t2", 89: "sensor_t2", 80: "sensor_t2"},
        "info",
    ),
    (
        heat((0, -2), (0, -2), 0),
        ("sensor_t1_low",),
        {86: "sensor_t1", 89: "sensor_t1"},
        "only the sensor named",
    ),
    (
        heat((5365, -2), (0, -2), 0, 0),
        (),
        {87: "sensor_t2", 89: "sensor_t2", 80: "sensor_t2"},
        "no difference of 53 K",
    ),
    (heat((0, -2), (-500, -2), 0), (), {86: "sensor_t1", 89: "sensor_t1"}, "nor of 5 K below zero"),
    (heat((0, -2), (4579, -2), -4579, 0), (), {}, "a true 0.00 °C: the meter gives the difference"),
    (heat((0, -2), (40, -2), 0, 0), (), {}, "and one of 0.4 K may be under what it shows"),
    (heat((0, -2), (0, -2), 0, 0), (), {}, "a plant that is off in a frost"),
    (heat((0, -2), (4579, -2)), (), {}, "without a difference nothing contradicts"),
    (heat((5365, -2), (4579, -2), 0, 0), ("sensor_t1",), {}, "a value that is none of an error's stands"),
    (heat((18500, -2), (4579, -2), unit=51), (), {}, "a number is no temperature"),
    (
        [row("temperature_3", 37, 0, -2)],
        ("sensor_t3",),
        {88: "sensor_t3"},
        "T3, from which nothing is derived",
    ),
    (
        [row("water_temperature", 37, 0, 0), row("ambient_temperature", 37, 0, 0)],
        ("leak",),
        {},
        "a water meter in frost",
    ),
    ([row("power", 22, 0, -1), row("temperature_difference", 38, 0, -2)], (), {}, "no temperatures to doubt"),
)


def test_a_failed_sensor_makes_its_values_missing_and_no_others():
    for rows, flags, expected, why in SENSORS:
        verdict = judge(Guard(LIMITS), rows, 0, flags=flags)
        missing = {register_id(key): flag for key, flag in verdict.missing}
        assert missing == expected, (why, missing)
        assert verdict.values == [one for one in rows if one[1] not in expected], why
        assert not verdict.held and not verdict.ask_again


def test_held_values_are_explained_with_both_numbers():
    guard = Guard(LIMITS)
    assert held_sentence(guard.state(), "volume") is None
    total(guard, "volume", (M3, -5, -2), 0)
    assert held_sentence(guard.state(), "volume").startswith("Volume: -0.05 m³ is less than nothing")
    total(guard, "volume", (M3, 187556, -2), 0)
    total(guard, "volume", (M3, 0, -2), HOUR)
    assert held_sentence(guard.state(), "volume") == (
        "Volume: 0.00 m³ after 1875.56 m³ is less, and a total does not fall. "
        "If the meter was exchanged or reset, say so under meter exchange."
    )
    for reason in ("total_fell", "rose_too_fast", "unknown_gap", "unit_changed", "new_serial", "impossible"):
        assert "meter's manual" not in describe(reason)[1], "each reason has its own text"


WRONG_STATES = (
    [],
    {},
    "state",
    {"serial": None, "accepted": {}},
    {"serial": None, "accepted": [], "held": {}},
    {"serial": 5, "accepted": {}, "held": {}},
    {"serial": None, "accepted": {"volume": [40, 5, -3, None]}, "held": {}},
    {"serial": None, "accepted": {"volume": [40, "5", -3, None, None]}, "held": {}},
    {"serial": None, "accepted": {"volume": 7}, "held": {}},
    {"serial": None, "accepted": {"volume": [40, 5, -3, None, "now"]}, "held": {}},
    {"serial": None, "accepted": {}, "held": {"volume": ["total_fell", [40, 5, -3, None, None], None, None]}},
    {"serial": None, "accepted": {}, "held": {"volume": ["total_fell", None, None, None, 1]}},
    {"serial": None, "accepted": {}, "held": {"volume": ["total_fell", [40, 5, -3, None, 5], None, "x", 1]}},
)


def test_a_state_that_is_none_starts_anew():
    for state in WRONG_STATES:
        guard = Guard(LIMITS, state)
        assert guard.state() == Guard(LIMITS).state(), state
        assert total(guard, "volume", (M3, 5, -3), 0) == (True, None, False)
