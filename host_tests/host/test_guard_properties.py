"""Properties of the numbers: honest readings pass the guard, one corrupted total is held, conversions can be taken
back, joined high resolution is exact and never falls, and every flag of a profile is described.

Uses hypothesis, the firmware's own modules on CPython and the profiles of firmware/meters. Every sequence is made by a
meter model that counts exactly (in mWh or ml) and shows what a real one shows: digits cut off, registers rolling over.
"""

import json
from fractions import Fraction

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from firmware_tree import FIRMWARE, ROOT
from kmp.registers import register_id
from kmpeye.readings.flags import active
from kmpeye.readings.guard import Guard
from kmpeye.readings.highres import Joined
from kmpeye.readings.texts import _TEXTS, describe
from kmpeye.readings.units import ninths, to_common

# kWh, m³ and so on in one step of a unit, from the definitions and not from units.py.
JOULE = Fraction(1, 3600000)
SIZE = {1 + i: Fraction(10) ** (3 * i - 3) for i in range(4)}
SIZE |= {5 + i: JOULE * 10 ** (3 * i) for i in range(4)}
SIZE |= {9 + i: JOULE * Fraction("4.1868") * 10 ** (3 * i) for i in range(4)}
SIZE |= {21 + i: Fraction(10) ** (3 * i - 3) for i in range(4)}
SIZE |= {39: Fraction(1, 1000), 40: Fraction(1), 41: Fraction(1, 1000), 42: Fraction(1), 55: Fraction(10)}
SIZE[57] = SIZE[8] * 10
JOULES = (5, 6, 7, 8, 57)

REASONS = ("total_fell", "rose_too_fast", "unknown_gap", "new_serial", "unit_changed", "impossible")
LIMITS = {"flow_m3h": 10, "power_kw": 100}
ENERGY = ((1, 0), (2, -1), (2, 0), (3, -3), (3, -2), (8, -2), (8, -3), (7, 0), (12, -2))
PAIRS = (  # a total and a finer register
    ((2, -1), (1, -1)),
    ((3, -3), (1, 0)),
    ((8, -2), (1, 0)),
    ((3, -3), (2, -2)),
    ((12, -2), (1, 0)),
    ((40, -2), (39, -1)),
    ((40, -3), (39, -3)),
    ((2, 0), (2, -4)),
)
VOLUME = ((40, -3), (40, -2), (39, 0), (55, -3))

mantissas = st.integers(-(2**80), 2**80)
exponents = st.integers(-12, 12)


def value_of(unit, mantissa, exponent):
    return mantissa * SIZE[unit] * Fraction(10) ** exponent


def shown(amount, unit, exponent):
    """What a meter shows of an exact amount: cut off after its last digit."""
    return unit, int(amount / (SIZE[unit] * Fraction(10) ** exponent)), exponent


@given(st.sampled_from(sorted(SIZE)), mantissas, exponents)
def test_ninths_are_exact_and_conversions_are_exact_or_within_half_a_digit(unit, mantissa, exponent):
    value = value_of(unit, mantissa, exponent)
    _, count, at = ninths(unit, mantissa, exponent)
    assert Fraction(count, 9) * Fraction(10) ** at == value
    converted, at = to_common(unit, mantissa, exponent)
    error = abs(converted * Fraction(10) ** at - value)
    assert error * 2 < Fraction(10) ** at if unit in JOULES else not error


@given(st.sampled_from(sorted(SIZE)), mantissas, exponents)
def test_conversions_can_be_taken_back(unit, mantissa, exponent):
    converted, at = to_common(unit, mantissa, exponent)
    steps = converted * Fraction(10) ** at / (SIZE[unit] * Fraction(10) ** exponent)
    assert round(steps) == mantissa
    assert unit in JOULES or steps == mantissa


@st.composite
def meters(draw):
    """(key, limit an hour, format, [(seconds since the reading before, exact amount)]) of an honest meter."""
    key, limit, formats = draw(
        st.sampled_from(
            (("heat_energy", 100, ENERGY), ("volume", 10, VOLUME), ("cooling_energy", 100, ENERGY))
        )
    )
    amount = Fraction(draw(st.integers(0, 10**9)), 1000)
    readings = [(0, amount)]
    for _ in range(draw(st.integers(1, 12))):
        seconds = draw(st.one_of(st.integers(1, 90), st.just(3600), st.integers(60, 10**7)))
        amount += Fraction(limit * seconds * draw(st.integers(0, 1000)), 3600 * 1000)
        readings.append((seconds, amount))
    return key, limit, draw(st.sampled_from(formats)), readings


def judged(guard, key, value, uptime_s, unix=None):
    """None when the value was published, else the reason."""
    verdict = guard.judge([(key, register_id(key), *value)], "1", uptime_s, unix)
    assert len(verdict.values) + len(verdict.held) == 1
    return None if verdict.values else guard.held[key][0]


@given(meters(), st.data())
def test_honest_readings_pass_whatever_is_restarted_or_set_up_anew_between(meter, data):
    key, _, format_, readings = meter
    formats = ENERGY if format_ in ENERGY else VOLUME
    guard = Guard(LIMITS)
    uptime_s, unix = 5, 1_700_000_000
    for seconds, amount in readings:
        uptime_s += seconds
        unix += seconds
        event = data.draw(st.sampled_from(("", "", "", "restart", "set up anew")))
        if event == "restart":
            guard = Guard(LIMITS, json.loads(json.dumps(guard.state())))
            uptime_s = 3
        elif event:
            format_ = data.draw(st.sampled_from(formats))
        assert judged(guard, key, shown(amount, *format_), uptime_s, unix) is None
    assert guard.held == {}


