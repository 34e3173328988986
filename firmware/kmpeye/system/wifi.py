# Keeps the board in its Wi-Fi; the only owner of the radio. The port's own reconnecting is switched off, every status
# is worth another try, pauses grow, and what does not help is followed by something stronger: the radio off and on,
# an access point of our own for the person who comes to look, a restart. Imports its own parts when they are needed.
# Promises: nobody ever waits for it; the network it was in is kept until another one is joined.

import asyncio
import gc

from micropython import const

_ATTEMPT_MS = const(20000)  # joining with DHCP takes 2 to 8 s; slow access points need more
_STALE_MS = const(10000)  # so long the chip may still be telling how the try before ended
_LOOK_MS = const(250)  # while joining
_STEP_MS = const(1000)  # otherwise
_PAUSE_MOST_S = const(60)
_GUEST_PAUSE_S = const(300)  # while somebody is on our access point: each try moves it to other channels
_RADIO = const(4)  # tries between two times that the radio goes off and on
_ALONE_S = const(180)  # without Wi-Fi: then the access point opens
_SHOWN_S = const(120)  # the access point stays so long after joining, to show the new address
_ASKED_S = const(600)  # and so long after the button
_HELD_S = const(3)  # the button, before it counts
_AGAIN_S = const(60)  # after an access point that did not open
_STUCK_S = const(3600)  # gone for so long though it was there: a restart
_NEVER_S = const(86400)  # the same when it was not there since the start
_DEAF_S = const(
    5400
)  # joined, but nothing came in: NTP asks once an hour, and then six times in that half hour


def host_name(name):
    """What the device is called in the network (DHCP, NAME.local): letters, digits and hyphens."""
    text = ""
    for c in name.lower():
        if "a" <= c <= "z" or "0" <= c <= "9":
            text += c
        elif text and text[-1] != "-":
            text += "-"
    return text[:32].rstrip("-") or "kmpeye"


