# The system: board, config, Wi-Fi, clock. What of it is needed once can be let go of, as memory is the scarcest here.

import sys

from micropython import const

# What readings, answers and chores need for a moment and share: whoever is done lets go of it.
_PASSING = const(
    "kmp.calendar kmp.command kmp.dates kmp.decimal kmp.encode kmp.log kmp.names kmp.packed kmp.service kmp.value "
    "readings.moment readings.texts readings.units"
)


def forget(*names):
    """Drop modules, and with them what is needed for a moment only, so that their memory is free again once nothing
    else refers to them; the next import loads them anew. names: of `kmp` whole, of `kmpeye` without it."""
    for name in names + tuple(_PASSING.split()):
        if name[:4] != "kmp.":
            name = "kmpeye." + name
        if sys.modules.pop(name, None):
            package, _, module = name.rpartition(".")
            delattr(sys.modules[package], module)
