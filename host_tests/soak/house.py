# The whole app in invented time, one life after the other: what is lost with the power, and what happens in between.
# Runs on CPython and MicroPython, in the folder that is its flash; imports the app. Everything of the app is real but
# the clock's ticks, the meter at the other end of the line, and the restart.

import asyncio
import sys

from kmpeye.app import App
from kmpeye.system import board, keep
from kmpeye.system.boots import Boots, _file
from kmpeye.system.clock import Clock
from kmpeye.system.config import checked
from kmpeye.system.log import Log
from soak.eye import Port
from soak.shortage import IN_CLIENT, IN_SERVER, INSIDE, Shortage

_IDLE_MS = 300000  # the longest step: half of what the supervisor takes for a standstill
_STARTING_MS = 60000
RECORDING_MS = (
    10000  # until a reading is in the history, which looks every five seconds while another is at work
)
# Three of the longest steps: what only looks, as the Wi-Fi does, comes to its turn at their ends.
LINKED_MS = 3 * _IDLE_MS
_HOST = "expose.mqtt.host"  # in kmpeye
HOME = ["secret to all", -60, "192.168.1.20"]


class Link:
    """Something that goes and comes back. made: how often it was found again; apart: a sentence for each time that it
    was not in time; last_ms: when it was there last."""

    def __init__(self, name):
        self.name = name
        self.made = 0
        self.apart = []
        self.last_ms = 0
        self._since_ms = 0

    def begin(self, ms):
        """It has to be found from now on."""
        self._since_ms = ms

    def see(self, ms, there, linked):
        if linked or not there:
            self.made += there and self._since_ms > 0
            self._since_ms = 0
            if there:
                self.last_ms = ms
        elif not self._since_ms:
            self._since_ms = ms
        elif ms - self._since_ms > LINKED_MS:
            self.apart.append("no %s since minute %d" % (self.name, self._since_ms // 60000))
            self._since_ms = ms


class House:
    """The device at the end of a line. Of the life that ended last: app, tasks (the supervisor's status), ended_ms; of
    all: lives, restarts (why, of the ends that nobody cut), shortage, links (Wi-Fi and broker)."""

    def __init__(self, world, meter, troubles, chance, root, settings, seen, **others):
        """root: folder of the firmware; seen(app, reading): called once for each reading that is published. Of the
        others each may be missing: between(): after each step, true when the power is gone; radio: fakes.network;
        broker: soak.broker.Broker; visitor: soak.visitor.Visitor of the page."""
        self.world = world
        self.troubles = troubles
        self.chance = chance
        self.app = None
        self.lives = 0
        self.restarts = []
        self._meter = meter
        self._root = root
        self._settings = settings
        self._seen = seen
        self._between = others.get("between")
        self._radio = others.get("radio")
        self._broker = others.get("broker")
        self._visitor = others.get("visitor")
        places = INSIDE + (IN_CLIENT if self._broker else ()) + (IN_SERVER if self._visitor else ())
        self.shortage = Shortage(places)
        self.links = [Link("Wi-Fi"), Link("broker")]
        self._restart = None  # why
        self._reason = ""
        self._sync_ms = None  # when the date comes from the network
        self._reading = None
        board.restart = self._restarted
        self._forgone = 0  # of it, for want of memory
        self._way = None  # the client of a broker that memory can run out in
        if self._broker:
            self._broker.open_socket = self.shortage.before("connect", self._broker.open_socket)
        if self._visitor:
            self.shortage.into_answers()
        keep.json = self.shortage

    def _kept(self, *data):
        """What Boots keeps; the reason is behind the bar."""
        if data:
            self._reason = str(data[0], "utf-8").partition("|")[2]
        return _file(*data)

    def _restarted(self):
        self._restart = self._reason or "somebody wanted it"

    async def _opener(self, where, baud, clock, pins):
        if self.troubles.active("unplugged", self.world.ms):
            raise OSError("there is no port")
        return Port(self.world, self._meter, self.troubles, self.chance)

    def _start(self):
        config = checked(self._settings)
        assert not config.warnings, config.warnings
        app = App(config, self._root, None, Log(Clock(), 1536, "info", None), Boots(self._kept, True))
        app.line._opener = self._opener
        self.shortage.into(app)
        self.app = app
        if self._radio:
            self._radio.air = self._radio.Air(app.clock)
            app.lookup = _lost  # the date comes from this house
        if self._broker:
            import kmpeye.expose.mqtt

            sys.modules["kmpeye." + _HOST] = kmpeye.expose.mqtt.host = self._broker
            forget = app.forget
            app.forget = lambda *names: forget(*[name for name in names if name != _HOST])
        for link in self.links:
            link.begin(self.world.ms)
        self._reading = None
        self._began_ms = self._recorded_ms = self.world.ms

    def _on_the_air(self):
        """Take the Wi-Fi away and give it back."""
        ms = self.world.ms
        wifi = self.app.wifi
        here = not self.troubles.active("wifi", ms)
        networks = self._radio.air.networks
        if here:
            networks["home"] = HOME
        else:
            networks.clear()
        self.links[0].see(ms, here, wifi is not None and wifi.state == "joined")

    def _published(self):
        way = self.app.ways.get("mqtt_host")
        if way and way is not self._way:
            self._way = way
            self.shortage.into_client(way)
        here = self._broker.gone() is None
        failures = sum(self.shortage.failed[place] for place in IN_CLIENT)
        if failures != self._forgone:  # each costs an attempt
            self._forgone = failures
            self.links[1].begin(self.world.ms)
        self.links[1].see(self.world.ms, here, way is not None and way.state == "connected")

    def _visited(self):
        self._visitor.step(self.world.ms, self.app.server is not None, sum(self.shortage.failed.values()))

    def idle(self):
        """Whether nothing happens before the next reading is due."""
        app = self.app
        reader = app.reader
        jobs = app.supervisor.jobs
        if self.world.ms - self._began_ms < _STARTING_MS or app.chores.filling:
            return False
        if self.world.ms - self._recorded_ms < RECORDING_MS:
            return False
        if reader.session._busy or reader.pending() or reader.head._asking:
            return False
        if self._visitor and self._visitor.waits():
            return False
        mqtt = app.ways.get("mqtt_host")
        if mqtt and (mqtt._feed or (mqtt.state == "connecting" and not self._broker.gone())):
            return False
        return not [job for job in jobs if not job.task or not job.running or job.cancelled]

    def _until(self, end_ms):
        """When the next thing happens that the app does not know of, or its next reading."""
        ms = self.world.ms
        until = min(end_ms, ms + _IDLE_MS, self.troubles.next_edge(ms))
        if self._sync_ms is not None:
            until = min(until, self._sync_ms)
        due = self.app.reader.next_s - self.app.clock.uptime_s()
        return max(ms + 200, min(until, ms + max(200, 1000 * due - 999)))

    def _happens(self):
        """What is due now. True: the power is cut."""
        world = self.world
        clock = self.app.clock
        if self._sync_ms is not None and world.ms >= self._sync_ms:
            world.offset_s = 0
            self._sync_ms = None
            clock.set_unix(world.unix())
            if self.app.ntp:
                self.app.ntp.answers += 1  # so that the Wi-Fi notices when nothing comes in any more
        while moment := self.troubles.take(world.ms):
            what, number = moment
            if what == "power":
                self.troubles.met.add(what)
                return True
            if what == "memory":
                self.shortage.come()
            elif clock.unix() is not None:
                # Seconds mostly; hours as when a zone was mistaken for the date. Never so far that a record of
                # then cannot be told from one of now: such a clock was never seen.
                most = 60 if number % 4 else 36000
                self.troubles.met.add("jump of hours" if most > 60 else "jump of seconds")
                world.offset_s = number // 4 % (2 * most) - most
                clock.set_unix(world.unix() + world.offset_s)
                self._sync_ms = world.ms + 3600000
        return False

    async def live(self, end_ms):
        """One life, until the power goes, a restart, or end_ms. True when that has come."""
        world = self.world
        self.lives += 1
        self._restart = None
        if world.offset_s is None:
            self._sync_ms = world.ms + self.chance.between(3, 300 if self.chance.below(4) else 9000) * 1000
        self._start()
        task = asyncio.create_task(self.app.run())
        cut = False
        try:
            while world.ms < end_ms and not self._restart and not cut:
                idle = self.idle()
                await world.step(idle, self._until(end_ms) if idle else min(end_ms, world.ms + 1000))
                reading = self.app.snapshot.reading
                if reading is not self._reading:
                    self._reading = reading
                    if reading:
                        self._seen(self.app, reading)
                if self.app.reader.busy:
                    self._recorded_ms = world.ms
                if self._radio:
                    self._on_the_air()
                if self._broker:
                    self._published()
                if self._visitor:
                    self._visited()
                cut = self._happens() or (self._between and self._between())
                assert not task.done(), "the app came to its end"
        finally:
            self.ended_ms = world.ms
            self.tasks = self.app.supervisor.status()
            task.cancel()
            if self._visitor:
                self._visitor.leave()
            for _ in range(4):
                await world.turns()
        if self._restart:
            self.restarts.append(self._restart)
        elif cut:
            world.offset_s = None
            world.ms += self.chance.between(1, 120) * 60000
        return world.ms >= end_ms


async def _lost(name, clock):
    raise OSError("no name server")
