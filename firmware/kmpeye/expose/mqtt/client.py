# The one task that speaks with an MQTT broker: connects, publishes what the feed has, hears commands, notices when the
# broker is gone, comes back. Imports its neighbours. Promises: every wait has a deadline, what is on its way is
# bounded (one acknowledged packet), nothing a broker sends or leaves out ends the task, and the Wi-Fi is left alone.

import asyncio
import os

from micropython import const

from kmpeye.expose.mqtt import codec
from kmpeye.expose.mqtt.feed import Feed
from kmpeye.expose.mqtt.host import open_socket
from kmpeye.expose.mqtt.link import Link

_FIRST_PAUSE_MS = const(1000)
_IDLE_MS = const(100)  # a command waits no longer than this
_BUSY_MS = const(10)  # while an acknowledgement is on its way
_PACE_MS = const(20)  # after each record of the past: a year of them takes minutes, and others get their turn
_BIRTH_MS = const(5000)  # Home Assistant's start: readers answer at random within this, not all at once
_SUBSCRIPTION = const(1)  # its packet number; publications count on from there
_LAST_PACKET = const(65535)
_ACKNOWLEDGED = const(("answer", "event", "history"))


def _random(below):
    return int.from_bytes(os.urandom(3), "big") % below


class Mqtt:
    ping_s = 30  # of silence, then the broker is asked whether it is there
    answer_s = 10  # for any answer of the broker, and for it to take bytes
    most_pause_s = 300  # between attempts

    def __init__(self, app):
        config = app.config
        for key in ("mqtt_base", "ha_prefix"):
            if "+" in config[key] or "#" in config[key] or config[key][0] == "$":
                raise ValueError("%s: a topic has no + and no #, and does not begin with $" % key)
        if config["mqtt_tls"] and not config["mqtt_ca"] and not config["mqtt_tls_insecure"]:
            raise ValueError("mqtt_tls needs mqtt_ca, or mqtt_tls_insecure for a broker that is not checked")
        if bool(config["mqtt_cert"]) != bool(config["mqtt_key"]):
            raise ValueError("mqtt_cert and mqtt_key go together")
        self.app = app
        self.state = "starting"
        self.error = None
        self.connections = 0
        self.published = 0
        self._feed = Feed(app)
        self._link = Link(app.clock, self.answer_s * 1000)
        self._flight = None  # (kind, value) of what is on its way to be acknowledged
        self._packet = _SUBSCRIPTION
        self._since = None  # ticks since which an answer is due: of the packet in flight, or to a ping
        self._pinged = None
        self._asking = None  # the task of a reading on request

    def status(self):
        backlog = self._feed.backlog
        return {
            "state": self.state,
            "error": self.error,
            "connections": self.connections,
            "published": self.published,
            "records": backlog.sent,
            "acknowledged_until": backlog.state.get("acked"),
        }

    async def run(self):
        """For ever; only CancelledError comes out."""
        clock = self.app.clock
        pause_ms = _FIRST_PAUSE_MS
        try:
            while True:
                began = clock.ticks()
                try:
                    await self._session()
                    continue  # left on purpose
                except Exception as e:
                    self._failed(e)
                finally:
                    self._link.close()
                    self._feed.backlog.again()
                if clock.since(began) > self.ping_s * 1000:  # it was a connection, not one more attempt
                    pause_ms = _FIRST_PAUSE_MS
                await clock.sleep_ms(pause_ms // 2 + _random(pause_ms // 2 + 1))
                pause_ms = min(2 * pause_ms, self.most_pause_s * 1000)
        finally:
            self.state = "stopped"
            if self._asking:
                self._asking.cancel()

    def _failed(self, error):
        self.state = "waiting"
        text = " ".join((str(error) or repr(error)).split())  # TLS says it in several lines
        if text != self.error:
            self.app.log("mqtt: " + text)
        self.error = text

    async def _session(self):
        app = self.app
        config = app.config
        feed = self._feed
        link = self._link
        tls = config["mqtt_tls"]
        self.state = "connecting"
        while tls and not config["mqtt_tls_insecure"] and app.clock.unix() is None:
            self.error = "waits for the date, without which no certificate can be checked"
            await app.clock.sleep_ms(1000)
        port = config["mqtt_port"] or (8883 if tls else 1883)
        link.begin(await open_socket(app, port, tls))
        feed.begin()
        self._since = self._pinged = None
        await self._send(
            codec.connect(
                "kmpeye-" + feed.topic[:-1].split("/")[-1],
                2 * self.ping_s,
                feed.topic + "status",
                "offline",
                config["mqtt_user"],
                config["mqtt_password"],
            )
        )
        await self._expect(codec.CONNACK)
        topics = feed.subscriptions()
        if topics:
            await self._send(codec.subscribe(_SUBSCRIPTION, topics))
        self.state = "connected"
        self.error = None
        self.connections += 1
        app.log("mqtt: connected with %s" % config["mqtt_host"])
        while not feed.moved():
            while link.packet():
                await self._receive(link.reader)
            if not await self._publish_due():
                await self._alive()
                await app.clock.sleep_ms(_IDLE_MS if self._flight is None else _BUSY_MS)
        await self._leave()

    async def _leave(self):
        # The meter has told its serial number: go on under it, and leave nothing behind under the name.
        self._flight = None
        if not self._feed.serial:
            await self._publish(self._feed.topic + "status", (), 0, True, False)
        await self._send(codec.DISCONNECT)

    async def _send(self, data):
        await self._link.write((data,))
        await self._link.flush()

    async def _expect(self, kind):
        link = self._link
        clock = self.app.clock
        start = clock.ticks()
        while not link.packet():
            if clock.since(start) > self.answer_s * 1000:
                raise OSError("the broker does not answer")
            await clock.sleep_ms(_BUSY_MS)
        if link.reader.kind != kind:
            raise codec.Broken("the broker answers with packet 0x%02x" % link.reader.kind)
        refused = link.reader.refused()
        if refused:
            raise codec.Broken(refused)

    async def _alive(self):
        clock = self.app.clock
        link = self._link
        late = self.answer_s * 1000
        if self._since is not None and clock.since(self._since) > late:
            raise OSError("the broker acknowledges nothing")
        if self._pinged is not None:
            if clock.since(self._pinged) > late:
                raise OSError("the broker is silent")
        elif max(clock.since(link.heard), clock.since(link.said)) > self.ping_s * 1000:
            self._pinged = clock.ticks()
            await self._send(codec.PINGREQ)

    async def _publish_due(self):
        due = self._feed.next(self._since is not None)
        if not due:
            return False
        kind, value, topic, pieces, retain = due
        if kind not in _ACKNOWLEDGED:
            await self._publish(topic, pieces, 0, retain, False)
            self._feed.done(kind, value)
            return True
        again = self._flight == (kind, value)  # it went out on a connection that ended
        if not again:
            self._flight = kind, value
            self._packet = self._packet + 1 if self._packet < _LAST_PACKET else _SUBSCRIPTION + 1
        self._since = self.app.clock.ticks()
        await self._publish(topic, pieces, self._packet, retain, again)
        if kind == "history":
            await self.app.clock.sleep_ms(_PACE_MS)
        return True

    async def _publish(self, topic, pieces, packet, retain, dup):
        size = count = 0
        for piece in pieces:
            size += len(piece.encode())
            count += 1
            if not count & 15:
                await self.app.clock.sleep_ms(0)
        await self._link.write((codec.publish(topic, size, packet, retain, dup),))
        await self._link.write(pieces)
        await self._link.flush()
        self.published += 1

    async def _receive(self, packet):
        kind = packet.kind
        if kind == codec.PUBLISH:
            topic, payload, number = packet.message()
            if number:
                await self._send(codec.puback(number))
            self._heard(topic, payload, packet.retained)
        elif kind == codec.PUBACK:
            if packet.packet() == self._packet and self._since is not None:
                self._since = None
                done = self._flight
                self._flight = None
                self._feed.done(*done)
        elif kind == codec.SUBACK:
            if packet.refused():
                self.error = packet.refused()
                self.app.log("mqtt: " + self.error)
        elif kind == codec.PINGRESP:
            self._pinged = None
        else:
            raise codec.Broken("the broker accepts us twice")

    def _heard(self, topic, payload, retained):
        feed = self._feed
        topics = feed.subscriptions()
        for at in range(len(topics)):
            if topics[at].encode() == topic:
                break
        else:
            return  # nothing we asked for, or too long to tell
        if at == 2:
            if payload == b"online" and not retained:  # a retained birth is old: we announced on connecting
                feed.announce(_random(_BIRTH_MS))
            return
        command = ("read", "align")[at]
        if retained:
            feed.answer("refused", command, "a retained command would be carried out again and again")
        elif payload not in (b"", b"PRESS"):
            feed.answer("refused", command, "an empty payload or PRESS is accepted")
        elif at:
            why = self.app.reader.start_align()
            feed.answer("refused" if why else "started", command, why or "the head is being aligned")
        elif not self._asking:  # one that is under way answers both
            self._asking = asyncio.create_task(self._read_now())

    async def _read_now(self):
        try:
            how, text, wait_s = await self.app.reader.read_now()
        except Exception as e:
            how, text, wait_s = "failed", str(e) or repr(e), 0
        self._asking = None
        if how != "ok":  # else the reading itself is the answer
            self._feed.answer("failed" if how == "failed" else "refused", "read", text, retry_s=wait_s)
