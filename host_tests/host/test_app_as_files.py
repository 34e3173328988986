# Stock MicroPython for the ESP32 has no ROMFS: there the firmware lies as files beside main.py, and each module that
# is loaded takes heap. Readings and page have to work in 120 KiB from the first second on. (In 112 KiB, what a classic
# ESP32 has, single requests are refused while the first reading is under way.)

import json
import os
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request

import pytest

from host.test_app import NO_BUDGET, Simulator, free_port

HEAP = "120K"
PAGE = ("/", "/app.js", "/api/reading", "/api/status")
REQUESTS = 40
READINGS = 2  # ten seconds apart
LIMIT_S = 60


@pytest.fixture
def address(micropython32, flash, tmp_path):
    """The page's, of the firmware as files that reads a MULTICAL 601 with its 30 registers."""
    root = tmp_path / "flash"
    shutil.copytree(flash, root)
    simulator = Simulator("multical601", "--frozen", "--fast")
    http = free_port()
    config = {"meter": "multical601", "port": simulator.ready["ready"], "interval_s": 10, **NO_BUDGET}
    config.update(http_host="127.0.0.1", http_port=http)
    (root / "config.json").write_text(json.dumps(config))
    with (tmp_path / "log.txt").open("w") as log:
        firmware = subprocess.Popen(
            [micropython32, "-X", "heapsize=" + HEAP, "main.py"],
            cwd=root,
            env={**os.environ, "MICROPYPATH": ".frozen"},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        yield "http://127.0.0.1:%d" % http
    finally:
        firmware.send_signal(signal.SIGINT)
        firmware.wait(10)
        simulator.close()


def get(address):
    """What is there: gzipped, as the chip holds it."""
    request = urllib.request.Request(address, headers={"Accept-Encoding": "gzip"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.read()


def status(address):
    try:
        return json.loads(get(address + "/api/status"))
    except urllib.error.URLError:
        return None  # it has not begun to listen


def test_readings_go_on_and_no_request_of_the_page_is_refused(address):
    end = time.monotonic() + LIMIT_S
    while not status(address):
        assert time.monotonic() < end
        time.sleep(0.1)
    for number in range(REQUESTS):
        assert get(address + PAGE[number % len(PAGE)])
    while (now := status(address))["readings"]["ok"] < READINGS:
        assert time.monotonic() < end, now
        time.sleep(0.2)
    assert now["readings"]["failed"] == 0
    assert now["state"] == "ok"
