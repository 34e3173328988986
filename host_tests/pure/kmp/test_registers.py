# kmp.registers and kmp.names: keys, ids, labels and units, known and unknown.
# Runs on CPython and on MicroPython alike.

from kmp.names import register_label, unit_name
from kmp.registers import known, register_id, register_key

KNOWN = (
    (60, "heat_energy", "Heat energy"),
    (68, "volume", "Volume"),
    (74, "flow", "Flow"),
    (86, "flow_temperature", "Flow temperature"),
    (99, "info", "Info code"),
    (1, "energy_in", "Energy in"),
    (13, "energy_in_high_resolution", "Energy in high resolution"),
    (582, "battery_days", "Battery days left"),
    (1001, "serial", "Serial number"),
    (1047, "rtc", "Meter clock"),
    (1346, "power_out_l3", "Power out l3"),
)

NO_KEY = (
    ("", "nothing"),
    ("volum", "half a word"),
    ("olume", "the other half"),
    ("Volume", "a label"),
    ("68", "an id"),
    ("68 volume", "a line of the table"),
    ("register_", "no id"),
    ("register_65536", "an id of 17 bits"),
    ("register_000068", "more digits than an id has"),
    ("register_" + "9" * 5000, "a number that CPython refuses to read"),
    ("register_-1", "a negative one"),
    ("register_²", "no digit of ours"),
    ("register_12a", "no number"),
)

UNITS = (
    (0, ""),
    (1, "Wh"),
    (2, "kWh"),
    (3, "MWh"),
    (4, "GWh"),
    (8, "GJ"),
    (12, "Gcal"),
    (14, "kvarh"),
    (17, "VAh"),
    (20, "GVAh"),
    (21, "W"),
    (22, "kW"),
    (24, "GW"),
    (25, "var"),
    (26, "kvar"),
    (29, "VA"),
    (30, "kVA"),
    (33, "V"),
    (34, "A"),
    (36, "kA"),
    (37, "°C"),
    (38, "K"),
    (39, "l"),
    (40, "m³"),
    (41, "l/h"),
    (42, "m³/h"),
    (43, "m³·°C"),
    (44, "t"),
    (45, "t/h"),
    (46, "h"),
    (47, ""),
    (48, ""),
    (50, ""),
    (51, ""),
    (52, "bar"),
    (53, ""),
    (54, ""),
    (55, "m³·10"),
    (57, "GJ·10"),
    (58, "min"),
    (60, "s"),
    (61, "ms"),
    (62, "d"),
    (67, "Hz"),
    (68, "°"),
    (65, "imp/l"),
    (66, "l/imp"),
    (69, "unit 69"),
    (72, ""),
    (73, "unit 73"),
    (79, ""),
    (85, "%RH"),
    (86, "%O₂"),
    (90, "g/kg"),
    (91, "unit 91"),
    (255, "unit 255"),
    (-1, "unit -1"),
)


def test_known_registers():
    for register, key, label in KNOWN:
        assert register_key(register) == key
        assert register_id(key) == register
        assert register_label(key) == label


def test_every_id_has_its_own_key_and_comes_back():
    ids = [register for register, _ in known()]
    assert ids == sorted(set(ids)) and len(ids) > 150
    keys = set()
    for register in ids:
        key = register_key(register)
        assert register_id(key) == register, key
        assert not key.startswith("register_") and key == key.lower() and " " not in key
        label = register_label(key)
        assert label[0] == label[0].upper() and "_" not in label
        keys.add(key)
    assert len(keys) == len(ids)


def test_unknown_ids_have_a_key_that_comes_back():
    ids = [register for register, _ in known()]
    for register in (0, 7, 600, 1326, 65535):
        assert register not in ids
        key = register_key(register)
        assert key == "register_%d" % register
        assert register_id(key) == register
    assert register_label("register_1326") == "Register 1326"


def test_a_known_id_may_be_asked_for_by_number():
    assert register_id("register_68") == 68


def test_words_that_are_no_register():
    for key, why in NO_KEY:
        assert register_id(key) is None, why


def test_units():
    for unit, sign in UNITS:
        assert unit_name(unit) == sign, unit
    nameless = [unit for unit in range(256) if unit_name(unit).startswith("unit ")]
    assert nameless == [69, 70, 71] + list(range(73, 79)) + list(range(80, 85)) + list(range(91, 256))
