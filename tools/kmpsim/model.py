# A simulated meter as data: reads and checks meters/*.json. Adding a meter is adding a file; one that is `like`
# another says only what differs. Imports quantity. Promise: a Model that state.py and logger.py can run, or a
# ValueError that names the file, the register and what would be right.

import dataclasses
import json
import os
from dataclasses import dataclass
from fractions import Fraction

from kmpsim.quantity import NOW, PATTERNS, TOTAL, UNIT_SIZE, fits

_FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "meters")

# What a register may be, and the keys that this needs beside id, unit, nob, exponent and kind.
_KINDS = {
    "constant": {"value"},
    "serial": set(),
    "clock": set(),  # hhmmss
    "date": set(),  # YYMMDD
    "rtc": set(),  # the eight bytes of unit 53
    "now": {"of"},  # a quantity of this minute
    "total": {"of", "start"},  # its sum, grown from start
    "max": {"of", "over", "start"},
    "min": {"of", "over", "start"},
    "when": {"of"},  # day (unit 48) or moment (53) of the max or min register `of`
    "average": {"of", "over", "start"},  # weighted by volume
}
_OPTIONAL = {"total": {"modulo"}}
_PERIODS = ("month", "year")
EVERY = ("quarter", "hour", "day", "month")  # how often a log gets a record: quarter is 15 minutes
# A log can hold what a moment alone decides; the extremes of the months before the simulation are not known.
_LOGGED = ("constant", "serial", "clock", "date", "rtc", "total")
# Registers of totals have 8 digits on the display and start again at 0 after them (447 has no rule; the
# meters' own data sheets give the digits).
_ROLLOVER = 10**8
_INFO = 99
# Energy as it may be programmed, {unit: (code, exponent)}: 447 4.4; digits as a MULTICAL of small size shows it.
ENERGY = {"kWh": (2, 0), "MWh": (3, -3), "GJ": (8, -2)}


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
    start: object = 0  # an integer or, after a change of unit, a Fraction: what the register does not show
    modulo: int = _ROLLOVER

    @property
    def step(self):
        """The size of one step of the mantissa, in the units of quantity.py."""
        return Fraction(UNIT_SIZE[self.unit]) * Fraction(10) ** self.exponent


@dataclass(frozen=True)
class Logger:
    """One log: where it answers, how often it notes which registers, how many records it holds, the number of
    the newest one at the start, and how long its replies may be."""

    address: int
    log: int
    every: str
    depth: int
    newest: int
    longest: int
    registers: tuple


@dataclass(frozen=True)
class Model:
    """One meter. type_id and revision are None where GetType is not answered; peak is in l/h, for electricity W."""

    name: str
    serial: int
    baud: int
    address: int
    latency_ms: tuple
    type_id: int
    revision: tuple
    pattern: str
    peak: int
    registers: tuple
    loggers: tuple


def names():
    """The meters there are."""
    return sorted(entry[:-5] for entry in os.listdir(_FOLDER) if entry.endswith(".json"))


def load(name):
    """The Model called `name` ("multical21"; "MULTICAL 21" is understood too)."""
    key = name.lower().replace(" ", "")
    if key not in names():
        raise ValueError("there is no meter %r; there are %s" % (name, ", ".join(names())))
    return parse(_read(key), key)


def parse(data, key):
    """A Model from what stands in its file; key names it in messages."""
    try:
        data = _whole(data, key)
        registers = tuple(_register(one, key, data["pattern"]) for one in data["registers"])
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
            peak=data["peak"],
            registers=registers,
            loggers=tuple(_logger(one, key, registers) for one in data.get("loggers", ())),
        )
    except KeyError as error:
        raise ValueError("%s: %s is missing" % (key, error)) from error
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


