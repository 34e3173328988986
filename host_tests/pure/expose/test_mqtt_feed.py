# What is due to be published and when: the feed and its backlog with a real history on flash and a clock that is moved
# by hand. No socket. Runs on CPython and MicroPython.

import json

from kmpeye.expose.mqtt.feed import Feed, safe
from kmpeye.readings.as_json import reading_chunks
from kmpeye.readings.snapshot import Meter, Reading, Snapshot
from kmpeye.system import forget
from kmpeye.system.clock import Clock
from kmpeye.system.config import checked
from kmpeye_history.scene import HOUR, NEW_YEAR, Scene, energy

BASE = "kmpeye/1234/"
START = "online", "announcement", "reading", "diagnosis"


class Hands(Clock):
    """A clock that only hands move."""

    def __init__(self, unix):
        super().__init__()
        self.now = 0
        self.began = unix

    def ticks(self):
        return self.now

    def since(self, ticks):
        return self.now - ticks

    def uptime_s(self):
        return self.now // 1000

    def unix(self):
        return None if self.began is None else self.began + self.uptime_s()


class Flash:
    """What keep does, in memory; counts."""

    def __init__(self):
        self.files = {}
        self.saves = 0
        self.full = False

    def load(self, path):
        return json.loads(self.files[path]) if path in self.files else None

    def save(self, path, state):
        if self.full:
            raise OSError(28)
        self.saves += path == "mqtt.json"
        self.files[path] = json.dumps(state)


class Budget:
    replies = awake_s = 0


class App:
    version = "0"
    wifi = None
    forget = staticmethod(forget)

    def __init__(self, history=None, unix=NEW_YEAR, flash=None, **settings):
        values = {"mqtt_host": "broker"}
        values.update(settings)
        self.config = checked(values)
        self.clock = Hands(unix)
        self.keep = flash or Flash()
        self.snapshot = Snapshot(Meter("MULTICAL 21", "water"))
        self.snapshot.meter.serial = "1234"
        self.history = history
        self.budget = Budget()
        self.plan = self.reader = self.profile = self  # one object is all that a feed asks of these
        self.interval_s = 3600
        self.name = "multical21"
        self.kind = "water"
        self.info = [(2, "leak")]
        self.registers = [(68, "volume"), (74, "flow")]
        self.said = []
        self.read(314131)

    def log(self, text):
        self.said.append(text)

    def reading_chunks(self):
        return reading_chunks(self.snapshot, self.clock)

    def read(self, volume):
        clock = self.clock
        self.snapshot.reading = Reading([("volume", 68, 40, volume, -3)], clock.uptime_s(), clock.unix())
        self.snapshot.state = "ok"
        self.snapshot.changed()


def due(feed, busy=False):
    """(kind, topic, payload, value) of what is due, or Nones."""
    found = feed.next(busy)
    if not found:
        return None, None, None, None
    kind, value, topic, pieces, _ = found
    return kind, topic, "".join(pieces), value


def reconnect(feed):
    feed.backlog.again()
    feed.begin()


def drain(feed, most=500):
    """Everything that is due until nothing is, as (kind, topic, payload)."""
    found = []
    while len(found) < most:
        kind, topic, payload, value = due(feed)
        if kind is None:
            return found
        feed.done(kind, value)
        found.append((kind, topic, payload))
    raise AssertionError("there is no end to it")


def kinds(found):
    return tuple([row[0] for row in found])


def ids(found):
    return [int(json.loads(row[2])["id"][5:]) for row in found if row[0] == "history"]


def test_a_name_becomes_one_level_of_a_topic():
    for text, right in (
        ("68123456", "68123456"),
        ("a/b+c#d e", "a_b_c_d_e"),
        ("Zähler²", "Z_hler_"),
        ("$x", "_x"),
    ):
        assert safe(text) == right, text


