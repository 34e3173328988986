# The real HTTP server with the real routes, access and settings, and a reading that stands still: what the tests of the
# server, of the page and of who may do what talk to. Runs on MicroPython (MICROPYPATH=.frozen:firmware) and on CPython.
# Usage: http_app.py PORT WWW_DIR [REQUEST_S REPLY_S [FOLDER]]; settings are those of config.json in FOLDER, or the
# defaults. The /debug routes change the reading, make trouble and tell the heap; they exist here only.

import asyncio
import gc
import json
import os
import sys

from all_routes import all_routes

from kmpeye.expose.access import Access
from kmpeye.expose.http import Server
from kmpeye.readings.snapshot import Meter, Snapshot
from kmpeye.system import config, forget
from kmpeye.system.clock import Clock

volume = "314.100"  # trailing zeros must survive
label = "Volume"
registers = True
bare = False  # a status without any field
uptime = 0


def reading_chunks():
    yield '{"meter":{"model":"MULTICAL 21","serial":"12345678","type":null,"revision":null},'
    if not registers:
        yield '"taken_at":null,"age_s":null,"registers":{}}'
        return
    yield (
        '"taken_at":"2026-11-22T06:40:00Z","age_s":12,"registers":{"volume":{"id":68,"label":"%s","value":'
        % label
    )
    yield volume
    yield ',"unit":"m³"},"flow":{"id":74,"label":"Flow","value":0.086,"unit":"m³/h"},'
    yield '"water_temperature":{"id":89,"label":"Water temperature","value":9.50,"unit":"°C"},'
    yield '"ambient_temperature":{"id":90,"label":"Ambient temperature","value":21,"unit":"°C"},'
    yield '"target_volume":{"id":78,"label":"Volume on target date","value":301.000,"unit":"m³"},'
    yield '"info":{"id":99,"label":"Info code","value":0,"unit":""},'
    yield '"target_date":{"id":98,"label":"Target date","value":"12-31","unit":""}}}'


def status_chunks():
    if bare:
        yield "{}"
        return
    if registers:
        yield (
            '{"state":"ok","text":"the meter answers","name":"kmpeye","version":"0.1.0","uptime_s":%d,'
            % uptime
        )
    else:
        yield '{"state":"starting","text":"the meter has not been read yet","uptime_s":%d,' % uptime
    yield '"next_reading_s":1712,"interval_s":3600,"port":{"url":"socket://127.0.0.1:7000","ok":true,"error":null,'
    yield '"opened":1},"line":{"bytes":4711,"echoes":12,"frames":96,"bad_crc":1,"bad_escapes":0,"overruns":0},'
    yield '"readings":{"ok":12,"failed":1,"last_error":null},"not_offered":["reverse_volume"],'
    yield '"heap":{"alloc":%d,"free":%d},"warnings":[]}' % (alloc(), free())


def alloc():
    return gc.mem_alloc() if hasattr(gc, "mem_alloc") else 0


def free():
    return gc.mem_free() if hasattr(gc, "mem_free") else 0


def parameters(exchange):
    # What stands behind the "?" as a dict; ASCII is all the tests need.
    pairs = [pair.partition("=") for pair in exchange.query.split("&")]
    return {name: "".join(decoded(value.split("%"))) for name, _, value in pairs}


def decoded(parts):
    yield parts[0]
    for part in parts[1:]:
        yield chr(int(part[:2], 16)) + part[2:]


async def send(exchange, content_type, body):
    await exchange.start(200, content_type)
    await exchange.write((body,))


async def heap(exchange):
    # "garbage": allocated since the last question without a collection in between.
    used = alloc()
    if parameters(exchange).get("collect") != "0":
        gc.collect()
    await send(
        exchange,
        "application/json",
        '{"used":%d,"kept":%d,"open":%d,"requests":%d}' % (used, alloc(), server.open, server.requests),
    )


async def change(exchange):
    global volume, label, registers, bare
    query = parameters(exchange)
    volume = query.get("volume", "314.100")
    label = query.get("label", "Volume")
    registers = query.get("registers", "1") == "1"
    bare = "bare" in query
    await send(exchange, "text/plain", "changed\n")


async def crash(exchange):
    raise ValueError("on purpose")


async def crash_late(exchange):
    await exchange.start(200, "text/plain")
    await exchange.flush()
    raise ValueError("on purpose, late")


async def starve(exchange):
    raise MemoryError


async def echo(exchange):
    body = bytes(exchange.view[: exchange.size])
    await send(exchange, exchange.headers.get("content-type", "application/octet-stream"), body)


