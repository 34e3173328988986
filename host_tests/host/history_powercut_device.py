# Runs on MicroPython: littlefs in memory, a history on it, and the power cut at each flash operation of a step.
# Prints one JSON object: for each step how many operations it has, how many cuts were made, and what was wrong.
# A cut loses the operation (or, torn, does half of it) and all that follow; then the image is mounted anew.

import json

import vfs
from nor_flash import Flash

from kmpeye.readings.history.store import History
from kmpeye.system.timezone import Zone

_BLOCK = 4096
_BLOCKS = 24
_HOUR = 3600
_NEW_YEAR = 1767222000
_ZONE = Zone("CET-1CEST,M3.5.0,M10.5.0/3")

SEGMENT = _BLOCK  # bytes of a segment in the step that is looked at


def values(i):
    return {"energy": (2, 100000 + 7 * i, 0), "volume": (40, 3 * i, -2)}


def open_history(serial="1"):
    limit_bytes = 16384 + 5 * ((SEGMENT + _BLOCK - 1) // _BLOCK * _BLOCK)
    return History("/flash/history", ("energy", "volume"), serial, limit_bytes, _ZONE, segment_bytes=SEGMENT)


def recorded(history):
    return [(unix, found) for unix, _, found in history.records("hour", 0, 1 << 32)]


def add(first, count):
    def step(history):
        for i in range(first, first + count):
            history.append(_NEW_YEAR + _HOUR * i, _HOUR * i + 500 * _HOUR, values(i))

    return step


def without_clock(count):
    def step(history):
        for i in range(count):
            history.append(None, 5 + _HOUR * i, values(1000 + i))

    return step


def fix_up(history):
    history.clock_known(_NEW_YEAR + 2000 * _HOUR, 20 * _HOUR)


def fill(first, count):
    def step(history):
        for i in range(first, first + count):
            history.insert(_NEW_YEAR + _HOUR * i, values(i))

    return step


def exchange(history):
    history.serial = "2"
    add(301, 1)(history)


# name, bytes of a segment, what happened before, in this start or the one before, the step that is cut, and how many
# of the oldest hours may be missing then because they gave way
_STEPS = (
    ("the first record of all", 4096, (), (), add(0, 1), 0),
    ("an hour", 4096, add(0, 30), (), add(30, 1), 0),
    ("a midnight", 4096, add(0, 48), (), add(48, 1), 0),
    ("an hour across the end of a block", 8188, add(1, 405), (), add(406, 3), 0),
    ("a new segment", 1024, add(1, 82), (), add(83, 3), 0),
    ("a new segment where an old one gives way", 1024, add(1, 190), (), add(191, 60), 90),
    ("another meter", 4096, add(0, 301), (), exchange, 0),
    ("a fix-up", 4096, add(0, 30), without_clock(20), fix_up, 0),
    ("a fix-up of two segments", 1024, add(0, 30), without_clock(90), fix_up, 0),
    ("an hour of the logger", 4096, add(0, 30), (), fill(40, 2), 0),
)


class Start:
    """The image mounted, as when the chip starts."""

    def __init__(self, flash):
        self.flash = flash

    def __enter__(self):
        vfs.mount(vfs.VfsLfs2(self.flash), "/flash")
        return open_history()

    def __exit__(self, *_):
        vfs.umount("/flash")


def prepare(before):
    flash = Flash(_BLOCKS)
    vfs.VfsLfs2.mkfs(flash)
    with Start(flash) as history:
        if before:
            before(history)
    return flash


def waiting(found):
    """How many records of without_clock() are among these."""
    return len([row for row in found if row[1]["energy"][1] >= 107000])


def after_cut(flash, old, finished, may_go, undated_before):
    """What is wrong after the power came back; None when nothing is. undated_before: records that had no date when
    it went: they have one now, or none, but they are there."""
    with Start(flash) as history:
        found = recorded(history)
        if history.damaged:
            return "damaged: %s" % history.damaged
        kept = [row for row in old if row in found]
        if len(kept) < len(old) - may_go:
            return "%d of %d old records are gone" % (len(old) - len(kept), len(old))
        for row in found:
            if row not in finished and row not in old:
                return "a record that nobody wrote: %s" % (row,)
        dated = waiting(found)
        if undated_before and dated + history.index.undated != undated_before:
            return "%d dated and %d undated of %d" % (dated, history.index.undated, undated_before)
        if not history.append(_NEW_YEAR + _HOUR * 5000, _HOUR, values(5000)):
            return "no record afterwards: %s" % history.notes
        if recorded(history)[-1] != (_NEW_YEAR + _HOUR * 5000, values(5000)):
            return "the record afterwards is not there"
    return None


def sweep(name, segment, before, undated, step, may_go):
    global SEGMENT
    SEGMENT = segment
    flash = prepare(before)
    image = bytes(flash.data)
    with Start(flash) as history:
        old = recorded(history)
        if undated:
            undated(history)
        count = flash.operations
        step(history)
        count = flash.operations - count
        finished = recorded(history)
    undated_count = waiting(finished) if undated else 0
    wrong = []
    cuts = 0
    for torn in (False, True):
        for left in range(count):
            flash.data[:] = image
            flash.left = None
            flash.torn = torn
            with Start(flash) as history:
                if undated:
                    undated(history)
                flash.left = left
                step(history)
                if flash.left >= 0:
                    wrong.append("the power was not cut at operation %d" % left)
            cuts += 1
            flash.left = None
            said = after_cut(flash, old, finished, may_go, undated_count)
            if said:
                wrong.append("operation %d%s: %s" % (left, ", torn" if torn else "", said))
    return {"step": name, "operations": count, "cuts": cuts, "records": len(old), "wrong": wrong[:5]}


def full_of_other_things():
    """Files of others take all space: the oldest hours make room, days and the newest hours stay. What is wrong."""
    global SEGMENT
    SEGMENT = 1024
    with Start(prepare(add(0, 150))) as history:
        old = recorded(history)
        try:
            while True:
                with open("/flash/other", "ab") as file:
                    file.write(bytes(500))
        except OSError:
            pass
        add(150, 30)(history)
        found = recorded(history)
        days = len(list(history.records("day", 0, 1 << 32)))
    if [row for row in old if row[0] % 86400 == 82800 and row not in found] or days != 8:
        return "days are gone"
    if [row for row in found if row not in old] != [
        (_NEW_YEAR + _HOUR * i, values(i)) for i in range(150, 180)
    ]:
        return "not all new hours are there: %s" % history.notes
    return "" if len(found) < 180 else "nothing gave way"


wrong = full_of_other_things()
print(json.dumps({"sweeps": [sweep(*row) for row in _STEPS], "full": wrong}))
