# GET /metrics for Prometheus: text format 0.0.4, or OpenMetrics 1.0 where the client prefers it. A handler for http;
# imports kmp's arithmetic and packed only. Promises base units, exact (what has to be divided by 3600 keeps 14 digits);
# what is not known has no sample; nothing stays in memory once this module is let go of.

import gc

from micropython import const

from kmp.decimal import divide_half_even
from kmp.packed import lines
from kmp.value import text

_FRESH_S = const(10800)  # readings older than this, and no longer valid, are no samples any more
_DIGITS = const(15)  # behind those of the meter: 14 at least are right, whatever it said
_TIMES = const(b"\x2e\x3a\x3c\x3d\x3e")  # unit codes of h, min, s, ms, d
_HOURS = const(46)  # unit code of h
_NUMBER = const(51)  # that of a number without a unit
_LAST_OF_FOURS = const(32)

# First the families of the reader itself, in the order of _reader(): name:unit|type|help. The unit is the end of the
# name. Then what registers become: name:unit|type|help|factor by unit code. Joules are counted, so are liters and tons;
# a fall of such a total is a restart to Prometheus. A factor 1/36e-2 divides by 36 and moves the point by two. Codes
# are those of _mark().
_FAMILIES = const("""
up|g|1 while the meter answers
state|i|How the meter answers, in a word
build|i|This reader's firmware and profile
meter|i|The meter that is read
last_read_timestamp:seconds|g|When the registers were read last, in Unix time
last_read_age:seconds|g|How long ago the registers were read
interval:seconds|g|Time between two readings
valid:seconds|g|Age up to which a reading is what the meter says
uptime:seconds|g|Time since this reader started
reads|c|Readings tried, by result
read_failures|c|Readings that failed, by what was heard instead
requests|c|Requests sent to the meter
answers|c|Answers of the meter to requests
line_errors|c|Frames that were of no use, by reason
line_frames|c|Good frames from the meter
line_echoes|c|Frames of our own light that came back
line_received:bytes|c|Bytes received
line_stray:bytes|c|Bytes outside of frames
port_up|g|1 while the port to the head is open
day_replies|g|Replies the meter gave today
day_replies_limit|g|Replies the meter may be asked for in a day
day_awake:seconds|g|Time the meter was kept awake today
day_awake_limit:seconds|g|Time the meter may be kept awake in a day
heap_used:bytes|g|Memory in use, garbage included
heap_free:bytes|g|Memory free at once, before garbage is collected
wifi_rssi:dbm|g|Strength of the Wi-Fi signal
flag|g|1 while the meter reports it
missing|g|Values that are worthless or held back, by reason
energy:joules|c|Energy the meter has counted| 1=36e2 5=1e0 9=41868e-4 57=1e10
reactive_energy:var_seconds|c|Reactive energy counted| 13=36e2
apparent_energy:volt_ampere_seconds|c|Apparent energy counted| 17=36e2
volume:cubic_meters|c|Volume the meter has counted| 39=1e-3 40=1e0 55=1e1
mass:grams|c|Mass the meter has counted| 44=1e6 56=1e7
volume_temperature:cubic_meter_celsius|c|Volume times its temperature, counted| 43=1e0
operating:seconds|c|Time the meter has counted| 146=36e2 158=60e0 160=1e0 161=1e-3 162=864e2
duration:seconds|g|Spans of time, such as what the battery has left| 46=36e2 58=60e0 60=1e0 61=1e-3 62=864e2
power:watts|g|Power| 21=1e0
reactive_power:var|g|Reactive power| 25=1e0
apparent_power:volt_amperes|g|Apparent power| 29=1e0
voltage:volts|g|Voltage| 33=1e0 35=1e3
current:amperes|g|Current| 34=1e0 36=1e3
temperature:celsius|g|Temperature| 37=1e0
temperature_difference:kelvin|g|Difference of two temperatures| 38=1e0
flow:cubic_meters_per_second|g|Flow| 41=1/36e-5 42=1/36e-2
mass_flow:grams_per_second|g|Flow of mass| 45=1/36e4
pressure:pascals|g|Pressure| 52=1e5
frequency:hertz|g|Frequency| 67=1e0
angle:degrees|g|Angle| 68=1e0
power_factor:ratio|g|Power factor| 151=1e0
""")
_AGE = const("register_age:seconds|g|How long ago each register was read: some are asked for once a day only")


