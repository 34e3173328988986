# The real HTTP server with the real page routes and a reading that stands still: what test_http_server.py and
# test_page.py talk to. Runs on MicroPython (MICROPYPATH=.frozen:firmware) and on CPython.
# Usage: http_app.py PORT WWW_DIR [REQUEST_S REPLY_S]. The /debug routes change the reading, make trouble and
# tell the heap; they exist here only.

import asyncio
import gc
import sys

from kmpeye.expose.http import Server
from kmpeye.expose.web import routes

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


async def heap(request, response):
    # "garbage": allocated since the last question without a collection in between.
    used = alloc()
    if request.query.get("collect") != "0":
        gc.collect()
    await response.send(
        200,
        "application/json",
        '{"used":%d,"kept":%d,"requests":%d,"rejected":%d,"errors":%d,"open":%d}'
        % (used, alloc(), server.requests, server.rejected, server.errors, server.open),
    )


async def change(request, response):
    global volume, label, registers, bare
    query = request.query
    volume = query.get("volume", "314.100")
    label = query.get("label", "Volume")
    registers = query.get("registers", "1") == "1"
    bare = "bare" in query
    await response.send(200, "text/plain", "changed\n")


async def crash(request, response):
    raise ValueError("on purpose")


async def crash_late(request, response):
    await response.start(200, "text/plain")
    await response.flush()
    raise ValueError("on purpose, late")


async def starve(request, response):
    raise MemoryError


async def silent(request, response):
    pass


async def hang(request, response):
    await asyncio.sleep(60)


async def echo(request, response):
    body = await request.body(2000)
    await response.send(200, request.header("content-type") or "application/octet-stream", body)


async def endless_bytes(request, response):
    # For clients that go away or stop reading in mid-reply.
    await response.start(200, "text/plain")
    for _ in range(20000):
        await response.write("0123456789abcdef" * 16)


async def drip(request, response):
    # One-byte pieces: they must leave together.
    await response.start(200, "text/plain")
    await response.stream("0123456789" * 300)


async def events(request, response):
    await response.start(200, "text/event-stream", endless=True)
    for number in range(3):
        await response.write("data: %d\n\n" % number)
        await response.flush()
        await asyncio.sleep(int(request.query.get("pause", "0")))


async def tail(request, response):
    await response.send(200, "text/plain", request.path + " " + request.query.get("q", "-"))


DEBUG = (
    ("/debug/heap", ("GET",), heap),
    ("/debug/change", ("POST",), change),
    ("/debug/crash", ("GET",), crash),
    ("/debug/crash-late", ("GET",), crash_late),
    ("/debug/starve", ("GET",), starve),
    ("/debug/silent", ("GET",), silent),
    ("/debug/hang", ("GET",), hang),
    ("/debug/echo", ("POST", "PUT"), echo),
    ("/debug/endless", ("GET",), endless_bytes),
    ("/debug/drip", ("GET",), drip),
    ("/debug/events", ("GET",), events),
    ("/debug/tail/*", ("GET",), tail),
)


async def main():
    global server, uptime
    port, www, *deadlines = sys.argv[1:]
    request_s, reply_s = [int(text) for text in deadlines] or (10, 30)
    rows = routes(reading_chunks, status_chunks, www) + DEBUG
    server = Server(rows, log=print, request_s=request_s, reply_s=reply_s)
    await server.start("127.0.0.1", int(port))
    print("listening")
    while True:
        await asyncio.sleep(1)
        uptime += 1


asyncio.run(main())
