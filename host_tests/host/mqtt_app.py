# The real MQTT way out with a meter that stands still: what the tests of MQTT and the benchmark talk to. Runs on
# MicroPython (MICROPYPATH=.frozen:firmware) and on CPython, in the folder it may write to.
# The first line on stdin is JSON: config, profile (as a file name), deadlines, hours of history. Each further line is
# a JSON command, answered by one JSON line. A task that should run every 50 ms measures how long the loop stood still.

import asyncio
import gc
import json
import select
import sys

from kmpeye.expose.mqtt import names
from kmpeye.expose.mqtt.client import Mqtt
from kmpeye.meter.profile import load
from kmpeye.readings.as_json import reading_chunks
from kmpeye.readings.snapshot import Meter, Reading, Snapshot
from kmpeye.system import forget, keep
from kmpeye.system.clock import Clock
from kmpeye.system.config import checked
from kmpeye.system.timezone import Zone

TICK_MS = 50
UNITS = {
    "volume": (40, 314131, -3),
    "flow": (41, 86, 0),
    "water_temperature": (37, 950, -2),
    "info": (0, 0, 0),
}


class CountingKeep:
    """The real keep, with a count of its writes."""

    def __init__(self):
        self.saves = {}
        self.load = keep.load

    def save(self, path, state):
        self.saves[path] = self.saves.get(path, 0) + 1
        keep.save(path, state)


class Budget:
    replies = 7
    awake_s = 21


class Plan:
    budget = Budget()


class Reader:
    """Answers a reading on request as the last command "meter" said."""

    plan = Plan()

    def __init__(self, profile, app):
        self.profile = profile
        self.interval_s = profile.interval_s
        self.valid_s = 3 * profile.interval_s
        self.answer = ("ok", "", 0)
        self.aligning = None
        self.asked = 0
        self.app = app

    async def read_now(self):
        self.asked += 1
        if self.answer[0] == "ok":
            self.app.read({})
        return tuple(self.answer)

    def start_align(self):
        return self.aligning


class App:
    version = "0.2.0"
    forget = staticmethod(forget)

    def __init__(self, told):
        self.config = checked(told["config"])
        assert not self.config.warnings, self.config.warnings
        self.clock = Clock()
        profile = load(told.get("profile", "multical21"), told["meters"])
        self.snapshot = Snapshot(Meter(profile.model, profile.kind))
        self.snapshot.meter.serial = told.get("serial", "68123456")
        self.reader = Reader(profile, self)
        self.keep = CountingKeep()
        self.wifi = self  # for its rssi()
        self.records = "first" in told
        for hour in range(told.get("hours", 0)):
            self.hour(told["first"] + 3600 * hour, 1000 + hour)

    @property
    def history(self):
        """Opened for whoever asks, as in the app."""
        if not self.records:
            return None
        from kmpeye.readings.history.store import History

        return History("history", ("volume",), self.snapshot.meter.serial, 400 * 1024, Zone("UTC0"))

    def reading_chunks(self):
        return reading_chunks(self.snapshot, self.clock)

    def log(self, text):
        print("log: " + text, file=sys.stderr)

    def rssi(self):
        return -61

    def hour(self, unix, mantissa, filled=False):
        values = {"volume": (40, mantissa, -3)}
        history = self.history
        if filled:
            assert history.insert(unix, values)
        else:
            assert history.append(unix, unix % 100000, values)

    def read(self, values):
        """Publish a reading: {key: [unit, mantissa, exponent]}; without, that of the registers known here."""
        rows = []
        for register, key in self.reader.profile.registers:
            unit = values.get(key) or (None if values else UNITS.get(key))
            if unit:
                rows.append((key, register, unit[0], unit[1], unit[2]))
        self.snapshot.reading = Reading(rows, self.clock.uptime_s(), self.clock.unix())
        self.snapshot.state = "ok"
        self.snapshot.text = "the meter answers"
        self.snapshot.flags = []
        self.snapshot.changed()


class Ticker:
    """How long the loop did nothing else at the longest."""

    worst_ms = 0

    async def run(self, clock):
        while True:
            before = clock.ticks()
            await clock.sleep_ms(TICK_MS)
            self.worst_ms = max(self.worst_ms, clock.since(before) - TICK_MS)


def obey(app, mqtt, ticker, told):
    what = told["do"]
    snapshot = app.snapshot
    if what == "read":
        app.read(told.get("values", {}))
    elif what == "hours":
        for unix, mantissa in told["hours"]:
            app.hour(unix, mantissa, told.get("filled", False))
        snapshot.changed()
    elif what == "meter":
        app.reader.answer = told.get("answer", app.reader.answer)
        app.reader.aligning = told.get("aligning")
    elif what == "serial":
        snapshot.meter.serial = told["serial"]
        app.read({})
    elif what == "flags":
        snapshot.flags = told["flags"]
        for flag in told["flags"]:
            snapshot.event(app.clock.uptime_s(), app.clock.unix(), "appeared", flag)
        snapshot.changed()
    elif what == "state":
        snapshot.state, snapshot.text = told["state"]
        snapshot.event(app.clock.uptime_s(), app.clock.unix(), "state", told["state"][0])
        snapshot.changed()
    elif what == "forget_worst":
        ticker.worst_ms = 0
    gc.collect()
    answer = mqtt.status()
    answer.update({"worst_ms": ticker.worst_ms, "saves": app.keep.saves, "asked": app.reader.asked})
    answer["loaded"] = sorted([name for name in sys.modules if name.startswith("kmpeye.expose.mqtt.")])
    if hasattr(gc, "mem_alloc"):
        answer["heap"] = gc.mem_alloc()
    return answer


async def main():
    told = json.loads(sys.stdin.readline())
    app = App(told)
    if "name_server" in told:
        names.server = lambda: tuple(told["name_server"])
        App.forget = staticmethod(lambda *_: None)  # or the next look-up loads the real one
    for key in ("ping_s", "answer_s", "most_pause_s"):
        setattr(Mqtt, key, told.get(key, getattr(Mqtt, key)))
    mqtt = Mqtt(app)
    ticker = Ticker()
    tasks = [asyncio.create_task(mqtt.run()), asyncio.create_task(ticker.run(app.clock))]
    if told.get("read", True):
        app.read({})
    poll = select.poll()
    poll.register(sys.stdin, select.POLLIN)
    print("{}")
    while not tasks[0].done():
        if poll.poll(0):
            line = sys.stdin.readline()
            if not line:
                break
            print(json.dumps(obey(app, mqtt, ticker, json.loads(line))))
        await app.clock.sleep_ms(20)
    assert not tasks[0].done(), "the task of MQTT ended"


asyncio.run(main())