async def metrics(exchange, app):
    """Handler for http.Server: GET and HEAD."""
    is_open = _prefers_open(exchange.headers.get("accept", b""))
    type = "application/openmetrics-text; version=1.0.0" if is_open else "text/plain; version=0.0.4"
    await exchange.start(200, type + "; charset=utf-8")
    if exchange.mute:
        return
    for line, samples in _families(app):
        name, kind, about = line.split("|")[:3]
        unit = name[name.find(":") + 1 :] if ":" in name else ""
        name = name.replace(":", "_")
        suffix = "_total" if kind == "c" else "_info" if kind == "i" else ""
        begun = False
        for labels, value in samples:
            if value is None:
                continue
            if not begun:
                begun = True
                await exchange.write(_opening(name, suffix, kind, unit, about, is_open))
            await exchange.write(("kmpeye_", name, suffix, labels, " ", str(value), "\n"))
        await app.clock.sleep_ms(0)  # let others run: the whole takes a while on the chip
    if is_open:
        await exchange.write(("# EOF\n",))


def _prefers_open(accept):
    return _quality(accept, b"application/openmetrics-text") >= (_quality(accept, b"text/plain") or b"0.001")


def _quality(accept, type):
    """The q of a media type as it was sent (they compare as text), "" where it is not named."""
    for one in accept.split(b","):
        parts = one.replace(b" ", b"").split(b";")
        if parts[0].lower() == type:
            for part in parts[1:]:
                if part[:2] == b"q=":
                    return part[2:]
            return b"1"
    return b""


def _opening(name, suffix, kind, unit, about, is_open):
    """The lines before the first sample. The older format names the sample, the newer one the family, and the older
    one knows neither units nor the type info."""
    if not is_open:
        name += suffix
    type = "counter" if kind == "c" else "info" if kind == "i" and is_open else "gauge"
    yield "# HELP kmpeye_%s %s\n# TYPE kmpeye_%s %s\n" % (name, about, name, type)
    if is_open and unit:
        yield "# UNIT kmpeye_%s %s\n" % (name, unit)


def _families(app):
    """Yields (line of a table, samples): samples are pairs of labels and a value, which is None where it is not
    known."""
    reading = app.snapshot.reading
    now_s = app.clock.uptime_s()
    age_s = now_s - reading.uptime_s if reading else None
    fresh = reading and age_s <= max(_FRESH_S, app.reader.valid_s)
    families = lines(_FAMILIES)
    for found in _reader(app, now_s, age_s, fresh):
        yield next(families), found if isinstance(found, list) else (("", found),)
    if fresh:
        yield from _registers(families, reading, now_s)


