"""What /metrics says is taken by the parsers of prometheus_client and by promtool, for every profile and unit code.

Uses the handler on CPython (expose.one_app), a table of factors of its own, and the distribution's promtool. Promises
that each value is the meter's, as a fraction: nothing is rounded but what is divided by 3600.
"""

import itertools
import re
import shutil
import subprocess
from fractions import Fraction

import pytest
from prometheus_client import parser as plain
from prometheus_client.openmetrics import parser as openmetrics

from conftest import ROOT, absent
from expose.one_app import app, publish
from expose.one_exchange import reply
from kmp.names import unit_name
from kmpeye.expose.metrics import metrics

PROFILES = sorted(path.stem for path in (ROOT / "firmware" / "meters").glob("*.json"))
UNITS = range(74)
OPEN = b"application/openmetrics-text;version=1.0.0"

# Of the base unit, by the unit's name: written down apart from the firmware's, which goes by code.
PREFIX = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9}
BASE = {"Wh": 3600, "J": 1, "cal": Fraction("4.1868"), "varh": 3600, "VAh": 3600, "W": 1, "var": 1, "VA": 1}
FACTORS = {prefix + unit: PREFIX[prefix] * BASE[unit] for prefix in PREFIX for unit in BASE}
FACTORS |= {
    "V": 1,
    "kV": 1000,
    "A": 1,
    "kA": 1000,
    "°C": 1,
    "K": 1,
    "Hz": 1,
    "°": 1,
    "bar": 100000,
    "m³·°C": 1,
}
FACTORS |= {"l": Fraction(1, 1000), "m³": 1, "m³·10": 10, "GJ·10": 10**10, "t": 10**6, "t·10": 10**7}
FACTORS |= {"h": 3600, "min": 60, "s": 1, "ms": Fraction(1, 1000), "d": 86400}
PER_HOUR = {"l/h": Fraction(1, 3600000), "m³/h": Fraction(1, 3600), "t/h": Fraction(10**6, 3600)}


def made_up(profile, shift):
    """A row for each register, with the unit codes in turn."""
    codes = itertools.islice(itertools.cycle(UNITS), shift, None)
    numbers = itertools.cycle((0, 7, 187556, 9007199254740993, (1 << 64) - 1))
    exponents = itertools.cycle((-3, 0, -2, 2))
    return [
        (key, register, unit, mantissa, exponent)
        for (register, key), unit, mantissa, exponent in zip(
            profile.registers, codes, numbers, exponents, strict=False
        )
    ]


def rich(profile, shift=0):
    """An app that shows everything it can; its reading has unit codes from `shift` on."""
    one = app(profile)
    publish(one, made_up(one.reader.profile, shift), missing=[("flow_2", "rose_too_fast")])
    one.snapshot.flags = sorted([flag for _, flag in one.reader.profile.info][::2])
    one.snapshot.meter.serial = 'a "serial" \\ of\ntwo lines'
    one.wifi = type("Wifi", (), {"rssi": lambda self: -67})()
    return one


def values(families):
    """{(name, labels): value}"""
    samples = [sample for family in families for sample in family.samples]
    found = {(sample.name, tuple(sorted(sample.labels.items()))): sample.value for sample in samples}
    assert len(found) == len(samples), "a sample is there twice"
    return found


def expected(row):
    """(value, largest relative error) of a row that measures something, else None."""
    key, _, unit, mantissa, exponent = row
    name = unit_name(unit)
    factor = FACTORS.get(name) or PER_HOUR.get(name)
    if unit == 51 and key.startswith("power_factor"):
        factor = 1
    if unit == 51 and key in ("operating_hours", "error_hours"):
        factor = 3600
    if factor is None:
        return None
    return Fraction(mantissa) * Fraction(10) ** exponent * factor, Fraction(name in PER_HOUR, 10**13)


@pytest.mark.parametrize("profile", PROFILES)
def test_both_parsers_read_the_same_of_every_profile(profile):
    for shift in (0, 25, 50):
        one = rich(profile, shift)
        old = reply(metrics, one, "/metrics")[2]
        new = reply(metrics, one, "/metrics", OPEN)[2]
        read = values(openmetrics.text_string_to_metric_families(new))
        assert values(plain.text_string_to_metric_families(old)) == read
        assert read["kmpeye_meter_info", tuple(
            sorted({"serial": one.snapshot.meter.serial, "model": one.snapshot.meter.model,
                    "kind": one.snapshot.meter.kind}.items())
        )] == 1  # fmt: skip


def test_every_unit_code_gives_the_exact_value_or_none():
    seen = set()
    for profile, shift in itertools.product(("multical603", "omnipower"), range(0, 74, 9)):
        one = rich(profile, shift)
        text = reply(metrics, one, "/metrics")[2]
        shown = {}
        for line in text.splitlines():
            name, _, value = line.rpartition(" ")
            if 'register="' in name and "_age_" not in name and "_missing" not in name:
                shown[name.split('"')[1]] = Fraction(value)
        for row in one.snapshot.reading.values:
            right = expected(row)
            assert (row[0] in shown) is (right is not None), row
            if right:
                assert abs(shown[row[0]] - right[0]) <= right[1] * right[0], row
                seen.add(unit_name(row[2]))
    assert seen >= set(FACTORS) | set(PER_HOUR)


@pytest.mark.parametrize("profile", PROFILES)
def test_promtool_finds_nothing_to_say(profile, promtool):
    text = reply(metrics, rich(profile), "/metrics")[2]
    done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def everything():
    """The text with every family there is."""
    one = rich("multical603")
    rows = [("register_%d" % unit, 1, unit, 5, 0) for unit in UNITS]
    publish(
        one,
        [*rows, ("operating_hours", 1004, 46, 5, 0), ("power_factor", 1173, 51, 5, -1)],
        missing=[("flow", "dry")],
    )
    return reply(metrics, one, "/metrics")[2]


def test_promtool_finds_nothing_to_say_of_any_family(promtool):
    done = subprocess.run([promtool, "check", "metrics"], input=everything(), capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_page_for_users_names_every_family_and_no_other():
    named = set(re.findall(r"`(kmpeye_\w+)", (ROOT / "docs" / "prometheus.md").read_text()))
    shown = set(re.findall(r"# TYPE (\w+)", everything()))
    memory = {"kmpeye_heap_used_bytes", "kmpeye_heap_free_bytes"}  # CPython cannot tell
    assert named == shown | memory


def test_promtool_takes_the_configuration_of_the_page_for_users(promtool, tmp_path):
    text = (ROOT / "docs" / "prometheus.md").read_text()
    (tmp_path / "prometheus.yml").write_text(re.search("```yaml\n(.*?)```", text, re.DOTALL).group(1))
    shutil.copy(ROOT / "docs" / "prometheus-alerts.yml", tmp_path)
    command = [promtool, "check", "config", tmp_path / "prometheus.yml"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="session")
def promtool():
    return shutil.which("promtool") or absent("no promtool: run tools/install_system")
