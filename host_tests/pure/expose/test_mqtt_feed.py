# What is due to be published and when, with a clock that is moved by hand. No socket. The records of the history are in
# test_mqtt_backlog.py. Runs on CPython and MicroPython.

import json

from expose.one_feed import START, App, drain, due, kinds
from kmpeye.expose.mqtt.feed import Feed, safe
from kmpeye.readings.snapshot import Reading

BASE = "kmpeye/1234/"


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
    feed.begin()
    assert kinds(drain(feed)) == START


def test_a_reading_that_is_no_longer_valid_is_taken_back():
    # Who subscribes later, as Home Assistant does after a restart, would take what is retained for new.
    app = App()
    app.snapshot.flags = ["leak"]
    feed = Feed(app)
    drain(feed)
    rest = feed.rest()
    assert rest[2] == 3 * 3600
    app.clock.now = 3 * 3600 * 1000 + 999
    assert drain(Feed(app, rest)) == []
    app.clock.now += 1
    feed = Feed(app, rest)
    found = drain(feed)
    assert kinds(found) == ("reading", "diagnosis")
    shown = json.loads(found[0][2])
    assert (shown["meter"]["serial"], shown["taken_at"], shown["registers"]) == ("1234", None, {})
    assert json.loads(found[1][2])["flags"] is None
    assert drain(feed) == [] and feed.rest()[2] > 1 << 28
    feed.begin()
    assert json.loads(drain(feed)[2][2])["registers"] == {}
    app.read(314132)
    assert json.loads(drain(feed)[0][2])["registers"]["volume"]["value"] == 314.132


def test_a_reading_that_comes_late_on_purpose_stays_valid_until_then():
    app = App()
    feed = Feed(app)
    drain(feed)
    # A rest of 12 h begins with this reading: Home Assistant is told before it gets it.
    app.valid_s = 14 * 3600
    app.read(314132)
    found = drain(feed)
    assert kinds(found) == ("announcement", "reading", "diagnosis")
    assert expires(found[0]) == 24 * 3600
    assert feed.rest()[2] == 14 * 3600
    # Less, or some more, says nothing new: each announcement hides the values for a moment.
    for valid_s in (3 * 3600, 15 * 3600):
        app.valid_s = valid_s
        app.read(314133)
        feed = Feed(app, feed.rest())
        assert kinds(drain(feed)) == ("reading", "diagnosis")
        assert feed.rest()[2] == valid_s
    app.valid_s = 3 * 3600
    feed.begin()
    assert expires(drain(feed)[1]) == 3 * 3600


def expires(announced):
    return json.loads(announced[2])["cmps"]["volume"]["exp_aft"]


def test_the_last_answer_is_when_the_reading_was_taken():
    app = App()
    feed = Feed(app)
    for drift_s in (0, 1, -1):  # seconds of the date and of uptime do not begin together
        app.clock.began += drift_s
        app.snapshot.changed()
        feed.begin()
        found = drain(feed)
        assert json.loads(found[3][2])["last_answer"] == json.loads(found[2][2])["taken_at"], drift_s
    app.clock.began, began = None, app.clock.began
    app.read(314132)
    assert json.loads(drain(feed)[1][2])["last_answer"] is None
    app.clock.began = began
    app.snapshot.changed()
    assert json.loads(drain(feed)[0][2])["last_answer"] == app.clock.iso(began)


def test_after_a_start_what_the_broker_has_stays_until_it_is_too_old():
    app = App()
    app.snapshot.reading = None
    feed = Feed(app)
    assert kinds(drain(feed)) == ("online", "announcement", "diagnosis")
    app.clock.now = 3 * 3600 * 1000 + 1000
    assert kinds(drain(feed)) == ("reading", "diagnosis")


def test_after_a_start_what_the_broker_has_may_be_too_old_already():
    # age of the last record in hours, whether the date is known, what is due, why
    for hours, dated, right, why in (
        (3, True, (), "a short one: the meter will answer"),
        (5, True, ("reading",), "the power was away for longer than a reading is valid"),
        (5, False, (), "nobody knows how long it was away"),
        (-5, True, (), "the date was wrong then"),
    ):
        app = App()
        app.keep.save(
            "mqtt.json", {"host": "broker", "serial": "1234", "acked": app.clock.unix() - hours * 3600}
        )
        app.snapshot.reading = None
        if not dated:
            app.clock.began = None
        found = drain(Feed(app))
        assert kinds(found) == ("online", "announcement") + right + ("diagnosis",), why
        if right:
            assert json.loads(found[2][2])["registers"] == {}


