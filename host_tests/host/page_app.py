# The real HTTP server, routes, access, settings, log and history under a reading that stands still until it is told to
# change: what the tests of the page look at. Runs on MicroPython with the built firmware on its path.
# Usage: page_app.py PORT ROOT FOLDER; ROOT holds www/, settings are those of config.json in FOLDER.
# /debug/set takes a JSON object and changes what is shown; it exists here only. "polled": nobody gets a stream.

import asyncio
import json
import os
import sys

from all_routes import all_routes

from kmpeye.expose.access import Access
from kmpeye.expose.http import Server
from kmpeye.readings.history.query import span
from kmpeye.readings.history.store import History
from kmpeye.readings.snapshot import Meter, Reading, Snapshot
from kmpeye.system import config, forget
from kmpeye.system.clock import Clock
from kmpeye.system.log import Log
from kmpeye.system.timezone import Zone

CET = Zone("CET-1CEST,M3.5.0,M10.5.0/3")
LAST = 1795327200  # 2026-11-22 07:00 in central Europe: the last hour that is recorded
DAYS = 60
M3, DEGREES = 40, 37
ROWS = [
    ["volume", 68, M3, 314100, -3],
    ["flow", 74, 42, 86, -3],
    ["water_temperature", 89, DEGREES, 950, -2],
    ["ambient_temperature", 90, DEGREES, 21, 0],
    ["target_volume", 78, M3, 301000, -3],
    ["info", 99, 51, 0, 0],
]
STATUS = {
    "state": "ok",
    "text": "The meter answers",
    "advice": "Nothing",
    "name": "kmpeye",
    "version": "0.2.0",
    "uptime_s": 4711,
    "interval_s": 3600,
    "next_reading_s": 1712,
    "profile": "multical21",
    "alike": [],
    "wake": "fixed",
    "port": {"url": "uart", "ok": True, "error": None, "opened": 1, "baud": 1200},
    "budget": {"replies": 24, "replies_limit": 60, "awake_s": 61, "awake_s_limit": 240},
    "flags": [],
    "flag_hours": {},
    "flag_texts": {},
    "held_back": [],
    "events": [{"number": 1, "at": "2026-11-22T06:00:00Z", "age_s": 2400, "what": "state", "key": "ok"}],
    "line": {"bytes": 4711, "echoes": 12, "frames": 96, "bad_crc": 1, "requests": 98, "answers": 96},
    "ways": {"modbus": {"state": "listening", "error": None, "clients": 1, "requests": 77}},
    "history": {"notes": [], "damaged": []},
    "readings": {"ok": 12, "failed": 1, "last_error": None, "reasons": {"no_light": 1}},
    "not_offered": ["reverse_volume"],
    "heap": {"alloc": 52000, "free": 12000},
    "warnings": [],
}


class Alignment:
    """What head.align.Alignment shows, a try whenever somebody looks."""

    number = score = good = bad = bytes = echoes = 0
    heard = "nothing"
    left_s = 120
    over = False

    def __init__(self, clock):
        self.task = asyncio.create_task(self._run(clock))

    def stop(self):
        self.over = True

    async def _run(self, clock):
        for self.heard, self.score in (("no_light", 0), ("bad_crc", 20), ("answer", 45), ("answer", 80)):
            self.number += 1
            self.left_s -= 2
            self.good += self.heard == "answer"
            await clock.sleep_ms(400)
        while not self.over:  # until nobody listens any more, or it is stopped
            await clock.sleep_ms(1000)
            self.number += 1
            self.good += 1


class Reader:
    """What the actions of the page ask of kmpeye.reader."""

    busy = False

    def __init__(self, clock):
        self.clock = clock
        self.errands = self
        self.alignment = None
        self.outcome = ["ok", "", 0]

    async def read_now(self):
        return self.outcome

    def start_align(self):
        self.alignment = Alignment(self.clock)


class Supervisor:
    low = False


