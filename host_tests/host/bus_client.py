"""Starts bus_app.py on an interpreter, with a simulated meter if asked, and tells what it says of itself.

Uses the standard library only. Promises: what was started is stopped, whatever the test did; every wait has a limit.
"""

import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
import urllib.request

from host.http_client import free_port

ROOT = pathlib.Path(__file__).resolve().parents[2]
APP = ROOT / "host_tests" / "host" / "bus_app.py"
WAIT_S = 20
CHIP_HEAP = "112K"  # a classic ESP32 whose heap has grown once, see test_three_interpreters.py


class Bus:
    """The running application: its ports, its log, and what it tells."""

    def __init__(self, process, http_port, ports, log):
        self.process = process
        self.modbus_port, self.kmptcp_port = ports
        self._url = "http://127.0.0.1:%d/debug" % http_port
        self._log = log

    def told(self):
        with urllib.request.urlopen(self._url, timeout=WAIT_S) as reply:
            return json.load(reply)

    def log(self):
        return self._log.read_text()

    def wait(self, condition, what):
        """Wait until the application tells something."""
        limit = time.monotonic() + WAIT_S
        while not condition(told := self.told()):
            assert time.monotonic() < limit, "%s: %s\n%s" % (what, told, self.log())
            time.sleep(0.05)
        return told


def connect(port):
    client = socket.create_connection(("127.0.0.1", port), timeout=WAIT_S)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return client


def take(client, count):
    """Exactly so many bytes, or what came before the other end closed."""
    data = b""
    while len(data) < count and (piece := client.recv(count - len(data))):
        data += piece
    return data


def listens(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=WAIT_S):
        return True
    return False


@contextlib.contextmanager
def running(command, firmware, tmp_path, meter=(), **settings):
    """command: the interpreter and its options; meter: (url, name of its profile)."""
    http_port, modbus_port, kmptcp_port = free_port(), free_port(), free_port()
    chosen = {
        "http_host": "127.0.0.1",
        "modbus_port": modbus_port,
        "kmptcp_port": kmptcp_port,
        **settings,
    }
    path = os.pathsep.join((str(firmware), str(ROOT / "tools" / "cpython")))
    log = tmp_path / "bus_app.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [*map(str, command), str(APP), str(http_port), json.dumps(chosen), *meter],
            env=dict(os.environ, MICROPYPATH=".frozen:%s" % firmware, PYTHONPATH=path, PYTHONUNBUFFERED="1"),
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
        )
    bus = Bus(process, http_port, (chosen["modbus_port"], chosen["kmptcp_port"]), log)
    try:
        limit = time.monotonic() + WAIT_S
        while "started" not in bus.log() or not listens(http_port):
            assert process.poll() is None and time.monotonic() < limit, bus.log()
            time.sleep(0.05)
        yield bus
        assert process.poll() is None, bus.log()
    finally:
        process.kill()
        process.wait(WAIT_S)


@contextlib.contextmanager
def simulated(name, *arguments):
    """(process, what it says it is): a meter whose totals and clock stand still; it prints a line for each request."""
    process = subprocess.Popen(
        [
            *(sys.executable, ROOT / "tools" / "kmp", "sim", "--meter", name, "--tcp", "127.0.0.1:0"),
            *("--frozen", "--seed", "7", *arguments),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process, json.loads(process.stdout.readline())
        process.send_signal(signal.SIGTERM)
    finally:
        process.kill()
        process.communicate()
