# The system: board, config, Wi-Fi, clock. What of it is needed once can be let go of, as memory is the scarcest here.

import sys


def forget(*names):
    """Drop modules, so that their memory is free again once nothing else refers to them; the next import loads them
    anew."""
    for name in names:
        if sys.modules.pop(name, None):
            package, _, module = name.rpartition(".")
            delattr(sys.modules[package], module)
