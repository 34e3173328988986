# Settings: one table says what exists, what is allowed and what is used when nothing is said. Read from
# config.json beside the firmware. A bad value never stops the reader: it is named, and the default is used.
# Imports nothing of ours; let go of after the start.

import json
import os

from micropython import const

_MAX_BYTES = const(4096)  # twenty times a usual config; a larger file is not one

# key, kind, allowed, default, what it is for.
#   int: allowed is (least, most); text: allowed is the longest length; choice: allowed is a tuple of words;
#   bool: true or false.
#   A default of None means "not set", and null is then allowed in the file.
TABLE = (
    ("name", "text", 32, "kmpeye", "what this reader is called on its page and in the network"),
    (
        "meter",
        "text",
        32,
        "auto",
        "profile of the meter: a file name of meters/ without .json; auto finds it out",
    ),
    ("port", "text", 128, "uart", "where the head is: uart, a device path, or socket://HOST:PORT"),
    ("board", "text", 32, None, "board file with the pins of the uart: a file name of boards/ without .json"),
    ("address", "int", (0, 255), None, "KMP address of the meter; not set: the profile's (63)"),
    (
        "baud",
        "int",
        (300, 9600),
        None,
        "line speed; not set: the profile's, others are tried when it is garbled",
    ),
    ("interval_s", "int", (10, 86400), None, "seconds between readings; not set: the profile's"),
    ("wake", "choice", ("none", "fixed", "servo", "coil", "key", "iec"), None, "what wakes the meter's eye"),
    ("wake_rest_deg", "int", (0, 180), 0, "servo: angle with the magnet away"),
    ("wake_deg", "int", (0, 180), 90, "servo: angle with the magnet at the meter, or the key pressed"),
    ("wake_travel_ms", "int", (100, 5000), 500, "servo: time from one angle to the other"),
    ("wake_max_on_ms", "int", (100, 60000), 30000, "coil: longest time it is on, whatever happens"),
    ("wake_how", "choice", ("servo", "coil"), "servo", "key: what presses it"),
    ("wake_press_ms", "int", (50, 2000), 500, "key: how long it is pressed"),
    (
        "allow_meter_writes",
        "bool",
        None,
        False,
        "lets this reader set the meter's clock; nothing else is ever changed",
    ),
    ("timezone", "text", 64, "CET-1CEST,M3.5.0,M10.5.0/3", "POSIX TZ string: where days and months begin"),
    (
        "ntp",
        "text",
        128,
        "0.pool.ntp.org 1.pool.ntp.org 2.pool.ntp.org",
        "servers of the time, tried in turn",
    ),
    ("history_kib", "int", (64, 4096), 400, "flash for the history"),
    ("http_host", "text", 64, "0.0.0.0", "address the page listens on; 0.0.0.0 is every network"),
    ("http_port", "int", (1, 65535), 80, "TCP port of the page"),
    ("wifi_ssid", "text", 32, None, "name of the Wi-Fi network"),
    ("wifi_password", "text", 63, None, "its password; never shown again"),
    ("mqtt_host", "text", 64, None, "MQTT broker; not set: no MQTT"),
    ("mqtt_port", "int", (1, 65535), None, "its TCP port; not set: 1883, with TLS 8883"),
    ("mqtt_user", "text", 64, None, "user name at the broker"),
    ("mqtt_password", "text", 64, None, "password at the broker; never shown again"),
    ("mqtt_base", "text", 64, "kmpeye", "first part of every MQTT topic"),
    ("mqtt_tls", "bool", None, False, "speak TLS with the broker"),
    (
        "mqtt_ca",
        "text",
        64,
        None,
        "file on the flash with the CA that signed the broker's certificate (DER or PEM)",
    ),
    ("mqtt_tls_insecure", "bool", None, False, "TLS without looking at the broker's certificate"),
    ("mqtt_cert", "text", 64, None, "file on the flash with our certificate, where the broker wants one"),
    ("mqtt_key", "text", 64, None, "file on the flash with the key of our certificate"),
    ("ha_prefix", "text", 64, "homeassistant", "Home Assistant's discovery topic"),
    ("ha_discovery", "bool", None, True, "announce the meter to Home Assistant"),
    ("modbus", "bool", None, False, "serve Modbus TCP"),
    ("modbus_port", "int", (1, 65535), 502, "its TCP port"),
    ("bacnet", "bool", None, False, "serve BACnet/IP"),
    ("bacnet_port", "int", (1, 65535), 47808, "its UDP port"),
    (
        "bacnet_instance",
        "int",
        (0, 4194302),
        None,
        "device instance; not set: made of the meter's serial number",
    ),
    ("bacnet_name", "text", 64, None, "device name; not set: name and serial number"),
    ("bacnet_location", "text", 64, None, "device location"),
    ("bacnet_vendor", "int", (0, 65535), 0, "vendor identifier; 0 is ASHRAE, ours is not assigned"),
    ("bacnet_bbmd", "text", 64, None, "HOST:PORT of a BBMD to register with as a foreign device"),
    ("bacnet_ttl_s", "int", (30, 65535), 300, "time to live of that registration"),
    ("kmptcp", "bool", None, False, "serve the meter's own protocol over TCP, read-only"),
    ("kmptcp_port", "int", (1, 65535), 1025, "its TCP port"),
)
SECRETS = ("wifi_password", "mqtt_password")


def problem(row, value):
    """Why a value is not allowed for a row of the table: None, or what would be right."""
    _, kind, allowed, default, _ = row
    if value is None and default is None:
        return None
    if kind == "int":
        if isinstance(value, int) and not isinstance(value, bool) and allowed[0] <= value <= allowed[1]:
            return None
        return "a whole number from %d to %d is allowed" % allowed
    if kind == "bool":
        return None if isinstance(value, bool) else "true or false is allowed"
    if kind == "choice":
        return None if value in allowed else "one of %s is allowed" % ", ".join(allowed)
    if isinstance(value, str) and 0 < len(value) <= allowed:
        return None
    return "a text of 1 to %d characters is allowed" % allowed


class Config(dict):
    """Every key of TABLE; `warnings` says in sentences what was wrong with the file. It has no methods, so that this
    module can be let go of."""

    warnings: list


def checked(data):
    """A Config of what the file held, a dict; unknown keys and wrong values become warnings."""
    config = Config()
    config.warnings = []
    for row in TABLE:
        key = row[0]
        value = data.get(key, row[3])
        wrong = problem(row, value)
        if wrong:
            shown = "its value" if key in SECRETS else repr(value)
            default = "the default" if row[3] is None else repr(row[3])
            config.warnings.append("%s: %s is not possible; %s; %s is used" % (key, shown, wrong, default))
            value = row[3]
        config[key] = value
    for key in data:
        if key not in config:
            config.warnings.append("%s: there is no such setting" % key)
    return config


def load(path="config.json"):
    """Config from a file. A file that does not exist is no problem, one that is damaged is a warning."""
    data = None
    try:
        size = os.stat(path)[6]
        if size <= _MAX_BYTES:
            with open(path) as file:
                text = file.read(size)  # as much as there is: 4 KB in one piece are not always free
            if text.rstrip().endswith("}"):  # MicroPython takes what a power cut leaves for JSON
                data = json.loads(text)
    except OSError:
        return checked({})
    except (ValueError, TypeError, RuntimeError, MemoryError):  # as for a profile: JSON from anywhere
        pass
    if isinstance(data, dict):
        return checked(data)
    config = checked({})
    config.warnings.append(
        "%s: not a JSON object of at most %d bytes; the defaults are used" % (path, _MAX_BYTES)
    )
    return config
