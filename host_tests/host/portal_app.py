# The first start: the real Wifi, access point with its DNS, HTTP server and /api/wifi, on a radio that is a strict fake
# (fakes.network) whose access point has the address of this machine. Runs on MicroPython and on CPython.
# Usage: portal_app.py HTTP_PORT DNS_PORT, in a folder of its own: ap.json is written there.

import asyncio
import sys

from fakes import network
from kmpeye.expose.access import address
from kmpeye.expose.http import Refusal, Server
from kmpeye.expose.portal import wifi
from kmpeye.system import wifi_ap
from kmpeye.system.clock import Clock
from kmpeye.system.log import Log
from kmpeye.system.wifi import Wifi


class App:
    """What the handler needs, and what was asked of it."""

    def __init__(self, page_port):
        self.clock = Clock()
        self.log = Log(self.clock, console=None)
        network.air = network.Air(self.clock)
        network.air.own = "127.0.0.1"
        network.air.takes_ms = 200
        network.air.networks["home"] = ["secret to all", -60, "192.168.1.20"]
        network.air.networks["caf\u00e9"] = [None, -80, "10.0.0.5"]
        self.saved = []
        config = {"wifi_ssid": None, "wifi_password": None, "http_port": page_port, "name": "kmpeye"}
        self.wifi = Wifi(config, self.clock, self.log, save=self._save, net=network)

    def _save(self, ssid, password):
        self.saved.append(ssid)


class Led(dict):
    """Routes on which a phone that looks for the internet is led to the page."""

    def get(self, path):
        return ("*GET, HEAD, PUT, POST", guarded, super().get(path))


async def guarded(exchange, route):
    location = app.wifi.elsewhere(exchange.headers["host"], address(exchange.peer))
    if location:
        raise Refusal(302, "the page is here", location)
    if not route:
        raise Refusal(404, "nothing is here; the page is at /")
    await route[1](exchange, *route[2:])


async def text(exchange, pieces):
    await exchange.start(200, "text/plain")
    await exchange.write(pieces())


async def main(page_port):
    task = asyncio.create_task(app.wifi.run())
    server = Server(
        Led(
            {
                "/": ("GET, HEAD", text, lambda: ("the page",)),
                "/api/wifi": ("!GET, HEAD, PUT", wifi, app),
                "/saved": ("GET", text, lambda: app.saved),
                "/log": ("GET", text, lambda: [line[3] + "\n" for line in app.log.lines()]),
            }
        ),
        print,
    )
    await server.start("127.0.0.1", page_port)
    while not app.wifi.portal:
        await app.clock.sleep_ms(20)
    await app.clock.sleep_ms(100)  # its DNS listens
    print("listening")
    if sys.implementation.name == "cpython":
        sys.stdout.flush()
    await task


class AccessPoint(wifi_ap.AccessPoint):
    """On a port for DNS that everybody may use."""

    def __init__(self, net, clock, log, page_port, txpower=None):
        super().__init__(net, clock, log, page_port, print, int(sys.argv[2]), txpower)


wifi_ap.AccessPoint = AccessPoint
app = App(int(sys.argv[1]))
asyncio.run(main(int(sys.argv[1])))
