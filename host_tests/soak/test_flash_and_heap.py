"""Days of the whole app with the object sizes of the chip, on littlefs: the heap does not grow, no block of the flash
wears out in ten years, and a power cut inside a flash operation costs the reading in flight.

Runs on_micropython.py with the firmware in place in its image. SOAK_FLASH_DAYS asks for more.
"""

import json
import os
import subprocess
from statistics import median

import pytest

from benchmarks.heap import free_port
from conftest import ROOT

DAYS = int(os.environ.get("SOAK_FLASH_DAYS", "12"))
SEEDS = (1, 2)
GROWTH_BYTES = 512
CYCLES = 100_000  # of a block of NOR flash
TEN_YEARS_DAYS = 3653
WAIT_S = 60 + 25 * DAYS  # ten times what it takes


@pytest.mark.timeout(WAIT_S)
@pytest.mark.parametrize("seed", SEEDS)
def test_days_of_trouble_leave_the_heap_the_flash_and_the_history_well(seed, micropython32, flash):
    image = flash.with_name("firmware.romfs")
    script = ROOT / "host_tests" / "soak" / "on_micropython.py"
    command = [micropython32, "-X", "heapsize=2M", ROOT / "tools" / "on_rom.py", image, script]
    done = subprocess.run(
        [*map(str, command), str(DAYS), str(seed), "/rom/", str(free_port())],
        env={**os.environ, "MICROPYPATH": ".frozen:%s" % (ROOT / "host_tests")},
        capture_output=True,
        text=True,
        timeout=WAIT_S,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["hours"] > 12 * DAYS and found["lives"] > 2, found
    # From the third day on; in the middle of five days, as some are spoilt by a silence or a start.
    assert median(found["heap"][-5:]) - median(found["heap"][2:7]) <= GROWTH_BYTES, found["heap"]
    assert found["erased_most"] * TEN_YEARS_DAYS // DAYS < CYCLES, found
    assert found["missing"] < found["lives"] and not found["fell"], found
    # Each trouble came to somebody; the power goes in other ways here, which lives count.
    assert {"silent", "unplugged", "weak"} < set(found["met"]) and min(found["out_of_memory"].values()), found
    assert found["unanswered"] == [] and found["answers"] > 6 * (DAYS - 2), found
    assert all(state == "runs" for state, _, _ in found["tasks"].values()), found