def test_everything_is_due_once_in_its_order_and_again_after_a_connection():
    app = App()
    feed = Feed(app)
    first = drain(feed)
    assert kinds(first) == START
    assert [row[1] for row in first][2:] == [BASE + "reading", BASE + "diagnosis"]
    assert drain(feed) == []
    app.read(314132)
    assert kinds(drain(feed)) == ("reading", "diagnosis")
    reconnect(feed)
    assert kinds(drain(feed)) == START


def test_a_reading_that_is_no_longer_valid_does_not_come_as_if_it_were_new():
    app = App()
    feed = Feed(app)
    drain(feed)
    app.clock.now = 3 * 3600 * 1000 + 999
    reconnect(feed)
    assert "reading" in kinds(drain(feed))
    app.snapshot.flags = ["leak"]
    app.clock.now += 2000
    app.snapshot.changed()
    assert json.loads(drain(feed)[0][2])["flags"] is None
    reconnect(feed)
    assert "reading" not in kinds(drain(feed))


def test_what_was_not_sent_is_due_again():
    feed = Feed(App())
    for _ in range(3):
        assert due(feed)[0] == "online"
    feed.done("online", None)
    assert due(feed)[0] == "announcement"


def test_a_live_reading_goes_before_events_and_records():
    with Scene(serial="1234") as scene:
        scene.hours(NEW_YEAR - 48 * HOUR, 48)
        app = App(scene.history)
        feed = Feed(app)
        for _ in START:
            kind, _, _, value = due(feed)
            feed.done(kind, value)
        assert due(feed)[0] == "history"
        app.snapshot.event(0, None, "appeared", "leak")
        app.read(5)
        assert due(feed, True)[0] == "reading"  # while a record is on its way
        feed.done("reading", app.snapshot.reading)
        feed.done("diagnosis", app.snapshot.number)
        assert due(feed, True)[0] is None
        kind, _, payload, value = due(feed)
        assert (kind, json.loads(payload)["at"]) == ("event", "2025-12-31T23:00:00Z")
        feed.done(kind, value)
        assert due(feed)[0] == "history"


def test_answers_are_bounded():
    feed = Feed(App())
    for number in range(9):
        feed.answer("refused", "read", str(number))
    answers = [json.loads(row[2])["text"] for row in drain(feed) if row[0] == "answer"]
    assert answers == ["5", "6", "7", "8"]


def test_records_come_once_oldest_first_and_are_remembered():
    with Scene(serial="1234") as scene:
        scene.hours(NEW_YEAR - 40 * HOUR, 40)
        app = App(scene.history)
        wanted = [NEW_YEAR - (40 - hour) * HOUR for hour in range(40)]
        feed = Feed(app)
        assert ids(drain(feed)) == wanted
        assert app.keep.saves == 2  # the serial number, what is acknowledged
        again = Feed(App(scene.restart(), flash=app.keep))
        assert ids(drain(again)) == []
        assert ids(drain(Feed(App(scene.history, mqtt_host="another", flash=app.keep)))) == wanted


def test_a_record_that_was_not_acknowledged_comes_first_on_the_next_connection():
    with Scene(serial="1234") as scene:
        scene.hours(NEW_YEAR - 5 * HOUR, 5)
        feed = Feed(App(scene.history))
        for _ in range(len(START) + 2):
            kind, _, _, value = due(feed)
            feed.done(kind, value)
        kind, _, payload, _ = due(feed)
        reconnect(feed)
        found = drain(feed)
        assert next(row[2] for row in found if row[0] == "history") == payload
        assert ids(found) == [NEW_YEAR - (3 - hour) * HOUR for hour in range(3)]


