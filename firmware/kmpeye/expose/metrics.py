# GET /metrics for Prometheus: text format 0.0.4, or OpenMetrics 1.0 where the client prefers it. A handler for http;
# imports kmp's arithmetic only. Promises base units, exact (what has to be divided by 3600 keeps 14 digits); what
# is not known has no sample; nothing stays in memory once this module is let go of.

import gc

from micropython import const

from kmp.decimal import divide_half_even
from kmp.value import text

_FRESH_S = const(10800)  # readings older than this, and than three intervals, are no samples any more
_DIGITS = const(15)  # behind those of the meter: 14 at least are right, whatever it said
_TIMES = const(b"\x2e\x3a\x3c\x3d\x3e")  # unit codes of h, min, s, ms, d
_NUMBER = const(51)  # unit code of a number without a unit

# What registers become: name, which ends in the base unit; type; length of the base unit; factor by unit code; help.
# Joules are counted, so are liters and tons; a fall of such a total is a restart to Prometheus. A factor 1/36e-2
# divides by 36 and moves the point by two. Codes over 100 are those of _code().
_REGISTERS = const("""
energy_joules|counter|joules| 1=36e2 2=36e5 3=36e8 4=36e11 5=1e0 6=1e3 7=1e6 8=1e9 9=41868e-4 10=41868e-1 \
11=41868e2 12=41868e5 57=1e10 |Energy the meter has counted
reactive_energy_var_seconds|counter|var_seconds| 13=36e2 14=36e5 15=36e8 16=36e11 |Reactive energy counted
apparent_energy_volt_ampere_seconds|counter|volt_ampere_seconds| 17=36e2 18=36e5 19=36e8 20=36e11 |\
Apparent energy counted
volume_cubic_meters|counter|cubic_meters| 39=1e-3 40=1e0 55=1e1 |Volume the meter has counted
mass_grams|counter|grams| 44=1e6 56=1e7 |Mass the meter has counted
volume_temperature_cubic_meter_celsius|counter|cubic_meter_celsius| 43=1e0 |Volume times its temperature, counted
operating_seconds|counter|seconds| 146=36e2 158=60e0 160=1e0 161=1e-3 162=864e2 |Time the meter has counted
duration_seconds|gauge|seconds| 46=36e2 58=60e0 60=1e0 61=1e-3 62=864e2 |Spans of time, such as what the battery \
has left
power_watts|gauge|watts| 21=1e0 22=1e3 23=1e6 24=1e9 |Power
reactive_power_var|gauge|var| 25=1e0 26=1e3 27=1e6 28=1e9 |Reactive power
apparent_power_volt_amperes|gauge|volt_amperes| 29=1e0 30=1e3 31=1e6 32=1e9 |Apparent power
voltage_volts|gauge|volts| 33=1e0 35=1e3 |Voltage
current_amperes|gauge|amperes| 34=1e0 36=1e3 |Current
temperature_celsius|gauge|celsius| 37=1e0 |Temperature
temperature_difference_kelvin|gauge|kelvin| 38=1e0 |Difference of two temperatures
flow_cubic_meters_per_second|gauge|cubic_meters_per_second| 41=1/36e-5 42=1/36e-2 |Flow
mass_flow_grams_per_second|gauge|grams_per_second| 45=1/36e4 |Flow of mass
pressure_pascals|gauge|pascals| 52=1e5 |Pressure
frequency_hertz|gauge|hertz| 67=1e0 |Frequency
angle_degrees|gauge|degrees| 68=1e0 |Angle
power_factor_ratio|gauge|ratio| 151=1e0 |Power factor
""")


async def metrics(exchange, app):
    """Handler for http.Server: GET and HEAD."""
    is_open = _prefers_open(exchange.headers.get("accept", b""))
    type = "application/openmetrics-text; version=1.0.0" if is_open else "text/plain; version=0.0.4"
    await exchange.start(200, type + "; charset=utf-8")
    if exchange.mute:
        return
    for name, kind, unit, about, samples in _families(app):
        begun = False
        suffix = "_total" if kind == "counter" else "_info" if kind == "info" else ""
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
        kind = "gauge" if kind == "info" else kind
    yield "# HELP kmpeye_%s %s\n# TYPE kmpeye_%s %s\n" % (name, about, name, kind)
    if is_open and unit:
        yield "# UNIT kmpeye_%s %s\n" % (name, unit)


def _families(app):
    """Yields (name, type, unit, help, samples); samples: iterable of (labels, value), None where it is not known."""
    snapshot = app.snapshot
    meter = snapshot.meter
    reader = app.reader
    reading = snapshot.reading
    now_s = app.clock.uptime_s()
    age_s = now_s - reading.uptime_s if reading else None
    yield "up", "gauge", "", "1 while the meter answers", _one(int(snapshot.state == "ok"))
    yield "state", "info", "", "How the meter answers, in a word", _info(("state", snapshot.state))
    about = "This reader's firmware and profile"
    yield "build", "info", "", about, _info(("version", app.version), ("profile", reader.profile.name))
    about = "The meter that is read"
    labels = [(key, getattr(meter, key)) for key in ("serial", "model", "kind", "type", "revision")]
    yield "meter", "info", "", about, _info(*labels)
    about = "When the registers were read last, in Unix time"
    yield "last_read_timestamp_seconds", "gauge", "seconds", about, _one(_taken(reading, age_s, app.clock))
    yield "last_read_age_seconds", "gauge", "seconds", "How long ago the registers were read", _one(age_s)
    yield "interval_seconds", "gauge", "seconds", "Time between two readings", _one(reader.interval_s)
    yield "uptime_seconds", "gauge", "seconds", "Time since this reader started", _one(now_s)
    yield from _device(app)
    if reading and age_s <= max(_FRESH_S, 3 * reader.interval_s):
        yield from _measured(snapshot, reader.profile.info)
        yield from _registers(reading, now_s)


