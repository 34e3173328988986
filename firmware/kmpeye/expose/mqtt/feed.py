# What is due to be published, and in which order: state, announcement, reading, diagnosis, answers, events, history.
# Knows the snapshot, not the broker: no I/O. Promises: what is lost with a connection is due again with the next one,
# and a live reading never waits for more than one record of the past.

from binascii import crc32
from json import dumps

from micropython import const

from kmpeye.expose.mqtt.backlog import Backlog, record_chunks

_SAFE = const("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_")
_HOME_ASSISTANT = const("homeassistant")  # its own prefix
_LEAST_S = const(60)  # that a reading is valid: the next one takes some seconds itself
_RETAINED = const(3)  # topics of a meter that the broker keeps, until it or mqtt_base is another
_RECORD_S = const(3600)  # between two records of the history
_NEVER_S = const(1 << 29)
_MOST_ANSWERS = const(4)  # to commands that come faster than they can be refused


def safe(text):
    """A text as one level of a topic, and as an id of Home Assistant."""
    return "".join([c if c in _SAFE else "_" for c in text])


class Feed:
    def __init__(self, app, rest=None):
        """rest: what rest() of the one before gave; None: there was none since the start."""
        self.app = app
        config = app.config
        self._base = config["mqtt_base"]
        self._prefix = config["ha_prefix"] if config["ha_discovery"] else None
        self._announce_at = None
        # Number of the snapshot whose diagnosis was published last, and of the last event the broker has; how many
        # topics of before are to be cleared; what was announced; the reading that was published last, None where that
        # it is no longer valid, () where nothing was; how often the time that Home Assistant is told was doubled.
        (
            self._number,
            state,
            _,
            self._event,
            self._answers,
            self._retire,
            self._signature,
            self._reading,
            dirty,
            self._doubled,
        ) = rest or (-1, None, None, 0, [], 0, None, (), None, 0)
        self.backlog = Backlog(app, state, dirty)
        self._online = True
        self._name()
        if not rest:
            self.begin()

    def rest(self):
        """What is left of it while nothing is due: a tuple that begins with the snapshot's number, the backlog's state
        and the uptime in seconds until which nothing is due if the snapshot stays."""
        backlog = self.backlog
        lasts = self.serial and self._reading is not None
        return (
            self._number,
            backlog.state,
            self._valid_until_s() if lasts else _NEVER_S,
            self._event,
            self._answers,
            self._retire,
            self._signature,
            self._reading,
            backlog.dirty,
            self._doubled,
        )

    def _name(self):
        serial = self.backlog.state.get("serial")
        self.serial = serial and safe(serial)  # as it stands in topics; None: not known yet
        # All topics begin so.
        self.topic = "%s/%s/" % (self._base, self.serial or safe(self.app.config["name"]))

    def begin(self):
        """A new connection, perhaps with another serial number: what is retained is due again."""
        state = self.backlog.state
        old = state.get("serial")
        serial = self.app.snapshot.meter.serial or old
        base = state.get("base", self._base)
        state["base"] = self._base
        if serial != old:
            state["serial"] = serial
            if old:
                state["old"] = old
            else:
                self.backlog.save()
        if old and (serial != old or base != self._base):
            state["gone"] = "%s/%s" % (base, safe(old))
            self._retire = _RETAINED  # kept on flash once that is done
        elif self._retire:
            self._retire = _RETAINED
        self._name()
        self.backlog.again()
        self._online = False
        self._number = -1
        self._signature = None
        self._doubled = 0
        self._reading = ()  # the broker may have lost it
        self.announce(0)

    def moved(self):
        """True when the meter has told another serial number than the one the topics have."""
        serial = self.app.snapshot.meter.serial
        return serial is not None and safe(serial) != self.serial

    def subscriptions(self):
        """Topics to hear: those of the two commands, then where Home Assistant tells its birth, which stays where it is
        when somebody changes the prefix."""
        if not self.serial:
            return ()
        topics = self.topic + "read", self.topic + "align"
        if self._prefix:
            topics += (self._prefix + "/status",)
            if self._prefix != _HOME_ASSISTANT:
                topics += (_HOME_ASSISTANT + "/status",)
        return topics

    def announce(self, wait_ms):
        """Tell Home Assistant everything after a while; at once where that is 0, which is no answer to a birth."""
        if self._prefix:
            self._announce_at = self.app.clock.ticks()  # None: nothing to announce
            self._wait_ms = wait_ms
            self._old = bool(self.backlog.state.get("old"))  # the meter before this one is taken back first

    def waits(self):
        """True while something is due later."""
        return self._announce_at is not None

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
            self._number = snapshot.number  # there is nothing to say of it
            return None
        if self._retire:
            old = ("status", "reading", "diagnosis")[self._retire - 1]
            return "retire", None, "%s/%s" % (self.backlog.state["gone"], old), (), True
        if self._number != snapshot.number:
            if self._announced_otherwise():
                self.announce(0)
            self.backlog.wake()
        if self._announcing():
            return self._announcement()
        reading = self._shown()
        if reading is not self._reading:
            # At once, because the next reading may come while this one is sent.
            pieces = list(self.app.reading_chunks() if reading else self._nothing())
            return "reading", reading, self.topic + "reading", pieces, True
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
            if not self._retire:
                del self.backlog.state["gone"]
                self.backlog.save()
        elif kind == "old":
            self._old = False
            # Home Assistant has just started, so it has heard it; another reader may have that meter.
            if self._wait_ms:
                del self.backlog.state["old"]
                self.backlog.save()
        elif kind == "announcement":
            self._announce_at = None
            # What has expire_after and is announced otherwise than before, is unavailable until its topic speaks.
            self._reading = ()
            self._number = -1
            self.app.forget("expose.mqtt.discovery", "expose.mqtt.entities")
        elif kind == "reading":
            self._reading = value
            if value is None:
                self._number = -1  # the flags are not valid any more either
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
        found = crc32(b"%s%d" % (self.app.reader.profile.name.encode(), self._expire_s()))
        reading = self.app.snapshot.reading
        for key, _, unit, _, exponent in reading.values if reading else ():
            found = crc32(b"%s%d%d" % (key.encode(), unit, exponent), found)
        changed = self._signature not in (None, found)
        self._signature = found
        return changed

    def _announcing(self):
        return self.waits() and self.app.clock.since(self._announce_at) >= self._wait_ms

    def _announcement(self):
        if self._old:
            return "old", None, self._config_topic(self.backlog.state["old"]), (), False
        from kmpeye.expose.mqtt.discovery import Announcement

        pieces = Announcement(self.app, self.serial, self.topic, self._expire_s())
        return "announcement", None, self._config_topic(self.serial), pieces, False

    def _config_topic(self, serial):
        return "%s/device/kmpeye_%s/config" % (self._prefix, safe(serial))

    def _expire_s(self):
        # What Home Assistant is told: the longest that a reading was valid on this connection, in steps, because where
        # the budget stretches the interval that is another time after each reading.
        reader = self.app.reader
        expire_s = max(_LEAST_S, 3 * reader.interval_s)
        while expire_s << self._doubled < reader.valid_s:
            self._doubled += 1
        return expire_s << self._doubled

    def _valid_until_s(self):
        app = self.app
        reading = app.snapshot.reading
        if reading:
            taken_s = reading.uptime_s
        else:  # what the broker has is from before the start, and less than an hour after the last record it has
            unix = app.clock.unix()
            record = self.backlog.state.get("acked")
            taken_s = min(0, app.clock.uptime_s() - unix + record + _RECORD_S) if unix and record else 0
        return taken_s + max(_LEAST_S, app.reader.valid_s)

    def _shown(self):
        # What the broker has to keep: an old reading must not come as if it were new to who subscribes later.
        if self.app.clock.uptime_s() > self._valid_until_s():
            return None
        return self.app.snapshot.reading or self._reading

    def _nothing(self):
        from kmpeye.readings.as_json import reading_chunks
        from kmpeye.readings.snapshot import Snapshot

        return reading_chunks(Snapshot(self.app.snapshot.meter), self.app.clock)

    def _diagnosis(self):
        app = self.app
        snapshot = app.snapshot
        reading = snapshot.reading
        budget = app.reader.plan.budget
        flags = answer = None
        if reading:
            if self._shown():
                flags = snapshot.flags  # older ones are no longer what the meter says
            answer = self._at(reading.unix, reading.uptime_s)
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
        text = dumps({"event": what, "key": key, "number": number, "at": self._at(unix, uptime_s)})
        return "event", number, self.topic + "event", (text,), False

    def _at(self, unix, uptime_s):
        # A moment as text; its date may have become known after it. None while it is not.
        clock = self.app.clock
        if unix is None and clock.unix() is not None:
            unix = clock.unix() - clock.uptime_s() + uptime_s
        return None if unix is None else clock.iso(unix)
