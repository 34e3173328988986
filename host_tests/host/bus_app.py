# Modbus TCP, KMP over TCP and the page with the real head behind them: what test_modbus.py and test_kmptcp.py talk to.
# Runs on MicroPython and on CPython. Usage: bus_app.py HTTP_PORT SETTINGS [METER_URL METER]: settings as JSON.
# With a meter it is read every second, else a reading counts up. GET /debug tells heap, counters and status.

import asyncio
import gc
import json
import sys

from kmpeye.expose.http import Server
from kmpeye.head.line import Line
from kmpeye.head.transaction import Head, NoAnswer
from kmpeye.meter.profile import load
from kmpeye.readings.snapshot import Meter, Reading, Snapshot
from kmpeye.system import forget
from kmpeye.system.clock import Clock
from kmpeye.system.config import checked

ANSWERED_BY_ACKNOWLEDGE = b"\x09\x11"


class MeterReader:
    """The reader's half of the contract with the ways out: own readings and relayed requests take turns."""

    interval_s = 1
    valid_s = 3

    def __init__(self, head, profile, snapshot, clock):
        self.head = head
        self.profile = profile
        self.snapshot = snapshot
        self.clock = clock
        self.turn = asyncio.Lock()
        self.relayed = self.failed = 0

    async def relay(self, address, application):
        async with self.turn:
            self.relayed += 1
            own = self.head.address
            self.head.address = address
            try:
                return await self.head.ask(application, 1, application[0] in ANSWERED_BY_ACKNOWLEDGE), None
            except NoAnswer as e:
                return None, e.reason
            finally:
                self.head.address = own

    async def run(self):
        count = 0
        registers = [one for one in self.profile.registers if one[1] != "serial"][:8]
        while True:
            count += 1
            values = [("heat_energy", 60, 3, 55006, -3), ("volume", 68, 40, count, -2)]
            if self.head:
                async with self.turn:
                    try:
                        found = await self.head.registers([one for one, _ in registers])
                        keys = dict(registers)
                        values = [(keys[i], i, unit, m, e) for i, unit, m, e in found]
                    except NoAnswer:
                        self.failed += 1
            self.snapshot.reading = Reading(values, self.clock.uptime_s(), None)
            self.snapshot.state = "ok"
            self.snapshot.changed()
            await self.clock.sleep_ms(1000)


class App:
    version = "0.1.0"
    log = staticmethod(print)
    forget = staticmethod(forget)

    def __init__(self, settings, url=None, name="multical403"):
        self.config = checked(settings)
        self.clock = Clock()
        profile = load(name, "firmware/meters")
        self.snapshot = Snapshot(Meter(profile.model, profile.kind))
        self.snapshot.meter.serial = "81234567"
        head = Head(Line(url, profile.baud, self.clock)) if url else None
        self.reader = MeterReader(head, profile, self.snapshot, self.clock)


async def debug(exchange, app, ways_out):
    forget("kmp.command", "kmp.value")  # they come and go with each reading
    gc.collect()
    told = {
        "heap": gc.mem_alloc() if hasattr(gc, "mem_alloc") else 0,
        "readings": app.snapshot.number,
        "relayed": app.reader.relayed,
        "failed": app.reader.failed,
    }
    for way_out in ways_out:
        told[type(way_out).__name__] = way_out.status()
    await exchange.start(200, "application/json")
    await exchange.write((json.dumps(told),))


async def main():
    port, settings, *meter = sys.argv[1:]
    app = App(json.loads(settings), *meter)
    ways_out = []
    if app.config["modbus"]:
        from kmpeye.expose.modbus.server import Modbus

        ways_out.append(Modbus(app))
    if app.config["kmptcp"]:
        from kmpeye.expose.kmptcp.server import KmpTcp

        ways_out.append(KmpTcp(app))
    await Server({"/debug": ("GET", debug, app, ways_out)}, print).start("127.0.0.1", int(port))
    tasks = [asyncio.create_task(way_out.run()) for way_out in ways_out]
    tasks.append(asyncio.create_task(app.reader.run()))
    print("started")
    await asyncio.gather(*tasks)


asyncio.run(main())
