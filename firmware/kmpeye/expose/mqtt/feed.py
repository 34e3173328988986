# What is due to be published, and in which order: state, announcement, reading, diagnosis, answers, events, history.
# Knows the snapshot, not the broker: no I/O. Promises: what is lost with a connection is due again with the next one,
# and a live reading never waits for more than one record of the past.

from binascii import crc32
from json import dumps

from micropython import const

from kmpeye.expose.mqtt.backlog import Backlog, record_chunks

_SAFE = const("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_")
_LATE = const(3)  # intervals
_MOST_ANSWERS = const(4)  # to commands that come faster than they can be refused


def safe(text):
    """A text as one level of a topic, and as an id of Home Assistant."""
    return "".join([c if c in _SAFE else "_" for c in text])


class Feed:
    def __init__(self, app):
        self.app = app
        self.backlog = Backlog(app)
        config = app.config
        self._base = config["mqtt_base"]
        self._prefix = config["ha_prefix"] if config["ha_discovery"] else None
        self.serial = None  # as it stands in topics; None: not known yet
        self.topic = ""  # all of them begin so
        self._event = 0  # number of the last event the broker has
        self._answers = []
        self.begin()

    def begin(self):
        """A new connection, perhaps with another serial number: what is retained is due again."""
        state = self.backlog.state
        serial = self.app.snapshot.meter.serial or state.get("serial")
        self.serial = serial and safe(serial)
        self.topic = "%s/%s/" % (self._base, self.serial or safe(self.app.config["name"]))
        if serial and serial != state.get("serial"):
            state["old"] = state.get("serial")
            state["serial"] = serial
            self.backlog.save()
            self._retire = 3 if state["old"] else 0
        else:
            self._retire = 0
        self._online = False
        self._number = -1  # of the snapshot whose diagnosis was published last
        self._signature = None
        reading = self.app.snapshot.reading
        # The broker may have lost it; what is not valid any more must not come as if it were new.
        self._reading = reading if reading and self._age_s(reading) > self._expire_s() else None
        self.announce(0)

    def moved(self):
        """True when the meter has told another serial number than the one the topics have."""
        serial = self.app.snapshot.meter.serial
        return serial is not None and safe(serial) != self.serial

    def subscriptions(self):
        """Topics to hear; those of commands first."""
        if not self.serial:
            return ()
        commands = (self.topic + "read", self.topic + "align")
        return commands + (self._prefix + "/status",) if self._prefix else commands

    def announce(self, wait_ms):
        """Tell Home Assistant everything after a while."""
        self._announce_at = self.app.clock.ticks()  # None: nothing to announce
        self._wait_ms = wait_ms
        self._old = bool(self.backlog.state.get("old"))  # the meter before this one is taken back first

    def answer(self, what, command, text, **more):
        """Say on the event topic what became of a command; the oldest answer gives way."""
        more.update({"event": what, "command": command, "text": text})
        if len(self._answers) == _MOST_ANSWERS:
            self._answers.pop(0)
        self._answers.append(more)

    def next(self, busy):
        """What is due: (kind, value, topic, pieces, retain), or None. pieces: of the payload's text; may be gone
        through twice. busy: an acknowledged one (kinds "answer", "event", "history") is on its way."""
        snapshot = self.app.snapshot
        if not self._online:
            return "online", None, self.topic + "status", ("online",), True
        if not self.serial:
            return None
        if self._retire:
            old = "%s/%s/%s" % (
                self._base,
                safe(self.backlog.state["old"]),
                ("status", "reading", "diagnosis")[self._retire - 1],
            )
            return "retire", None, old, (), True
        if self._number != snapshot.number:
            if self._announced_otherwise():
                self.announce(0)
            self.backlog.wake()
        if self._announcing():
            return self._announcement()
        if snapshot.reading is not self._reading:
            # At once, because the next reading may come while this one is sent.
            pieces = list(self.app.reading_chunks())
            return "reading", snapshot.reading, self.topic + "reading", pieces, True
        if self._number != snapshot.number:
            return "diagnosis", snapshot.number, self.topic + "diagnosis", (self._diagnosis(),), True
        if busy:
            return None
        if self._answers:
            return "answer", self._answers[0], self.topic + "event", (dumps(self._answers[0]),), False
        for event in snapshot.events:
            if event[0] > self._event:
                return self._happened(event)
        if self.backlog.next():
            return self._history()
        return None

    def done(self, kind, value):
        """What next() gave was sent, or where it is acknowledged, acknowledged."""
        if kind == "online":
            self._online = True
        elif kind == "retire":
            self._retire -= 1
        elif kind == "old":
            self._old = False
        elif kind == "announcement":
            self._announce_at = None
            self.app.forget("kmpeye.expose.mqtt.discovery", "kmpeye.expose.mqtt.entities")
        elif kind == "reading":
            self._reading = value
        elif kind == "diagnosis":
            self._number = value
        elif kind == "answer":
            if value in self._answers:
                self._answers.remove(value)
        elif kind == "event":
            self._event = value
        else:
            self.backlog.acknowledged()

    def _history(self):
        record = self.backlog.record
        serial = record.layout.serial or self.backlog.state["serial"]
        topic = "%s/%s/history" % (self._base, safe(serial))
        return "history", record.unix, topic, list(record_chunks(record, serial, self.app.clock.iso)), False

    def _announced_otherwise(self):
        if not self._prefix:
            return False
        found = crc32(b"%s%d" % (self.app.reader.profile.name.encode(), self.app.reader.interval_s))
        reading = self.app.snapshot.reading
        for key, _, unit, _, exponent in reading.values if reading else ():
            found = crc32(b"%s%d%d" % (key.encode(), unit, exponent), found)
        changed = self._signature not in (None, found)
        self._signature = found
        return changed

    def _announcing(self):
        return (
            self._prefix
            and self._announce_at is not None
            and self.app.clock.since(self._announce_at) >= self._wait_ms
        )

    def _announcement(self):
        if self._old:
            return "old", None, self._config_topic(self.backlog.state["old"]), (), False
        from kmpeye.expose.mqtt.discovery import Announcement

        pieces = Announcement(self.app, self.serial, self.topic, self._expire_s())
        return "announcement", None, self._config_topic(self.serial), pieces, False

    def _config_topic(self, serial):
        return "%s/device/kmpeye_%s/config" % (self._prefix, safe(serial))

    def _expire_s(self):
        # Without a reading for so long, nothing of the last one is valid any more.
        return max(60, _LATE * self.app.reader.interval_s)

    def _age_s(self, reading):
        return self.app.clock.uptime_s() - reading.uptime_s

    def _diagnosis(self):
        app = self.app
        snapshot = app.snapshot
        reading = snapshot.reading
        budget = app.reader.plan.budget
        flags = answer = None
        if reading:
            age_s = self._age_s(reading)
            if age_s <= self._expire_s():
                flags = snapshot.flags  # older ones are no longer what the meter says
            if app.clock.unix() is not None:
                answer = app.clock.iso(app.clock.unix() - age_s)
        return dumps(
            {
                "state": snapshot.state,
                "text": snapshot.text,
                "flags": flags,
                "last_answer": answer,
                "replies": budget.replies,
                "awake_s": budget.awake_s,
                "rssi": app.wifi and app.wifi.rssi(),
            }
        )

    def _happened(self, event):
        number, uptime_s, unix, what, key = event
        clock = self.app.clock
        if unix is None and clock.unix() is not None:
            unix = clock.unix() - (clock.uptime_s() - uptime_s)
        at = None if unix is None else clock.iso(unix)
        text = dumps({"event": what, "key": key, "number": number, "at": at})
        return "event", number, self.topic + "event", (text,), False
