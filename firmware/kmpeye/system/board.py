# What board this is: its pins, and how it restarts. Board files are boards/*.json; tools/deploy puts the chosen
# one on the chip as board.json. Imports nothing of ours.

import json
import sys

from micropython import const

_FILE = const("board.json")
_PERSON_MS = const(3600000)


def load(config):
    """The board file: a dict with uart {id, tx, rx, invert_tx, invert_rx, drive}, history_kib, and servo, coil, led,
    button where it has them. {} where there is none or it is no board file; then the port cannot be "uart", which is
    said as a warning."""
    try:
        with open(_FILE) as f:
            board = json.load(f)
        board["uart"]["tx"]
        return board
    except OSError:
        if config["port"] == "uart":
            config.warnings.append("port: uart needs %s; copy one of boards/ (make deploy does)" % _FILE)
    except (ValueError, KeyError, TypeError):
        config.warnings.append(
            "%s: not a board file; a JSON object with uart: {id, tx, rx} is expected" % _FILE
        )
    return {}


def restart():
    """Restart the chip; on a PC just leave with an error."""
    try:
        from machine import reset
    except ImportError:
        sys.exit(1)
    reset()


def patience():
    """Whoever stops the firmware has an hour at the prompt, or for a deploy: a watchdog cannot be stopped on the chip,
    but given more time."""
    try:
        from machine import WDT
    except ImportError:  # a PC
        return
    WDT(timeout=_PERSON_MS)
