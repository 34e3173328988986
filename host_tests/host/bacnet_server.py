# The real BACnet server with the snapshot of bacnet_app.py: what test_bacnet_clients.py and test_bacnet_server.py talk
# to. Runs on MicroPython and on CPython (MICROPYPATH or PYTHONPATH: the firmware, host_tests/pure).
# Usage: bacnet_server.py CONTROL_PORT METERS_DIR SETTINGS_JSON. A JSON datagram to the control port changes the
# readings ("values", "missing", "flags", "state"); each is answered with the status, the log, the heap and the
# longest gap of a 50 ms ticker since the last question.

import asyncio
import gc
import json
import socket
import sys

from bacnet_app import VALUES, App
from kmpeye.expose import tcp
from kmpeye.expose.bacnet.server import Bacnet
from kmpeye.system import keep
from kmpeye.system.clock import Clock, ticks_diff, ticks_ms

gap_ms = 0


async def ticker(clock):
    global gap_ms
    before = ticks_ms()
    while True:
        await clock.sleep_ms(50)
        now = ticks_ms()
        gap_ms = max(gap_ms, ticks_diff(now, before))
        before = now


def state(app, bacnet):
    global gap_ms
    gc.collect()
    answer = bacnet.status()
    answer["lines"] = app.lines
    answer["heap"] = gc.mem_alloc() if hasattr(gc, "mem_alloc") else 0
    answer["gap_ms"] = gap_ms
    gap_ms = 0
    return answer


async def main():
    control, folder, settings = sys.argv[1:]
    app = App("multical601", json.loads(settings), Clock(), folder)
    app.keep = keep
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(socket.getaddrinfo("127.0.0.1", int(control))[0][-1])
    sock.setblocking(False)
    bacnet = Bacnet(app)
    await asyncio.gather(bacnet.run(), ticker(app.clock), obey(app, bacnet, sock))


async def obey(app, bacnet, sock):
    while True:
        await tcp.readable(sock)
        data, source = sock.recvfrom(2000)
        change = json.loads(data)
        if "state" in change:
            app.silent(change["state"])
        elif change:
            app.publish(
                [tuple(row) for row in change.get("values", VALUES)],
                [tuple(row) for row in change.get("missing", ())],
                change.get("flags", ()),
            )
        sock.sendto(json.dumps(state(app, bacnet)).encode(), source)


asyncio.run(main())
