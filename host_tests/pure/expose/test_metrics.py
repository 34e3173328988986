# What /metrics says: the digits of every unit, which samples are there and which are not, both formats' openings.
# Runs on CPython and on MicroPython; that real parsers take it is in host_tests/host/test_metrics_parsers.py.

import gc

from expose.one_app import app, publish
from expose.one_exchange import reply
from kmpeye.expose.metrics import metrics

OPEN = b"application/openmetrics-text"
PROMETHEUS = (
    b"application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    b"text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)


def samples(app, accept=None):
    """{name with labels: value} as text, and the comment lines."""
    status, _, body = reply(metrics, app, "/metrics", accept)
    assert status == 200 and body.endswith("\n")
    found = {}
    comments = []
    for line in body[:-1].split("\n"):
        if line.startswith("# "):
            comments.append(line)
            continue
        name, _, value = line.rpartition(" ")
        assert name not in found, name
        found[name] = value
    return found, comments


# key, unit, mantissa, exponent, sample, value, why
VALUES = (
    ("heat_energy", 3, 187556, -2, 'energy_joules_total{register="heat_energy"}', "6752016000000", "MWh"),
    ("energy_in", 2, 123456789, 0, 'energy_joules_total{register="energy_in"}', "444444440400000", "kWh"),
    ("energy_in", 1, 7, 0, 'energy_joules_total{register="energy_in"}', "25200", "Wh"),
    ("heat_energy", 8, 1234, -2, 'energy_joules_total{register="heat_energy"}', "12340000000", "GJ"),
    ("heat_energy", 5, 1, 0, 'energy_joules_total{register="heat_energy"}', "1", "J"),
    ("heat_energy", 12, 1, -3, 'energy_joules_total{register="heat_energy"}', "4186800", "Gcal"),
    ("heat_energy", 9, 1, 0, 'energy_joules_total{register="heat_energy"}', "4.1868", "cal"),
    ("heat_energy", 57, 5, 0, 'energy_joules_total{register="heat_energy"}', "50000000000", "GJ·10"),
    ("volume", 40, 314131, -3, 'volume_cubic_meters_total{register="volume"}', "314.131", "m³"),
    ("volume", 39, 314131, 0, 'volume_cubic_meters_total{register="volume"}', "314.131", "l"),
    ("volume", 55, 31, 0, 'volume_cubic_meters_total{register="volume"}', "310", "m³·10"),
    ("volume", 40, 314100, -3, 'volume_cubic_meters_total{register="volume"}', "314.100", "zeros stay"),
    ("volume", 40, 0, -3, 'volume_cubic_meters_total{register="volume"}', "0.000", "0 is a value"),
    (
        "volume",
        40,
        (1 << 64) - 1,
        -3,
        'volume_cubic_meters_total{register="volume"}',
        "18446744073709551.615",
        "64 bits",
    ),
    ("mass", 44, 15, -1, 'mass_grams_total{register="mass"}', "1500000", "t"),
    ("power", 22, 54, -1, 'power_watts{register="power"}', "5400", "kW"),
    ("power_in", 21, 5400, 0, 'power_watts{register="power_in"}', "5400", "W"),
    ("power", 22, -54, -1, 'power_watts{register="power"}', "-5400", "a gauge may be negative"),
    ("flow_temperature", 37, 7210, -2, 'temperature_celsius{register="flow_temperature"}', "72.10", "°C"),
    (
        "temperature_difference",
        38,
        3020,
        -2,
        'temperature_difference_kelvin{register="temperature_difference"}',
        "30.20",
        "K",
    ),
    (
        "flow",
        42,
        36,
        -3,
        'flow_cubic_meters_per_second{register="flow"}',
        "0.00001",
        "m³/h: 36 l/h are 10 ml/s",
    ),
    (
        "flow",
        41,
        86,
        0,
        'flow_cubic_meters_per_second{register="flow"}',
        "0.00002388888888888889",
        "l/h, rounded",
    ),
    ("flow", 42, -36, -1, 'flow_cubic_meters_per_second{register="flow"}', "-0.001", "backwards"),
    ("flow", 42, 0, -3, 'flow_cubic_meters_per_second{register="flow"}', "0", "none"),
    ("mass_flow", 45, 36, -1, 'mass_flow_grams_per_second{register="mass_flow"}', "1000", "t/h"),
    (
        "operating_hours",
        46,
        25000,
        0,
        'operating_seconds_total{register="operating_hours"}',
        "90000000",
        "counted",
    ),
    (
        "operating_hours",
        51,
        54888,
        0,
        'operating_seconds_total{register="operating_hours"}',
        "197596800",
        "a MULTICAL 21 sends no unit",
    ),
    ("battery_days", 62, 5213, 0, 'duration_seconds{register="battery_days"}', "450403200", "not counted"),
    ("voltage_l1", 33, 2304, -1, 'voltage_volts{register="voltage_l1"}', "230.4", "V"),
    ("current_l1", 34, 512, -2, 'current_amperes{register="current_l1"}', "5.12", "A"),
    (
        "power_factor",
        51,
        985,
        -3,
        'power_factor_ratio{register="power_factor"}',
        "0.985",
        "a number with a meaning",
    ),
    ("pressure", 52, 32, -1, 'pressure_pascals{register="pressure"}', "320000", "bar"),
)


