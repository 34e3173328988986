"""The announcements of all profiles taken in by the real Home Assistant over mosquitto: what became of each entity.

Uses house.py beside it. Promises: nothing that Home Assistant has to say against an announcement is passed over.
"""

import asyncio
import json
import logging

import pytest
from homeassistant.components import mqtt
from homeassistant.helpers import device_registry, entity_registry

from home_assistant.announced import DEVICE_DISCOVERY, RELEASE, announcement, components, too_new
from home_assistant.house import until, with_mqtt
from host.mqtt_bench import broker
from host.test_home_assistant import PROFILES, App

pytestmark = pytest.mark.skipif(RELEASE < DEVICE_DISCOVERY, reason="this release knows no device discovery")
SERIALS = {name: "%08d" % (68000000 + number) for number, name in enumerate(PROFILES)}
_CONCERNED = (
    "homeassistant.components.mqtt",
    "homeassistant.components.sensor",
    "homeassistant.components.binary_sensor",
    "homeassistant.components.button",
    "homeassistant.helpers",
)
_DIAGNOSIS = {"state": "ok", "text": "", "last_answer": "2026-09-21T12:00:00Z", "replies": 7, "rssi": -61}


class Complaints(logging.Handler):
    """What Home Assistant's MQTT and entity platforms warn of."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.lines = []

    def emit(self, record):
        if record.name.startswith(_CONCERNED):
            if not record.stack_info:  # reports on the way this test starts the integration
                self.lines.append(record.getMessage())


async def publish(hass, name, flags, payload=None):
    """What a reader sends; with a payload its announcement goes first, as on a change."""
    serial = SERIALS[name]
    app = App(name)

    async def send(topic, what, retain):
        await mqtt.async_publish(hass, topic, what.replace("68123456", serial), 0, retain)

    if payload:
        await send("homeassistant/device/kmpeye_%s/config" % serial, json.dumps(payload), False)
    await send("kmpeye/%s/status" % serial, "online", True)
    await send("kmpeye/%s/reading" % serial, json.dumps(app.reading()), True)
    await send("kmpeye/%s/diagnosis" % serial, json.dumps({**_DIAGNOSIS, "flags": flags}), True)
    if not payload:
        await send("homeassistant/device/kmpeye_%s/config" % serial, json.dumps(announcement(name)), False)


def taken(hass):
    """{serial: {key: (entry, state)}} of everything that was registered."""
    found = {}
    for entry in entity_registry.async_get(hass).entities.values():
        serial, _, key = entry.unique_id.partition("_")
        found.setdefault(serial, {})[key] = entry, hass.states.get(entry.entity_id)
    return found


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """What Home Assistant made of all profiles: entities, device names, complaints."""
    folder = tmp_path_factory.mktemp("house")
    complaints = Complaints()

    async def run(port):
        async with with_mqtt(folder, port) as hass:
            for name in PROFILES:
                await publish(hass, name, [])
            wanted = {SERIALS[name]: set(expected(name)) for name in PROFILES}

            def done():
                now = taken(hass)
                return all(wanted[serial] <= now.get(serial, {}).keys() for serial in wanted) and all(
                    state.state not in ("unknown", "unavailable")
                    for entities in now.values()
                    for entry, state in entities.values()
                    if state and entry.domain != "button"
                )

            def lacking():
                now = taken(hass)
                return (
                    {
                        serial: [key for key in keys if key not in now.get(serial, {})]
                        for serial, keys in wanted.items()
                    },
                    {
                        entry.entity_id: state.state
                        for entities in now.values()
                        for entry, state in entities.values()
                        if state and state.state in ("unknown", "unavailable") and entry.domain != "button"
                    },
                    complaints.lines,
                )

            await until(hass, done, lacking)
            devices = device_registry.async_get(hass).devices.values()
            return taken(hass), {device.serial_number: device for device in devices}

    logging.getLogger().addHandler(complaints)
    try:
        with broker(folder) as one:
            return (*asyncio.run(run(one.port)), complaints.lines)
    finally:
        logging.getLogger().removeHandler(complaints)


def expected(name):
    """{key: (platform, configuration)} of what this release can take."""
    return {
        key: (platform, one) for key, (platform, one) in components(name).items() if too_new(one) != "class"
    }


@pytest.mark.parametrize("name", PROFILES)
def test_every_component_becomes_an_entity(house, name):
    entities, devices, _ = house
    found = entities[SERIALS[name]]
    assert {key: entry.domain for key, (entry, _) in found.items()} == {
        key: platform for key, (platform, _) in expected(name).items()
    }
    device = devices[SERIALS[name]]
    assert (device.manufacturer, device.model) == ("Kamstrup", App(name).profile.model)


@pytest.mark.parametrize("name", PROFILES)
def test_entities_show_the_reading_with_its_class_and_unit(house, name):
    found = house[0][SERIALS[name]]
    registers = App(name).reading()["registers"]
    for key, (_, one) in expected(name).items():
        entry, state = found[key]
        assert (entry.disabled_by is not None) == (one.get("enabled_by_default") is False), key
        category = one.get("entity_category")
        assert entry.entity_category == category, key
        if state is None:
            assert entry.disabled_by, key
            continue
        for part in ("device_class", "state_class", "unit_of_measurement"):
            assert state.attributes.get(part) == one.get(part), key
        if key in registers and "*10" not in one["value_template"]:
            assert state.state == str(registers[key]["value"]), key
        if entry.domain == "binary_sensor":
            assert state.state == "off", key


def test_home_assistant_has_nothing_against_it(house):
    unknown = [one for name in PROFILES for _, one in components(name).values() if too_new(one)]
    words = {one["device_class"] for one in unknown if too_new(one) == "class"}
    words |= {one["unit_of_measurement"] for one in unknown if too_new(one) == "unit"}
    assert not [line for line in house[2] if not any(word in line for word in words)]
    if not words:
        assert not house[2]


def test_what_changes_later_is_taken_and_hides_nothing(tmp_path):
    name = "multical21"
    serial = SERIALS[name]
    config = "homeassistant/device/kmpeye_%s/config" % serial
    complaints = Complaints()

    async def run(port):
        async with with_mqtt(tmp_path, port) as hass:

            def state(key):
                return taken(hass).get(serial, {}).get(key, (None, None))[1]

            async def shows(key, value):
                await until(hass, lambda: state(key) and state(key).state == value, lambda: (key, state(key)))

            async def announce(payload):
                text = json.dumps(payload) if payload else ""
                await mqtt.async_publish(hass, config, text.replace("68123456", serial), 0, False)

            await publish(hass, name, ["leak"])
            await shows("volume", "123.456")
            await shows("flag_leak", "on")
            # Rests longer than before: until its topics speak Home Assistant shows nothing, so they speak at once.
            payload = announcement(name)
            for one in payload["cmps"].values():
                if "exp_aft" in one:
                    one["exp_aft"] *= 2
            await announce(payload)
            await shows("volume", "unavailable")
            await shows("flag_leak", "unavailable")
            await publish(hass, name, ["leak"], payload)
            await shows("volume", "123.456")
            await shows("flag_leak", "on")
            # Taken back: what is there, and what is not there any more.
            for _ in range(2):
                payload["cmps"]["flow"] = payload["cmps"]["never"] = {"p": "sensor"}
                await announce(payload)
                await until(hass, lambda: "flow" not in taken(hass)[serial], lambda: taken(hass)[serial])
            await shows("volume", "123.456")
            # Another meter: the device goes.
            await announce(None)
            await until(hass, lambda: serial not in taken(hass), lambda: taken(hass))
            assert not device_registry.async_get(hass).devices

    logging.getLogger().addHandler(complaints)
    try:
        with broker(tmp_path) as one:
            asyncio.run(run(one.port))
    finally:
        logging.getLogger().removeHandler(complaints)
    words = [word for word in ("temperature_delta", "L/h") if RELEASE < (2025, 11)]
    assert not [line for line in complaints.lines if not any(word in line for word in words)]
