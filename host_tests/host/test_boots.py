"""Starts that follow each other, as processes: what one leaves for the next in files, and in a chip's RTC memory.

Runs a few lines on MicroPython and CPython in a folder of their own; the chip is fakes.machine.
"""

import os
import subprocess
import sys

import pytest

from fakes import machine
from firmware_tree import ROOT
from kmpeye.system import boots

LIFE = """
from kmpeye.system import boots, crash
one = boots.of_this_board()
print(one.safe, one.reason)
crash.record("life ended", 5)
one.end("broken", 5)
"""


def live(interpreter, folder):
    path = os.pathsep.join((str(ROOT / "firmware"), str(ROOT / "tools" / "cpython")))
    environment = dict(os.environ, MICROPYPATH=".frozen:%s" % (ROOT / "firmware"), PYTHONPATH=path)
    done = subprocess.run(
        [interpreter, "-c", LIFE], cwd=folder, env=environment, capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("name", ("micropython64", "micropython32", "cpython"))
def test_the_fifth_start_within_ten_minutes_is_safe_and_knows_why(name, request, tmp_path):
    interpreter = sys.executable if name == "cpython" else request.getfixturevalue(name)
    said = [live(interpreter, tmp_path) for _ in range(6)]
    assert said == ["False"] + ["False broken"] * 3 + ["True broken", "False broken"]
    for file in ("crash.txt", "crash.old.txt"):
        assert (tmp_path / file).read_text() == "no date, after 5 s of uptime\nlife ended\n"
    assert not list(tmp_path.glob("*.new"))


def test_a_damaged_file_is_a_first_start(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "boots.txt").write_bytes(b"\xff" * 300)
    assert boots.of_this_board().lives == []
    assert boots.of_this_board().lives == [0], "and it counts from then on"


PANIC = "a panic: the chip's own software failed"

# reset cause, what was kept, reason told, why. A panic and machine.reset() are both a hard reset (modmachine.c of
# MicroPython's ESP32 port).
CAUSES = (
    (machine.WDT_RESET, b"kmpeye 700|", "the watchdog: nothing ran any more", "nobody could say it"),
    (machine.WDT_RESET, b"kmpeye 700|settings", "settings", "somebody said it"),
    (machine.PWRON_RESET, b"kmpeye 700|", "", "the power was away"),
    (machine.HARD_RESET, b"kmpeye 700|", PANIC, "ours would have said it"),
    (machine.HARD_RESET, b"kmpeye 700|settings", "settings", "one of ours"),
    (machine.HARD_RESET, b"kmpeye 1 1 1 1|", PANIC, "a loop of them, which ends in a safe start"),
    (machine.HARD_RESET, b"", "", "the first start, after a deploy"),
    (machine.SOFT_RESET, b"kmpeye 700|", "", "somebody at the prompt"),
)


@pytest.mark.parametrize("cause, kept, told, why", CAUSES, ids=[row[3] for row in CAUSES])
def test_the_chip_says_what_nobody_could_say(cause, kept, told, why, monkeypatch):
    rtc = machine.RTC()
    rtc.memory(kept)
    monkeypatch.setattr(machine, "RTC", lambda: rtc)
    monkeypatch.setattr(machine, "cause", cause)
    monkeypatch.setitem(sys.modules, "machine", machine)
    assert boots.of_this_board().reason == told
