# A device in a house in virtual time: the real Wifi with a strict radio (fakes.network), its access point noted instead
# of opened, and stories told by tests.

import asyncio
import gc

from fakes import network
from kmpeye.system.log import Log
from kmpeye.system.wifi import Wifi
from virtual_tasks import TaskClock, scene

HOME = ["secret to all", -60, "192.168.1.20"]
HOUR_S = 3600


class House:
    """A device in a house; the access point of ours is noted instead of opened, with all that Wifi asks of it."""

    def __init__(self, ssid="home", password="secret to all", networks=("home",), txpower=None, heard=None):
        gc.collect()  # the house before this one
        self.clock = TaskClock()
        network.air = self.air = network.Air(self.clock)
        for name in networks:
            self.air.networks[name] = list(HOME)
        self.log = Log(self.clock, 1024, console=None)
        self.restarts = []
        self.saved = []
        self.pressed = False
        self.opened = []  # uptime of each opening
        self.closed = []
        config = {"wifi_ssid": ssid, "wifi_password": password, "http_port": 80, "name": "Boiler room"}
        self.wifi = Wifi(
            config,
            self.clock,
            self.log,
            self.restarts.append,
            lambda *network: self.saved.append(network),
            lambda: self.pressed,
            network,
            txpower,
            heard,
        )
        self.wifi._open = self._open
        self.wifi._close = self._close

    def _open(self):
        self.opened.append(self.clock.uptime_s())
        self.wifi.portal = self
        self.ssid = "kmpeye-1a2b3d"
        self.address = "192.168.4.1"
        self.net = "192.168.4."

    def _close(self):
        if self.wifi.portal:
            self.closed.append(self.clock.uptime_s())
        self.wifi.portal = None

    def guests(self):
        return self.air.guests > 0

    def live(self, story):
        """Run the device while story(self), a coroutine, happens to it."""

        async def all():
            task = asyncio.create_task(self.wifi.run())
            try:
                await story(self)
            finally:
                task.cancel()
                try:
                    await task
                except asyncio.CancelledError:
                    pass

        scene(all())
        return self

    def said(self, words):
        return [text for _, _, _, text in self.log.lines() if words in text]


def passes(seconds):
    async def story(house):
        await house.clock.run_s(seconds)

    return story
