# What a restart must not forget: which meter this is, what it leaves out, what was spent, what the guard knows.
# One file on flash, written at most once an hour by the reader. Knows system.keep alone.
# Promises that a damaged, oversized or foreign file is put aside with a warning, and everything is learned anew.

import os

from micropython import const

from kmpeye.system import keep

_FILE = const("state.json")
_ASIDE = const("state.bad.json")
_MOST_BYTES = const(6144)  # 16 totals of the longest kind, all held back, take 4 KB


def load(warnings):
    """The dict that save() was given last, or {}."""
    state = keep.load(_FILE, _MOST_BYTES)
    return state if isinstance(state, dict) else put_aside(warnings)


def put_aside(warnings):
    """What was kept cannot be used, as that of another version perhaps: {} instead."""
    try:
        os.rename(_FILE, _ASIDE)
        warnings.append("%s: damaged or too long; it is kept as %s, and learned anew" % (_FILE, _ASIDE))
    except OSError:
        pass  # there was none
    return {}


def save(state):
    """OSError when the flash refuses; then the old file stands."""
    keep.save(_FILE, state)


def forget():
    """The meter was exchanged, or everything is reset."""
    try:
        os.remove(_FILE)
    except OSError:
        pass