def test_a_new_hour_is_one_record_and_one_write():
    with Scene(serial="1234") as scene:
        app = App(scene.history)
        feed = Feed(app)
        drain(feed)
        saves = app.keep.saves
        for hour in range(24):
            app.clock.now = hour * HOUR * 1000
            scene.hours(NEW_YEAR + hour * HOUR, 1, hour)
            for minute in range(0, 60, 15):
                app.clock.now = (hour * HOUR + minute * 60) * 1000
                app.read(hour)
                assert len(ids(drain(feed))) == (minute == 0)
            assert app.keep.saves == saves + hour + 1


def test_hours_the_logger_fills_in_come_too_and_only_those():
    with Scene(serial="1234") as scene:
        scene.hours(NEW_YEAR - 50 * HOUR, 10)
        scene.hours(NEW_YEAR - 20 * HOUR, 20)
        app = App(scene.history)
        feed = Feed(app)
        assert len(ids(drain(feed))) == 30
        gap = [NEW_YEAR - hour * HOUR for hour in range(40, 20, -1)]
        for part in (gap[8:], gap[:8]):  # the later one first
            for unix in part:
                assert scene.history.insert(unix, energy(1))
            reconnect(feed)
            found = [row for row in drain(feed) if row[0] == "history"]
            assert ids(found) == part
            assert all(json.loads(row[2])["filled"] for row in found)
        # This hour's write was before them: after a restart they come again, with the same ids, and then no more.
        app = App(scene.restart(), NEW_YEAR + HOUR, app.keep)
        assert ids(drain(Feed(app))) == gap
        assert ids(drain(Feed(App(scene.restart(), NEW_YEAR + HOUR, app.keep)))) == []


def test_a_flash_that_refuses_is_said_and_does_no_harm():
    with Scene(serial="1234") as scene:
        scene.hours(NEW_YEAR - 3 * HOUR, 3)
        app = App(scene.history)
        app.keep.full = True
        feed = Feed(app)
        assert len(ids(drain(feed))) == 3
        assert "mqtt.json" in app.said[0]


def test_records_carry_the_serial_number_they_were_made_under():
    with Scene(serial="1111") as scene:
        scene.hours(NEW_YEAR - 3 * HOUR, 3)
        found = [row for row in drain(Feed(App(scene.history))) if row[0] == "history"]
        assert [row[1] for row in found] == ["kmpeye/1111/history"] * 3
        assert json.loads(found[0][2])["id"] == "1111-%d" % (NEW_YEAR - 3 * HOUR)


def test_another_meter_retires_the_one_before():
    app = App()
    drain(Feed(app))
    again = App(flash=app.keep)
    again.snapshot.meter.serial = None  # not told yet since the restart: it is remembered
    feed = Feed(again)
    assert feed.topic == BASE and not feed.moved()
    again.snapshot.meter.serial = "5678"
    assert feed.moved()
    reconnect(feed)
    found = drain(feed)
    empty = [row[1] for row in found if row[2] == ""]
    assert sorted(empty) == [
        "homeassistant/device/kmpeye_1234/config",
        "kmpeye/1234/diagnosis",
        "kmpeye/1234/reading",
        "kmpeye/1234/status",
    ]
    assert found[0][1] == "kmpeye/5678/status"


def test_without_a_serial_number_there_is_the_status_alone():
    app = App(name="Cellar 1")
    app.snapshot.meter.serial = None
    feed = Feed(app)
    assert [row[:2] for row in drain(feed)] == [("online", "kmpeye/Cellar_1/status")]
    assert feed.subscriptions() == ()


def test_a_birth_is_answered_after_its_delay_and_a_changed_unit_at_once():
    app = App()
    feed = Feed(app)
    drain(feed)
    feed.announce(2500)
    app.clock.now = 2400
    assert drain(feed) == []
    app.clock.now = 2500
    assert kinds(drain(feed)) == ("announcement",)
    app.read(7)
    assert "announcement" not in kinds(drain(feed))
    app.snapshot.reading = Reading([("volume", 68, 39, 7, 0)], 0, None)
    app.snapshot.changed()
    assert "announcement" in kinds(drain(feed))
