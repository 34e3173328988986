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


# reset cause, reason kept, reason told, why
CAUSES = (
    (machine.WDT_RESET, "", "the watchdog: nothing ran any more", "nobody could say it"),
    (machine.WDT_RESET, "settings were changed", "settings were changed", "somebody said it"),
    (machine.PWRON_RESET, "", "", "the power was away"),
)


@pytest.mark.parametrize("cause, kept, told, why", CAUSES, ids=[row[3] for row in CAUSES])
def test_the_chip_says_when_it_was_the_watchdog(cause, kept, told, why, monkeypatch):
    rtc = machine.RTC()
    rtc.memory(b"kmpeye 700|" + kept.encode())
    monkeypatch.setattr(machine, "RTC", lambda: rtc)
    monkeypatch.setattr(machine, "cause", cause)
    monkeypatch.setitem(sys.modules, "machine", machine)
    assert boots.of_this_board().reason == told
