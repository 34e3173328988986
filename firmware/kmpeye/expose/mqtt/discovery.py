# Home Assistant's device discovery: one message that announces the meter with all it measures, built in small pieces
# because it does not fit in memory at once. Loaded only while it is sent. Imports kmp's names and entities.
# Promises: what was announced once and is gone is taken back; what only has no value right now stays.

from json import dumps

from micropython import const

from kmp.names import register_label

_FILE = const("mqtt-announced.json")

# The flags that say something of the house rather than of the meter.
_PLAIN = const(("leak", "burst", "dry", "reverse", "continuous_flow"))

# Key|platform|name|topic|the rest. What the reader itself has to say, and what it can be told.
_OWN = const(
    (
        'state|sensor|State|diagnosis|,"ent_cat":"diagnostic","val_tpl":"{{ value_json.state }}"',
        'last_answer|sensor|Last answer|diagnosis|,"ent_cat":"diagnostic","dev_cla":"timestamp",'
        '"val_tpl":"{{ value_json.last_answer }}"',
        'replies|sensor|Replies spent today|diagnosis|,"ent_cat":"diagnostic","stat_cla":"total_increasing",'
        '"val_tpl":"{{ value_json.replies }}"',
        'rssi|sensor|Wi-Fi signal|diagnosis|,"ent_cat":"diagnostic","dev_cla":"signal_strength",'
        '"stat_cla":"measurement","unit_of_meas":"dBm","val_tpl":"{{ value_json.rssi }}"',
        "read_now|button|Read now|read|",
        'align|button|Align|align|,"ent_cat":"config"',
    )
)


class Announcement:
    """Everything that goes into one message, held still: going through its pieces of text twice says the same."""

    def __init__(self, app, serial, topic, expire_s):
        """topic: <base>/<serial>/, with which every topic of this meter begins; expire_s: without a reading for so
        long, what was read is unknown."""
        self._app = app
        self._serial = serial
        self._topic = topic
        self._profile = app.reader.profile
        self._expire_s = expire_s
        self._model = app.snapshot.meter.model
        self._kind = app.snapshot.meter.kind or self._profile.kind
        reading = app.snapshot.reading
        self._values = reading.values if reading else ()
        flags = []
        for _, flag in self._profile.info:
            if flag not in flags:
                flags.append(flag)
        if self._kind == "water" and "leak" not in flags:
            flags.append("continuous_flow")  # readings.watch sees it instead of the meter
        self._flags = flags
        self._gone = self._remember()

    def _remember(self):
        """What was announced once and does not exist any more; keeps on flash what is announced now."""
        before = self._app.keep.load(_FILE)
        announced = []
        if isinstance(before, dict) and before.get("serial") == self._serial:
            announced = before["keys"]
        now = [key for key, _, _, _, _ in self._values] + ["flag_" + flag for flag in self._flags]
        fresh = [key for key in now if key not in announced]
        if fresh:
            try:
                self._app.keep.save(_FILE, {"serial": self._serial, "keys": announced + fresh})
            except OSError as e:
                self._app.log("mqtt: %s cannot be kept: %s" % (_FILE, e))
        if self._profile.name == "auto":  # nobody knows yet what there is
            return ()
        alive = [key for _, key in self._profile.registers]  # what the meter does not have is no longer in it
        return [key for key in announced if key not in now and key not in alive]

    def __iter__(self):
        app = self._app
        yield (
            '{"dev":{"ids":["kmpeye_%s"],"name":%s,"mf":"Kamstrup","mdl":%s,"sn":"%s","sw":"kmpeye %s"},'
            % (
                self._serial,
                dumps("%s %s" % (self._model, self._serial)),
                dumps(self._model),
                self._serial,
                app.version,
            )
        )
        yield '"o":{"name":"kmpeye","sw":"%s"},"avty_t":"%sstatus","stat_t":"%sreading","cmps":{' % (
            app.version,
            self._topic,
            self._topic,
        )
        from kmpeye.expose.mqtt.entities import describe

        comma = ""
        for key, _, unit, _, exponent in self._values:
            yield comma
            for piece in self._one(
                "sensor", key, register_label(key), describe(key, self._kind, unit, exponent)
            ):
                yield piece
            yield ',"exp_aft":%d}' % self._expire_s
            comma = ","
        for flag in self._flags:
            yield comma
            for piece in self._one("binary_sensor", "flag_" + flag, register_label(flag), self._flag(flag)):
                yield piece
            yield ',"exp_aft":%d,"stat_t":"%sdiagnosis"}' % (self._expire_s, self._topic)
            comma = ","
        for key in self._gone:
            yield '%s"%s":{"p":"%s"}' % (comma, key, "binary_sensor" if key[:5] == "flag_" else "sensor")
            comma = ","
        for row in _OWN:
            key, platform, name, topic, pairs = row.split("|")
            yield comma
            for piece in self._one(platform, key, name, ()):
                yield piece
            yield ',"%s":"%s%s"%s}' % (
                "cmd_t" if platform == "button" else "stat_t",
                self._topic,
                topic,
                pairs,
            )
            comma = ","
        yield "}}"

    def _one(self, platform, key, name, pairs):
        # A component up to its last pair, still open.
        yield '"%s":{"p":"%s","uniq_id":"%s_%s","name":%s' % (key, platform, self._serial, key, dumps(name))
        for pair in pairs:
            yield ',"%s":%s' % (pair[0], dumps(pair[1]))

    def _flag(self, flag):
        yield "dev_cla", "battery" if flag == "low_battery" else "problem"
        if flag not in _PLAIN:
            yield "ent_cat", "diagnostic"
        yield (
            "val_tpl",
            "{{ None if value_json.flags is none else 'ON' if '%s' in value_json.flags else 'OFF' }}" % flag,
        )
