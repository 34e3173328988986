# Seconds of light a reading costs: the firmware's head on MicroPython against the simulator at 1200 baud on a
# pty, compared with what the line itself needs. Imports figure and parts.

import os
import tempfile

from benchmarks.figure import Figure
from benchmarks.parts import meter, micropython, run_on_micropython

FIGURES = (
    Figure(
        "wire_over_limit_8", "time of 8 registers over bytes x 11/1200 s + the meter's latency", most=1.05
    ),
    Figure("wire_over_limit_16", "the same for 16 registers", most=1.05),
    Figure("wire_vs_one_by_one_8", "one register a request over 8 in one: seconds of light saved"),
)

_BAUD = 1200
_BITS = 11
_LATENCY_MS = 100  # what the meters seen so far take; 447 2.1 allows 1.6 s, typical are 20 to 150 ms
_ROUNDS = 3
# 16 registers of a MULTICAL 601 that have 4 bytes: energies, volume, temperatures, flow, power, hours, date, serial.
IDS = (60, 68, 1004, 86, 87, 89, 74, 80, 99, 63, 61, 97, 110, 98, 1003, 1001)


def over_limit(milliseconds, count, requests):
    """How much longer than light and meter need."""
    return milliseconds / (count * _BITS * 1000 / _BAUD + requests * _LATENCY_MS)


def median(values):
    return sorted(values)[len(values) // 2]


def figures_of(times):
    """{key: number} from what on_micropython_wire.py printed."""
    ours = median([row[0] for row in times["8"]])
    return {
        "wire_over_limit_8": median([over_limit(*row) for row in times["8"]]),
        "wire_over_limit_16": median([over_limit(*row) for row in times["16"]]),
        "wire_vs_one_by_one_8": median([row[0] for row in times["one"]]) / ours,
    }


def measure(rounds=_ROUNDS):
    with tempfile.TemporaryDirectory() as folder:
        link = os.path.join(folder, "meter")
        with meter("multical601", "--pty", link, "--latency", str(_LATENCY_MS), "--frozen") as port:
            arguments = (port, rounds, *IDS)
            return figures_of(
                run_on_micropython(micropython(32, 64), "wire", arguments, timeout_s=30 + 10 * rounds)
            )
