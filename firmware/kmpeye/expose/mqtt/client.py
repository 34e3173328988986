# The one task that speaks with an MQTT broker: connects, publishes what the feed has, hears commands, notices when the
# broker is gone, comes back. Imports its neighbours, most of them only while they work: between two readings this and
# the codec are all there is. Promises: every wait has a deadline, what is on its way is bounded (one acknowledged
# packet), nothing a broker sends or leaves out ends the task, and the Wi-Fi is left alone.

import os

from micropython import const

from kmpeye.expose.mqtt.codec import Reader

_PUBLISH = const(0x30)  # types of packets (2.2.1)
_PUBACK = const(0x40)
_SUBACK = const(0x90)
_PINGRESP = const(0xD0)
_PINGREQ = const(b"\xc0\0")
_DISCONNECT = const(b"\xe0\0")

_FIRST_PAUSE_MS = const(2000)  # half of a pause is left to chance
_IDLE_MS = const(100)  # a command waits no longer than this
_BUSY_MS = const(10)  # while an acknowledgement is on its way
_PACE_MS = const(20)  # after each record of the past: a year of them takes minutes, and others get their turn
_ROOM_MS = const(20)  # until it is tried again whether the broker takes more
_SUBSCRIPTION = const(1)  # its packet number; publications count on from there
_LAST_PACKET = const(65535)
_ACKNOWLEDGED = const("answer event history")  # the feed's kinds; no other is a part of this

# What works only now and then.
_WORK = const(
    "expose.mqtt.feed expose.mqtt.backlog expose.mqtt.packets expose.mqtt.discovery "
    "expose.mqtt.entities readings.as_json"
)
_OPENING = const("expose.mqtt.opening expose.mqtt.host")


