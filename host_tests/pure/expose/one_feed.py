# A feed of MQTT without a broker: the app it is given, with a clock that is moved by hand and a flash in memory, and
# what is due of it. For test_mqtt_feed.py and test_mqtt_backlog.py; runs on CPython and MicroPython.

import json

from kmpeye.readings.as_json import reading_chunks
from kmpeye.readings.snapshot import Meter, Reading, Snapshot
from kmpeye.system import forget
from kmpeye.system.clock import Clock
from kmpeye.system.config import checked
from kmpeye_history.scene import NEW_YEAR

START = "online", "announcement", "reading", "diagnosis"


class Hands(Clock):
    """A clock that only hands move."""

    def __init__(self, unix):
        super().__init__()
        self.now = 0
        self.began = unix

    def ticks(self):
        return self.now

    def since(self, ticks):
        return self.now - ticks

    def uptime_s(self):
        return self.now // 1000

    def unix(self):
        return None if self.began is None else self.began + self.uptime_s()


class Flash:
    """What keep does, in memory; counts."""

    def __init__(self):
        self.files = {}
        self.saves = 0
        self.full = False

    def load(self, path):
        return json.loads(self.files[path]) if path in self.files else None

    def save(self, path, state):
        if self.full:
            raise OSError(28)
        self.saves += path == "mqtt.json"
        self.files[path] = json.dumps(state)


class Budget:
    replies = awake_s = 0


class App:
    version = "0"
    wifi = None
    forget = staticmethod(forget)

    def __init__(self, history=None, unix=NEW_YEAR, flash=None, **settings):
        values = {"mqtt_host": "broker"}
        values.update(settings)
        self.config = checked(values)
        self.clock = Hands(unix)
        self.keep = flash or Flash()
        self.snapshot = Snapshot(Meter("MULTICAL 21", "water"))
        self.snapshot.meter.serial = "1234"
        self.history = history
        self.budget = Budget()
        self.plan = self.reader = self.profile = self  # one object is all that a feed asks of these
        self.interval_s = 3600
        self.valid_s = 3 * 3600
        self.name = "multical21"
        self.kind = "water"
        self.info = [(2, "leak")]
        self.registers = [(68, "volume"), (74, "flow")]
        self.said = []
        self.read(314131)

    def log(self, text):
        self.said.append(text)

    def reading_chunks(self):
        return reading_chunks(self.snapshot, self.clock)

    def read(self, volume):
        clock = self.clock
        self.snapshot.reading = Reading([("volume", 68, 40, volume, -3)], clock.uptime_s(), clock.unix())
        self.snapshot.state = "ok"
        self.snapshot.changed()


def due(feed, busy=False):
    """(kind, topic, payload, value) of what is due, or Nones."""
    found = feed.next(busy)
    if not found:
        return None, None, None, None
    kind, value, topic, pieces, _ = found
    return kind, topic, "".join(pieces), value


def drain(feed, most=500):
    """Everything that is due until nothing is, as (kind, topic, payload)."""
    found = []
    while len(found) < most:
        kind, topic, payload, value = due(feed)
        if kind is None:
            return found
        feed.done(kind, value)
        found.append((kind, topic, payload))
    raise AssertionError("there is no end to it")


def kinds(found):
    return tuple([row[0] for row in found])


def ids(found):
    return [int(json.loads(row[2])["id"][5:]) for row in found if row[0] == "history"]
