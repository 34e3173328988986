# Puts the parts together; the only file that knows them all. One task reads the meter, one serves the page,
# on the chip one keeps the Wi-Fi. The reader alone asks the meter; every way out answers from the snapshot.

import asyncio
import gc

from kmp.names import unit_name
from kmp.value import token
from kmpeye.head.line import Line
from kmpeye.head.transaction import Head
from kmpeye.reader import MeterReader
from kmpeye.readings.as_json import reading_chunks
from kmpeye.readings.snapshot import Meter, Snapshot
from kmpeye.status import status_chunks
from kmpeye.system import forget
from kmpeye.system.clock import Clock

_FALLBACK = "multical21"  # when the named profile cannot be used: the reader starts and says so
_WANTED = ("model", "baud", "address", "interval_s", "registers", "types")  # of the profile


class App:
    version = "0.1.0"

    def __init__(self, config, root="", pins=None, log=print):
        """config: system.config.Config; root: folder of meters/ and www/, "" or with a slash at its end;
        pins: the board's uart (boards/*.json), needed for the port "uart"."""
        self.config = config
        self.root = root
        self.clock = Clock()
        self.log = log
        profile = self._profile()
        self.line = Line(config["port"], config["baud"] or profile.baud, self.clock, pins)
        address = config["address"]
        head = Head(self.line, profile.address if address is None else address)
        self.snapshot = Snapshot(Meter(profile.model))
        self.reader = MeterReader(
            head, profile, self.snapshot, config["interval_s"] or profile.interval_s, log
        )
        self.server = None

    def _profile(self):
        from kmpeye.meter.profile import ProfileError, load

        folder = self.root + "meters"
        try:
            return load(self.config["meter"], folder, _WANTED)
        except ProfileError as e:
            self.config.warnings.append("meter: %s; %s is used" % (e, _FALLBACK))
            return load(_FALLBACK, folder, _WANTED)
        finally:
            forget("kmpeye.meter.profile_check", "kmpeye.meter.profile")  # needed once

    async def run(self):
        """Start everything and stay until cancelled."""
        from kmpeye.expose.http import Server
        from kmpeye.expose.web import routes

        config = self.config
        for text in config.warnings:
            self.log("warning: " + text)
        jobs = [self.reader.run(), self._show_readings()]
        if config["wifi_ssid"]:
            from kmpeye.system.wifi import Wifi

            jobs.append(Wifi(config, self.clock, self.log).run())
        server = Server(
            routes(
                lambda: reading_chunks(self.snapshot, self.clock),
                lambda: status_chunks(self),
                self.root + "www",
            ),
            self.log,
        )
        tasks = [asyncio.create_task(job) for job in jobs]
        try:
            await server.start(config["http_host"], config["http_port"])
            self.server = server
            if config["http_host"] != "0.0.0.0":  # else the Wi-Fi knows the address
                self.log("page: http://%s:%d/" % (config["http_host"], config["http_port"]))
            gc.collect()  # what the start needed and nothing else does
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            if self.server:
                await server.close()
            self.line.close()

    async def _show_readings(self):
        """One line in the log for each reading."""
        snapshot = self.snapshot
        number = 0
        reading = None
        while True:
            number = await snapshot.wait(number)
            if snapshot.reading is not reading:
                reading = snapshot.reading
                try:
                    self._show(reading)
                except MemoryError:  # a log that has no room is no reason to end
                    gc.collect()

    def _show(self, reading):
        """Apart from the task that waits, which would keep the words until the next reading."""
        meter = self.snapshot.meter
        words = [
            self.clock.iso(reading.unix) if reading.unix else "no date",
            meter.model,
            meter.serial or "?",
        ]
        for key, _, unit, mantissa, exponent in reading.values:
            words.append("%s %s %s" % (key, token(unit, mantissa, exponent).strip('"'), unit_name(unit)))
        self.log("  ".join(words))
