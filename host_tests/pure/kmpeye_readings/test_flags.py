# kmpeye.readings.flags and texts: info codes as flags, hours and changes, and what they mean.
# Tables of (input, expected, why); runs on CPython and on MicroPython alike.

from kmpeye.readings.flags import active, changes, hours_active
from kmpeye.readings.texts import describe

WATER = ((0, "dry"), (1, "reverse"), (2, "leak"), (3, "burst"))
WATER_HOURS = ((4, "dry"), (7, "reverse"), (10, "leak"), (13, "burst"))
HEAT_602 = ((0, "no_supply"), (2, "sensor_t2"), (3, "sensor_t1"), (9, "burst"))
HEAT_603 = ((0, "no_supply"), (28, "burst"), (31, "leak_inward"))

# info, bits, hours, flags, why
ACTIVE = (
    (0, WATER, WATER_HOURS, [], "nothing"),
    (0b0101, WATER, WATER_HOURS, ["dry", "leak"], "two, in alphabetical order"),
    (0xFFF0, WATER, WATER_HOURS, [], "counters of hours are not flags"),
    (0x1_0001, WATER, WATER_HOURS, ["bit_16", "dry"], "a bit beyond the document is shown by its number"),
    (0x0010, WATER, (), ["bit_4"], "without the table of hours the same bit is unknown"),
    (12, HEAT_602, (), ["sensor_t1", "sensor_t2"], "the example of the 602's description: 12 is T1 and T2"),
    (1 << 31 | 1, HEAT_603, (), ["leak_inward", "no_supply"], "the highest bit of 32"),
    (1 << 79, HEAT_603, (), ["bit_79"], "the highest bit of ten bytes"),
    (3, ((0, "leak"), (1, "leak")), (), ["leak"], "two bits of one meaning are one flag"),
    (6, (), (), ["bit_1", "bit_2"], "a profile without a table hides nothing"),
    (-1, WATER, (), None, "a negative number is no info code"),
    (1 << 80, WATER, (), None, "nor is one of more bytes than KMP has"),
)

HOURS = (
    (0x000F, {}, "active now, but for less than an hour"),
    (0b001_000_000_000_0000, {"burst": "1-8 h"}, "code 1"),
    (
        0b000_010_011_100_0000,
        {"leak": "9-24 h", "reverse": "2-3 days", "dry": "4-7 days"},
        "codes 2, 3 and 4",
    ),
    (
        0b101_110_111_000_0000,
        {"burst": "8-14 days", "leak": "15-21 days", "reverse": "22-31 days"},
        "5, 6 and 7",
    ),
)

CHANGES = (
    (["leak"], ["leak"], [], "nothing new"),
    ([], ["burst", "leak"], [("burst", True, 100, 3700), ("leak", True, 100, 3700)], "two appear"),
    (
        ["dry", "leak"],
        ["leak", "air"],
        [("air", True, 100, 3700), ("dry", False, 100, 3700)],
        "one comes, one goes",
    ),
    (None, ["leak"], [], "the first reading says what is"),
)


def test_the_bits_that_are_set_are_the_flags():
    for info, bits, hours, expected, why in ACTIVE:
        assert active(info, bits, hours) == expected, why


def test_the_hours_of_the_last_30_days_are_told():
    for info, expected, why in HOURS:
        assert hours_active(info, WATER_HOURS) == expected, why


def test_changes_have_the_times_of_the_readings_around_them():
    for before, now, expected, why in CHANGES:
        assert changes(before, now, 100, 3700) == expected, why


def test_each_flag_is_described_in_words():
    for _, key in WATER + HEAT_602 + HEAT_603 + ((0, "continuous_flow"), (0, "air"), (0, "low_battery")):
        says, todo = describe(key)
        assert says and todo and "|" not in says + todo, key
    assert describe("air")[0] == "Air in the flow sensor", "the first of the table"
    assert describe("unknown_gap")[0] == "is more, and nobody knows how long that took", "the last"


def test_what_has_no_text_is_said_as_it_is():
    assert describe("bit_17")[0] == "The meter sets bit 17 of its info code"
    assert describe("module_door_open")[0] == "Module door open"
    assert describe("t1")[0] == "T1", "part of a key is no key"
