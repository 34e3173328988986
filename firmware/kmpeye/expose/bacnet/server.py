# BACnet/IP on UDP: one task answers what arrives, one tells subscribers what changed and keeps the registration at a
# BBMD alive. Imports the files beside it and tcp (the wait for a socket). Promises: no wait without an end, one buffer
# for everything that leaves, and that nothing a client sends ends it.

import asyncio
import gc

from micropython import const

from kmpeye.expose import tcp
from kmpeye.expose.bacnet import udp
from kmpeye.expose.bacnet.link import registration, result_of
from kmpeye.expose.bacnet.services import Device

_LONGEST = const(1064)  # 1024 of an APDU, and what is around it when a BBMD and a router passed it on
_INSTANCES = const(4194303)  # of a Device: 0 to 4194302
# The meter's serial number: the device has its name before the meter answers again.
_KEPT = const("bacnet.json")
_PORT_TAKEN_S = const(30)  # until the next try
_BBMD_ANSWER_S = const(10)  # until a registration is sent again


class Bacnet:
    def __init__(self, app):
        self._app = app
        self._bbmd = None
        text = app.config["bacnet_bbmd"]
        if text:
            try:
                self._bbmd = udp.address(udp.parsed(text))
            except ValueError:
                raise ValueError("bacnet_bbmd: an address and a port are needed, such as 192.0.2.7:47808")
        self._device = Device(app, udp)
        self._sock = None
        self._announced = False
        self._registered = None  # what the BBMD said: True, False, or None for nothing yet
        self._asked = False  # and it has not answered yet
        self._register_s = 0  # uptime of the next registration
        self._error = None

    def status(self):
        device = self._device
        state = "error" if self._error else "waiting" if device.objects.instance is None else "running"
        status = {
            "state": state,
            "error": self._error,
            "instance": device.objects.instance,
            "requests": device.requests,
            "subscriptions": len(device.subscriptions),
        }
        if self._bbmd:
            status["bbmd"] = {None: "no answer", True: "registered", False: "refused"}[self._registered]
        return status

    async def run(self):
        """For ever."""
        app = self._app
        port = app.config["bacnet_port"]
        kept = app.keep.load(_KEPT)
        if isinstance(kept, list) and kept and isinstance(kept[0], str):
            self._device.objects.serial = kept[0]
        task = None
        try:
            while not self._sock:
                try:
                    self._sock = udp.bound(port)
                    self._error = None
                except OSError as e:
                    if not self._error:
                        self._error = "bacnet_port: UDP port %d cannot be opened (%s)" % (port, e)
                        app.log(self._error)
                    await app.clock.sleep_ms(_PORT_TAKEN_S * 1000)
            task = asyncio.create_task(self._every_second())
            while True:
                await tcp.readable(self._sock)
                try:
                    data, source = self._sock.recvfrom(_LONGEST)
                    self._take(data, source)
                except OSError:  # somebody else took it, or an earlier reply found nobody
                    await app.clock.sleep_ms(10)
                except MemoryError:
                    gc.collect()
                except Exception as e:
                    app.log("bacnet: %r" % e)
        finally:
            if task:
                task.cancel()
            if self._sock:
                self._sock.close()
                self._sock = None

    def _take(self, data, source):
        code = result_of(data)
        if code is not None:
            if source == self._bbmd:
                self._bbmd_said(code)
            return
        reply = self._device.answer(data, source)
        if reply:
            self._send(*reply)
            if len(self._device.subscriptions):
                self._notify()  # the first notification follows the reply at once

    def _send(self, packet, address):
        try:
            self._sock.sendto(packet, address)
            return True
        except OSError:  # no network, or no room: UDP may lose packets anywhere
            return False

    def _notify(self):
        for packet, address in self._device.notifications():
            self._send(packet, address)

    async def _every_second(self):
        app = self._app
        while True:
            try:
                self._identify()
                if self._device.objects.instance is not None:
                    self._announce()
                    self._register(app.clock.uptime_s())
                    self._notify()
            except MemoryError:
                gc.collect()
            except Exception as e:
                app.log("bacnet: %r" % e)
            await app.clock.sleep_ms(1000)

    def _identify(self):
        """The instance is set, or made of the serial number of the meter, as it was or as it is now."""
        objects = self._device.objects
        serial = self._app.snapshot.meter.serial
        if serial and serial != objects.serial:
            objects.serial = serial
            objects.instance = None
            self._announced = False
            try:
                self._app.keep.save(_KEPT, [serial])
            except OSError as e:
                self._app.log("bacnet: the serial number cannot be kept: %s" % e)
        if objects.instance is None:
            objects.instance = self._app.config["bacnet_instance"]
            if objects.instance is None and objects.serial and not objects.serial.strip("0123456789"):
                objects.instance = int(objects.serial) % _INSTANCES

    def _announce(self):
        """One I-Am, as soon as there is a network to send it to."""
        if not self._announced:
            address = udp.everybody(self._app.config["bacnet_port"])
            if address and self._send(self._device.i_am(), address):
                self._announced = True

    def _register(self, now_s):
        """Again at half of its time to live, or soon when nobody answered."""
        if self._bbmd and now_s >= self._register_s:
            if self._asked:
                self._registered = None
            self._asked = True
            self._send(registration(self._app.config["bacnet_ttl_s"]), self._bbmd)
            self._register_s = now_s + _BBMD_ANSWER_S

    def _bbmd_said(self, code):
        """A result of 0 is yes. The first one lets the other networks hear of us."""
        before = self._registered
        self._asked = False
        self._registered = not code
        if code:
            if before is not False:
                self._app.log("bacnet_bbmd: it refuses the registration")
        else:
            self._register_s = self._app.clock.uptime_s() + self._app.config["bacnet_ttl_s"] // 2
            if not before and self._device.objects.instance is not None:
                self._send(self._device.i_am(True), self._bbmd)