def test_values_are_in_base_units_digit_for_digit():
    one = app("multical603")
    for key, unit, mantissa, exponent, sample, expected, why in VALUES:
        publish(one, [(key, 1, unit, mantissa, exponent)])
        found = samples(one)[0]
        assert found["kmpeye_" + sample] == expected, (why, found["kmpeye_" + sample])
        assert found['kmpeye_register_age_seconds{register="%s"}' % key] == "12", why


# key, unit, mantissa, why
NOT_SHOWN = (
    ("serial", 51, 68123456, "a number that measures nothing"),
    ("info", 51, 4, "its flags are shown"),
    ("rtc", 53, 5, "a clock"),
    ("target_date", 48, 261231, "a date"),
    ("volume", 40, -5, "a total below nothing, which no counter can be"),
    ("register_4000", 200, 5, "a unit nobody knows"),
)


def test_what_measures_nothing_has_no_sample():
    one = app()
    for key, unit, mantissa, why in NOT_SHOWN:
        publish(one, [(key, 1, unit, mantissa, 0)])
        for name in samples(one)[0]:
            assert 'register="' not in name, why


def test_before_the_first_reading_there_are_no_values():
    found = samples(app())[0]
    assert found["kmpeye_up"] == "0" and found['kmpeye_state_info{state="starting"}'] == "1"
    for name in found:
        assert "register" not in name and "last_read" not in name and "flag" not in name, name


def test_old_values_are_left_out_and_their_age_stays():
    # valid for, age, still shown
    for valid_s, age_s, shown in (
        (1800, 10800, True),
        (1800, 10801, False),
        (3 * 86400, 259200, True),
        (3 * 86400, 259201, False),
        (50400, 50400, True),  # a meter that rests for 12 h
        (50400, 50401, False),
    ):
        one = app()
        one.reader.valid_s = valid_s
        one.clock.now_s = 1000000
        publish(one, [("volume", 68, 40, 1, 0)], age_s)
        one.snapshot.flags = ["leak"]
        one.snapshot.state = "no_light"
        found = samples(one)[0]
        assert ('kmpeye_volume_cubic_meters_total{register="volume"}' in found) is shown, (valid_s, age_s)
        assert ('kmpeye_flag{flag="leak"}' in found) is shown
        assert found["kmpeye_last_read_age_seconds"] == str(age_s)
        assert found["kmpeye_valid_seconds"] == str(valid_s)
        assert found["kmpeye_up"] == "0"


def test_a_slow_register_carries_its_own_age():
    one = app()
    now_s = one.clock.uptime_s()
    values = [("volume", 68, 40, 1, 0), ("battery_days", 582, 62, 5, 0), ("info", 99, 51, 0, 0)]
    publish(one, values, taken=[now_s - 12, now_s - 40000, now_s - 12])
    found = samples(one)[0]
    assert found['kmpeye_register_age_seconds{register="volume"}'] == "12"
    assert found['kmpeye_register_age_seconds{register="battery_days"}'] == "40000"
    assert 'kmpeye_register_age_seconds{register="info"}' not in found


def test_the_date_of_a_reading_is_told_once_it_is_known():
    one = app()
    one.clock.date = None
    publish(one, [("volume", 68, 40, 1, 0)], 12)
    assert "kmpeye_last_read_timestamp_seconds" not in samples(one)[0]
    one.clock.date = 1795329600
    assert samples(one)[0]["kmpeye_last_read_timestamp_seconds"] == "1795329588"


