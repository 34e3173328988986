"""How the firmware ends: a person who stops it, and an error. Processes on MicroPython with a chip's strict machine."""

import os
import signal
import subprocess
import time

from firmware_tree import ROOT

# What main.py does, with an app that runs until somebody stops it or fails at once, on a chip.
START = """
import asyncio, sys
sys.path.insert(0, %r)
from fakes import machine
sys.modules["machine"] = machine
from kmpeye import start
from kmpeye.system import boots

class WDT(machine.WDT):
    def __init__(self, *, id=0, timeout=5000):
        super().__init__(id=id, timeout=timeout)
        print("watchdog", timeout)

machine.WDT = WDT
one = boots.Boots(machine.RTC().memory)
boots.of_this_board = lambda: one

class App:
    async def run(self):
        WDT(timeout=120000)
        print("runs")
        while %d:
            await asyncio.sleep_ms(20)
        while %d:
            held.append(bytearray(8))
        raise ValueError("broken")

    def stopped(self):
        print("let go")

held = []
start._app = lambda root, boots: App()
try:
    start.main("")
finally:
    held.clear()
    print("left", one._memory())
    print("resets", machine.resets)
"""


def started(micropython, folder, stays, leaks=False):
    source = START % (str(ROOT / "host_tests" / "pure"), stays, leaks)
    environment = {**os.environ, "MICROPYPATH": ".frozen:%s" % (ROOT / "firmware")}
    return subprocess.Popen(
        [micropython, "-c", source], cwd=folder, env=environment,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def test_who_stops_it_has_an_hour_at_the_prompt(micropython64, tmp_path):
    child = started(micropython64, tmp_path, True)
    try:
        assert [child.stdout.readline() for _ in range(3)] == ["watchdog 120000\n"] * 2 + ["runs\n"]
        time.sleep(0.1)
        child.send_signal(signal.SIGINT)
        said, _ = child.communicate(timeout=20)
    finally:
        child.kill()
    assert said.splitlines()[:3] == ["let go", "watchdog 3600000", "stopped"], said
    assert "left b'kmpeye 600|stopped'" in said, "it is no part of a loop of restarts"


def test_an_end_that_cannot_be_recorded_is_left_to_the_watchdog(micropython64, tmp_path):
    """By a fault in what records it: MicroPython then waits at its prompt."""
    refusing = """
from kmpeye.system import crash
def trace(error):
    raise RuntimeError
crash.trace = trace
def app(root, boots):
    raise ValueError("broken")
start._app = app
"""
    source = START % (str(ROOT / "host_tests" / "pure"), False, False)
    source = source.replace("start._app = lambda root, boots: App()\n", refusing)
    environment = {**os.environ, "MICROPYPATH": ".frozen:%s" % (ROOT / "firmware")}
    done = subprocess.run(
        [micropython64, "-c", source], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.stdout.splitlines()[0] == "watchdog 120000", done.stdout + done.stderr
    assert "RuntimeError" in done.stderr and done.returncode


def test_an_error_is_kept_and_restarts_the_board(micropython64, tmp_path):
    said, _ = started(micropython64, tmp_path, False).communicate(timeout=20)
    assert "ValueError: broken" in said and "watchdog 3600000" not in said
    assert "kmpeye 0|main: ValueError('broken',)" in said, said
    assert "ValueError: broken" in (tmp_path / "crash.txt").read_text()


def test_where_there_is_no_memory_to_keep_the_error_the_board_is_restarted_all_the_same(
    micropython64, tmp_path
):
    said, _ = started(micropython64, tmp_path, False, True).communicate(timeout=60)
    assert "ValueError" not in said and "resets 1" in said, said
