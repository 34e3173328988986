# What a register measures, told by its key before the meter was ever read, and the meter's units in BACnet's words.
# Imports nothing. Promises a unit that does not change when the first reading comes, where the key can tell one.

from micropython import const

_NO_UNITS = const(95)

# Kinds. The first word that is part of a key decides. Beside BACnet's units 254 is a count whose unit only the meter
# knows, and 0 no object at all: dates, and numbers that name instead of measuring.
_KINDS = const("""
volume_times 254
date 0
clock 0
_time 0
rtc 0
serial 0
number 0
config 0
module 0
software 0
checksum 0
address 0
reactive_energy 243
energy 19
volume 80
mass 39
input_ 254
hours 71
power_factor 15
reactive_power 12
power 48
temperature_difference 121
temperature 62
flow 135
voltage 5
current 3
pressure 55
days 70
info 254
""")

# Code of the meter's unit, BACnet's unit, and by how many digits the decimal point moves. MJ stands for GJ, whose
# number in BACnet few clients know; there is none for calories.
_UNITS = const("""
1 19 -3
2 19 0
3 19 3
4 19 6
5 126 -6
6 126 -3
7 126 0
8 126 3
13 243 -3
14 243 0
15 243 3
16 243 6
17 240 -3
18 240 0
19 240 3
20 240 6
21 48 -3
22 48 0
23 48 3
24 48 6
25 12 -3
26 12 0
27 12 3
28 12 6
29 9 -3
30 9 0
31 9 3
32 9 6
33 5 0
34 3 0
35 5 3
36 3 3
37 62 0
38 121 0
39 80 -3
40 80 0
41 135 -3
42 135 0
44 39 3
45 44 3
46 71 0
52 55 0
55 80 1
56 39 4
57 126 4
58 72 0
60 73 0
61 159 0
62 70 0
67 27 0
68 90 0
""")


def kinds(registers):
    """One byte for each (id, key): BACnet's unit, 254 or 0."""
    return bytes([_kind(key) for _, key in registers])


def _kind(key):
    start = 1
    while start < len(_KINDS):
        end = _KINDS.find("\n", start)
        word, _, kind = _KINDS[start:end].partition(" ")
        if word in key:
            return int(kind)
        start = end + 1
    return _NO_UNITS


def unit(code):
    """(BACnet's unit, digits to move the point) of a code of the meter; (95, 0) where BACnet has none."""
    start = _UNITS.find("\n%d " % code)
    if start < 0:
        return _NO_UNITS, 0
    _, unit, shift = _UNITS[start + 1 : _UNITS.find("\n", start + 1)].split(" ")
    return int(unit), int(shift)