def test_what_was_not_sent_is_due_again():
    feed = Feed(App())
    for _ in range(3):
        assert due(feed)[0] == "online"
    feed.done("online", None)
    assert due(feed)[0] == "announcement"


def test_answers_are_bounded():
    feed = Feed(App())
    for number in range(9):
        feed.answer("refused", "read", str(number))
    answers = [json.loads(row[2])["text"] for row in drain(feed) if row[0] == "answer"]
    assert answers == ["5", "6", "7", "8"]


def test_another_meter_retires_the_one_before():
    app = App()
    drain(Feed(app))
    again = App(flash=app.keep)
    again.snapshot.meter.serial = None  # not told yet since the restart: it is remembered
    feed = Feed(again)
    assert feed.topic == BASE and not feed.moved()
    again.snapshot.meter.serial = "5678"
    assert feed.moved()
    feed.begin()
    found = drain(feed)
    assert sorted(empty(found)) == [
        "homeassistant/device/kmpeye_1234/config",
        "kmpeye/1234/diagnosis",
        "kmpeye/1234/reading",
        "kmpeye/1234/status",
    ]
    assert found[0][1] == "kmpeye/5678/status"


def exchanged(flash=None):
    """(app, feed) that was connected with one meter and now sees another."""
    app = App(flash=flash)
    feed = Feed(app)
    drain(feed)
    app.snapshot.meter.serial = "5678"
    feed.begin()
    return app, feed


def empty(found):
    return [row[1] for row in found if row[2] == ""]


def test_a_connection_that_ends_while_a_meter_is_retired_leaves_nothing_behind():
    app, feed = exchanged()
    for _ in range(2):  # online, the first of the three topics
        kind, _, _, value = due(feed)
        feed.done(kind, value)
    for one in (Feed(App(flash=app.keep)), feed):  # power is lost, or only the connection
        one.app.snapshot.meter.serial = "5678"
        one.begin()
        assert len(empty(drain(one))) == 4
        one.begin()
        assert empty(drain(one)) == ["homeassistant/device/kmpeye_1234/config"]


def test_what_is_retained_under_another_base_is_cleared_and_the_device_stays():
    app = App()
    drain(Feed(app))
    for serial, base, gone in (
        (None, "house/meters", "kmpeye/1234/"),
        ("1234", "kmpeye", "house/meters/1234/"),
        ("1234", "kmpeye", None),
        ("5678", "house", "kmpeye/1234/"),
    ):
        again = App(flash=app.keep, mqtt_base=base)
        again.snapshot.meter.serial = serial
        feed = Feed(again)
        for _ in range(2):  # online, the first of the three topics
            kind, _, _, value = due(feed)
            feed.done(kind, value)
        feed.begin()  # the connection ended
        found = drain(feed)
        assert found[0][1].startswith(base + "/")
        right = [gone + topic for topic in ("diagnosis", "reading", "status")] if gone else []
        assert [topic for topic in empty(found) if "config" not in topic] == right
        assert ("homeassistant/device/kmpeye_1234/config" in empty(found)) is (serial == "5678")
        feed.begin()
        assert [topic for topic in empty(drain(feed)) if "config" not in topic] == []


def test_a_retired_meter_is_left_alone_once_home_assistant_has_heard_of_it():
    # Another reader may have it by then.
    app, feed = exchanged()
    assert len(empty(drain(feed))) == 4
    feed.announce(100)
    app.clock.now += 100
    assert empty(drain(feed)) == ["homeassistant/device/kmpeye_1234/config"]
    feed.announce(100)
    app.clock.now += 100
    feed.begin()
    again = App(flash=app.keep)
    again.snapshot.meter.serial = "5678"
    for one in (feed, Feed(again)):
        assert empty(drain(one)) == []


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
    assert kinds(drain(feed)) == ("announcement", "reading", "diagnosis")
    app.read(7)
    assert "announcement" not in kinds(drain(feed))
    app.snapshot.reading = Reading([("volume", 68, 39, 7, 0)], 0, None)
    app.snapshot.changed()
    assert "announcement" in kinds(drain(feed))
