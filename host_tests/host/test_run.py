# `make run` as a newcomer types it: simulator, firmware and page come up, readings show, Ctrl-C leaves nothing.

import json
import os
import queue
import re
import runpy
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from decimal import Decimal
from pathlib import Path

import pytest

from conftest import absent

ROOT = Path(__file__).resolve().parents[2]
READING = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ  (MULTICAL \d+)  (\d+)  (.*)$")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(autouse=True)
def needs_micropython(micropython64):
    """The interpreters come from tools/get_micropython, as in `make run`."""


class Run:
    def __init__(self, folder, **settings):
        self.port = free_port()
        self.folder = folder
        environment = {**os.environ, "HTTP_PORT": str(self.port), "FOLDER": str(folder), **settings}
        self.process = subprocess.Popen(
            ["make", "--no-print-directory", "run"],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.lines = []
        self.queue = queue.Queue()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for text in self.process.stdout:
            self.queue.put(text)
        self.queue.put("")

    def line(self, pattern, limit_s=60):
        """The first line from now on that matches."""
        while True:
            try:
                text = self.queue.get(timeout=limit_s)
            except queue.Empty:
                text = ""
            if not text:
                raise AssertionError("no line like %r in:\n%s" % (pattern, "".join(self.lines)))
            self.lines.append(text)
            found = re.search(pattern, text)
            if found:
                return found

    def rest(self):
        """Waits for the end; everything it said."""
        self.process.wait(60)
        self.reader.join(10)
        while not self.queue.empty():
            self.lines.append(self.queue.get())
        self.process.stdout.close()
        return "".join(self.lines)

    def json(self, path):
        with urllib.request.urlopen("http://127.0.0.1:%d%s" % (self.port, path), timeout=10) as answer:
            return json.loads(answer.read(), parse_float=Decimal)

    def ctrl_c(self):
        os.killpg(self.process.pid, signal.SIGINT)
        return self.rest()

    def left_behind(self):
        listing = subprocess.run(["ps", "-eo", "sid,args"], capture_output=True, text=True, check=True).stdout
        return [row for row in listing.splitlines() if row.split()[0] == str(self.process.pid)]

    def close(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
        self.rest()


@pytest.fixture
def run(tmp_path):
    if subprocess.run(["which", "make"], capture_output=True).returncode:
        absent("make is not installed")
    running = []

    def start(**settings):
        running.append(Run(tmp_path, **settings))
        return running[-1]

    yield start
    for one in running:
        one.close()


@pytest.mark.parametrize(
    "meter, total", [("multical21", "volume"), ("multical601", "heat_energy"), ("multical62", "volume")]
)
def test_a_newcomer_sees_a_live_meter_and_ctrl_c_leaves_nothing(run, meter, total):
    it = run(METER=meter)
    it.line(r"page: http://127\.0\.0\.1:%d/" % it.port)
    shown = it.line(READING)
    reading = it.json("/api/reading")
    assert reading["meter"]["model"] == shown[1]
    assert reading["meter"]["serial"] == shown[2]
    assert "%s %s " % (total, reading["registers"][total]["value"]) in shown[3] + " "
    assert it.json("/api/status")["state"] == "ok"
    said = it.ctrl_c()
    assert it.left_behind() == []
    assert not os.path.lexists(it.folder / "meter")
    assert "Traceback" not in said


def test_a_wrong_meter_lists_the_right_ones(run):
    it = run(METER="multical99")
    text = it.rest()
    assert it.process.returncode
    assert "no meter called multical99; there are:" in text and "multical21" in text


def test_a_port_that_is_taken_is_named_with_another(run):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        it = run(HTTP_PORT=str(port))
        assert "HTTP_PORT=%d make run" % (port + 1) in it.rest()
        assert it.process.returncode


@pytest.mark.parametrize(
    "port, why",
    [
        ("socket://127.0.0.1:1", "socket://127.0.0.1:1: connection refused"),
        ("/dev/no-such-head", "/dev/no-such-head: there is no such device; is the head plugged in?"),
    ],
)
def test_a_head_that_is_not_there_is_reported_and_tried_again(run, port, why):
    it = run(PORT=port)
    it.line("state: port_error: " + re.escape(why))
    status = it.json("/api/status")
    assert status["state"] == "port_error" and status["port"]["ok"] is False
    assert it.json("/api/reading")["registers"] == {}


def test_the_meter_under_a_real_head_may_be_found_out_and_a_simulated_one_may_not():
    tool = runpy.run_path(str(ROOT / "tools" / "run"))
    config, simulated = tool["settings"]({"METER": "auto", "PORT": "/dev/ttyUSB0"})
    assert (config["meter"], config["port"], simulated) == ("auto", "/dev/ttyUSB0", None)
    with pytest.raises(tool["Failed"], match="no meter called auto; there are: "):
        tool["settings"]({"METER": "auto"})


def test_a_child_that_has_heard_ctrl_c_is_not_interrupted_again():
    tool = runpy.run_path(str(ROOT / "tools" / "run"))
    script = "import signal, time; signal.signal(signal.SIGINT, lambda *_: print('again')); time.sleep(0.3)"
    child = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    tool["stop"]([child])
    assert (child.returncode, child.communicate()[0]) == (0, "")


@pytest.mark.parametrize("can, expected", [(0, "on_rom.py"), (1, "heapsize=112K")])
def test_the_firmware_runs_in_place_where_micropython_can(can, expected, monkeypatch, tmp_path):
    micropython = tmp_path / "micropython"
    micropython.write_text("#!/bin/sh\nexit %d\n" % can)
    micropython.chmod(0o755)
    tool = runpy.run_path(str(ROOT / "tools" / "run"))
    monkeypatch.setitem(tool["firmware"].__globals__, "interpreter", lambda: str(micropython))
    command, environment = tool["firmware"]()
    assert expected in command[-3 if can == 0 else -2]
    assert os.path.basename(command[-1]) == "main.py"
    assert environment["MICROPYPATH"].startswith(".frozen") and ("flash" in environment["MICROPYPATH"]) == can