class App:
    forget = staticmethod(forget)
    wifi = boots = None
    streams = 0
    supervisor = Supervisor
    version = "0.2.0"
    updating = False

    def __init__(self, root):
        self.root = root
        self.config = config.load()
        self.clock = Clock()
        self.log = Log(self.clock, 2048, "info", None)
        self.log("page: the log begins")
        self.log.warning("meter: something <b>odd</b>")
        self.reader = Reader(self.clock)
        self.snapshot = Snapshot(Meter("MULTICAL 21", "water"))
        self.snapshot.meter.serial = "12345678"
        self.status = STATUS
        self.age_s = 12
        self.history = History("history", ("volume", "water_temperature"), "12345678", 400 << 10, CET)
        self.past = self.history
        self.asked = []

    def set(self, told):
        """values, missing, status, bare, outcome, polled, age_s: each as it is to be; all others as at the start."""
        snapshot = self.snapshot
        self.age_s = told.get("age_s", 12)
        self.reader.outcome = told.get("outcome", ["ok", "", 0])
        self.streams = 2 if told.get("polled") else 0
        self.status = {} if told.get("bare") else dict(STATUS)
        self.status.update(told.get("status", {}))
        snapshot.state = self.status.get("state")
        snapshot.reading = None
        rows = told.get("values", ROWS)
        if rows:
            now = self.clock.uptime_s()
            taken = [now - self.age_s - (row[5] if len(row) > 5 else 0) for row in rows]
            rows = [tuple(row[:5]) for row in rows]
            unix = self.clock.unix() - self.age_s
            snapshot.reading = Reading(rows, now - self.age_s, unix, taken, told.get("missing", ()))
        snapshot.changed()

    def reading_chunks(self):
        from kmpeye.readings.as_json import reading_chunks

        return reading_chunks(self.snapshot, self.clock)

    def status_chunks(self):
        yield json.dumps(self.status)

    def local(self, address):
        return False

    def crashes(self):
        return ()

    def settings(self):
        from kmpeye.system import config_save

        return config_save

    def updates(self):
        from kmpeye.system import update

        return update

    def apply(self, keys):
        return []

    def restart(self):
        self.asked.append("restart")

    def forget_wifi(self):
        self.asked.append("forget_wifi")

    def factory_reset(self, keep_history):
        self.asked.append("factory_reset %s" % keep_history)

    def lean(self):
        pass

    def meter_exchanged(self):
        self.asked.append("meter_exchanged")


def record(history):
    """So many days by the hour, with holes: two days, a morning, and one over a midnight."""
    total = 100000
    for hour in range(DAYS * 24, -1, -1):
        unix = LAST - 3600 * hour
        if not (240 <= hour < 290 or 20 <= hour < 25 or 52 <= hour < 60):
            history.append(
                unix,
                3600 * (DAYS * 24 - hour),
                {"volume": (M3, total, -3), "water_temperature": (DEGREES, 950 + hour % 48, -2)},
            )
        total += (unix // 3600 * 7) % 31


async def debug_set(exchange, app):
    app.set(json.loads(bytes(exchange.view[: exchange.size])))
    await exchange.start(200, "application/json")
    await exchange.write((json.dumps(app.asked),))


async def debug_open(exchange, app):
    """How many connections there are; a stream whose page was closed is found out by writing to it."""
    app.snapshot.changed()
    await exchange.start(200, "application/json")
    await exchange.write((str(app.server.open),))


async def main(port, root, folder):
    os.chdir(folder)
    app = App(root)
    if not span(app.history.index):
        record(app.history)
    app.set({})
    paths = all_routes(app)
    paths["/debug/set"] = ("*POST", debug_set, app)
    paths["/debug/open"] = ("*POST", debug_open, app)
    app.server = Server(paths, print, access=Access(app))
    await app.server.start("127.0.0.1", int(port))
    print("listening")
    await asyncio.Event().wait()


asyncio.run(main(*sys.argv[1:]))