@given(meters(), mantissas, st.data())
def test_a_single_corrupted_total_is_held_and_the_next_honest_one_passes(meter, corrupted, data):
    key, limit, (unit, exponent), readings = meter
    at = data.draw(st.integers(1, len(readings) - 1))
    before = shown(readings[at - 1][1], unit, exponent)[1]
    # What no meter can have counted since: with 128 s for the steps in which it adds up, and its last digits.
    possible = limit * Fraction(readings[at][0] + 128, 3600) / (SIZE[unit] * Fraction(10) ** exponent) + 2
    assume(corrupted < before or corrupted > before + possible)
    guard = Guard(LIMITS)
    uptime_s = 0
    for number, (seconds, amount) in enumerate(readings):
        uptime_s += seconds
        honest = shown(amount, unit, exponent)
        if number == at:
            expected = "total_fell" if corrupted < before else "rose_too_fast"
            assert judged(guard, key, (unit, corrupted, exponent), uptime_s) == expected
            assert guard.accepted[key][1] == before, "and never becomes what the next one is compared with"
        assert judged(guard, key, honest, uptime_s) is None


@given(meters(), st.integers(0, 31), st.data())
def test_one_wrong_bit_of_a_total_never_makes_it_fall(meter, bit, data):
    key, _, (unit, exponent), readings = meter
    at = data.draw(st.integers(0, len(readings) - 1))
    guard = Guard(LIMITS)
    last = uptime_s = 0
    for number, (seconds, amount) in enumerate(readings):
        uptime_s += seconds
        mantissa = shown(amount, unit, exponent)[1] ^ (1 << bit if number == at else 0)
        if judged(guard, key, (unit, mantissa, exponent), uptime_s) is None:
            assert mantissa >= last
            last = mantissa


@st.composite
def pairs(draw):
    """(total's unit and exponent, register's, its modulus in steps, what it is ahead of the total)."""
    total, high = draw(st.sampled_from(PAIRS))
    finer = value_of(total[0], 1, total[1]) / value_of(high[0], 1, high[1])
    modulus = 10 ** draw(st.integers(len(str(int(finer))) + 2, 10))
    return total, high, modulus, draw(st.one_of(st.just(0), st.integers(0, 10**9)))


@settings(max_examples=200)
@given(pairs(), st.lists(st.integers(0, 10**6), min_size=1, max_size=30), st.integers(0, 10**12), st.data())
def test_joined_high_resolution_agrees_never_falls_and_is_exact_for_a_tail(pair, flows, steps, data):
    total_format, high_format, modulus, ahead = pair
    step = value_of(high_format[0], 1, high_format[1])
    digit = value_of(total_format[0], 1, total_format[1])
    joined = Joined()
    last = None
    for flow in flows:
        steps += flow
        total = shown(steps * step, *total_format)
        high = (high_format[0], (steps + ahead) % modulus, high_format[1])
        missing = data.draw(st.sampled_from((None, None, None, "total", "high", "restart")))
        if missing == "restart":
            joined = Joined(json.loads(json.dumps(joined.state())))
        value = joined.join(None if missing == "total" else total, None if missing == "high" else high)
        if value:
            assert (value[0], value[2]) == high_format
            assert -digit <= value_of(*value) - value_of(*total) < 2 * digit
            assert last is None or value[1] >= last
            assert not (ahead == 0 and modulus >= 100 * digit / step) or value[1] == steps
            last = value[1]
        else:
            assert missing in ("total", "high") or last is not None, "the first pair can always be joined"


@given(st.binary(max_size=12), st.integers(-(2**80), 2**80))
def test_any_numbers_give_a_joined_value_that_agrees_or_none(noise, mantissa):
    joined = Joined()
    for byte in noise:
        total = (3, abs(mantissa) >> byte % 64, byte % 7 - 5)
        value = joined.join(total, (1 + byte % 2, abs(mantissa) >> byte // 4, -(byte % 3)))
        if value:
            digit = value_of(3, 1, total[2])
            assert -digit <= value_of(*value) - value_of(*total) < 2 * digit


@given(st.integers(0, 2**80 - 1))
def test_no_bit_of_an_info_code_is_hidden(info):
    bits = [(0, "dry"), (5, "leak"), (31, "burst")]
    keys = active(info, bits)
    assert len(keys) == bin(info).count("1") and keys == sorted(keys)


@pytest.mark.parametrize("path", sorted((FIRMWARE / "meters").glob("*.json")), ids=lambda path: path.stem)
def test_every_flag_of_a_profile_has_a_text_of_its_own(path):
    profile = json.loads(path.read_text())
    keys = {key for _, key in profile.get("info", []) + profile.get("info_hours", [])}
    assert not [key for key in keys if describe(key)[1] == "See the meter's manual"]


def test_the_page_for_users_has_each_reason_and_the_text_of_each_flag():
    page = (ROOT / "docs" / "numbers.md").read_text()
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    for key in (line.split("|")[0] for line in _TEXTS.strip().splitlines()):
        if key in REASONS:
            assert [row for row in rows if row.startswith("| `%s` | " % key)], key
        else:
            assert "| `%s` | %s | %s |" % (key, *describe(key)) in rows, key
