# What the registers of a simulated meter can be registers of: quantities of a minute (made by plant.py or grid.py),
# totals of them, and the sizes of the units they are shown in. Tables, all exact. Imports nothing of ours.

from fractions import Fraction

HOUR_MS = 3_600_000
_PER_HOUR = Fraction(1, HOUR_MS)
_DECI = Fraction(1, 10)
_CENTI = Fraction(1, 100)  # temperatures are kept in 0.01 °C
_MILLI = Fraction(1, 1000)
_WH_PER_LITRE_KELVIN = Fraction(1163, 1000)

PATTERNS = ("water", "heat", "one_phase", "three_phase")  # plant.py makes the first two, grid.py the others

# A quantity of one minute: the whole number it is kept in, and how much that number's 1 is (l/h, W, °C, var, V, A).
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
    "power_in": (lambda m: m.power_in, Fraction(1)),
    "power_out": (lambda m: m.power_out, Fraction(1)),
    "reactive_in": (lambda m: m.reactive_in, Fraction(1)),
    "reactive_out": (lambda m: m.reactive_out, Fraction(1)),
    "factor": (lambda m: m.factor_all, _MILLI),
}
for _i in range(3):
    _phase = "_l%d" % (_i + 1)
    NOW["power_in" + _phase] = (lambda m, i=_i: m.phase_in[i]), Fraction(1)
    NOW["power_out" + _phase] = (lambda m, i=_i: m.phase_out[i]), Fraction(1)
    NOW["voltage" + _phase] = (lambda m, i=_i: m.voltage[i]), _DECI
    NOW["current" + _phase] = (lambda m, i=_i: m.current[i]), _MILLI
    NOW["factor" + _phase] = (lambda m, i=_i: m.factor[i]), _MILLI

# A total: what is added in each millisecond, and how much that sum's 1 is (l, Wh, l·°C, h, varh).
TOTAL = {
    "volume": (lambda m: m.flow, _PER_HOUR),
    "volume_2": (lambda m: m.flow_2, _PER_HOUR),
    "heat": (lambda m: m.flow * (m.t1 - m.t2), _PER_HOUR * _WH_PER_LITRE_KELVIN * _CENTI),
    "flow_energy": (lambda m: m.flow * m.t1, _PER_HOUR * _WH_PER_LITRE_KELVIN * _CENTI),
    "return_energy": (lambda m: m.flow * m.t2, _PER_HOUR * _WH_PER_LITRE_KELVIN * _CENTI),
    "volume_t1": (lambda m: m.flow * m.t1, _PER_HOUR * _CENTI),
    "volume_t2": (lambda m: m.flow * m.t2, _PER_HOUR * _CENTI),
    "time": (lambda m: 1, _PER_HOUR),
    "energy_in": (lambda m: m.power_in, _PER_HOUR),
    "energy_out": (lambda m: m.power_out, _PER_HOUR),
    "energy_in_day": (lambda m: m.power_in if m.tariff == 1 else 0, _PER_HOUR),
    "energy_in_night": (lambda m: m.power_in if m.tariff == 2 else 0, _PER_HOUR),
    "energy_out_day": (lambda m: m.power_out if m.tariff == 1 else 0, _PER_HOUR),
    "energy_out_night": (lambda m: m.power_out if m.tariff == 2 else 0, _PER_HOUR),
    "reactive_energy_in": (lambda m: m.reactive_in, _PER_HOUR),
    "reactive_energy_out": (lambda m: m.reactive_out, _PER_HOUR),
}
_ELECTRIC = ("power_", "energy_", "reactive_", "voltage", "current", "factor")


def fits(quantity, pattern):
    """True when a meter of this pattern measures the quantity."""
    if quantity == "time":
        return True
    electric = quantity.startswith(_ELECTRIC)
    return electric == (pattern in PATTERNS[2:]) and not (
        pattern == "one_phase" and quantity.endswith(("_l2", "_l3"))
    )


# Sizes of the unit codes, in what stands in brackets above. Mass is water of 1 kg/l.
UNIT_SIZE = {
    1: 1, 2: 10**3, 3: 10**6, 4: 10**9, 7: Fraction(10**6, 3600), 8: Fraction(10**9, 3600),
    13: 1, 14: 10**3, 21: 1, 22: 10**3, 23: 10**6, 25: 1, 26: 10**3, 33: 1, 34: 1, 37: 1, 38: 1, 39: 1, 40: 10**3,
    41: 1, 42: 10**3, 43: 10**3, 44: 10**3, 46: 1, 51: 1,
}  # fmt: skip
