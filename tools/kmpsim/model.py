# A simulated meter as data: reads and checks meters/*.json. Adding a meter is adding a file.
# Imports quantity. Promise: a Model that state.py can run, or a ValueError that names the file, the
# register and what would be right.

import json
import os
from dataclasses import dataclass
from fractions import Fraction

from kmpsim.quantity import NOW, TOTAL, UNIT_SIZE

_FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "meters")

# What a register may be, and the keys that this needs beside id, unit, nob, exponent and kind.
_KINDS = {
    "constant": {"value"},
    "serial": set(),
    "clock": set(),  # hhmmss
    "date": set(),  # YYMMDD
    "now": {"of"},  # a quantity of this minute
    "total": {"of", "start"},  # its sum, grown from start
    "max": {"of", "over", "start"},
    "min": {"of", "over", "start"},
    "when": {"of"},  # YYMMDD of the max or min register `of`
    "average": {"of", "over", "start"},  # weighted by volume
}
_PERIODS = ("month", "year")


@dataclass(frozen=True)
class Register:
    """One register: how it travels (id, unit, nob, exponent) and how it behaves (the rest)."""

    id: int
    unit: int
    nob: int
    exponent: int
    kind: str
    value: int = 0
    of: object = None
    over: str = ""
    start: int = 0

    @property
    def step(self):
        """The size of one step of the mantissa, in the units of quantity.py."""
        return Fraction(UNIT_SIZE[self.unit]) * Fraction(10) ** self.exponent


@dataclass(frozen=True)
class Model:
    """One meter. type_id and revision are None where GetType is not answered."""

    name: str
    serial: int
    baud: int
    address: int
    latency_ms: tuple
    type_id: int
    revision: tuple
    pattern: str
    peak_flow: int
    registers: tuple


def names():
    """The meters there are."""
    return sorted(entry[:-5] for entry in os.listdir(_FOLDER) if entry.endswith(".json"))


def load(name):
    """The Model called `name` ("multical21"; "MULTICAL 21" is understood too)."""
    key = name.lower().replace(" ", "")
    if key not in names():
        raise ValueError("there is no meter %r; there are %s" % (name, ", ".join(names())))
    with open(os.path.join(_FOLDER, key + ".json"), encoding="utf-8") as file:
        return parse(json.load(file), key)


def parse(data, key):
    """A Model from what stands in its file; key names it in messages."""
    try:
        registers = tuple(_register(one, key) for one in data["registers"])
        model = Model(
            name=data["name"],
            serial=data["serial"],
            baud=data["baud"],
            address=data["address"],
            latency_ms=tuple(data["latency_ms"]),
            type_id=int(data["type"], 16) if data["type"] else None,
            # "F1" travels as 06 01 (447 6.2.1)
            revision=(ord(data["revision"][0]) - 64, int(data["revision"][1:])) if data["type"] else None,
            pattern=data["pattern"],
            peak_flow=data["peak_flow"],
            registers=registers,
        )
    except KeyError as error:
        raise ValueError("%s: %s is missing" % (key, error)) from error
    if model.pattern not in ("water", "heat"):
        raise ValueError('%s: pattern is "water" or "heat", not %r' % (key, model.pattern))
    known = {}
    for register in registers:
        if register.id in known:
            raise ValueError("%s: register %d stands there twice" % (key, register.id))
        known[register.id] = register
    for register in registers:
        if register.kind == "when" and (
            register.of not in known or known[register.of].kind not in ("max", "min")
        ):
            raise ValueError("%s: register %d must be of a max or min register" % (key, register.id))
    return model


def _register(data, key):
    where = "%s: register %s" % (key, data.get("id", "without an id"))
    kind = data.get("kind")
    if kind not in _KINDS:
        raise ValueError("%s: kind is one of %s, not %r" % (where, ", ".join(_KINDS), kind))
    right = {"id", "unit", "nob", "exponent", "kind"} | _KINDS[kind]
    if set(data) != right:
        raise ValueError("%s: the keys of %r are %s" % (where, kind, ", ".join(sorted(right))))
    if "over" in right and data["over"] not in _PERIODS:
        raise ValueError("%s: over is month or year, not %r" % (where, data["over"]))
    if kind in ("now", "total", "max", "min", "average"):
        quantities = TOTAL if kind == "total" else NOW
        if data["of"] not in quantities:
            raise ValueError("%s: of is one of %s, not %r" % (where, ", ".join(quantities), data["of"]))
        if data["unit"] not in UNIT_SIZE:
            raise ValueError("%s: unit %r cannot be counted" % (where, data["unit"]))
    return Register(**data)
