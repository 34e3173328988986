# kmpeye.readings.units: every energy in kWh, volume in m³, flow in m³/h and power in kW, exactly.
# Tables of (unit, mantissa, exponent, expected, why); runs on CPython and on MicroPython alike.

from kmp.names import unit_name
from kmp.value import text
from kmpeye.readings.units import common_unit, meant, ninths, to_common

# unit code, mantissa, exponent, digits in the common unit, why
CONVERTED = (
    (1, 45678901, -1, "4567.8901", "Wh: E1HighRes of a MULTICAL 403"),
    (2, 12345678, -1, "1234567.8", "kWh is kWh"),
    (3, 55006, -3, "55006", "MWh: E1 of a real heat meter"),
    (
        3,
        5501,
        -2,
        "55010",
        "two decimals of a MWh are tens of kWh: no digit is invented, the value is a product",
    ),
    (4, 2, 0, "2000000", "GWh"),
    (5, 36000000, 0, "10.0000000", "J: 36 MJ"),
    (6, 3600, 0, "1.0000", "kJ"),
    (7, 36, -1, "1.00", "MJ"),
    (8, 36, -1, "1000", "GJ: 3.6 GJ are 1000 kWh, to 10 kWh"),
    (8, 123456, -2, "342933", "1234.56 GJ are 342933.33 kWh; a step of 2.78 kWh fills the digit of 1 kWh"),
    (8, 1234560, -3, "342933.3", "one digit more of the meter is one more here"),
    (8, 1, -2, "3", "the smallest step, 2.78, up"),
    (8, 2, -2, "6", "5.56 up"),
    (8, 4, -2, "11", "11.1 down"),
    (8, -2, -2, "-6", "the same below zero: half even has no side"),
    (57, 36, 0, "100000", "GJ·10"),
    (9, 1000000, 0, "1.163000000", "cal: 1 Mcal is 1.163 kWh without a rest"),
    (10, 1, 0, "0.001163", "kcal"),
    (11, 1, 0, "1.163", "Mcal"),
    (12, 12345, -2, "143572.35", "Gcal: 123.45 · 1163"),
    (39, 1875560, 0, "1875.560", "l"),
    (40, 314131, -3, "314.131", "m³: V1 of a real MULTICAL 21"),
    (55, 12, 0, "120", "m³·10"),
    (41, 186, 0, "0.186", "l/h"),
    (42, 12, -1, "1.2", "m³/h"),
    (21, 1500, 0, "1.500", "W"),
    (22, 15, -1, "1.5", "kW"),
    (23, 15, -1, "1500", "MW"),
    (24, 1, 0, "1000000", "GW"),
    (8, 0, -2, "0", "nothing is nothing"),
    (3, 2**80 - 1, -3, "1208925819614629174706175", "ten bytes"),
)

NOT_CONVERTED = (0, 13, 16, 17, 20, 25, 28, 29, 33, 37, 38, 43, 44, 46, 47, 48, 51, 53, 54, 56, 58, 72, 255)


def test_each_value_has_these_digits_in_its_common_unit():
    for unit, mantissa, exponent, expected, why in CONVERTED:
        got = text(*to_common(unit, mantissa, exponent))
        assert got == expected, (why, got)


def test_ninths_are_the_value_exactly():
    for unit, mantissa, exponent, _, why in CONVERTED:
        common, count, at = ninths(unit, mantissa, exponent)
        rounded, exponent = to_common(unit, mantissa, exponent)
        assert at == exponent and abs(count - 9 * rounded) <= 4, why
        assert common == common_unit(unit), why


def test_units_of_other_quantities_have_no_common_one():
    for unit in NOT_CONVERTED:
        assert to_common(unit, 12345, -2) is None and common_unit(unit) is None, unit


def test_the_four_common_units_stand_for_themselves():
    for unit, name in ((2, "kWh"), (22, "kW"), (40, "m³"), (42, "m³/h")):
        assert common_unit(unit) == unit and unit_name(unit) == name
        assert to_common(unit, 12345, -2) == (12345, -2)


def test_joules_rise_with_every_step_of_the_meter():
    for unit in (5, 6, 7, 8, 57):
        for exponent in (-3, -2, 0, 1):
            last = None
            for mantissa in range(-40, 200):
                value, at = to_common(unit, mantissa, exponent)
                assert last is None or last < value, (unit, exponent, mantissa)
                last = value
                assert (9 * value + 12) // 25 == mantissa, "and can be taken back"


def test_a_profile_corrects_the_units_of_its_meter():
    rows = [("power", 80, 21, 123, -1), ("volume", 68, 40, 5, 0)]
    assert meant(rows, {21: 22}) == [("power", 80, 22, 123, -1), ("volume", 68, 40, 5, 0)]
    assert meant(rows, {}) == rows
