"""A power cut before or in the middle of every flash operation of an update, from the upload to the proof, leaves the
old version or the new one, complete, and the next update works.

Uses update_powercut_device.py, which runs on MicroPython with its real littlefs and ROMFS, and the real main.py.
"""

import json
import os
import pathlib
import subprocess

import signing
from conftest import ROOT
from host.update_parts import bundle, image, new_key

SCRIPT = pathlib.Path(__file__).with_name("update_powercut_device.py")


def test_a_power_cut_leaves_the_old_version_or_the_new_one_and_nothing_else(micropython64, tmp_path):
    place = tmp_path / "keys"
    key = new_key(place)
    (tmp_path / "old").write_bytes(image("0.1.0"))
    (tmp_path / "new").write_bytes(bundle(image("0.2.0"), "0.2.0", key))
    paths = [ROOT / "firmware" / "main.py", tmp_path / "old", tmp_path / "new", place / signing.PUBLIC]
    done = subprocess.run(
        [micropython64, "-X", "heapsize=8M", SCRIPT, *paths],
        env=dict(os.environ, MICROPYPATH=".frozen:%s" % (ROOT / "firmware")),
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert not found["wrong"], found
    seen = found["seen"]
    assert found["operations"] > 30
    assert sum(seen.values()) == 2 * (found["operations"] + 1)
    old, new = "0.1.0", "0.2.0"
    for where, versions in (
        ("upload", [old] * 4),  # as if nothing had been
        (
            "trial",
            [new, new, old, old],
        ),  # a start that could not be counted was none; two starts prove nothing
        ("proof", [new, old, old, old]),  # it had one more
        ("end", [new] * 4),
    ):
        assert seen.get("%s %s" % (where, " ".join(versions))), (where, versions, seen)
