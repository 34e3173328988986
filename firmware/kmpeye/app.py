# Puts the parts together; the only file that knows them all. One task reads the meter, one serves the page,
# on the chip one keeps the Wi-Fi. The reader alone asks the meter; every way out answers from the snapshot.

import asyncio

from kmp.calendar import token
from kmp.registers import unit_name

from kmpeye.head.line import Line
from kmpeye.head.transaction import Head
from kmpeye.meter import profile as profiles
from kmpeye.reader import MeterReader
from kmpeye.readings.as_json import reading_chunks
from kmpeye.readings.snapshot import Meter, Snapshot
from kmpeye.status import status_chunks
from kmpeye.system.clock import Clock

VERSION = "0.1.0"
_FALLBACK = "multical21"  # when the named profile cannot be used: the reader starts and says so


class App:
    version = VERSION

    def __init__(self, config, root="", pins=None, log=print):
        """config: system.config.Config; root: folder of meters/ and www/, "" or with a slash at its end;
        pins: the board's uart (boards/*.json), needed for the port "uart"."""
        self.config = config
        self.root = root
        self.clock = Clock()
        self.log = log
        self.profile = self._profile()
        address = config["address"]
        self.line = Line(config["port"], config["baud"] or self.profile.baud, self.clock, pins)
        self.head = Head(self.line, self.profile.address if address is None else address)
        self.snapshot = Snapshot(Meter(self.profile.model))
        interval_s = config["interval_s"] or self.profile.interval_s
        self.reader = MeterReader(self.head, self.profile, self.snapshot, interval_s, log)
        self.server = None

    def _profile(self):
        folder = self.root + "meters"
        try:
            return profiles.load(self.config["meter"], folder)
        except profiles.ProfileError as e:
            self.config.warnings.append("meter: %s; %s is used" % (e, _FALLBACK))
            return profiles.load(_FALLBACK, folder)

    async def run(self):
        """Start everything and stay until cancelled."""
        for text in self.config.warnings:
            self.log("warning: " + text)
        tasks = [asyncio.create_task(self.reader.run()), asyncio.create_task(self._show_readings())]
        if self.config["wifi_ssid"]:
            from kmpeye.system.wifi import Wifi

            tasks.append(asyncio.create_task(Wifi(self.config, self.clock, self.log).run()))
        try:
            await self._serve()
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            if self.server:
                await self.server.close()
            self.line.close()

    async def _serve(self):
        from kmpeye.expose.http import Server
        from kmpeye.expose.web import routes

        rows = routes(
            lambda: reading_chunks(self.snapshot, self.clock), lambda: status_chunks(self), self.root + "www"
        )
        server = Server(rows, self.log)
        await server.start(self.config["http_host"], self.config["http_port"])
        self.server = server

    async def _show_readings(self):
        """One line in the log for each reading."""
        number = 0
        reading = None
        while True:
            number = await self.snapshot.wait(number)
            if self.snapshot.reading is reading:
                continue
            reading = self.snapshot.reading
            meter = self.snapshot.meter
            words = [self.clock.iso(reading.unix) if reading.unix else "no date", meter.model, meter.serial or "?"]
            for key, _, unit, mantissa, exponent in reading.values:
                words.append("%s %s %s" % (key, token(unit, mantissa, exponent).strip('"'), unit_name(unit)))
            self.log("  ".join(words))
