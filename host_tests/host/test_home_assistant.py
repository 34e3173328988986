"""What Home Assistant is told, for every meter profile with the registers and units of its simulated meter: held to the
rules of Home Assistant (host_tests/data/home_assistant_rules.json), the templates rendered with Jinja, and announced
over mosquitto.
"""

import json
import re

import jinja2.sandbox
import pytest

from conftest import ROOT
from host.mqtt_bench import METERS, broker, device, observer
from kmpeye.expose.mqtt.discovery import Announcement
from kmpeye.meter.profile import load, names
from kmpeye.readings.as_json import reading_chunks
from kmpeye.readings.snapshot import Meter, Reading, Snapshot
from kmpeye.readings.units import meant
from kmpeye.system import keep
from kmpeye.system.clock import Clock
from kmpsim import model

RULES = json.loads((ROOT / "host_tests" / "data" / "home_assistant_rules.json").read_text())
PROFILES = names(str(METERS))
TOPIC = "kmpeye/68123456/"
CONFIG = "homeassistant/device/kmpeye_68123456/config"


class App:
    """What an announcement looks at, with the real parts."""

    version = "0.2.0"
    clock = Clock()
    keep = keep

    def __init__(self, name, kind_of_energy=None):
        self.reader = self
        self.profile = load(name, str(METERS))
        self.snapshot = Snapshot(Meter(self.profile.model, self.profile.kind))
        self.snapshot.meter.serial = "68123456"
        found = {register.id: register for register in model.load(name).registers}
        rows = []
        for number, key in self.profile.registers:
            if number in found and key != "serial":
                unit, exponent = found[number].unit, found[number].exponent
                if kind_of_energy and unit in (2, 3, 8):
                    unit, exponent = kind_of_energy
                rows.append((key, number, unit, 123456, exponent))
        self.show(meant(rows, self.profile.units))

    def show(self, rows):
        self.snapshot.reading = Reading(rows, 0, 1790000000)

    def log(self, text):
        raise AssertionError(text)

    def announcement(self):
        pieces = Announcement(self, "68123456", TOPIC, 10800)
        text = "".join(pieces)
        assert text == "".join(pieces)  # the second pass says the same as the first, which was counted
        assert max(map(len, pieces)) < 512
        return json.loads(text)

    def reading(self):
        return json.loads("".join(reading_chunks(self.snapshot, self.clock)))


@pytest.fixture(autouse=True)
def own_folder(tmp_path, root_as_working_directory, monkeypatch):
    monkeypatch.chdir(tmp_path)


def breaches(payload):
    """A sentence for each rule of Home Assistant that a payload breaks."""
    unique = set()
    for key in payload:
        if key not in RULES["root_keys"]:
            yield "%s at the root" % key
    for key in payload["dev"]:
        if key not in RULES["device_keys"]:
            yield "%s in dev" % key
    if not payload["dev"]["ids"] or not payload["o"].get("name"):
        yield "dev needs ids, o needs a name"
    for key, one in payload["cmps"].items():
        platform = one.get("p")
        if platform not in RULES["component_keys"]:
            yield "%s: platform %s" % (key, platform)
            continue
        if list(one) == ["p"]:
            continue  # taken back
        for name in one:
            if name not in RULES["component_keys"][platform]:
                yield "%s: %s" % (key, name)
        if not re.match(RULES["id_pattern"], one["uniq_id"]) or one["uniq_id"] in unique:
            yield "%s: uniq_id %s" % (key, one["uniq_id"])
        unique.add(one["uniq_id"])
        if not isinstance(one.get("name"), str) or not one["name"]:
            yield "%s: no name" % key
        if one.get("ent_cat") not in (None, *RULES["entity_categories"][platform]):
            yield "%s: category %s" % (key, one["ent_cat"])
        if platform == "button":
            if "cmd_t" not in one:
                yield "%s: no command topic" % key
            continue
        if "stat_t" not in one and "stat_t" not in payload:
            yield "%s: no state topic" % key
        if not isinstance(one.get("exp_aft", 0), int) or one.get("exp_aft", 1) <= 0:
            yield "%s: expires after %s" % (key, one["exp_aft"])
        if platform == "binary_sensor":
            if one.get("dev_cla") not in RULES["binary_sensor"]:
                yield "%s: class %s" % (key, one.get("dev_cla"))
            continue
        state, unit = one.get("stat_cla"), one.get("unit_of_meas")
        if state not in (None, *RULES["state_classes"]):
            yield "%s: state class %s" % (key, state)
        if unit == "":
            yield "%s: an empty unit" % key
        if one.get("ent_cat") == "config":
            yield "%s: a sensor configures nothing" % key
        if "dev_cla" in one:
            rule = RULES["sensor"].get(one["dev_cla"])
            if not rule:
                yield "%s: class %s" % (key, one["dev_cla"])
            elif unit not in rule["units"] or state not in (None, *rule["states"]):
                yield "%s: %s in %s as %s" % (key, one["dev_cla"], unit, state)


