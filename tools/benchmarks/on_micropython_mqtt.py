# The MQTT way out at work on MicroPython: the codec alone, then a week of records and some readings to the broker at
# 127.0.0.1. Run by mqtt.py, in a folder it may write to: on_micropython_mqtt.py PORT METERS. Prints one line of JSON.

import asyncio
import json
import sys

from kmpeye.expose.mqtt.client import Mqtt
from kmpeye.expose.mqtt.codec import Reader
from kmpeye.meter.profile import load
from kmpeye.readings.as_json import reading_chunks
from kmpeye.readings.history.store import History
from kmpeye.readings.snapshot import Meter, Reading, Snapshot
from kmpeye.system import forget, keep
from kmpeye.system.clock import Clock
from kmpeye.system.config import checked
from kmpeye.system.timezone import Zone

FRAMES = 2000
RECORDS = 168
READINGS = 10
FIRST = 1789999200
WAIT_MS = 60000


class Budget:
    replies = awake_s = 0


class App:
    """What a way out is given; a meter of 26 registers that stands still."""

    version = "bench"
    keep = keep
    forget = staticmethod(forget)
    wifi = None
    interval_s = 3600
    valid_s = 3 * 3600
    budget = Budget()

    def __init__(self, port, meters):
        self.config = checked({"mqtt_host": "127.0.0.1", "mqtt_port": port})
        self.clock = Clock()
        self.reader = self.plan = self
        self.profile = load("multical603", meters)
        self.snapshot = Snapshot(Meter(self.profile.model, self.profile.kind))
        self.snapshot.meter.serial = "68123456"
        self.history = History("history", ("volume",), "68123456", 400 * 1024, Zone("UTC0"))
        for hour in range(RECORDS):
            self.history.append(FIRST + 3600 * hour, 3600 * hour, {"volume": (40, hour, -3)})
        self.read(0)

    def read(self, volume):
        rows = [
            (key, register, 40, volume, -3) for register, key in self.profile.registers if key != "serial"
        ]
        self.snapshot.reading = Reading(rows, self.clock.uptime_s(), self.clock.unix())
        self.snapshot.changed()

    def reading_chunks(self):
        return reading_chunks(self.snapshot, self.clock)

    def log(self, text):
        print(text, file=sys.stderr)


def frames_per_s(clock):
    """What a broker sends in answer to our publications, taken out of its bytes."""
    data = memoryview(b"\x40\x02\x01\x02\x32\x12\0\x0ekmpeye/68/read\0\x07")
    reader = Reader()
    start = clock.ticks()
    for _ in range(FRAMES // 2):
        pos = 0
        while pos < len(data):
            count = len(reader.room)
            reader.room[:] = data[pos : pos + count]
            reader.took(count)
            pos += count
            if reader.whole:
                if reader.kind == 0x30:
                    reader.message()
                reader.begin()
    return FRAMES * 1000 // max(1, clock.since(start))


async def until(clock, condition):
    start = clock.ticks()
    while not condition():
        if clock.since(start) > WAIT_MS:
            raise RuntimeError("the broker takes too long")
        await clock.sleep_ms(1)
    return clock.since(start)


async def main(port, meters):
    app = App(int(port), meters)
    clock = app.clock
    mqtt = Mqtt(app)
    task = asyncio.create_task(mqtt.run())
    await until(clock, lambda: mqtt.connections)
    backlog_ms = await until(clock, lambda: mqtt.status()["records"] == RECORDS)
    publish_ms = 0
    for number in range(READINGS):
        await clock.sleep_ms(37 * number)  # at any moment of the client's pause
        published = mqtt.published
        app.read(number + 1)
        publish_ms += await until(clock, lambda published=published: mqtt.published >= published + 2)
    task.cancel()
    found = {
        "frames_per_s": frames_per_s(clock),
        "backlog_per_s": RECORDS * 1000 // max(1, backlog_ms),
        "publish_ms": publish_ms // READINGS,
    }
    print(json.dumps(found))


asyncio.run(main(*sys.argv[1:]))
