# A reading as JSON, in small pieces: what /api/reading answers and MQTT publishes. The digits are the meter's
# own; nothing passes through a float. Knows kmp and the snapshot.

from kmp.calendar import token
from kmp.registers import register_label, unit_name


def quoted(text):
    """A JSON string, or null."""
    if text is None:
        return "null"
    out = text.replace("\\", "\\\\").replace('"', '\\"')
    for c in out:
        if c < " ":
            return '"%s"' % "".join(c if c >= " " else "\\u%04x" % ord(c) for c in out)
    return '"%s"' % out


def reading_chunks(snapshot, clock):
    """Yields pieces of text. Shape: meter {model, serial, type, revision}, taken_at, age_s and registers
    {key: {id, label, value, unit}}; without a reading taken_at and age_s are null and registers is {}."""
    meter = snapshot.meter
    reading = snapshot.reading
    yield '{"meter":{"model":%s,"serial":%s,"type":%s,"revision":%s},' % (
        quoted(meter.model),
        quoted(meter.serial),
        quoted(meter.type),
        quoted(meter.revision),
    )
    if not reading:
        yield '"taken_at":null,"age_s":null,"registers":{}}'
        return
    age = clock.uptime_s() - reading.uptime_s
    if reading.unix is None and clock.unix() is not None:
        reading.unix = clock.unix() - age  # the date became known after the reading
    yield '"taken_at":%s,"age_s":%d,"registers":{' % (
        quoted(None if reading.unix is None else clock.iso(reading.unix)),
        age,
    )
    comma = ""
    for key, register, unit, mantissa, exponent in reading.values:
        yield '%s"%s":{"id":%d,"label":%s,"value":%s,"unit":%s}' % (
            comma,
            key,
            register,
            quoted(register_label(key)),
            token(unit, mantissa, exponent),
            quoted(unit_name(unit)),
        )
        comma = ","
    yield "}}"
