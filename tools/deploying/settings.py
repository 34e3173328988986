# What the person wants on the board: the board file and the keys of config.json, checked against the firmware's own
# table before anything is touched. Imports the firmware's config table and plan.

import json
import secrets
import sys

from deploying.plan import Refused, small
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
AP_FILE = "ap.json"  # the board's own access point (firmware/kmpeye/system/wifi_ap.py)
_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"  # no two that look alike
_LENGTH = 12
METERS = FIRMWARE / "meters"


def names(folder):
    return sorted(path.stem for path in folder.glob("*.json"))


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
            raise Refused("%s: there is no %s; known: %s" % (key.upper(), out[key], ", ".join(known)))
    return out


def access_point():
    """(what ap.json is to hold, the password in it): a password that no other board has."""
    password = "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))
    return json.dumps({"password": password}).encode(), password


def board_file(name):
    """What board.json is to hold, and the parsed board; (None, None) for a name that is not one of ours."""
    path = BOARDS / ("%s.json" % name)
    if name is None or path.stem not in names(BOARDS):
        return None, None
    board = json.loads(path.read_text())
    return small(board), board
