"""What kmpeye announces, as the installed Home Assistant reads it: abbreviations written out, shared options merged.

Uses homeassistant's tables and the announcements of host/test_home_assistant.py. Promises: what is known to be newer
than a release is named here, with the release that has it; anything else a test may not excuse.
"""

import contextlib
import tempfile

from homeassistant.components.mqtt import abbreviations
from homeassistant.components.sensor.const import DEVICE_CLASS_UNITS, SensorDeviceClass
from homeassistant.const import MAJOR_VERSION, MINOR_VERSION

from host.test_home_assistant import App

RELEASE = (MAJOR_VERSION, MINOR_VERSION)
DEVICE_DISCOVERY = (2024, 11)  # older ones do not listen to our topic at all
_NEWER_CLASSES = {"temperature_delta": (2025, 11)}
_NEWER_UNITS = {"L/h": (2025, 5)}
_SHARED = ("availability_topic", "state_topic")


def announcement(name):
    """The payload of a profile whose reader announces itself for the first time."""
    with tempfile.TemporaryDirectory() as flash, contextlib.chdir(flash):
        return App(name).announcement()


def _long(part, names):
    return {names.get(key, key): value for key, value in part.items()}


def written_out(payload):
    """The whole announcement without abbreviations."""
    payload = _long(payload, abbreviations.ABBREVIATIONS)
    # Releases before device discovery lack these three.
    payload = _long(payload, {"cmps": "components", "dev": "device", "o": "origin"})
    payload["device"] = _long(payload["device"], abbreviations.DEVICE_ABBREVIATIONS)
    payload["origin"] = _long(payload["origin"], abbreviations.ORIGIN_ABBREVIATIONS)
    payload["components"] = {
        key: _long(_long(one, abbreviations.ABBREVIATIONS), {"p": "platform"})
        for key, one in payload["components"].items()
    }
    return payload


def components(name):
    """{key: (platform, configuration)} of a profile: each as if it had been announced alone."""
    payload = written_out(announcement(name))
    whole = {key: payload[key] for key in (*_SHARED, "device", "origin")}
    found = {}
    for key, one in payload["components"].items():
        platform = one.pop("platform")
        if platform == "button":
            found[key] = platform, {**whole, **one}
            found[key][1].pop("state_topic")
        else:
            found[key] = platform, {**whole, **one}
    return found


def too_new(one):
    """Why this release cannot take a sensor as it is meant, or None. one: its written-out configuration."""
    device_class, unit = one.get("device_class"), one.get("unit_of_measurement")
    if RELEASE < _NEWER_CLASSES.get(device_class, RELEASE):
        assert device_class not in list(SensorDeviceClass)
        return "class"
    if device_class and RELEASE < _NEWER_UNITS.get(unit, RELEASE):
        assert unit not in DEVICE_CLASS_UNITS[SensorDeviceClass(device_class)]
        return "unit"
    return None
