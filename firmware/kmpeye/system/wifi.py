# Keeps the board in the Wi-Fi of its config. The only owner of the connection: the port's own reconnecting is
# switched off, every status is treated as worth another try, pauses grow. Imports nothing of ours.

import network
from micropython import const

_ATTEMPT_MS = const(20000)  # joining with DHCP takes 2 to 8 s; slow access points need more
_STEP_MS = const(250)
_WATCH_MS = const(5000)
_PAUSE_MOST_MS = const(60000)


class Wifi:
    def __init__(self, config, clock, log):
        self.clock = clock
        self.log = log
        self._ssid = config["wifi_ssid"]
        self._password = config["wifi_password"]
        port = config["http_port"]
        self._page = "wifi: http://%%s%s/" % ("" if port == 80 else ":%d" % port)
        network.hostname(config["name"])
        self.wlan = network.WLAN(network.STA_IF)

    async def run(self):
        """For ever: join, watch, join again."""
        pause = 1000
        while True:
            if await self._join():
                pause = 1000
                self.log(self._page % self.wlan.ifconfig()[0])
                while self.wlan.isconnected():
                    await self.clock.sleep_ms(_WATCH_MS)
                self.log("wifi: lost")
            else:
                self.log("wifi: %s cannot be joined (status %s)" % (self._ssid, self.wlan.status()))
                await self.clock.sleep_ms(pause)
                pause = min(2 * pause, _PAUSE_MOST_MS)

    async def _join(self):
        wlan = self.wlan
        try:
            wlan.active(False)
            wlan.active(True)
            wlan.config(reconnects=0)
            wlan.connect(self._ssid, self._password)
        except OSError as e:
            self.log("wifi: %s" % e)
            return False
        start = self.clock.ticks()
        while not wlan.isconnected():
            if self.clock.since(start) > _ATTEMPT_MS:
                return False
            await self.clock.sleep_ms(_STEP_MS)
        return True
