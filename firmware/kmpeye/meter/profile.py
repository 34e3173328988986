# Meter profiles: what to ask a meter, how often, and what wakes it. Data in meters/*.json (docs/adding-a-meter.md).
# Imports json and os; profile_check while it loads. Promises a Profile that the rest may trust without looking
# again, or a ProfileError that names the file, the key and what would be right; a profile keeps at most 3 KiB.

import json
import os
import sys

from micropython import const

_MAX_BYTES = const(4096)  # with its notes for people; what ships has none and is half as long


class ProfileError(Exception):
    """A profile cannot be used; the message says which key and what is right."""


class Profile:
    """The keys of the file as attributes: model, kind, evidence, baud, address, battery, interval_s, slow_s,
    wake {needs, settle_ms, awake_s}, budget {replies, awake_s}, limits {flow_m3h, power_kw} as far as known.
    live, slow, once: lists of (id, key), in the order people want to see them. high_resolution: list of (key of
    a total, key of its finer register). loggers: list of (address, log number, ids)."""

    def __init__(self, name, right):
        """right: what profile_check.check made of the file."""
        self.name = name
        self.model = right["model"]
        self.kind = right["kind"]
        self.evidence = right["evidence"]
        self.baud = right["baud"]
        self.address = right["address"]
        self.battery = right["battery"]
        self.interval_s = right["interval_s"]
        self.slow_s = right["slow_s"]
        self.wake = right["wake"]
        self.budget = right["budget"]
        self.limits = right["limits"]
        self.live = right["live"]
        self.slow = right["slow"]
        self.once = right["once"]
        self.high_resolution = right["high_resolution"]
        self.loggers = right["loggers"]
        # One text each: as lists they would be a third of the profile, and they are rarely looked at.
        self._types = " ".join(right["types"])
        self._info = " ".join(["%d %s" % row for row in right["info"]])
        self._info_hours = " ".join(["%d %s" % row for row in right["info_hours"]])

    @property
    def registers(self):
        """All (id, key), the live ones first."""
        return self.live + self.slow + self.once

    @property
    def types(self):
        """What GetType may say, as "0001"; empty when that is not known."""
        return tuple(self._types.split())

    @property
    def info(self):
        """[(bit of register 99, flag)]."""
        return _rows(self._info)

    @property
    def info_hours(self):
        """[(lowest of three bits of register 99, flag)]: how long it was active in the last 30 days."""
        return _rows(self._info_hours)


def _rows(text):
    parts = text.split()
    return [(int(parts[i]), parts[i + 1]) for i in range(0, len(parts), 2)]


def names(folder="meters"):
    """The profiles there are, in alphabetical order."""
    try:
        return sorted([entry[:-5] for entry in os.listdir(folder) if entry.endswith(".json")])
    except OSError:
        return []


def load(name, folder="meters"):
    """The Profile of meters/<name>.json."""
    path = "%s/%s.json" % (folder, name)
    from kmpeye.meter.profile_check import check

    try:
        if name not in names(folder):  # so that a name with a slash in it finds nothing
            raise ProfileError("does not exist; there are: " + ", ".join(names(folder)))
        if os.stat(path)[6] > _MAX_BYTES:
            raise ProfileError("is longer than %d bytes" % _MAX_BYTES)
        with open(path, "rb") as file:
            return Profile(name, check(json.load(file)))
    except ProfileError as e:
        raise ProfileError("%s: %s" % (path, e))
    except (OSError, ValueError, TypeError, RuntimeError, MemoryError) as e:
        # TypeError: MicroPython lets anything be a key. RuntimeError, MemoryError: brackets in brackets.
        raise ProfileError("%s: is not JSON that can be read: %s" % (path, e))
    finally:
        # 4 KB that nobody needs until the next profile.
        del sys.modules["kmpeye.meter.profile_check"], sys.modules["kmpeye.meter"].profile_check
