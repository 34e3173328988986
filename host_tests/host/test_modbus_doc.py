"""docs/modbus.md is what the server answers: its tables are generated, and no key or state is without a place.

Uses tools/modbus_doc, the profiles and the advice; the row addresses are held against the arithmetic of the page.
"""

import subprocess
import sys

from conftest import ROOT
from kmpeye.expose.modbus import image, rows
from kmpeye.head import advice
from kmpeye.meter.profile import load, names

METERS = str(ROOT / "firmware" / "meters")
PAGE = (ROOT / "docs" / "modbus.md").read_text(encoding="utf-8")


def test_the_tables_of_the_page_are_up_to_date():
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "modbus_doc", "--check"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_every_key_of_every_profile_has_a_place():
    keys = {key for name in names(METERS) for _, key in load(name, METERS).registers} - {"serial"}
    missing = sorted(keys - set(rows.KEYS.split()))
    assert not missing, "add these at the end of KEYS: %s" % missing


def test_no_key_has_two_places_and_there_is_room_for_own_ones():
    keys = rows.KEYS.split()
    assert len(set(keys)) == len(keys) <= rows._PLACES - 8
    assert image._END == image._ROWS + image._ROW * rows._PLACES


def test_every_state_that_has_advice_has_a_number():
    states = {line.partition("|")[0].partition(".")[0] for line in advice._TEXTS.splitlines() if "|" in line}
    known = rows.STATES.split()
    missing = sorted(states - set(known))
    assert not missing, "add these at the end of STATES: %s" % missing


def test_every_flag_of_every_profile_has_room():
    assert all(bit < 63 for name in names(METERS) for bit, _ in load(name, METERS).info)


def test_the_page_counts_rows_as_the_server_does():
    for place, key in enumerate(rows.KEYS.split()):
        assert "%d %s" % (1020 + 8 * place, key) in PAGE, key
