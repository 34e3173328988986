"""The app with everything switched on, in real time with clients nobody here wrote: it serves all of them without a
failure, and keeps no more of the heap at the end than after it was warm. A minute here; `make soak-real` has 3 hours.

Uses tools/benchmarks/heap.py, which starts the app from the image beside mosquitto and a simulated meter; paho-mqtt,
pymodbus, PyKMP and requests of BACnet as bacpypes3 sends them. SOAK_SECONDS asks for more.
"""

import dataclasses
import json
import os
import subprocess
import sys
import time

import paho.mqtt.client as mqtt
import pytest
from pymodbus.client import ModbusTcpClient

from benchmarks import heap, parts
from conftest import absent

SECONDS = int(os.environ.get("SOAK_SECONDS", "30"))
WARM_S = max(10, SECONDS // 20)
GROWTH_BYTES = 512
SAMPLES = 100
PYKMP = os.path.join(os.path.dirname(sys.executable), "pykmp-tool")
HEAP = os.environ.get("SOAK_HEAP", "112K")  # what a classic ESP32 has after it grew once
# From the image in flash: the tightest of the forms that fit.
(CASE,) = [
    dataclasses.replace(case, heap=HEAP, form=heap.ROMFS)
    for case in heap.CASES
    if case.key == "live_heap_all"
]


class Clients:
    """One of each; each round all of them ask once."""

    def __init__(self, app, config):
        self.app = app
        self.config = config
        self.readings = 0  # that the observer at the broker saw
        self.observer = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
        self.observer.on_message = self._seen
        self.observer.on_connect = lambda client, *_: client.subscribe("kmpeye/+/reading")
        self.observer.connect("127.0.0.1", config["mqtt_port"])
        self.observer.loop_start()
        self.modbus = ModbusTcpClient("127.0.0.1", port=config["modbus_port"], timeout=20, retries=0)
        assert self.modbus.connect()

    def _seen(self, client, userdata, message):
        self.readings += "registers" in json.loads(message.payload)

    def round(self):
        for path in heap._PATHS:
            assert self.app.get(path)
        assert not self.modbus.read_holding_registers(1000, count=100).isError()
        heap.bacnet(self.config, 8)

    def pykmp(self):
        device = "socket://127.0.0.1:%d" % self.config["kmptcp_port"]
        done = subprocess.run([PYKMP, "-d", device, "get-serial"], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr

    def work(self, seconds):
        end = time.monotonic() + seconds
        self.pykmp()
        while time.monotonic() < end:
            self.round()

    def close(self):
        self.modbus.close()
        self.observer.disconnect()
        self.observer.loop_stop()


def least(app):
    """Bytes of heap between two things that it does. Not what `kept` says: that ends the readings."""
    return min(app.ask()["heap"] for _ in range(SAMPLES))


@pytest.mark.timeout(WARM_S + SECONDS + 240)
def test_everything_on_serves_everybody_and_does_not_grow(micropython32, flash, monkeypatch):
    monkeypatch.setattr(parts, "FLASH", flash)
    try:
        with heap.running(CASE) as (app, config):
            heap.work(app, 0, 1)  # with the first reading every way out listens
            clients = Clients(app, config)
            try:
                clients.work(WARM_S)
                warm = least(app)
                clients.work(SECONDS)
                end = least(app)
            finally:
                clients.close()
            status = json.loads(app.get("/api/status"))
    except parts.Missing as missing:
        absent(str(missing))
    assert status["tasks"] == {} and status["out_of_memory"] == 0, status
    assert status["readings"]["failed"] == 0 and status["readings"]["ok"] > 10, status["readings"]
    assert all(not way["error"] for way in status["ways"].values()), status["ways"]
    assert set(status["ways"]) == {"mqtt_host", "modbus", "bacnet", "kmptcp"}
    assert clients.readings > 0
    print("kept: %d bytes when warm, %d at the end, in a heap of %s" % (warm, end, CASE.heap))
    assert end - warm <= GROWTH_BYTES, (warm, end)