WRONG = (
    (
        {"p": "sensor", "uniq_id": "a", "name": "A", "dev_cla": "temperature", "unit_of_meas": "kW"},
        "a wrong unit",
    ),
    (
        {
            "p": "sensor",
            "uniq_id": "a",
            "name": "A",
            "dev_cla": "energy",
            "unit_of_meas": "kWh",
            "stat_cla": "measurement",
        },
        "energy is a total",
    ),
    ({"p": "sensor", "uniq_id": "a b", "name": "A"}, "a space in an id"),
    ({"p": "sensor", "uniq_id": "a", "name": "A", "device_class": "water"}, "an unknown key"),
    ({"p": "button", "uniq_id": "a", "name": "A"}, "a button without a topic"),
    ({"p": "binary_sensor", "uniq_id": "a", "name": "A", "dev_cla": "leak"}, "no such class"),
)


@pytest.mark.parametrize("component, why", WRONG, ids=[row[1] for row in WRONG])
def test_a_breach_of_the_rules_is_found(component, why):
    payload = {"dev": {"ids": ["x"]}, "o": {"name": "x"}, "stat_t": "x", "cmps": {"a": component}}
    assert list(breaches(payload))


@pytest.mark.parametrize("name", PROFILES)
def test_every_profile_is_announced_as_home_assistant_wants_it(name):
    app = App(name)
    payload = app.announcement()
    assert not list(breaches(payload))
    for key, _, _, _, _ in app.snapshot.reading.values:
        assert key in payload["cmps"], key


@pytest.mark.parametrize(
    "unit", [(code, exponent) for code in (*range(1, 13), 57) for exponent in (-3, 0, 2)]
)
def test_energy_in_every_unit_a_meter_may_have(unit):
    for name in ("multical601", "multical302"):
        payload = App(name, unit).announcement()
        assert not list(breaches(payload))
        energy = payload["cmps"]["heat_energy"]
        assert energy["unit_of_meas"] in RULES["energy_dashboard"]["gas"]["units"]
        assert (energy["dev_cla"], energy["stat_cla"]) == ("energy", "total_increasing")


