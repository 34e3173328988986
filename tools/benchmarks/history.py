# The history on flash over ten years: 32-bit MicroPython with the heap of a chip, littlefs in 2 MiB of blocks.
# Imports figure and parts; on_micropython_history.py does it. Milliseconds are this machine's: compare them with
# each other and over time; the counts are the chip's too.

import json
import subprocess
import tempfile

from benchmarks.figure import Figure
from benchmarks.parts import built, micropython, on_micropython

FIGURES = (
    Figure("flash_writes_per_hour", "files written to per hour with a reading", most=1),
    Figure("history_bytes_per_year", "bytes of a year of hours and days, 6 registers", most=220 * 1000),
    Figure("history_hours_days", "days of hourly records kept in 400 KiB beside 10 years of days", least=460),
    Figure("history_blocks", "flash blocks of 4096 bytes in use after 10 years", most=100),
    Figure(
        "history_block_erases", "erases of the most worn block in 10 years; flash bears 100000", most=10_000
    ),
    Figure("history_heap", "bytes of heap an idle history keeps", most=2560),
    Figure("history_heap_growth", "bytes more after 10 years than after 1000 hours", most=1024),
    Figure("history_append_ms", "keeping a reading, on average"),
    Figure("history_month_query_ms", "743 hourly rows of the last month"),
    Figure("history_year_query_ms", "365 daily rows of the last year"),
    Figure("history_start_ms", "finding out at the start what is there"),
)

_HEAP = "64K"
_DAYS = 3660
_TIMEOUT_S = 1200


def measure(days=_DAYS):
    tree = built()
    with tempfile.TemporaryDirectory() as folder:
        arguments = ("%s/flash" % folder, days)
        command, environment = on_micropython(micropython(32), "history", arguments, tree, _HEAP)
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=_TIMEOUT_S)
    if done.returncode:
        raise RuntimeError("the simulated years ended badly:\n%s" % (done.stdout + done.stderr))
    seen = json.loads(done.stdout.splitlines()[-1])
    if seen["appends"] != 24 * days or seen["days_kept"] != days:
        raise RuntimeError("records are missing: %s" % seen)
    return {
        "flash_writes_per_hour": seen["writes"] / seen["appends"],
        "history_bytes_per_year": seen["bytes_of_a_year"],
        "history_hours_days": (seen["hours_kept"] - days) // 23,  # the 24th stands with the days
        "history_blocks": seen["blocks"],
        "history_block_erases": seen["most_erases_of_a_block"],
        "history_heap": seen["history_heap"],
        "history_heap_growth": seen["heap"][-1] - seen["heap"][0],
        "history_append_ms": seen["append_ms"],
        "history_month_query_ms": seen["month_query_ms"],
        "history_year_query_ms": seen["year_query_ms"],
        "history_start_ms": seen["start_ms"],
    }
