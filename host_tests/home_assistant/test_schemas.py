"""Home Assistant's own schemas and tables over the announcement of every meter profile.

Uses the homeassistant of .venv-ha. Promises: strict schemas run beside the ones of discovery, which drop a misspelled
key in silence; our table of rules is held to the real one.
"""

import asyncio
import importlib
import re

import pytest
from homeassistant.components.energy import validate
from homeassistant.components.sensor.const import (
    DEVICE_CLASS_STATE_CLASSES,
    DEVICE_CLASS_UNITS,
    SensorDeviceClass,
)

from home_assistant.announced import DEVICE_DISCOVERY, RELEASE, announcement, components, too_new, written_out
from home_assistant.house import core
from host.test_home_assistant import PROFILES, RULES, App

# When host_tests/data/home_assistant_rules.json was written; older releases lack some of its units.
_TABLE = (2025, 11)


@pytest.fixture
def schema(tmp_path):
    """A function that puts a configuration through a platform's schema: inside Home Assistant, for templates."""

    async def check(platform, name, one):
        async with core(tmp_path):
            return getattr(importlib.import_module("homeassistant.components.mqtt." + platform), name)(one)

    return lambda platform, name, one: asyncio.run(check(platform, name, one))


def entities(name):
    """(key, platform, configuration) of what this release can take."""
    for key, (platform, one) in components(name).items():
        if platform != "sensor" or too_new(one) != "class":
            yield key, platform, one


def breach(one):
    """What Home Assistant's tables say against a sensor's class, unit and state class; None: nothing."""
    device_class, state = one.get("device_class"), one.get("state_class")
    if device_class is None:
        return None
    device_class = SensorDeviceClass(device_class)
    units = DEVICE_CLASS_UNITS.get(device_class, {None})
    if one.get("unit_of_measurement") not in units:
        return "%s in %s" % (device_class, one.get("unit_of_measurement"))
    if state is not None and state not in DEVICE_CLASS_STATE_CLASSES.get(device_class, ()):
        return "%s as %s" % (device_class, state)
    return None


@pytest.mark.skipif(RELEASE < DEVICE_DISCOVERY, reason="this release knows no device discovery")
@pytest.mark.parametrize("name", PROFILES)
def test_the_announcement_is_a_device(name):
    from homeassistant.components.mqtt.schemas import DEVICE_DISCOVERY_SCHEMA

    payload = written_out(announcement(name))
    assert DEVICE_DISCOVERY_SCHEMA(payload)["components"].keys() == payload["components"].keys()


@pytest.mark.parametrize("name", PROFILES)
def test_every_component_passes_its_platforms_schemas(name, schema):
    for _, platform, one in entities(name):
        found = schema(platform, "DISCOVERY_SCHEMA", dict(one))
        assert found.keys() >= one.keys() - {"origin"}  # an unknown key would be gone
        schema(platform, "PLATFORM_SCHEMA_MODERN", dict(one))


WRONG = (
    ("sensor", {"device_class": "warmth"}, "no such class"),
    ("sensor", {"state_class": "growing"}, "no such state class"),
    ("sensor", {"value_template": "{{ value_json."}, "a broken template"),
    ("sensor", {"unit_of_measure": "m³"}, "a misspelled key"),
    ("binary_sensor", {"expire_after": "soon"}, "no number"),
    ("button", {"command_topic": "kmpeye/#"}, "nothing can be published there"),
)


@pytest.mark.parametrize("platform, wrong, why", WRONG, ids=[row[2] for row in WRONG])
def test_what_is_wrong_is_refused(platform, wrong, why, schema):
    right = {"name": "A", "unique_id": "a", "command_topic" if platform == "button" else "state_topic": "a"}
    schema(platform, "PLATFORM_SCHEMA_MODERN", dict(right))
    with pytest.raises(Exception) as caught:
        schema(platform, "PLATFORM_SCHEMA_MODERN", {**right, **wrong})
    assert "Invalid" in type(caught.value).__name__


@pytest.mark.parametrize("name", PROFILES)
def test_class_unit_and_state_class_go_together(name):
    sensors = [(key, one) for key, platform, one in entities(name) if platform == "sensor"]
    wrong = [(key, breach(one)) for key, one in sensors if breach(one) and not too_new(one)]
    assert not wrong
    assert any(one.get("device_class") for _, one in sensors)


def test_a_wrong_combination_is_seen():
    assert breach({"device_class": "temperature", "unit_of_measurement": "kW"})
    assert breach({"device_class": "energy", "unit_of_measurement": "kWh", "state_class": "measurement"})
    assert breach({"device_class": "timestamp", "unit_of_measurement": "s"})


@pytest.mark.parametrize("name", PROFILES)
def test_the_energy_dashboard_takes_what_the_document_says(name):
    found = {key: one for key, platform, one in entities(name) if platform == "sensor"}
    if App(name).snapshot.meter.kind == "water":
        volume = found["volume"]
        assert volume["unit_of_measurement"] in validate.WATER_USAGE_UNITS[volume["device_class"]]
        assert volume["state_class"] == "total_increasing"
        return
    water = [
        key for key, one in found.items() if one.get("device_class") in validate.WATER_USAGE_DEVICE_CLASSES
    ]
    assert not water
    totals = [key for key in ("heat_energy", "cooling_energy", "energy_in") if key in found]
    assert totals
    for key in totals:
        energy = found[key]
        assert energy["unit_of_measurement"] in validate.GAS_USAGE_UNITS[energy["device_class"]]
        assert energy["unit_of_measurement"] in validate.ENERGY_USAGE_UNITS[energy["device_class"]]
        assert energy["state_class"] == "total_increasing"


@pytest.mark.skipif(RELEASE < _TABLE, reason="older than our table of rules")
def test_our_table_of_rules_is_no_wider_than_home_assistants():
    for name, rule in RULES["sensor"].items():
        device_class = SensorDeviceClass(name)
        assert set(rule["units"]) <= set(DEVICE_CLASS_UNITS.get(device_class, {None})), name
        assert set(rule["states"]) <= set(DEVICE_CLASS_STATE_CLASSES.get(device_class, ())), name
    dashboard = RULES["energy_dashboard"]
    assert set(dashboard["water"]["units"]) <= set(validate.WATER_USAGE_UNITS[SensorDeviceClass.WATER])
    assert set(dashboard["gas"]["units"]) <= set(validate.GAS_USAGE_UNITS[SensorDeviceClass.ENERGY])


def test_ids_are_those_a_topic_may_have():
    for name in PROFILES:
        for key in components(name):
            assert re.fullmatch("[a-zA-Z0-9_-]+", key), key
