# One unit for each quantity, beside the meter's own: energy in kWh, volume in m³, flow in m³/h, power in kW.
# Integers only; imports kmp's values. Promises: what a shift of the decimal point or a product can say is exact;
# joules alone have to be divided, and are rounded to the digit that the meter's last one fills.

from micropython import const

from kmp.decimal import divide_half_even

KWH = const(2)  # unit codes of the quantities' common units
KW = const(22)
M3 = const(40)
_M3_PER_H = const(42)

# 1 kWh is 3.6 MJ, so 1 J is 25/9 · 10^-7 kWh. 1 cal is 4.1868 J, and 4.1868 / 3.6 is 1.163 without a rest: 1 cal is
# 1163 · 10^-9 kWh. Counted in ninths every unit is an integer.
_PARTS = const(9)

# By unit code less 1, three codes of energy each: ninths of a kWh and their exponent for Wh, J and cal.
_ENERGY = ((9, -3), (25, -7), (1163 * 9, -9))


def ninths(unit, mantissa, exponent):
    """(common unit, ninths, exponent): the value exactly, as ninths · 10^exponent / 9 of the common unit.
    None for a unit that has no common one: temperatures, hours, mass, reactive energy, dates."""
    if 1 <= unit <= 12:  # Wh to GWh, J to GJ, cal to Gcal
        count, shift = _ENERGY[(unit - 1) >> 2]
        return KWH, mantissa * count, exponent + shift + 3 * ((unit - 1) & 3)
    common, shift = KWH, 3
    if unit == 57:  # GJ·10
        return common, mantissa * 25, exponent + shift
    if 21 <= unit <= 24:  # W to GW
        common, shift = KW, 3 * (unit - KW)
    elif unit == 39 or unit == M3:  # l
        common, shift = M3, 3 * (unit - M3)
    elif unit == 55:  # m³·10
        common, shift = M3, 1
    elif unit == 41 or unit == _M3_PER_H:  # l/h
        common, shift = _M3_PER_H, 3 * (unit - _M3_PER_H)
    else:
        return None
    return common, mantissa * _PARTS, exponent + shift


def common_unit(unit):
    """The code of the unit that to_common converts to; None when it has none."""
    found = ninths(unit, 0, 0)
    return found and found[0]


def to_common(unit, mantissa, exponent):
    """(mantissa, exponent) in the common unit; None for a unit that has none. Exact but for joules: there the last
    digit is the largest power of ten that one step of the meter covers (12.34 GJ, a step of 2.78 kWh, is
    3428 kWh; 12.340 GJ is 3427.8 kWh), so different values stay different. Rounded to the nearest; a half,
    which goes to the even neighbour, cannot occur in ninths."""
    found = ninths(unit, mantissa, exponent)
    if not found:
        return None
    return divide_half_even(found[1], _PARTS), found[2]


def meant(values, units):
    """The rows of a reading with the unit codes a profile corrects: {21: 22} for a meter whose 21 is kW and not W.
    For where readings come in, once: everything behind it, the shown unit too, is then right."""
    return [
        (key, register, units.get(unit, unit), mantissa, exponent)
        for key, register, unit, mantissa, exponent in values
    ]
