# A reading as JSON, in small pieces: what /api/reading answers and MQTT publishes. The digits are the meter's
# own; nothing passes through a float. Knows kmp and the snapshot.

from json import dumps

from kmp.names import register_label, unit_name
from kmp.value import token
from kmpeye.readings.units import common_unit, to_common


def reading_chunks(snapshot, clock):
    """Yields pieces of text. Shape: meter {model, serial, type, revision}, taken_at, age_s registers
    {key: {id, label, value, unit}} with age_s where a register is older than the reading,
    common {value, unit} where the meter's unit is not that of kWh, kW, m³ and m³/h which its quantity has, and
    missing {key: reason};
    without a reading taken_at and age_s are null and registers is {}."""
    meter = snapshot.meter
    reading = snapshot.reading
    age = taken_at = None
    if reading:
        age = clock.uptime_s() - reading.uptime_s
        if reading.unix is None and clock.unix() is not None:
            reading.unix = clock.unix() - age  # the date became known after the reading
        if reading.unix is not None:
            taken_at = clock.iso(reading.unix)
    yield (
        '{"meter":{"model":%s,"serial":%s,"type":%s,"revision":%s},"taken_at":%s,"age_s":%s,"registers":{'
        % tuple(
            [dumps(one) for one in (meter.model, meter.serial, meter.type, meter.revision, taken_at, age)]
        )
    )
    comma = ""
    for i in range(len(reading.values) if reading else 0):
        key, register, unit, mantissa, exponent = reading.values[i]
        older = reading.uptime_s - reading.taken[i]
        yield '%s"%s":{"id":%d,"label":"%s","value":%s,"unit":"%s"%s%s}' % (
            comma,
            key,
            register,
            register_label(key),
            token(unit, mantissa, exponent),
            unit_name(unit),
            _common(unit, mantissa, exponent),
            ',"age_s":%d' % (age + older) if older else "",
        )
        comma = ","
    yield '},"missing":%s}' % dumps(dict(reading.missing) if reading else {})


def _common(unit, mantissa, exponent):
    """The same in kWh, kW, m³ or m³/h (readings.units), where the meter has another unit."""
    common = common_unit(unit)
    if common is None or common == unit:
        return ""
    mantissa, exponent = to_common(unit, mantissa, exponent)
    return ',"common":{"value":%s,"unit":"%s"}' % (token(common, mantissa, exponent), unit_name(common))
