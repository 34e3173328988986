# BACnet/IP on UDP: one task hands on what arrives, one tells subscribers what changed and keeps the registration at a
# BBMD alive. Imports tcp (the wait for a socket) and objects; the rest is loaded while packets come and let go of in
# the pauses. Promises: no wait without an end, and that nothing a client sends ends it.

import asyncio
import gc

from micropython import const

from kmpeye.expose import tcp
from kmpeye.expose.bacnet.objects import Objects

_LONGEST = const(1064)  # 1024 of an APDU, and what is around it when a BBMD and a router passed it on
_INSTANCES = const(4194303)  # of a Device: 0 to 4194302
# The meter's serial number: the device has its name before the meter answers again.
_KEPT = const("bacnet.json")
_PORT_TAKEN_S = const(30)  # until the next try
_PAUSE_S = const(10)  # without a packet: who discovers a device asks without pause

# Let go of after a pause; with subscribers, some of it comes back when the snapshot changes.
_PARTS = const(
    "expose.bacnet.cov expose.bacnet.services expose.bacnet.properties expose.bacnet.codec"
    " expose.bacnet.quantities expose.bacnet.udp readings.ieee"
)


class Bacnet:
    def __init__(self, app):
        self._app = app
        self._foreign = None
        if app.config["bacnet_bbmd"]:
            from kmpeye.expose.bacnet.foreign import Foreign

            self._foreign = Foreign(app)
        self._objects = Objects(app)
        self._sock = None
        self._announced = False
        self.heard = 0  # requests
        self._used_s = 0  # uptime when the parts were needed last; None: they were let go of
        self._error = None

    def status(self):
        instance = self._objects.instance
        status = {
            "state": "error" if self._error else "waiting" if instance is None else "running",
            "error": self._error,
            "instance": instance,
            "requests": self.heard,
            "subscriptions": len(self._objects.subscriptions),
        }
        if self._foreign:
            status["bbmd"] = self._foreign.state
        return status

    async def run(self):
        """For ever."""
        app = self._app
        kept = app.keep.load(_KEPT)
        if isinstance(kept, list) and kept and isinstance(kept[0], str):
            self._objects.serial = kept[0]
        task = None
        port = app.config["bacnet_port"]
        try:
            await self._open(port)
            task = asyncio.create_task(self._every_second())
            while True:
                await tcp.readable(self._sock)
                try:
                    data, source = self._sock.recvfrom(_LONGEST)
                    if data:
                        self._take(data, source)
                    else:  # after an empty packet the chip's socket gives nothing any more (micropython-lib#736)
                        self._sock.close()
                        self._sock = None
                        await self._open(port)
                except OSError:  # somebody else took it, or an earlier reply found nobody
                    await app.clock.sleep_ms(10)
                except Exception as e:
                    self._failed(e)
        finally:
            if task:
                task.cancel()
            if self._sock:
                self._sock.close()
                self._sock = None

    async def _open(self, port):
        from kmpeye.expose.bacnet.udp import bound

        while not self._sock:
            try:
                self._sock = bound(port)
                self._error = None
            except OSError as e:
                if not self._error:
                    self._error = "bacnet_port: UDP port %d cannot be opened (%s)" % (port, e)
                    self._app.log(self._error)
                await self._app.clock.sleep_ms(_PORT_TAKEN_S * 1000)

    def _failed(self, error):
        if isinstance(error, MemoryError):  # UDP may lose packets anywhere: who asks asks again
            self._let_go()
            gc.collect()
        else:
            self._app.log("bacnet: %r" % error)

    def _take(self, data, source):
        from kmpeye.expose.bacnet.services import answer, i_am

        self._used_s = self._app.clock.uptime_s()
        foreign = self._foreign
        if foreign and source == foreign.address:
            from kmpeye.expose.bacnet.codec import result

            code = result(data)
            if code is not None and foreign.said(code) and self._objects.instance is not None:
                self._send(i_am(self._objects, True), source)
        reply = answer(self._objects, data, source)
        if reply:
            self.heard += 1
            self._send(*reply)
            self._notify()  # the first notification follows the reply at once

    def _send(self, packet, address):
        try:
            self._sock.sendto(packet, address)
            return True
        except OSError:  # no network, or no room: UDP may lose packets anywhere
            return False

    def _notify(self):
        if self._objects.subscriptions:
            from kmpeye.expose.bacnet.cov import due

            self._used_s = self._app.clock.uptime_s()
            for packet, address in due(self._objects):
                self._send(packet, address)

    async def _every_second(self):
        app = self._app
        objects = self._objects
        number = None  # of the snapshot that subscribers know
        while True:
            now_s = app.clock.uptime_s()
            try:
                self._identify()
                if objects.instance is not None:
                    if not self._announced:
                        self._announce()
                    if app.snapshot.number != number or now_s >= objects.due_s:
                        number = app.snapshot.number
                        self._notify()
                    packet = self._foreign and self._foreign.registration(now_s)
                    if packet:
                        self._send(packet, self._foreign.address)
                if self._used_s is not None and now_s - self._used_s >= _PAUSE_S:
                    self._let_go()
            except Exception as e:
                self._failed(e)
            await app.clock.sleep_ms(1000)

    def _let_go(self):
        self._used_s = None
        self._app.forget(*_PARTS.split())

    def _identify(self):
        """The instance is set, or made of the serial number of the meter, as it was or as it is now."""
        app = self._app
        objects = self._objects
        objects.refresh()
        serial = app.snapshot.meter.serial
        if serial and serial != objects.serial:
            objects.serial = serial
            objects.instance = None
            self._announced = False
            try:
                app.keep.save(_KEPT, [serial])
            except OSError as e:
                app.log("bacnet: the serial number cannot be kept: %s" % e)
        if objects.instance is None:
            objects.instance = app.config["bacnet_instance"]
            if objects.instance is None and objects.serial and not objects.serial.strip("0123456789"):
                objects.instance = int(objects.serial) % _INSTANCES

    def _announce(self):
        """One I-Am, as soon as there is a network to send it to."""
        from kmpeye.expose.bacnet.udp import everybody

        self._used_s = self._app.clock.uptime_s()
        address = everybody(self._app.config["bacnet_port"])
        if address:
            from kmpeye.expose.bacnet.services import i_am

            self._announced = self._send(i_am(self._objects), address)
