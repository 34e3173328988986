"""The whole app in invented time, with everything going wrong that goes wrong in years: what could be read was read,
what was read was kept, and every task lives. 20 days for each meter here; `make soak` has a year of each.

Runs on_cpython.py, which plays and judges; the same troubles come from the same seed. SOAK_DAYS and SOAK_SEEDS ask for
more.
"""

import json
import os
import subprocess
import sys

import pytest

from conftest import ROOT

DAYS = int(os.environ.get("SOAK_DAYS", "20"))
SEEDS = range(int(os.environ.get("SOAK_SEEDS", "1")))
# Heat with and without a logger that fills holes, water with its throttle, electricity with two high resolutions.
METERS = ("multical601", "multical601-67-0b", "multical21", "omnipower")
WINDOWS = {"silent", "unplugged", "weak", "wifi", "refusing", "mute"}
TROUBLES = WINDOWS | {"power", "jump of seconds", "jump of hours"}
SECONDS_A_DAY = 12  # ten times what a day takes: a busy machine is no failure


@pytest.mark.timeout(60 + SECONDS_A_DAY * DAYS)
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("meter", METERS)
def test_nothing_is_lost_and_nothing_dies(meter, seed, tmp_path):
    flash = tmp_path / "flash"
    flash.mkdir()
    path = os.pathsep.join(str(ROOT / one) for one in ("firmware", "tools/cpython", "tools", "host_tests"))
    environment = {**os.environ, "PYTHONPATH": path}
    command = [sys.executable, ROOT / "host_tests" / "soak" / "on_cpython.py", DAYS, seed, meter, flash]
    done = subprocess.run(
        [*map(str, command)], cwd=ROOT, env=environment, capture_output=True, text=True,
        timeout=60 + SECONDS_A_DAY * DAYS,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["wrong"] == [], found
    assert found["damaged"] == [] and found["restarts"] == [], found
    # The troubles did come, each of them to somebody, and were no more than half of the time.
    assert set(found["met"]) == TROUBLES and min(found["out_of_memory"].values()) >= DAYS // 16, found
    assert found["lives"] > DAYS // 8 and found["joined"] > DAYS and found["connected"] > DAYS, found
    assert found["answers"] > 6 * DAYS, found
    assert found["free_hours"] > 12 * DAYS and found["readings"] > 12 * DAYS, found
