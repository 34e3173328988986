"""The firmware inside MicroPython itself, built by tools/freeze from the distribution's source and configured like a
chip's: started by main.py with nothing but profiles and page beside it, it does everything at once in half of the heap
that the other forms want.
"""

import datetime
import json
import os
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request

import pytest
from pymodbus.client import ModbusTcpClient

from firmware_tree import FROZEN
from host.test_app import NO_BUDGET, Simulator, free_port

HEAP = "56K"  # the first area of a classic ESP32
SYSTEM_HEAP = {"SYSTEM_HEAP": "8192"}  # what it may take more, in an area of its own
PAGE = ("/", "/app.js", "/api/reading", "/api/status", "/metrics", "/api/history?register=volume")
READINGS = 2  # ten seconds apart
LIMIT_S = 60


@pytest.fixture
def folder(flash, tmp_path):
    """What lies on the file system of such a board."""
    root = tmp_path / "flash"
    root.mkdir()
    shutil.copy(flash / "main.py", root)
    for name in ("meters", "www"):
        shutil.copytree(flash / name, root / name)
    return root


def run(frozen, text, heap=SYSTEM_HEAP):
    command = [frozen, "-X", "heapsize=" + HEAP, "-c", text]
    done = subprocess.run(
        command, capture_output=True, text=True, env={"MICROPYPATH": ".frozen", **heap}, timeout=20
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


def test_its_modules_come_from_nowhere_else_and_say_which_they_are(frozen, flash):
    said = run(frozen, "import kmpeye.app, kmpeye.frozen; print(kmpeye.app.__file__, kmpeye.frozen.DIGEST)")
    written = (flash.with_name("frozen") / "modules" / FROZEN).read_text().splitlines()[0]
    assert said == "kmpeye/app.py " + written.split('"')[1]


def test_it_has_the_floats_the_clock_and_the_heap_of_a_chip(frozen):
    assert run(frozen, "import time; print(time.gmtime(0)[0])") == "2000"
    assert run(frozen, "print(16777216.0 + 1 == 16777216.0)") == "True"  # 24 bits
    lists = "print(len([bytearray(1000) for _ in range(58)]))"
    assert run(frozen, lists) == "58"
    with pytest.raises(AssertionError, match="MemoryError"):
        run(frozen, lists, {})


def test_the_keys_of_profiles_take_no_heap(frozen):
    same = "import json; f = lambda: json.loads('\"%s\"'); print(f() is f())"
    assert run(frozen, same % "average_return_temperature_this_month") == "True"
    assert run(frozen, same % "a_key_that_no_profile_has") == "False"


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


def test_everything_at_once_fits_into_64_kib(frozen, folder, tmp_path):
    simulator = Simulator("multical601", "--frozen", "--fast")
    http, modbus = free_port(), free_port()
    config = {"meter": "multical601", "port": simulator.ready["ready"], "interval_s": 10, **NO_BUDGET}
    config.update(http_host="127.0.0.1", http_port=http, modbus=True, modbus_port=modbus, bacnet=True)
    config.update(bacnet_port=free_port(), kmptcp=True, kmptcp_port=free_port())
    (folder / "config.json").write_text(json.dumps(config))
    address = "http://127.0.0.1:%d" % http
    client = ModbusTcpClient("127.0.0.1", port=modbus, timeout=10, retries=0)
    with (tmp_path / "log.txt").open("w") as log:
        firmware = subprocess.Popen(
            [frozen, "-X", "heapsize=" + HEAP, "main.py"],
            cwd=folder,
            env={**os.environ, "MICROPYPATH": ".frozen", **SYSTEM_HEAP},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        end = time.monotonic() + LIMIT_S
        while not status(address):
            assert time.monotonic() < end, (tmp_path / "log.txt").read_text()
            time.sleep(0.1)
        assert client.connect()
        while (now := status(address))["readings"]["ok"] < READINGS:
            assert time.monotonic() < end, now
            for path in PAGE:
                try:
                    assert get(address + path)
                except urllib.error.HTTPError as answer:  # a history that has not begun
                    assert (path, answer.code) == (PAGE[-1], 404), answer.read()
            assert not client.read_holding_registers(1000, count=100).isError()
        assert (now["state"], now["readings"]["failed"], now["out_of_memory"]) == ("ok", 0, 0)
        taken = datetime.datetime.fromisoformat(
            json.loads(get(address + "/api/reading"))["taken_at"][:-1] + "+00:00"
        )
        assert abs(time.time() - taken.timestamp()) < LIMIT_S
        assert set(now["ways"]) >= {"modbus", "bacnet", "kmptcp"}, now["ways"]
    finally:
        client.close()
        firmware.send_signal(signal.SIGINT)
        firmware.wait(10)
        simulator.close()
    assert "Traceback" not in (tmp_path / "log.txt").read_text()