class Mqtt:
    ping_s = 30  # of silence, then the broker is asked whether it is there
    answer_s = 10  # for any answer of the broker, and for it to take bytes
    most_pause_s = 300  # between attempts

    def __init__(self, app):
        from kmpeye.expose.mqtt.opening import check

        self.app = app
        check(app.config)
        self._forget(_OPENING)
        self.state = "starting"
        self.error = None
        self.connections = 0
        self.published = 0
        self.reader = Reader()
        self.asking = None  # the task of a reading on request
        self._records = 0  # acknowledged since the start
        self._feed = None  # while something may be due
        self._rest = None  # of the last feed
        self._sock = None
        self._flight = None  # (kind, value) of what is on its way to be acknowledged
        self._packet = _SUBSCRIPTION
        self._since = None  # ticks since which an answer is due: of the packet in flight, or to a ping
        self._pinged = None
        self.heard = self._said = 0  # ticks of the last bytes that came and went

    def _forget(self, names):
        self.app.forget(*names.split())

    def status(self):
        rest = self._feed.rest() if self._feed else self._rest
        return {
            "state": self.state,
            "error": self.error,
            "connections": self.connections,
            "published": self.published,
            "records": self._records,
            "acknowledged_until": rest and rest[1].get("acked"),
        }

    def feed(self):
        """What knows what is due; it goes on from where the last one rested."""
        if not self._feed:
            from kmpeye.expose.mqtt.feed import Feed

            self._feed = Feed(self.app, self._rest)
        return self._feed

    def _let_go(self):
        if self._feed:
            self._feed.backlog.close()
            self._rest = self._feed.rest()
            self._feed = None
        self._forget(_WORK)

    async def run(self):
        """For ever; only CancelledError comes out."""
        clock = self.app.clock
        pause_ms = _FIRST_PAUSE_MS
        try:
            while True:
                began_s = clock.uptime_s()
                try:
                    await self._session()
                    continue  # left on purpose
                except Exception as e:
                    self._failed(e)
                finally:
                    if self._sock:
                        self._sock.close()
                        self._sock = None
                    self._let_go()
                if clock.uptime_s() - began_s > self.ping_s:  # it was a connection, not one more attempt
                    pause_ms = _FIRST_PAUSE_MS
                half_ms = pause_ms // 2
                await clock.sleep_ms(half_ms + int.from_bytes(os.urandom(3), "big") % (half_ms + 1))
                pause_ms = min(2 * pause_ms, self.most_pause_s * 1000)
        finally:
            self.state = "stopped"
            if self.asking:
                self.asking.cancel()

    def _failed(self, error):
        self.state = "waiting"
        text = " ".join((str(error) or repr(error)).split())  # TLS says it in several lines
        if text != self.error:
            self.app.log("mqtt: " + text)
        self.error = text

    async def _session(self):
        await self._open()
        while not self._moved():
            heard = self.arrived()
            if heard:
                await self._receive()
            sent = await self._publish_due()
            if not heard:
                await self._alive()
            if heard or sent:
                await self.app.clock.sleep_ms(0)
            else:
                await self.app.clock.sleep_ms(_IDLE_MS if self._flight is None else _BUSY_MS)
        # The meter has told its serial number: go on under it, and leave nothing behind under the name.
        self._flight = None
        if not self._feed.serial:
            await self._publish(self._feed.topic + "status", (), 0, True, False)
        await self.send(_DISCONNECT)

    async def _open(self):
        from kmpeye.expose.mqtt.opening import greet, reach

        self.state = "connecting"
        try:
            self._sock = await reach(self)
            self.reader.begin()
            self.heard = self._said = self.app.clock.ticks()
            self._since = self._pinged = None
            await greet(self, _SUBSCRIPTION)
        finally:
            self._forget(_OPENING)
        self.state = "connected"
        self.error = None
        self.connections += 1
        self.app.log("mqtt: connected with %s" % self.app.config["mqtt_host"])

    def _moved(self):
        # True when the meter has told another serial number than the one the topics have.
        if not self._feed:
            number, _, until_s = self._rest[:3]
            if self.app.snapshot.number == number and self.app.clock.uptime_s() <= until_s:
                return False  # nothing has happened
        return self.feed().moved()

    def arrived(self):
        """True when a whole packet is in reader, until the next call. OSError: the broker has gone."""
        reader = self.reader
        if reader.whole:
            reader.begin()
        while not reader.whole:
            count = self._sock.readinto(reader.room)
            if count is None:
                return False
            if not count:
                raise OSError("the broker closed the connection")
            self.heard = self.app.clock.ticks()
            reader.took(count)
        return True

    async def send(self, data):
        """Until the broker has taken it all."""
        clock = self.app.clock
        start = clock.ticks()
        while data:
            count = self._sock.write(data)
            if count:
                data = data[count:]
                start = clock.ticks()
                await clock.sleep_ms(0)
            elif clock.since(start) > self.answer_s * 1000:
                raise OSError("the broker takes nothing any more")
            else:
                await clock.sleep_ms(_ROOM_MS)
        self._said = clock.ticks()

    async def _alive(self):
        clock = self.app.clock
        late = self.answer_s * 1000
        if self._since is not None and clock.since(self._since) > late:
            raise OSError("the broker acknowledges nothing")
        if self._pinged is not None:
            if clock.since(self._pinged) > late:
                raise OSError("the broker is silent")
        elif max(clock.since(self.heard), clock.since(self._said)) > self.ping_s * 1000:
            self._pinged = clock.ticks()
            await self.send(_PINGREQ)

    async def _publish_due(self):
        # False when nothing could be sent; what is not needed until something is due is let go of then.
        feed = self._feed
        if not feed:
            return False
        busy = self._since is not None
        due = feed.next(busy)
        if not due:
            if not busy and not feed.waits():
                self._let_go()
            return False
        kind, value, topic, pieces, retain = due
        if kind not in _ACKNOWLEDGED:
            await self._publish(topic, pieces, 0, retain, False)
            feed.done(kind, value)
            return True
        again = self._flight == (kind, value)  # it went out on a connection that ended
        if not again:
            self._flight = kind, value
            self._packet = self._packet + 1 if self._packet < _LAST_PACKET else _SUBSCRIPTION + 1
        await self._publish(topic, pieces, self._packet, retain, again)
        self._since = self.app.clock.ticks()
        if kind == "history":
            await self.app.clock.sleep_ms(_PACE_MS)
        return True

    async def _publish(self, topic, pieces, packet, retain, dup):
        from kmpeye.expose.mqtt.packets import filled, publish

        size = count = 0
        for piece in pieces:
            size += len(piece.encode())
            count += 1
            if not count & 15:
                await self.app.clock.sleep_ms(0)
        for part in filled(publish(topic, size, packet, retain, dup), pieces):
            await self.send(part)
        self.published += 1

    async def _receive(self):
        reader = self.reader
        kind = reader.kind
        if kind == _PUBLISH:
            from kmpeye.expose.mqtt.commands import heard

            topic, payload, number, retained = reader.message()
            if number:  # QoS 1
                await self.send(bytes((_PUBACK, 2)) + number.to_bytes(2, "big"))
            heard(self, topic, payload, retained)
            self._forget("expose.mqtt.commands")
        elif kind == _PUBACK:
            if reader.packet() == self._packet and self._since is not None:
                self._since = None
                kind, value = self._flight
                self._flight = None
                self._records += kind == "history"
                self.feed().done(kind, value)
        elif kind == _SUBACK:
            from kmpeye.expose.mqtt.packets import refusal

            refused = refusal(kind, reader.body())
            if refused:
                self.error = refused
                self.app.log("mqtt: " + refused)
        elif kind == _PINGRESP:
            self._pinged = None
        else:
            raise ValueError("the broker accepts us twice")
