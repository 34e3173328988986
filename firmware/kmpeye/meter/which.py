# Which meter is it: by GetType where the code is known, else by what it answers; a stranger is asked for the whole
# catalogue, once. Needed once: the reader lets go of it. Imports profile and kmp; how to ask comes in.
# Promises few questions: four requests at most tell the profiles apart (some water meters fall silent after five).

import gc
import json

from micropython import const

from kmp.command import MAX_REGISTERS, get_serial, get_type, read_serial, read_type
from kmp.frame import ProtocolError
from kmpeye.meter.profile import names

_SPLITS = const(3)  # requests that tell profiles apart, after one that fits all
_SURE_PART = const(2)  # a profile is this meter's if at least 1 / this of its registers asked for were given
_SURE = const(3)  # registers in common that need no further question
_LIVE = const(8)  # one request
_SLOW = const(16)


class Found:
    """profile: its name; alike: names that answer the same; serial: text or None; type: as "0001", or None;
    offered: for a stranger, whom no profile fits: the ids it gave, of all there are; else None."""

    def __init__(self):
        self.profile = self.serial = self.type = self.revision = self.offered = None
        self.alike = ()


async def find_out(ask, registers, folder):
    """The Found of the meter at the other end, or None when it does not say enough.

    ask: coroutine (application) -> application of the answer, or None when there is none.
    registers: coroutine (up to 8 ids) -> list of the ids that were given, or None when there is no answer.
    """
    found = Found()
    reply = await ask(get_type())
    try:
        if reply is not None:
            type_id, found.revision = read_type(reply)
            found.type = "%04X" % type_id
            for name in names(folder):
                if found.type in _part(name, folder, "types"):
                    found.profile = name
        reply = await ask(get_serial())
        if reply is not None:
            found.serial = str(read_serial(reply))
    except ProtocolError:
        pass  # the registers tell enough
    if not found.profile:
        await _by_registers(found, registers, folder)
    return found if found.profile else None


def _part(name, folder, *keys):
    """What a profile's file has under the keys, in one list. It is not checked as a whole, which takes twice the
    memory: one that is damaged is no candidate, and whoever chooses it is told."""
    gc.collect()
    try:
        with open("%s/%s.json" % (folder, name), "rb") as file:
            data = json.load(file)
        found = []
        for key in keys:
            value = data.get(key) or []
            found.extend(value if isinstance(value, list) else [value])
        return found
    except (AttributeError, OSError, TypeError, ValueError, RuntimeError):
        return []


def _ids(name, folder, *groups):
    return tuple([row[1] for row in _part(name, folder, *groups) if isinstance(row, list) and len(row) == 2])


async def _by_registers(found, registers, folder):
    candidates = []  # [points, evidence is "seen", name, ids]
    for name in names(folder):
        ids = _ids(name, folder, "live", "slow", "once")
        if ids:
            candidates.append([0, _part(name, folder, "evidence") == ["seen"], name, ids])
    asked = set()
    given = set()
    left = candidates
    for _ in range(1 + _SPLITS):
        batch = _best_batch(left, asked)
        if not batch:
            break
        answer = await registers(batch)
        if answer is None:
            break
        asked.update(batch)
        given.update(answer)
        for one in candidates:
            for register in batch:
                one[0] += (register in one[3]) == (register in answer)
        most = max([one[0] for one in candidates])
        left = [one for one in candidates if one[0] == most]
        if len(left) == 1:
            break
    if not given:
        return
    # Of those that answer the same: real replies seen, the plan that spares a battery, and no type code that would
    # have told it.
    left.sort(
        key=lambda one: (
            -one[0],
            not one[1],
            not _part(one[2], folder, "battery"),
            len(_part(one[2], folder, "types")) > 0,
            one[2],
        )
    )
    best = left[0]
    found.profile = best[2]
    found.alike = tuple([one[2] for one in left[1:]])
    of_profile = [register for register in asked if register in best[3]]
    common = [register for register in of_profile if register in given]
    if len(common) < _SURE or _SURE_PART * len(common) < len(of_profile):
        live = _ids(best[2], folder, "live")
        given = await registers(live) or ()
        if _SURE_PART * len([register for register in live if register in given]) < len(live):
            found.alike = ()
            found.offered = await _catalogue(registers)


def _best_batch(candidates, asked):
    """Up to 8 ids, not asked yet, that split the candidates best: those that nearly half of them have. The empty
    list when none does."""
    size = len(candidates)
    lowest = {}  # candidates as bits: the lowest id that these have; another that the same have tells no more
    for one in candidates:
        for register in one[3]:
            if register not in asked:
                have = 0
                for other in candidates:
                    have = have << 1 | (register in other[3])
                lowest[have] = min(register, lowest.get(have, register))
    lowest.pop((1 << size) - 1, None)
    ranked = sorted([(abs(2 * bin(have).count("1") - size), register) for have, register in lowest.items()])
    return sorted([register for _, register in ranked[:MAX_REGISTERS]])


async def _catalogue(registers):
    """All ids the meter gives, of all that are known."""
    from kmp.registers import known

    offered = []
    batch = []
    for register in [one for one, _ in known()]:
        batch.append(register)
        if len(batch) == MAX_REGISTERS:
            offered.extend(await registers(batch) or ())
            batch = []
    if batch:
        offered.extend(await registers(batch) or ())
    return offered


def adapt(profile, offered):
    """Make the profile of the nearest kin fit a stranger: what it asks for is what was given, the kin's own first."""
    from kmp.registers import known, register_key

    rows = [row for row in profile.registers if row[0] in offered]
    own = [register for register, _ in rows]
    names = dict([row for row in known() if row[0] in offered])
    rows += [(one, names.get(one) or register_key(one)) for one in offered if one not in own]
    once = [key for _, key in profile.once]
    profile.once = tuple([row for row in rows if row[1] in once])
    rows = [row for row in rows if row[1] not in once]
    profile.live = tuple(rows[:_LIVE])
    profile.slow = tuple(rows[_LIVE : _LIVE + _SLOW])
    profile.registers = profile.live + profile.slow + profile.once
    keys = [key for _, key in profile.registers]
    profile.high_resolution = tuple(
        [pair for pair in profile.high_resolution if pair[0] in keys and pair[1] in keys]
    )
    profile.model = "KMP meter like %s" % profile.model


def leave_out(profile, keys):
    """Take registers out of a profile that its meter was found not to offer."""
    for group in ("live", "slow", "once"):
        setattr(profile, group, tuple([row for row in getattr(profile, group) if row[1] not in keys]))
    profile.registers = profile.live + profile.slow + profile.once
