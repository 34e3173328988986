# MQTT: how quickly a reading and a week of records go out, and what the codec takes; 32-bit MicroPython against the
# distribution's mosquitto on this machine. Imports figure, heap and parts; on_micropython_mqtt.py does it.
# Milliseconds are this machine's: compare them with each other and over time.

import json
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time

from benchmarks.figure import Figure
from benchmarks.heap import free_port
from benchmarks.parts import Missing, micropython, on_micropython, process
from firmware_tree import FIRMWARE

FIGURES = (
    Figure(
        "mqtt_publish_ms", "from a new reading of 26 registers until it and the diagnosis are sent", most=300
    ),
    Figure("mqtt_backlog_per_s", "hourly records sent and acknowledged, one after the other", least=10),
    Figure("mqtt_frames_per_s", "packets taken out of a broker's bytes"),
)

_START_S = 10
_TIMEOUT_S = 120


def _listens(port):
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError("mosquitto does not listen on port %d" % port)


def measure():
    program = shutil.which("mosquitto", path=os.environ["PATH"] + ":/usr/sbin")
    if not program:
        raise Missing("no mosquitto: run tools/install_system")
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        settings = pathlib.Path(folder) / "mosquitto.conf"
        settings.write_text("listener %d 127.0.0.1\nallow_anonymous true\n" % port)
        with process([program, "-c", settings], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL):
            _listens(port)
            command, environment = on_micropython(micropython(32), "mqtt", (port, FIRMWARE / "meters"))
            done = subprocess.run(
                command, env=environment, cwd=folder, capture_output=True, text=True, timeout=_TIMEOUT_S
            )
    if done.returncode:
        raise RuntimeError("the benchmark of MQTT ended badly:\n%s" % (done.stdout + done.stderr))
    seen = json.loads(done.stdout.splitlines()[-1])
    return {"mqtt_%s" % key: value for key, value in seen.items()}
