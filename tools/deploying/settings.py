# What the person wants on the board: the board file and the keys of config.json, checked against the firmware's own
# table before anything is touched. Imports the firmware's config table and plan.

import difflib
import json
import secrets
import sys

from deploying.plan import Refused
from firmware_tree import FIRMWARE, ROOT

for _folder in (FIRMWARE, ROOT / "tools" / "cpython"):
    if str(_folder) not in sys.path:
        sys.path.append(str(_folder))

from kmpeye.system.config import SECRETS, TABLE, hashed, problem  # noqa: E402  (found only now)

# (variable of make and of the environment, key of config.json)
VARIABLES = (
    ("BOARD", "board"),
    ("METER", "meter"),
    ("WIFI_SSID", "wifi_ssid"),
    ("WIFI_PASSWORD", "wifi_password"),
    ("OWNER_PASSWORD", "owner_password"),
)
BOARDS = ROOT / "boards"
HEADS = BOARDS / "heads"
OF_HEAD = ("invert_tx", "invert_rx", "drive")  # what of the board's UART its head decides
# Asked where the parts list cannot know it.
_QUESTIONS = {
    "invert_tx": "does the LED of this head shine while its input is high (3.3 V)? [y/N] ",
    "invert_rx": "is the output of this head low (0 V) in the dark? [y/N] ",
}
AP_FILE = "ap.json"  # the board's own access point (firmware/kmpeye/system/wifi_ap.py)
_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"  # no two that look alike
_LENGTH = 12
METERS = FIRMWARE / "meters"


def names(folder):
    return sorted(path.stem for path in folder.glob("*.json"))


def unknown(variable, name, known):
    """The Refused for a name that is not among the known ones, with the one that was meant, as far as can be told."""
    near = difflib.get_close_matches(name.lower(), known, 1)
    meant = "; did you mean %s?" % near[0] if near else ";"
    return Refused("%s: there is no %s%s known: %s" % (variable, name, meant, ", ".join(known)))


def given(environment):
    """{key: value} of the variables that are set; Refused when one is not possible."""
    rows = {row[0]: row for row in TABLE}
    out = {}
    for variable, key in VARIABLES:
        value = environment.get(variable)
        if not value:
            continue
        wrong = problem(rows[key], value)
        if wrong:
            shown = "its value" if key in SECRETS else repr(value)
            raise Refused("%s: %s is not possible; %s" % (variable, shown, wrong))
        out[key] = hashed(value) if key == "owner_password" else value
    for key, folder in (("board", BOARDS), ("meter", METERS)):
        known = names(folder) + (["auto"] if key == "meter" else [])
        if key in out and out[key] not in known:
            raise unknown(key.upper(), out[key], known)
    return out


def access_point():
    """(what ap.json is to hold, the password in it): a password that no other board has."""
    password = "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))
    return json.dumps({"password": password}).encode(), password


def check_head(name):
    """The name again; Refused when there is no such head."""
    if name and name not in names(HEADS):
        raise unknown("HEAD", name, names(HEADS))
    return name


def fitted(board, head, ask=None):
    """The board with its UART as the head wants it. ask(question): the person's answer, for what a parts list cannot
    know; without a person it stays as the board file says."""
    parts = json.loads((HEADS / ("%s.json" % head)).read_text())
    uart = dict(board["uart"])
    for key in OF_HEAD:
        if parts[key] is not None:
            uart[key] = parts[key]
        elif ask:
            uart[key] = ask(_QUESTIONS[key]).strip().lower().startswith("y")
    return {**board, "uart": uart, "head": head}


def board_file(name):
    """The parsed board, None for a name that is not one of ours."""
    path = BOARDS / ("%s.json" % name)
    if name is None or path.stem not in names(BOARDS):
        return None
    return json.loads(path.read_text())