async def endless_bytes(exchange):
    # For clients that go away or stop reading in mid-reply.
    await exchange.start(200, "text/plain")
    for _ in range(20000):
        await exchange.write(("0123456789abcdef" * 16,))


async def drip(exchange):
    # One-byte pieces: they must leave together.
    await exchange.start(200, "text/plain")
    await exchange.write("0123456789" * 300)


async def events(exchange):
    await exchange.start(200, "text/event-stream")
    for number in range(3):
        await exchange.write(("data: %d\n\n" % number,))
        await exchange.flush()
        await asyncio.sleep(int(parameters(exchange).get("pause", "0")))


class Late(Clock):
    """Real, but for the seconds it is put forward."""

    ahead_s = 0

    def uptime_s(self):
        return super().uptime_s() + self.ahead_s


class Supervisor:
    low = False


class App:
    """What the routes need of the app; what they ask it to do is noted."""

    forget = staticmethod(forget)
    reader = None
    wifi = None  # as on a PC
    history = None
    streams = 0
    supervisor = Supervisor
    updating = False
    version = "0.2.0"

    def __init__(self, www):
        self.root = www[:-3]
        self.config = config.load()
        self.clock = Late()
        self.snapshot = Snapshot(Meter("MULTICAL 21", "water"))
        self.on_access_point = False
        self.asked = []

    def log(self, text):
        self.asked.append("log: " + text)

    def reading_chunks(self):
        return reading_chunks()

    def status_chunks(self):
        return status_chunks()

    def local(self, address):
        return self.on_access_point and address == "127.0.0.1"

    def settings(self):
        from kmpeye.system import config_save

        return config_save

    def updates(self):
        from kmpeye.system import update

        return update

    def apply(self, keys):
        self.asked.append("apply " + " ".join(keys))
        return []

    def restart(self):
        self.asked.append("restart")

    def forget_wifi(self):
        self.asked.append("forget_wifi")

    def factory_reset(self, keep_history):
        self.asked.append("factory_reset %s" % keep_history)

    def meter_exchanged(self):
        self.asked.append("meter_exchanged")


class Turns:
    """Another task, as the reader is one: how often it had its turn, and how many requests at most were answered
    between two of them."""

    task = None
    count = most = 0

    async def run(self):
        while True:
            before = server.requests
            await asyncio.sleep(0)
            self.count += 1
            self.most = max(self.most, server.requests - before)


async def route_list(exchange):
    rows = [[path, paths[path][0]] for path in sorted(paths)]
    await send(exchange, "application/json", json.dumps(rows))


async def asked(exchange):
    """What the app was asked to do since the last question; "access_point": whether the client is on ours."""
    query = parameters(exchange)
    if "access_point" in query:
        app.on_access_point = query["access_point"] == "1"
    done, app.asked = app.asked, []
    await send(exchange, "application/json", json.dumps(done))


async def age(exchange):
    """The clock goes forward by so many seconds."""
    app.clock.ahead_s += int(parameters(exchange)["s"])
    await send(exchange, "text/plain", "older\n")


async def turns(exchange):
    """POST starts counting, GET ends it."""
    if exchange.method == "POST":
        counter.task = asyncio.create_task(counter.run())
    else:
        counter.task.cancel()
    await send(exchange, "application/json", '{"count":%d,"most":%d}' % (counter.count, counter.most))


counter = Turns()
READ = "*GET, HEAD"
DEBUG = {
    "/debug/heap": (READ, heap),
    "/debug/change": ("*POST", change),
    "/debug/routes": (READ, route_list),
    "/debug/asked": ("*POST", asked),
    "/debug/age": ("*POST", age),
    "/debug/turns": (READ + ", POST", turns),
    "/debug/crash": (READ, crash),
    "/debug/crash-late": (READ, crash_late),
    "/debug/starve": (READ, starve),
    "/debug/echo": ("*POST, PUT", echo),
    "/debug/endless": (READ, endless_bytes),
    "/debug/drip": (READ, drip),
    "/debug/events": (READ, events),
}


async def main():
    global app, paths, server, uptime
    port, www, *rest = sys.argv[1:]
    if len(rest) == 3:
        os.chdir(rest.pop())
    request_s, reply_s = [int(text) for text in rest] or (10, 30)
    app = App(www)
    paths = all_routes(app)
    paths.update(DEBUG)
    server = Server(paths, print, Access(app), request_s, reply_s)
    await server.start("127.0.0.1", int(port))
    print("listening")
    while True:
        await asyncio.sleep(1)
        uptime += 1


asyncio.run(main())