class Wifi:
    """state: off (no network is set), joining, joined, lost; error: why, in words."""

    def __init__(
        self, config, clock, log, restart=None, save=None, button=None, net=None, txpower=None, heard=None
    ):
        """restart(reason): restarts the device; save(ssid, password): a network that was asked for has been joined;
        button(): True while it is pressed; net: the module network; txpower: dBm the radio may send with, None: all;
        heard(): a number that changes when something comes in over the network, 0 while that cannot be told."""
        if net is None:
            import network as net
        self._net = net
        self.clock = clock
        self.log = log
        self._restart = restart
        self._save = save
        self._button = button
        self._txpower = txpower
        self._heard = heard or (lambda: 0)
        self.ssid = config["wifi_ssid"]
        self._password = config["wifi_password"]
        port = config["http_port"]
        self._port = "" if port == 80 else ":%d" % port
        self.host = host_name(config["name"])
        net.hostname(self.host)
        self.wlan = net.WLAN(net.STA_IF)
        self.state = "off"
        self.error = None
        self.losses = 0
        self.portal = None  # the access point while it is open
        self._serving = None  # its task
        self._trial = None  # (ssid, password) that somebody asked for
        self._asking = False  # the radio is joining
        self._failures = 0
        self._since_s = clock.uptime_s()  # of being joined, or of not being it
        self._asked_s = 0  # the access point was asked for until then
        self._again_s = 0  # it may be tried from then on
        self._pressed_s = None  # the button, since when

    async def run(self):
        """For ever: join, watch, join again."""
        try:
            while True:
                trial = self._trial
                if trial:
                    await self._try(trial)
                elif not self.ssid:
                    self.state = "off"
                    await self._step()
                elif await self._join(self.ssid, self._password):
                    await self._watch()
                else:
                    self.log("wifi: %s cannot be joined: %s" % (self.ssid, self.error))
                    await self._pause()
        finally:
            self._close()

    async def _try(self, trial):
        """A network that somebody asked for: the one before is kept until this one is joined."""
        ssid, password = trial
        joined = await self._join(ssid, password)
        if self._trial is not trial:  # changed meanwhile
            return
        self._trial = None
        if not joined:
            self.error = "%s: %s" % (ssid, self.error)
            self.log("wifi: %s; staying with what was" % self.error)
            return
        self.ssid = ssid
        self._password = password
        if self._save:
            self._save(ssid, password)
        await self._watch()

    async def _join(self, ssid, password):
        wlan = self.wlan
        self.state = "joining"
        self._failures += 1
        try:
            if self._failures % _RADIO == 1:
                wlan.active(False)
                wlan.active(True)
                wlan.config(reconnects=0)
                wlan.config(pm=wlan.PM_NONE)  # asleep it misses broadcasts: mDNS, BACnet
                if self._txpower:
                    wlan.config(txpower=self._txpower)  # forgotten with every start of the radio
            else:
                wlan.disconnect()
            before = wlan.status()
            wlan.connect(ssid, password or None)
        except (OSError, RuntimeError) as e:  # RuntimeError: what the port has no words for, as out of memory
            self.error = str(e)
            return False
        clock = self.clock
        start = clock.ticks()
        self._asking = True
        try:
            while not wlan.isconnected():
                status = wlan.status()
                waited = clock.since(start)
                # Below 1000 stands why it has given up; the port keeps that over the next try until it has an address.
                if waited > _ATTEMPT_MS or (0 < status < 1000 and (status != before or waited > _STALE_MS)):
                    from kmpeye.system import forget, wifi_scan

                    self.error = wifi_scan.words(status)
                    forget("system.wifi_scan")
                    return False
                await self._step(_LOOK_MS)
        finally:
            self._asking = False
        return True

    async def _watch(self):
        wlan = self.wlan
        self.state = "joined"
        self.error = None
        self._failures = 0
        self._since_s = self.clock.uptime_s()
        self.log("wifi: http://%s%s/" % (wlan.ifconfig()[0], self._port))
        error = await self._end()
        self.state = "lost"
        self._since_s = self.clock.uptime_s()
        if not self._trial:
            self.losses += 1
            self.error = error
            self.log("wifi: lost: " + error)

    async def _end(self):
        """Of a connection; why, in words. Some access points drop a station without telling it: a connection that
        worked and on which nothing comes in any more is at its end, too."""
        uptime_s = self.clock.uptime_s
        heard = first = self._heard()
        heard_s = uptime_s()
        while self.wlan.isconnected() and not self._trial:
            await self._step()
            number = self._heard()
            if number != heard:
                heard = number
                heard_s = uptime_s()
            elif heard != first and uptime_s() - heard_s >= _DEAF_S:
                return "nothing has come in for %d minutes" % (_DEAF_S // 60)
        return "the access point is gone"

    async def _pause(self):
        clock = self.clock
        begun_s = clock.uptime_s()
        while not self._trial:
            if self.portal:
                pause = _GUEST_PAUSE_S if self.portal.guests() else _PAUSE_MOST_S
            else:
                pause = min(1 << min(self._failures - 1, 6), _PAUSE_MOST_S)
            if clock.uptime_s() - begun_s >= pause:
                return
            await self._step()

    async def _step(self, ms=_STEP_MS):
        """A moment of waiting, in which everything else about the radio is looked after."""
        await self.clock.sleep_ms(ms)
        now = self.clock.uptime_s()
        if self._button:
            if not self._button():
                self._pressed_s = None
            elif self._pressed_s is None:
                self._pressed_s = now
            elif now - self._pressed_s >= _HELD_S:
                self._asked_s = now + _ASKED_S
        alone_s = now - self._since_s
        if self.state == "joined":
            wanted = self.portal and alone_s < _SHOWN_S
        else:
            wanted = not self.ssid or alone_s >= _ALONE_S
            if self._restart and self.ssid and alone_s >= (_STUCK_S if self.losses else _NEVER_S):
                if not (self.portal and self.portal.guests()):
                    self._restart("no Wi-Fi for %d minutes" % (alone_s // 60))
                    self._restart = None  # a PC goes on
        if wanted or now < self._asked_s:
            if not self.portal and now >= self._again_s:
                self._again_s = now + _AGAIN_S
                self._open()
        elif self.portal:
            self._close()

    def _open(self):
        from kmpeye.system.wifi_ap import AccessPoint

        try:
            self.portal = AccessPoint(self._net, self.clock, self.log, self._port, txpower=self._txpower)
            self._serving = asyncio.create_task(self.portal.run())
        except (OSError, RuntimeError, MemoryError) as e:
            gc.collect()
            self._close()
            self.log("wifi: no access point: %r" % e)

    def _close(self):
        from kmpeye.system import forget

        if self._serving:
            self._serving.cancel()
        if self.portal:
            self.portal.close()
        self.portal = self._serving = None
        forget("system.wifi_ap", "system.wifi_dns")

    def join(self, ssid, password):
        """Try another network now. ValueError says what is wrong with the name or password; whether it worked is seen
        in status()."""
        from kmpeye.system import forget, wifi_scan

        wrong = wifi_scan.wrong(ssid, password)
        forget("system.wifi_scan")
        if wrong:
            raise ValueError(wrong)
        self._trial = (ssid, password)

    def scan(self):
        """[(ssid, rssi in dBm, whether it wants a password)], the strongest first. Everything else waits for it, 2 s
        on the chip. OSError while the radio is busy."""
        from kmpeye.system import forget, wifi_scan

        if self._asking:  # the port would give an empty list
            raise OSError("the radio is joining a network")
        try:
            return wifi_scan.networks(self.wlan)
        except RuntimeError as e:
            raise OSError(str(e))
        finally:
            forget("system.wifi_scan")

    def rssi(self):
        """dBm, or None."""
        try:
            return self.wlan.status("rssi") if self.state == "joined" else None
        except OSError:
            return None

    def address(self):
        """In the network it has joined, or None."""
        return self.wlan.ifconfig()[0] if self.state == "joined" else None

    def local(self, peer):
        """Whether an address (text) is one of our own access point's."""
        portal = self.portal
        if not portal or not peer.startswith(portal.net):
            return False
        return not (self.address() or "").startswith(portal.net)  # else it may be anybody's

    def elsewhere(self, host, peer):
        """For a phone on our access point that asks for somebody else's page (host: bytes of its Host header), as it
        does to see whether there is a way into the internet: the header line that shows it ours. None for others."""
        name = host.partition(b":")[0]
        if not self.local(peer) or not name.replace(b".", b"").strip(b"0123456789"):
            return None
        if name.partition(b".")[0] == self.host.encode():
            return None
        return "Location: http://%s%s/\r\n" % (self.portal.address, self._port)

    def status(self):
        portal = self.portal
        return {
            "state": self.state,
            "error": self.error,
            "ssid": self.ssid,
            "trying": self._trial and self._trial[0],
            "address": self.address(),
            "host": self.host + ".local",
            "rssi": self.rssi(),
            "losses": self.losses,
            "access_point": portal
            and {"ssid": portal.ssid, "address": portal.address, "guests": portal.guests()},
        }
