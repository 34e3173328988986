# Whether a reading fits the segment in use, and what the next segment is like when it does not. Pure; imports
# segment. Promises: what differs from the header (meter, registers, unit, exponent) never goes under it.

from micropython import const

from kmpeye.readings.history.segment import UNKNOWN_UNIT, USUAL_WIDTH, Layout, width_for

_LEAST = -1 << 63  # what a mantissa of 64 bits can be, with a sign or without
_MOST = (1 << 64) - 1

FITS = const(0)
TOO_FAR = const(1)  # from the base of a register
FIRST = const(2)  # the first value of a register
FORMAT = const(3)  # another unit or exponent of a register
SERIES = const(4)  # another meter or set of registers


def fit(layout, registers, serial, values):
    """(the worst of the above, mantissas in the order of the registers, None where missing or not fitting).
    values: {key: (unit, mantissa, exponent)}."""
    mantissas = [None] * len(registers)
    if serial not in (None, layout.serial) or len(layout.columns) != len(registers):
        return SERIES, mantissas
    found = FITS
    for i in range(len(registers)):
        key, unit, exponent = layout.columns[i][:3]
        if key != registers[i]:
            return SERIES, mantissas
        value = usable(values.get(key))
        if value is None:
            continue
        if (unit, exponent) != (value[0], value[2]):
            found = max(found, FIRST if unit == UNKNOWN_UNIT else FORMAT)
        elif layout.holds(i, value[1]):
            mantissas[i] = value[1]
        else:
            found = max(found, TOO_FAR)
    return found, mantissas


def usable(value):
    """The value, or None for what is no number of 64 bits with a unit: text, an unknown unit code."""
    if value and 0 <= value[0] < UNKNOWN_UNIT and _LEAST <= value[1] <= _MOST and -63 <= value[2] <= 63:
        return value
    return None


def next_layout(old, registers, serial, values, grow):
    """The Layout of the next segment. Bases are this reading's values; a register it lacks keeps what the old
    segment (None: there is none) said. grow: the old one did not last; a value it could not hold gets more bytes."""
    columns = []
    if serial is None:
        serial = old.serial if old else ""
    for key in registers:
        unit, exponent, width, base = UNKNOWN_UNIT, 0, USUAL_WIDTH, 0
        at = old.column(key) if old and old.serial == serial else -1
        if at >= 0:
            unit, exponent, width, base = old.columns[at][1:5]
        value = usable(values.get(key))
        if value:
            if grow and (unit, exponent) == (value[0], value[2]):
                width = max(width, width_for(value[1] - base))
            unit, base, exponent = value
        columns.append((key, unit, exponent, width, base))
    return Layout(serial, columns)