# profile, register, class, state class, unit, precision; None: not in the announcement. Why.
ENTITIES = (
    ("multical21", "volume", "water", "total_increasing", "m³", 3, "drinking water"),
    ("multical21", "reverse_volume", "water", "total_increasing", "m³", 3, "backwards, of the same kind"),
    ("multical21", "flow", "volume_flow_rate", "measurement", "L/h", 0, "a capital L"),
    ("multical21", "water_temperature", "temperature", "measurement", "°C", 0, "a temperature"),
    ("multical21", "operating_hours", "duration", "total_increasing", "h", 0, "sent as a mere number"),
    ("multical21", "info", None, None, None, None, "a code is no quantity"),
    ("multical601", "volume", "volume", "total_increasing", "m³", 2, "heating water is no drinking water"),
    ("multical601", "heat_energy", "energy", "total_increasing", "MWh", 3, "the meter's own unit"),
    ("multical601", "power", "power", "measurement", "kW", 1, "power"),
    (
        "multical601",
        "temperature_difference",
        "temperature_delta",
        "measurement",
        "K",
        2,
        "never a temperature",
    ),
    ("multical601", "operating_hours", "duration", "total_increasing", "h", 0, "they only grow"),
    (
        "multical601",
        "volume_times_flow_temperature",
        None,
        "total_increasing",
        "m³·°C",
        0,
        "a unit of nobody else",
    ),
    (
        "multical601",
        "max_flow_this_year",
        "volume_flow_rate",
        "measurement",
        "L/h",
        0,
        "a maximum is no total",
    ),
    ("multical601", "target_date", None, None, None, None, "a day of the year"),
    ("omnipower", "energy_in", "energy", "total_increasing", "kWh", 2, "electricity"),
    ("omnipower", "voltage_l1", "voltage", "measurement", "V", 0, "voltage"),
    ("omnipower", "current_l1", "current", "measurement", "A", 2, "current"),
    ("omnipower", "power_in", "power", "measurement", "kW", 3, "power"),
)


def test_every_kind_of_register_gets_its_class():
    for name, key, device_class, state, unit, precision, why in ENTITIES:
        one = App(name).announcement()["cmps"][key]
        found = [one.get(part) for part in ("dev_cla", "stat_cla", "unit_of_meas", "sug_dsp_prc")]
        assert found == [device_class, state, unit, precision], (name, key, why)


def test_what_nobody_graphs_begins_switched_off():
    components = App("multical603").announcement()["cmps"]
    off = {key for key, one in components.items() if one.get("en") is False}
    assert {"heat_energy_high_resolution", "config_number_1", "software", "info_events"} <= off
    assert not {"heat_energy", "volume", "flow", "operating_hours", "info", "state"} & off


def test_the_energy_dashboard_takes_water_and_heat():
    water = App("multical21").announcement()["cmps"]
    rule = RULES["energy_dashboard"]["water"]
    taken = [
        key
        for key, one in water.items()
        if one.get("dev_cla") == rule["class"] and one["unit_of_meas"] in rule["units"]
    ]
    assert "volume" in taken
    heat = App("multical603").announcement()["cmps"]
    assert not [key for key, one in heat.items() if one.get("dev_cla") == "water"]


def rendered(template, value):
    environment = jinja2.sandbox.ImmutableSandboxedEnvironment()
    return environment.from_string(template).render(value_json=value)


@pytest.mark.parametrize("name", PROFILES)
def test_templates_give_the_value_or_unknown(name):
    app = App(name)
    components = app.announcement()["cmps"]
    reading = app.reading()
    for key, one in reading["registers"].items():
        template = components[key]["val_tpl"]
        assert rendered(template, reading) == str(one["value"])
        assert rendered(template, {"registers": {}}) == "None", key
    for key, one in components.items():
        if one["p"] == "binary_sensor":
            flag = key[5:]
            for flags, right in (
                (None, "None"),
                ([], "OFF"),
                ([flag], "ON"),
                (["x" + flag, flag + "x"], "OFF"),
            ):
                assert rendered(one["val_tpl"], {"flags": flags}) == right
    assert rendered(components["last_answer"]["val_tpl"], {"last_answer": None}) == "None"


def test_a_unit_home_assistant_does_not_have_is_counted_in_one_it_has():
    app = App("multical601")
    app.show([("heat_energy", 60, 57, 1234, -1), ("volume", 68, 55, 7, 0)])
    components = app.announcement()["cmps"]
    energy, volume = components["heat_energy"], components["volume"]
    assert (energy["unit_of_meas"], energy["sug_dsp_prc"]) == ("GJ", 0)
    assert (volume["unit_of_meas"], volume["sug_dsp_prc"]) == ("m³", 0)
    assert float(rendered(energy["val_tpl"], app.reading())) == 1234
    assert rendered(volume["val_tpl"], app.reading()) == "70"
    assert rendered(volume["val_tpl"], {"registers": {}}) == "None"


