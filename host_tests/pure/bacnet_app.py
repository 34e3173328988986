# What a way out is given, small: the real snapshot, settings and profile, a clock that stands still until it is told,
# and readings by table. For the tests of BACnet on all interpreters.

import json

from kmpeye.meter.profile import load
from kmpeye.readings.snapshot import Meter, Reading, Snapshot
from kmpeye.system import forget
from kmpeye.system.config import checked

# key, id, unit, mantissa, exponent: a MULTICAL 601
VALUES = (
    ("heat_energy", 60, 3, 187556, -2),  # 1875.56 MWh
    ("volume", 68, 40, 3141310, -2),
    ("power", 80, 22, 215, -1),
    ("flow", 74, 41, 1250, 0),  # l/h
    ("flow_temperature", 86, 37, 7203, -2),
    ("return_temperature", 87, 37, 4110, -2),
    ("temperature_difference", 89, 38, 3093, -2),
    ("info", 99, 0, 4, 0),
)


class Keep:
    def __init__(self):
        self.files = {}

    def load(self, path, most_bytes=4096):
        return json.loads(self.files[path]) if path in self.files else None

    def save(self, path, state):
        self.files[path] = json.dumps(state)


class Clock:
    def __init__(self):
        self.now_s = 1000

    def uptime_s(self):
        return self.now_s


class Reader:
    def __init__(self, profile):
        self.profile = profile


class App:
    version = "9.8.7"
    forget = staticmethod(forget)

    def __init__(self, meter="multical601", settings=None, clock=None, folder="firmware/meters"):
        self.config = checked(settings or {"bacnet_instance": 260001})
        assert not self.config.warnings
        self.clock = clock or Clock()
        self.keep = Keep()
        self.reader = Reader(load(meter, folder))
        self.snapshot = Snapshot(Meter(self.reader.profile.model, self.reader.profile.kind))
        self.lines = []
        self.log = self.lines.append
        self.root = ""

    def publish(self, values=VALUES, missing=(), flags=("sensor_t2",)):
        snapshot = self.snapshot
        snapshot.meter.serial = "12345678"
        snapshot.reading = Reading(list(values), self.clock.uptime_s(), None, None, missing)
        snapshot.flags = list(flags)
        snapshot.state = "ok"
        snapshot.changed()

    def silent(self, state="no_light"):
        self.snapshot.state = state
        self.snapshot.changed()


class Device:
    """The objects of an app and the services that speak of them."""

    def __init__(self, app):
        # Here: to compile one file inside the import of another takes MicroPython a deep stack.
        from kmpeye.expose.bacnet import cov, services
        from kmpeye.expose.bacnet.objects import Objects

        self.objects = Objects(app)
        self._services = services
        self._cov = cov

    @property
    def subscriptions(self):
        return self.objects.subscriptions

    def answer(self, data, source):
        return self._services.answer(self.objects, data, source)

    def notifications(self):
        return self._cov.due(self.objects)

    def cancel(self, *key):
        self._cov.cancel(self.objects, key)

    def i_am(self):
        return self._services.i_am(self.objects)


def device(app, instance=260001):
    made = Device(app)
    made.objects.instance = instance
    made.objects.serial = "12345678"
    return made
