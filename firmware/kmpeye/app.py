# What the ways out are given, and what a request may ask of the device; assemble.py puts it together. The supervisor
# keeps the tasks running: one reads the meter, one writes the history, one does what is due now and then, and each way
# out that is switched on has its own. The reader alone asks the meter; every way out answers from the snapshot.

import gc

from micropython import const

from kmpeye.expose.access import Access, address
from kmpeye.expose.http import Server
from kmpeye.expose.web import Routes
from kmpeye.system import forget, keep, memory
from kmpeye.system.clock import Clock
from kmpeye.system.log import Log

_LOG_BYTES = const(1536)  # about fifteen lines


class App:
    """What a way out is given. Attributes it may use: config, clock, log, keep, root, snapshot, reader, history, past,
    wifi, version, ways."""

    version = "0.2.0"
    keep = keep
    forget = staticmethod(forget)

    def __init__(self, config, root="", board=None, log=None, boots=None):
        """config: system.config.Config; root: folder of meters/ and www/, "" or with a slash at its end; board: what
        boards/*.json says of this one (uart, servo, coil, button), or {}; log: system.log.Log or what is like it, not
        given: a new one; boots: system.boots.Boots."""
        self.config = config
        self.root = root
        self.clock = clock = Clock()
        self.log = log or Log(clock, _LOG_BYTES, config["log_level"])
        self.boots = boots
        self.ways = {}  # setting: the way out that it switched on
        self.wifi = None
        self.txpower_dbm = None  # what the board's antenna bears, where that is less than all
        self.server = None
        self.ntp = None
        self.streams = 0  # pages that stay connected (expose.events)
        self.updating = False  # a bundle is coming in
        self.forgets = False  # what is known now must not be kept over the restart
        from kmpeye.assemble import parts

        self.line, self.snapshot, self.reader, self.recorder, self.chores, self.button, self.supervisor = (
            parts(self, board or {})
        )
        forget("assemble")

    @property
    def history(self):
        """The History, opened for whoever asks, or None."""
        return self.recorder.open()

    @property
    def past(self):
        """The history for who only reads in it, or None."""
        return self.recorder.past()

    def zone(self):
        """The time zone of the settings: where days and months begin."""
        from kmpeye.system.timezone import Zone

        try:
            return Zone(self.config["timezone"])
        except ValueError as e:
            text = "timezone: %s; UTC is used" % e
            if text not in self.config.warnings:
                self.config.warnings.append(text)
            return Zone("UTC0")
        finally:
            forget("system.timezone")

    async def run(self):
        """Start everything and stay until cancelled."""
        config = self.config
        self._begin()
        server = Server(Routes(self), self.log, access=Access(self), elsewhere=self._elsewhere)
        try:
            await server.start(config["http_host"], config["http_port"])
            self.server = server
            if config["http_host"] != "0.0.0.0":  # else the Wi-Fi knows the address
                self.log("page: http://%s:%d/" % (config["http_host"], config["http_port"]))
            memory.settle()  # what the start needed and nothing else does
            await self.supervisor.run()
        finally:
            if self.server:
                await server.close()
            self.line.close()

    def _begin(self):
        """Apart from run(), which lasts and would keep what is needed once."""
        from kmpeye.assemble import tasks

        tasks(self)
        forget("assemble")

    def lean(self):
        """Let go of what is kept for the next question only."""
        self.recorder.lean()
        gc.collect()

    async def lookup(self, name, clock):
        """The address of a name, as text; OSError."""
        from kmpeye.expose.mqtt.names import lookup

        try:
            return await lookup(name, clock)
        finally:
            forget("expose.mqtt.names")

    def pressed(self):
        """Whether the board's button is."""
        pin, level = self.button
        return pin.value() == level

    def no_network(self, why):
        """The Wi-Fi gives up."""
        self.supervisor.restart(why, True)

    def heard(self):
        """A number that changes with all that comes in over the network; 0 before the date came from there: then
        nothing needs to come in."""
        if not self.ntp or not self.ntp.answers:
            return 0
        number = self.ntp.answers + self.server.requests
        for way in self.ways.values():
            number ^= way.heard  # a sum of ticks would take a piece of the heap, every second
        return number

    def joined(self, ssid, password):
        """The owner chose a network on the access point's page, and it works."""
        self.settings().change({"wifi_ssid": ssid, "wifi_password": password})
        forget("system.config_save", "system.config")
        self.config["wifi_ssid"] = ssid
        self.config["wifi_password"] = password

    def _elsewhere(self, exchange):
        """For the captive portal: system.wifi.Wifi.elsewhere."""
        wifi = self.wifi
        return wifi and wifi.elsewhere(exchange.headers["host"], address(exchange.peer))

    def status_chunks(self):
        try:
            from kmpeye.status import status_chunks

            yield from status_chunks(self)
        finally:
            forget("status")

    def reading_chunks(self):
        """The reading as JSON, in pieces (readings.as_json)."""
        try:
            from kmpeye.readings.as_json import reading_chunks

            yield from reading_chunks(self.snapshot, self.clock)
        finally:
            forget("readings.as_json")

    async def set_clock(self, application):
        """Send a SetClock; None when the meter acknowledged it, else a word why not."""
        reader = self.reader
        return (await reader.relay(reader.head.address, application))[1]

    def leave(self):
        """The supervisor's way to restart: what was learned is kept."""
        from kmpeye.system import board

        if not self.forgets:
            self.reader.save()
        board.restart()

    def stopped(self):
        """Somebody stopped the program: the magnet goes away, the coil off. A soft reset ends the timer that would do
        it, and leaves pins as they are."""
        self.reader.session.waker.release()

    def local(self, address):
        """Whether a client is on our own access point, where whoever knows its password is the owner."""
        return self.wifi is not None and self.wifi.local(address)

    def crashes(self):
        """What ended the last runs, the newest first (system.crash)."""
        from kmpeye.system import crash

        try:
            yield from crash.texts()
        finally:
            forget("system.crash")

    def settings(self):
        """system.config_save, for one request."""
        from kmpeye.system import config_save

        return config_save

    def updates(self):
        """system.update, for one request."""
        from kmpeye.system import update

        return update

    def apply(self, keys):
        from kmpeye import care

        return care.apply(self, keys)

    def restart(self):
        from kmpeye import care

        care.restart(self)

    def forget_wifi(self):
        from kmpeye import care

        care.forget_wifi(self)

    def factory_reset(self, keep_history):
        from kmpeye import care

        care.factory_reset(self, keep_history)

    def meter_exchanged(self):
        self.reader.exchanged()

    def show(self, reading):
        """One line on the console."""
        try:
            self.log.show(self._words(reading))
        finally:
            forget()

    def _words(self, reading):
        from kmp.names import unit_name
        from kmp.value import token

        meter = self.snapshot.meter
        yield self.clock.iso(reading.unix) if reading.unix else "no date"
        yield meter.model
        yield meter.serial or "?"
        for key, _, unit, mantissa, exponent in reading.values:
            yield ("%s %s %s" % (key, token(unit, mantissa, exponent).strip('"'), unit_name(unit))).rstrip()