def with_info(model, value):
    """The same meter with this info code."""
    registers = []
    for register in model.registers:
        if register.id == _INFO:
            if not 0 <= value < 256**register.nob:
                most = 256**register.nob - 1
                raise ValueError("the info code of a %s is 0 to %d, not %d" % (model.name, most, value))
            register = dataclasses.replace(register, value=value)
        registers.append(register)
    if _INFO not in [register.id for register in registers]:
        raise ValueError("a %s has no info code" % model.name)
    return dataclasses.replace(model, registers=tuple(registers))


def with_energy(model, name):
    """The same heat meter, programmed for kWh, MWh or GJ: the same energy, in other units. Registers that are
    finer than the display (Wh) stay as they are."""
    unit, exponent = ENERGY[name]
    codes = [code for code, _ in ENERGY.values()]
    if model.pattern != "heat":
        raise ValueError("a %s has no energy in %s" % (model.name, name))
    registers = []
    for register in model.registers:
        if register.unit in codes:
            changed = dataclasses.replace(register, unit=unit, exponent=exponent)
            ratio = register.step / changed.step
            register = dataclasses.replace(
                changed, start=register.start * ratio, value=int(register.value * ratio)
            )
        registers.append(register)
    return dataclasses.replace(model, registers=tuple(registers))


def _read(key):
    with open(os.path.join(_FOLDER, key + ".json"), encoding="utf-8") as file:
        return json.load(file)


def _whole(data, key):
    """`data` with what it takes over from the meter it is like: all registers but those in `without`, unless
    it has its own."""
    if "like" not in data:
        return data
    if data["like"] not in names():
        raise ValueError("%s: like is one of %s, not %r" % (key, ", ".join(names()), data["like"]))
    base = _whole(_read(data["like"]), data["like"])
    own = {one["id"]: one for one in data.get("registers", ())}
    without = data.get("without", ())
    theirs = [one["id"] for one in base["registers"]]
    for one in without:
        if one not in theirs:
            raise ValueError("%s: without %d: a %s has no such register" % (key, one, base["name"]))
    registers = [own.pop(one["id"], one) for one in base["registers"] if one["id"] not in without]
    return {**base, **data, "registers": registers + list(own.values())}


def _register(data, key, pattern):
    where = "%s: register %s" % (key, data.get("id", "without an id"))
    if pattern not in PATTERNS:
        raise ValueError("%s: pattern is one of %s, not %r" % (key, ", ".join(PATTERNS), pattern))
    kind = data.get("kind")
    if kind not in _KINDS:
        raise ValueError("%s: kind is one of %s, not %r" % (where, ", ".join(_KINDS), kind))
    right = {"id", "unit", "nob", "exponent", "kind"} | _KINDS[kind]
    if set(data) - _OPTIONAL.get(kind, set()) != right:
        raise ValueError("%s: the keys of %r are %s" % (where, kind, ", ".join(sorted(right))))
    if "over" in right and data["over"] not in _PERIODS:
        raise ValueError("%s: over is month or year, not %r" % (where, data["over"]))
    if kind in ("now", "total", "max", "min", "average"):
        quantities = [one for one in (TOTAL if kind == "total" else NOW) if fits(one, pattern)]
        if data["of"] not in quantities:
            raise ValueError("%s: of is one of %s, not %r" % (where, ", ".join(quantities), data["of"]))
        if data["unit"] not in UNIT_SIZE:
            raise ValueError("%s: unit %r cannot be counted" % (where, data["unit"]))
    return Register(**data)


def _logger(data, key, registers):
    where = "%s: log %s" % (key, data.get("log", "without a number"))
    right = [field.name for field in dataclasses.fields(Logger)]
    if sorted(data) != sorted(right):
        raise ValueError("%s: the keys are %s" % (where, ", ".join(right)))
    if data["every"] not in EVERY:
        raise ValueError("%s: every is one of %s, not %r" % (where, ", ".join(EVERY), data["every"]))
    kinds = {register.id: register.kind for register in registers}
    for one in data["registers"]:
        if kinds.get(one) not in _LOGGED:
            raise ValueError("%s: register %d is none that a log can hold" % (where, one))
    return Logger(**{**data, "registers": tuple(data["registers"])})
