# MQTT: how quickly a reading and a week of records go out, and what the codec takes; 32-bit MicroPython against the
# distribution's mosquitto on this machine. Imports figure and parts; on_micropython_mqtt.py does it.
# Milliseconds are this machine's: compare them with each other and over time.

import json
import subprocess
import tempfile

from benchmarks.figure import Figure
from benchmarks.parts import broker, micropython, on_micropython
from firmware_tree import FIRMWARE

FIGURES = (
    Figure(
        "mqtt_publish_ms", "from a new reading of 26 registers until it and the diagnosis are sent", most=300
    ),
    Figure("mqtt_backlog_per_s", "hourly records sent and acknowledged, one after the other", least=10),
    Figure("mqtt_frames_per_s", "packets taken out of a broker's bytes"),
)

_TIMEOUT_S = 120


def measure():
    with broker() as port, tempfile.TemporaryDirectory() as folder:
        command, environment = on_micropython(micropython(32), "mqtt", (port, FIRMWARE / "meters"))
        done = subprocess.run(
            command, env=environment, cwd=folder, capture_output=True, text=True, timeout=_TIMEOUT_S
        )
    if done.returncode:
        raise RuntimeError("the benchmark of MQTT ended badly:\n%s" % (done.stdout + done.stderr))
    seen = json.loads(done.stdout.splitlines()[-1])
    return {"mqtt_%s" % key: value for key, value in seen.items()}