def test_flags_are_one_or_zero_and_missing_ones_are_named():
    one = app("multical21")
    publish(one, [("volume", 68, 40, 1, 0)], missing=[("flow", "rose_too_fast")])
    assert 'kmpeye_flag{flag="leak"}' not in samples(one)[0], "no info code was read yet"
    one.snapshot.flags = ["bit_17", "leak"]
    found = samples(one)[0]
    flags = [(name[18:-2], found[name]) for name in found if name.startswith("kmpeye_flag")]
    assert sorted(flags) == [("bit_17", "1"), ("burst", "0"), ("dry", "0"), ("leak", "1"), ("reverse", "0")]
    assert found['kmpeye_missing{register="flow",reason="rose_too_fast"}'] == "1"
    one = app("multical62")
    publish(one, [("volume", 68, 40, 1, 0)])
    for watched in ([], ["continuous_flow"]):
        one.snapshot.flags = watched
        found = samples(one)[0]
        assert found['kmpeye_flag{flag="continuous_flow"}'] == str(len(watched)), "the reader sees it"


def test_counters_limits_and_what_the_device_is():
    one = app("multical21")
    heard = one.reader.head.line.reader
    heard.bad_crc = 3
    one.snapshot.meter.serial = '12"3\\4\n5'
    one.wifi = type("Wifi", (), {"rssi": lambda self: -67})()
    found = samples(one)[0]
    for name, value in (
        ('reads_total{result="ok"}', "12"),
        ('reads_total{result="failed"}', "1"),
        ('read_failures_total{reason="no_light"}', "1"),
        ('line_errors_total{reason="bad_crc"}', "3"),
        ('line_errors_total{reason="stale"}', "0"),
        ("day_replies", "24"),
        ("day_replies_limit", str(one.reader.profile.budget["replies"])),
        ("day_awake_seconds", "310"),
        ("wifi_rssi_dbm", "-67"),
        ('build_info{version="0.1.0",profile="multical21"}', "1"),
        ('meter_info{serial="12\\"3\\\\4\\n5",model="MULTICAL 21",kind="water"}', "1"),
    ):
        assert found["kmpeye_" + name] == value, name
    assert ("kmpeye_heap_used_bytes" in found) is hasattr(gc, "mem_alloc")


def test_without_a_signal_to_measure_there_is_no_sample():
    one = app()
    assert "kmpeye_wifi_rssi_dbm" not in samples(one)[0]
    one.wifi = type("Wifi", (), {"rssi": lambda self: None})()
    assert "kmpeye_wifi_rssi_dbm" not in samples(one)[0]


def test_each_format_opens_a_family_in_its_own_way():
    one = app()
    publish(one, [("volume", 68, 40, 1, 0)])
    comments = samples(one)[1]
    assert "# TYPE kmpeye_volume_cubic_meters_total counter" in comments
    assert "# TYPE kmpeye_build_info gauge" in comments
    assert not [line for line in comments if line.startswith("# UNIT") or line == "# EOF"]
    comments = samples(one, OPEN)[1]
    assert "# TYPE kmpeye_volume_cubic_meters counter" in comments
    assert "# UNIT kmpeye_volume_cubic_meters cubic_meters" in comments
    assert "# TYPE kmpeye_build info" in comments
    assert comments[-1] == "# EOF"


# Accept, is it OpenMetrics, why
ACCEPTED = (
    (None, False, "nothing is said"),
    (b"*/*", False, "curl"),
    (b"text/html,application/xhtml+xml,*/*;q=0.8", False, "a browser"),
    (PROMETHEUS, True, "Prometheus 2"),
    (b"text/plain;version=0.0.4;q=0.6, application/openmetrics-text;q=0.5", False, "Prometheus told to"),
    (b"application/openmetrics-text; version=1.0.0; q=0", False, "refused"),
    (b"Application/OpenMetrics-Text", True, "a type has no case"),
    (b";;,q=,", False, "nonsense"),
)


def test_the_format_is_what_the_client_prefers():
    one = app()
    for accept, is_open, why in ACCEPTED:
        _, headers, body = reply(metrics, one, "/metrics", accept)
        expected = "application/openmetrics-text; version=1.0.0" if is_open else "text/plain; version=0.0.4"
        assert headers[0] == "Content-Type: %s; charset=utf-8" % expected, why
        assert body.endswith("\n# EOF\n") is is_open, why


def test_head_sends_no_body():
    status, _, body = reply(metrics, app(), "/metrics", method="HEAD")
    assert (status, body) == (200, "")
