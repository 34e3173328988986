# What the registers of a simulated meter can be registers of: quantities of a minute, totals of them, and the
# sizes of the units they are shown in. Tables only, all exact. Imports nothing of ours.

from fractions import Fraction

HOUR_MS = 3_600_000
_PER_HOUR = Fraction(1, HOUR_MS)
_CENTI = Fraction(1, 100)  # temperatures are kept in 0.01 °C
_WH_PER_LITRE_KELVIN = Fraction(1163, 1000)

# A quantity of one plant.Minute: the whole number it is kept in, and how much that number's 1 is (l/h, W, °C).
NOW = {
    "flow": (lambda m: m.flow, Fraction(1)),
    "flow_2": (lambda m: m.flow_2, Fraction(1)),
    "power": (lambda m: m.flow * (m.t1 - m.t2), _WH_PER_LITRE_KELVIN * _CENTI),
    "t1": (lambda m: m.t1, _CENTI),
    "t2": (lambda m: m.t2, _CENTI),
    "t3": (lambda m: m.t3, _CENTI),
    "difference": (lambda m: m.t1 - m.t2, _CENTI),
    "water": (lambda m: m.water, _CENTI),
    "ambient": (lambda m: m.ambient, _CENTI),
}
# A total: what is added in each millisecond, and how much that sum's 1 is (l, Wh, l·°C, h).
TOTAL = {
    "volume": (lambda m: m.flow, _PER_HOUR),
    "volume_2": (lambda m: m.flow_2, _PER_HOUR),
    "heat": (lambda m: m.flow * (m.t1 - m.t2), _PER_HOUR * _WH_PER_LITRE_KELVIN * _CENTI),
    "flow_energy": (lambda m: m.flow * m.t1, _PER_HOUR * _WH_PER_LITRE_KELVIN * _CENTI),
    "return_energy": (lambda m: m.flow * m.t2, _PER_HOUR * _WH_PER_LITRE_KELVIN * _CENTI),
    "volume_t1": (lambda m: m.flow * m.t1, _PER_HOUR * _CENTI),
    "volume_t2": (lambda m: m.flow * m.t2, _PER_HOUR * _CENTI),
    "time": (lambda m: 1, _PER_HOUR),
}
# Sizes of the unit codes, in what stands in brackets above. Mass is water of 1 kg/l.
UNIT_SIZE = {
    1: 1, 2: 10**3, 3: 10**6, 4: 10**9, 7: Fraction(10**6, 3600), 8: Fraction(10**9, 3600),
    21: 1, 22: 10**3, 23: 10**6, 37: 1, 38: 1, 39: 1, 40: 10**3, 41: 1, 42: 10**3, 43: 10**3, 44: 10**3, 46: 1,
}  # fmt: skip