def _taken(reading, age_s, clock):
    if reading and reading.unix is None and clock.unix() is not None:
        return clock.unix() - age_s  # the date became known after the reading
    return reading.unix if reading else None


def _device(app):
    """The reader itself: counters since its start, what it took from the meter today, memory, Wi-Fi."""
    reader = app.reader
    head = reader.head
    line = head.line
    heard = line.reader
    results = (("ok", reader.readings), ("failed", reader.failures))
    yield "reads", "counter", "", "Readings tried, by result", _by("result", results)
    about = "Readings that failed, by what was heard instead"
    yield "read_failures", "counter", "", about, _by("reason", sorted(reader.reasons.items()))
    yield "requests", "counter", "", "Requests sent to the meter", _one(head.requests)
    yield "answers", "counter", "", "Answers of the meter to requests", _one(head.answers)
    reasons = [(key, getattr(heard, key)) for key in ("bad_crc", "bad_escapes", "overruns", "short", "cut")]
    reasons.append(("stale", head.stale))
    yield "line_errors", "counter", "", "Frames that were of no use, by reason", _by("reason", reasons)
    yield "line_frames", "counter", "", "Good frames from the meter", _one(heard.frames)
    yield "line_echoes", "counter", "", "Frames of our own light that came back", _one(heard.echoes)
    yield "line_received_bytes", "counter", "bytes", "Bytes received", _one(heard.bytes)
    yield "line_stray_bytes", "counter", "bytes", "Bytes outside of frames", _one(heard.stray)
    yield "port_up", "gauge", "", "1 while the port to the head is open", _one(int(not line.error))
    budget = reader.plan.budget
    limits = budget.limits
    yield "day_replies", "gauge", "", "Replies the meter gave today", _one(budget.replies)
    yield (
        "day_replies_limit",
        "gauge",
        "",
        "Replies the meter may be asked for in a day",
        _one(limits["replies"]),
    )
    about = "Time the meter was kept awake today"
    yield "day_awake_seconds", "gauge", "seconds", about, _one(budget.awake_s)
    about = "Time the meter may be kept awake in a day"
    yield "day_awake_limit_seconds", "gauge", "seconds", about, _one(limits["awake_s"])
    if hasattr(gc, "mem_alloc"):
        yield "heap_used_bytes", "gauge", "bytes", "Memory in use, garbage included", _one(gc.mem_alloc())
        yield (
            "heap_free_bytes",
            "gauge",
            "bytes",
            "Memory free at once, before garbage is collected",
            _one(gc.mem_free()),
        )
    wifi = getattr(app, "wifi", None)
    if wifi:
        yield "wifi_rssi_dbm", "gauge", "dbm", "Strength of the Wi-Fi signal", _one(wifi.rssi())


def _measured(snapshot, info):
    """What the reading says about itself and the meter: flags, and values that were held back."""
    if snapshot.flags is not None:
        keys = sorted(set([key for _, key in info] + list(snapshot.flags)))
        flags = [(key, int(key in snapshot.flags)) for key in keys]
        yield "flag", "gauge", "", "1 while the meter reports it", _by("flag", flags)
    rows = [(_labels((("register", key), ("reason", reason))), 1) for key, reason in snapshot.reading.missing]
    yield "missing", "gauge", "", "Values that are worthless or held back, by reason", rows


def _registers(reading, now_s):
    """The values, each in the family of its unit."""
    marks = [" %d=" % _code(row[0], row[2]) for row in reading.values]
    found = []  # numbers of the rows that are in a family
    for line in _REGISTERS.strip().split("\n"):
        name, kind, unit, scales, about = line.split("|")
        rows = []
        for i in range(len(marks)):
            pos = scales.find(marks[i])
            if pos >= 0 and (reading.values[i][3] >= 0 or kind == "gauge"):  # a counter cannot be negative
                pos += len(marks[i])
                rows.append((i, scales[pos : scales.find(" ", pos)]))
                found.append(i)
        yield name, kind, unit, about, _scaled_rows(reading.values, rows)
    ages = [(reading.values[i][0], now_s - reading.taken[i]) for i in sorted(found)]
    about = "How long ago each register was read: some are asked for once a day only"
    yield "register_age_seconds", "gauge", "seconds", about, _by("register", ages)


def _code(key, unit):
    """The unit code, over 100 where the key says what the unit does not: hours that are counted, a ratio."""
    if (unit in _TIMES and key in ("operating_hours", "error_hours")) or (
        unit == _NUMBER and key.startswith("power_factor")
    ):
        return unit + 100
    return unit


def _scaled_rows(values, rows):
    for i, scale in rows:
        key, _, _, mantissa, exponent = values[i]
        yield _labels((("register", key),)), _scaled(mantissa, exponent, scale)


def _scaled(mantissa, exponent, scale):
    """The number times a scale such as 36e5 or 1/36e-2, as text."""
    factor, shift = scale.split("e")
    exponent += int(shift)
    if "/" not in factor:
        return text(mantissa * int(factor), exponent)
    divisor = int(factor[2:])
    shown = text(divide_half_even(mantissa * 10**_DIGITS, divisor), exponent - _DIGITS)
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


def _one(value):
    return (("", value),)


def _by(label, pairs):
    return [(_labels(((label, key),)), value) for key, value in pairs]


def _info(*pairs):
    return ((_labels(pairs), 1),)


def _labels(pairs):
    """{name="value",...}; what is None is left out."""
    shown = []
    for name, value in pairs:
        if value is not None:
            value = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
            shown.append('%s="%s"' % (name, value))
    return "{%s}" % ",".join(shown)
