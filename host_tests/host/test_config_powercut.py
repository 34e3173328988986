"""Settings survive: a power cut before or in the middle of every flash operation of a change leaves the old or the new.

Uses config_powercut_device.py, which runs on MicroPython with its real littlefs.
"""

import json
import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRIPT = pathlib.Path(__file__).with_name("config_powercut_device.py")


def test_a_power_cut_leaves_the_old_settings_or_the_new_ones_and_nothing_else(micropython64):
    done = subprocess.run(
        [micropython64, "-X", "heapsize=8M", SCRIPT],
        env=dict(os.environ, MICROPYPATH=".frozen:%s" % (ROOT / "firmware")),
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    steps = json.loads(done.stdout)
    assert len(steps) == 5
    for step in steps:
        assert not step["wrong"], step
        assert step["operations"] > 0
        assert step["ended"]["old"] + step["ended"]["new"] == 2 * (step["operations"] + 1), step
        assert step["ended"]["old"] and step["ended"]["new"], "both ends were seen"