def _reader(app, now_s, age_s, fresh):
    """Yields for each of the first families its samples, or its only value."""
    snapshot = app.snapshot
    meter = snapshot.meter
    reading = snapshot.reading
    reader = app.reader
    yield int(snapshot.state == "ok")
    yield _info(("state", snapshot.state))
    yield _info(("version", app.version), ("profile", reader.profile.name))
    yield _info(*[(key, getattr(meter, key)) for key in ("serial", "model", "kind", "type", "revision")])
    unix = reading and reading.unix
    if reading and unix is None and app.clock.unix() is not None:
        unix = app.clock.unix() - age_s  # the date became known after the reading
    yield unix
    yield age_s
    yield reader.interval_s
    yield reader.valid_s
    yield now_s
    yield _by("result", (("ok", reader.readings), ("failed", reader.failures)))
    yield _by("reason", sorted(reader.reasons.items()))
    head = reader.head
    yield head.requests
    yield head.answers
    heard = head.line.reader
    reasons = [(key, getattr(heard, key)) for key in ("bad_crc", "bad_escapes", "overruns", "short", "cut")]
    yield _by("reason", reasons + [("stale", head.stale)])
    yield heard.frames
    yield heard.echoes
    yield heard.bytes
    yield heard.stray
    yield int(not head.line.error)
    budget = reader.plan.budget
    yield budget.replies
    yield budget.limits["replies"]
    yield budget.awake_s
    yield budget.limits["awake_s"]
    counts = hasattr(gc, "mem_alloc")  # CPython counts otherwise
    yield gc.mem_alloc() if counts else None
    yield gc.mem_free() if counts else None
    wifi = getattr(app, "wifi", None)
    yield wifi and wifi.rssi()
    flags = []
    if fresh and snapshot.flags is not None:
        keys = set([key for _, key in reader.profile.info] + list(snapshot.flags))
        if meter.kind == "water" and "leak" not in keys:
            keys.add("continuous_flow")  # readings.watch sees it instead of the meter
        flags = _by("flag", [(key, int(key in snapshot.flags)) for key in sorted(keys)])
    yield flags
    missing = reading.missing if fresh else ()
    yield [(_labels((("register", key), ("reason", reason))), 1) for key, reason in missing]


def _registers(families, reading, now_s):
    """The values, each in the family of its unit; then the age of each."""
    values = reading.values
    marks = [_mark(row[0], row[2]) for row in values]
    found = []  # numbers of the rows that are in a family
    for line in families:
        kind, _, scales = line.split("|")[1:]
        scales += " "
        rows = []
        for i in range(len(marks)):
            mark, places = marks[i]
            pos = scales.find(mark)
            if pos >= 0 and (values[i][3] >= 0 or kind == "g"):  # a counter cannot be negative
                pos += len(mark)
                rows.append((i, places, scales[pos : scales.find(" ", pos)]))
                found.append(i)
        yield line, _scaled_rows(values, rows)
    yield _AGE, _by("register", [(values[i][0], now_s - reading.taken[i]) for i in sorted(found)])


def _mark(key, unit):
    """(what stands before the factor, how many places it moves the point besides). Codes up to 32 are fours of a unit,
    its thousand, million and billion; the first stands for all. Over 100 are those whose key says what the unit does
    not: hours that are counted, a ratio."""
    places = 0
    if unit <= _LAST_OF_FOURS:
        places = (unit - 1) % 4
        unit -= places
    elif key in ("operating_hours", "error_hours"):
        if unit == _NUMBER:  # as water meters send them
            unit = _HOURS
        if unit in _TIMES:
            unit += 100
    elif unit == _NUMBER and key.startswith("power_factor"):
        unit += 100
    return " %d=" % unit, 3 * places


def _scaled_rows(values, rows):
    for i, places, scale in rows:
        key, _, _, mantissa, exponent = values[i]
        yield _labels((("register", key),)), _scaled(mantissa, exponent + places, scale)


def _scaled(mantissa, exponent, scale):
    """The number times a scale such as 36e5 or 1/36e-2, as text."""
    factor, shift = scale.split("e")
    exponent += int(shift)
    if "/" not in factor:
        return text(mantissa * int(factor), exponent)
    divisor = int(factor[2:])
    shown = text(divide_half_even(mantissa * 10**_DIGITS, divisor), exponent - _DIGITS)
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


def _by(label, pairs):
    return [(_labels(((label, key),)), value) for key, value in pairs]


def _info(*pairs):
    return [(_labels(pairs), 1)]


def _labels(pairs):
    """{name="value",...}; what is None is left out."""
    shown = []
    for name, value in pairs:
        if value is not None:
            value = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
            shown.append('%s="%s"' % (name, value))
    return "{%s}" % ",".join(shown)
