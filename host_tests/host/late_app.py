# The real HTTP server and routes, of which /metrics and /api/history are asked for here, over a meter that was
# read a moment ago and a history of 40 days: what test_metrics_prometheus.py and test_history_api_client.py talk to.
# Usage: late_app.py PORT PROFILE FOLDER, from the root of the repository, on MicroPython with the firmware and
# host_tests/pure on its path. /debug/heap tells what is kept; it exists here only.

import asyncio
import gc
import os
import sys

from all_routes import all_routes

from expose.one_app import app, publish
from expose.one_exchange import Things
from kmpeye.expose.http import Server
from kmpeye.readings.recorder import Recorder
from kmpeye.system import forget
from kmpeye.system.clock import Clock
from kmpeye_history.scene import CET, DAY, HOUR, M3

HOURS = 40 * 24
# A word of a register's key, and a value a meter might send: unit code, mantissa, exponent.
UNITS = (
    ("volume_times", 43, 12345, 0),
    ("difference", 38, 3020, -2),
    ("temperature", 37, 7210, -2),
    ("volume", M3, 314131, -3),
    ("energy", 3, 187556, -2),
    ("power_factor", 51, 985, -3),
    ("power", 22, 54, -1),
    ("flow", 42, 86, -3),
    ("hours", 46, 25000, 0),
    ("days", 62, 5213, 0),
    ("voltage", 33, 2304, -1),
    ("current", 34, 512, -2),
)


def values(profile):
    """Rows of a reading: a value for each register whose key tells its unit."""
    found = []
    for register, key in profile.registers:
        for word, unit, mantissa, exponent in UNITS:
            if word in key:
                found.append((key, register, unit, mantissa, exponent))
                break
    return found


class App(Things):
    """What the routes of the page need; the history is opened as the app does it."""

    root = ""
    config = {"history_kib": 400}
    forget = staticmethod(forget)
    log = print
    reading_chunks = status_chunks = None

    @property
    def history(self):
        return self.recorder.open()

    @property
    def past(self):
        return self.recorder.past()

    def lean(self):
        self.recorder.lean()

    def zone(self):
        return CET


async def heap(exchange):
    gc.collect()
    await exchange.start(200, "text/plain")
    await exchange.write((str(gc.mem_alloc()),))


def record(history, now):
    """HOURS up to the last midnight, with a hole now and then."""
    first = now - now % DAY - HOURS * HOUR
    for i in range(HOURS):
        if i % 100 != 50:
            history.append(first + HOUR * i, HOUR * i, {"volume": (M3, 100000 + 7 * i, -3)})


async def main(port, profile, folder):
    parts = app(profile)
    os.chdir(folder)
    clock = Clock()
    parts.clock = clock
    publish(parts, values(parts.reader.profile), 1, missing=[("flow_2", "rose_too_fast")])
    snapshot = parts.snapshot
    snapshot.flags = [key for _, key in parts.reader.profile.info][:1]
    snapshot.meter.serial = "68123456"
    wifi = Things(rssi=lambda: -67)
    one = App(clock=clock, snapshot=snapshot, reader=parts.reader, version=parts.version, wifi=wifi)
    one.recorder = Recorder(one)
    record(one.history, clock.unix())
    paths = all_routes(one)
    paths["/debug/heap"] = ("GET", heap)
    await Server(paths, print).start("127.0.0.1", port)
    print("listening")
    await asyncio.Event().wait()


asyncio.run(main(int(sys.argv[1]), sys.argv[2], sys.argv[3]))
