# Meter profiles: what to ask a meter, how often, and what wakes it. Data in meters/*.json (docs/adding-a-meter.md).
# Imports json, os and its neighbours. Promises a Profile that the rest may trust without looking again, or a
# ValueError that names the file, the key and what would be right. Needed once: the app lets go of it.

import json
import os

from micropython import const

from kmpeye.meter.flag_table import FlagTable

_MAX_BYTES = const(4096)  # with its notes for people; what ships has none and is half as long


class Profile:
    """Its name, and keys of the file as attributes: model, kind, evidence, baud, address, battery, interval_s, slow_s,
    wake {needs, settle_ms, awake_s}, budget {replies, awake_s}, limits {flow_m3h, power_kw} as far as known.
    types: what GetType may say, as "0001 0004"; empty when that is not known. live, slow, once: (id, key) each, in the
    order people want to see them; registers: all of them. info: (bit of register 99, flag) each; info_hours:
    (lowest of three bits of register 99, flag) each: how long it was active in the last 30 days. units: {code the meter
    sends: code it means}, where a meter departs from the table. high_resolution:
    (key of a total, key of its finer register) each. loggers: (address, log number, ids) each.

    It has no methods, so that this module can be let go of."""

    name = ""
    budget: dict


def names(folder="meters"):
    """The profiles there are, in alphabetical order."""
    try:
        return sorted([entry[:-5] for entry in os.listdir(folder) if entry.endswith(".json")])
    except OSError:
        return []


def load(name, folder="meters", keys=None):
    """The Profile of meters/<name>.json. keys: those that are wanted of it; without, all."""
    path = "%s/%s.json" % (folder, name)
    from kmpeye.meter.profile_check import check

    try:
        if name not in names(folder):  # so that a name with a slash in it finds nothing
            raise ValueError("does not exist; there are: " + ", ".join(names(folder)))
        right = check(_read(path))
    except (ValueError, RuntimeError, MemoryError) as e:  # the last two: brackets in brackets
        raise ValueError("%s: %s" % (path, e))
    right["types"] = " ".join(right["types"])
    for key in ("info", "info_hours"):
        right[key] = FlagTable(right[key]) if right[key] else ()
    profile = Profile()
    profile.name = name
    for key in keys or right:
        setattr(profile, key, right[key])
    return profile


def _read(path):
    """What the file says; ValueError."""
    try:
        if os.stat(path)[6] <= _MAX_BYTES:
            with open(path, "rb") as file:
                return json.load(file)
    except (OSError, ValueError, TypeError, RuntimeError, MemoryError) as e:
        # TypeError: MicroPython lets anything be a key. RuntimeError, MemoryError: brackets in brackets.
        raise ValueError("is not JSON that can be read: %s" % e)
    raise ValueError("is longer than %d bytes" % _MAX_BYTES)
