# Settings: one table says what exists, what is allowed and what is used when nothing is said. Read from
# config.json beside the firmware. A bad value never stops the reader: it is named, and the default is used.
# Imports nothing of ours; let go of after the start.

import json
import os

from micropython import const

_MAX_BYTES = const(4096)  # twenty times a usual config; a larger file is not one

# key, kind, allowed, default, what it is for.
#   int: allowed is (least, most); text: allowed is the longest length; choice: allowed is a tuple of words.
#   A default of None means "not set", and null is then allowed in the file.
TABLE = (
    ("name", "text", 32, "kmpeye", "what this reader is called on its page and in the network"),
    ("meter", "text", 32, "multical21", "profile of the meter: a file name of meters/ without .json"),
    ("port", "text", 128, "uart", "where the head is: uart, a device path, or socket://HOST:PORT"),
    ("board", "text", 32, None, "board file with the pins of the uart: a file name of boards/ without .json"),
    ("address", "int", (0, 255), None, "KMP address of the meter; not set: the profile's (63)"),
    ("baud", "int", (300, 9600), None, "line speed; not set: the profile's"),
    ("interval_s", "int", (10, 86400), None, "seconds between readings; not set: the profile's"),
    ("http_host", "text", 64, "0.0.0.0", "address the page listens on; 0.0.0.0 is every network"),
    ("http_port", "int", (1, 65535), 80, "TCP port of the page"),
    ("wifi_ssid", "text", 32, None, "name of the Wi-Fi network"),
    ("wifi_password", "text", 63, None, "its password; never shown again"),
)
SECRETS = ("wifi_password",)


def problem(row, value):
    """Why a value is not allowed for a row of the table: None, or what would be right."""
    _, kind, allowed, default, _ = row
    if value is None and default is None:
        return None
    if kind == "int":
        if isinstance(value, int) and not isinstance(value, bool) and allowed[0] <= value <= allowed[1]:
            return None
        return "a whole number from %d to %d is allowed" % allowed
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
