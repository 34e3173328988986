"""make bench-device: the script that a chip runs, here on MicroPython's unix port in place and over mpremote on a pty.

How fast this computer is is no matter; every figure is there, and what a port cannot measure says why.
"""

import json
import runpy
import shutil
import subprocess
import sys

import pytest

from conftest import ROOT
from host.fake_board.on_pty import board_of

TOOL = ROOT / "tools" / "bench_device"
MEASURED = (
    "MicroPython",
    "heap of this script",
    "import the protocol: heap",
    "import the protocol: time",
    "import the app: heap",
    "heap with the app made, without this script",
    "decode a reply of 8 registers, 79 bytes",
    "collect garbage",
    "write and read back 2048 bytes of flash",
    "GET /api/reading",
    "GET /api/status",
    "GET /,",
    "heap at the end, without this script",
)
ON_CHIPS = ("wake pin on", "wake pin off after its 100 ms, late by", "free of the system's heap")


@pytest.fixture
def tool(flash):
    """tools/bench_device in this process, with the tree of the session."""
    tool = runpy.run_path(str(TOOL))
    tool["main"].__globals__.update(built=lambda: flash, image=lambda: flash.with_name("firmware.romfs"))
    return tool


def check(rows):
    for begin in MEASURED:
        (row,) = [row for row in rows if row["what"].startswith(begin) and "longest" not in row["what"]]
        assert row["value"] is not None, row
    for begin in ON_CHIPS:
        (row,) = [row for row in rows if row["what"].startswith(begin)]
        assert row["value"] is None and row["why"], row


def test_it_measures_on_the_unix_port(tool, micropython32):
    check(tool["figures"](tool["on_unix"]()))


def test_it_measures_over_mpremote_and_leaves_no_file(tool, flash, tmp_path, micropython64):
    with board_of(micropython64, tmp_path) as board:
        shutil.copytree(flash, board.flash, dirs_exist_ok=True)
        (board.flash / "main.py").write_text("def _root():\n    return ''\n")
        before = sorted(path.name for path in board.flash.iterdir())
        check(tool["figures"](tool["on_board"](board.device)))
        assert sorted(path.name for path in board.flash.iterdir()) == before


def test_the_table_is_markdown_and_says_what_could_not_be_measured(tool):
    rows = [
        {"what": "decode", "value": 1234, "unit": "us"},
        {"what": "wake pin on", "value": None, "unit": "us", "why": "no coil"},
        {"what": "MicroPython", "value": "1.29.0", "unit": "ESP32"},
    ]
    assert list(tool["table"](rows))[2:] == [
        "| decode | 1,234 | µs |",
        "| wake pin on: no coil | – | µs |",
        "| MicroPython | 1.29.0 | ESP32 |",
    ]
    assert tool["figures"]("state: ok\n" + json.dumps(rows[0])) == rows[:1]


def test_a_device_that_is_not_there_is_said():
    done = subprocess.run(
        [sys.executable, TOOL, "/dev/ttyNotThere"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1 and "bench-device: there is no /dev/ttyNotThere" in done.stderr


# A chip for the rows that only a chip can fill: a pin with its level, a timer that is late, two heaps.
CHIP = """
import sys, time

class Pin:
    OUT = 3
    level = None
    def __init__(self, id, mode=None, value=None):
        assert id == 32
        if mode is not None:
            Pin.level = value
    def value(self, level=None):
        if level is not None:
            Pin.level = level
        elif Timer.due is not None and time.ticks_diff(time.ticks_us(), Timer.due) >= 0:
            Timer.callback(None)
        return Pin.level

class Timer:
    PERIODIC = 1
    due = callback = None
    def __init__(self, id):
        assert id == 0
    def init(self, mode, period, callback):
        assert mode == self.PERIODIC
        Timer.due = time.ticks_add(time.ticks_us(), period * 1000 + 250)
        Timer.callback = callback
    def deinit(self):
        Timer.due = None

class esp32:
    HEAP_DATA = 4
    def idf_heap_info(capabilities):
        assert capabilities == 4
        return [(100, 10, 8, 5), (200, 20, 15, 6)]

class machine:
    pass

machine.Pin = Pin
machine.Timer = Timer
sys.modules["machine"] = machine
sys.modules["esp32"] = esp32
import on_device
on_device.wake_pin()
on_device.idf_heap()
assert Pin.level == 0 and Timer.due is None
"""


def test_what_only_a_chip_can_measure_is_measured_there(tool, flash, tmp_path, micropython64):
    (tmp_path / "board.json").write_text((ROOT / "boards" / "esp32-devkitc.json").read_text())
    (tmp_path / "chip.py").write_text(CHIP)
    done = subprocess.run(
        [micropython64, "chip.py"],
        cwd=tmp_path,
        env={"MICROPYPATH": ".frozen:%s:%s" % (flash, ROOT / "tools")},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    on, late, *heaps = tool["figures"](done.stdout)
    assert on["value"] is not None and late["value"] is not None and "why" not in late
    assert [row["value"] for row in heaps] == [30, 15, 11]
