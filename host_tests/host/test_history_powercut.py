"""The history survives: a power cut before or in the middle of every flash operation, and years on the chip's heap.

Uses the fixtures of conftest.py, history_powercut_device.py and the bench's on_micropython_history.py, which run on
MicroPython with its real littlefs. Nothing here is measured: `make bench` says how fast and how many erases.
"""

import json
import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent

STEPS = 10


def run(micropython, heap, script, *arguments, tree=ROOT / "firmware"):
    done = subprocess.run(
        [micropython, "-X", "heapsize=" + heap, script, *arguments],
        env=dict(os.environ, MICROPYPATH=".frozen:%s" % tree),
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_a_power_cut_costs_at_most_the_record_being_written(micropython64):
    seen = run(micropython64, "8M", HERE / "history_powercut_device.py")
    assert not seen["full"]
    assert len(seen["sweeps"]) == STEPS
    for step in seen["sweeps"]:
        assert step["cuts"] == 2 * step["operations"] > 0, step
        assert not step["wrong"], step


def test_years_of_hours_run_on_the_heap_of_a_chip_and_keep_it_flat(micropython32, flash, tmp_path):
    script = ROOT / "tools" / "benchmarks" / "on_micropython_history.py"
    seen = run(micropython32, "64K", script, str(tmp_path / "image"), "400", tree=flash)
    assert seen["appends"] == 400 * 24
    assert seen["hours_kept"] == 400 * 24, "less than 460 days: nothing gave way"
    assert seen["days_kept"] == 400
    assert max(seen["heap"]) - min(seen["heap"]) < 1024, seen["heap"]
    assert seen["blocks"] * 4096 <= 400 * 1024