def test_a_register_that_vanishes_is_taken_back_and_one_without_a_value_stays():
    app = App("multical21")
    app.announcement()
    before = app.snapshot.reading.values
    app.show([row for row in before if row[0] != "flow"])
    assert (
        "flow" not in app.announcement()["cmps"]
    )  # held back, or a failed sensor: not announced anew, nor removed
    app.profile.registers = [
        pair for pair in app.profile.registers if pair[1] != "flow"
    ]  # the meter does not have it
    app.profile.info = [pair for pair in app.profile.info if pair[1] != "dry"]
    payload = app.announcement()
    assert payload["cmps"]["flow"] == {"p": "sensor"}
    assert payload["cmps"]["flag_dry"] == {"p": "binary_sensor"}
    assert not list(breaches(payload))
    app.profile.name = "auto"  # nobody knows which meter it is: nothing is taken back on that ground
    app.profile.registers = []
    assert app.announcement()["cmps"].get("flow") is None


@pytest.fixture
def start(micropython32, flash, tmp_path):
    """A function that starts a device against a port."""
    command = [micropython32, "-X", "heapsize=1M"]

    def start(port, config=None, **told):
        settings = {"mqtt_host": "127.0.0.1", "mqtt_port": port, **(config or {})}
        return device(command, flash, tmp_path, settings, **told)

    return start


def test_the_announcement_arrives_and_comes_again_after_a_birth(start, tmp_path):
    with broker(tmp_path) as one, observer(one.inside) as seen, start(one.port) as device:
        payload = seen.json(CONFIG)
        assert not list(breaches(payload))
        assert payload["avty_t"] == TOPIC + "status"
        assert payload["cmps"]["volume"]["exp_aft"] == 3 * 3600
        device.connected()
        seen.publish("homeassistant/status", "offline")
        seen.publish("homeassistant/status", "online")
        before = len(seen.payloads(CONFIG))
        seen.get(CONFIG, lambda _: len(seen.payloads(CONFIG)) > before)
        assert json.loads(seen.payloads(CONFIG)[-1]) == payload
        assert not [row for row in seen.messages if row[0] == CONFIG and row[2]]  # not retained: no ghosts
        device.ask("read", values={"volume": [39, 5, 0], "flow": [41, 1, 0]})  # the meter was set to litres
        litres = seen.json(CONFIG, lambda payload: payload["cmps"]["volume"]["unit_of_meas"] == "L")
        assert "water_temperature" not in litres["cmps"]


def test_a_meter_of_many_registers_fits_into_a_chips_heap(micropython32, flash, tmp_path):
    # 112K are what a classic ESP32 has once it grew; the script of the test takes its share of them too.
    command = [micropython32, "-X", "heapsize=112K"]
    with broker(tmp_path) as one, observer(one.inside) as seen:
        with device(
            command, flash, tmp_path, {"mqtt_host": "127.0.0.1", "mqtt_port": one.port}, profile="multical603"
        ):
            assert len(seen.json(CONFIG)["cmps"]) > 30


def test_without_discovery_nothing_is_announced(start, tmp_path):
    with broker(tmp_path) as one, observer(one.inside) as seen:
        with start(one.port, {"ha_discovery": False}):
            seen.get(TOPIC + "diagnosis")
            assert CONFIG not in [row[0] for row in seen.messages]


def test_another_prefix_is_used(start, tmp_path):
    with broker(tmp_path) as one, observer(one.inside) as seen:
        with start(one.port, {"ha_prefix": "ha", "mqtt_base": "house/meters"}):
            config = "ha/device/kmpeye_68123456/config"
            payload = seen.json(config)
            assert payload["stat_t"] == "house/meters/68123456/reading"
            # It tells its birth there as long as nobody changes that too.
            for prefix in ("ha", "homeassistant"):
                before = len(seen.payloads(config))
                seen.publish(prefix + "/status", "online")
                seen.get(config, lambda _, before=before: len(seen.payloads(config)) > before)
