# Which records of the history are due to be published and when: the feed and its backlog with a real history on flash
# and a clock that is moved by hand. No socket. Runs on CPython and MicroPython.

import json

from expose.one_feed import START, App, drain, due, ids, kinds
from kmpeye.expose.mqtt.feed import Feed
from kmpeye.readings.snapshot import Reading
from kmpeye_history.scene import HOUR, NEW_YEAR, Scene, energy


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
        feed.begin()
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
            feed.begin()
            found = [row for row in drain(feed) if row[0] == "history"]
            assert ids(found) == part
            assert all(json.loads(row[2])["filled"] for row in found)
        # This hour's write was before them: after a restart they come again, with the same ids, and then no more.
        app = App(scene.restart(), NEW_YEAR + HOUR, app.keep)
        assert ids(drain(Feed(app))) == gap
        assert ids(drain(Feed(App(scene.restart(), NEW_YEAR + HOUR, app.keep)))) == []


def test_a_date_that_was_wrong_does_not_silence_what_comes_after_it():
    with Scene(serial="1234") as scene:
        app = App(scene.history, NEW_YEAR + 5000 * HOUR)
        feed = Feed(app)
        scene.hours(NEW_YEAR + 4990 * HOUR, 10)
        feed.begin()
        assert len(ids(drain(feed))) == 10
        app.clock.began = NEW_YEAR
        scene.hours(NEW_YEAR, 1)
        app.read(1)
        assert ids(drain(feed)) == [NEW_YEAR]
        scene.hours(NEW_YEAR + HOUR, 1)
        app.clock.began += HOUR
        app.read(2)
        assert ids(drain(feed)) == [NEW_YEAR + HOUR]
        feed.begin()
        assert ids(drain(feed)) == []


def test_what_was_recorded_below_a_wrong_date_while_the_broker_was_away_comes_too():
    for ahead_s in (1400, 2 * HOUR, 10 * HOUR, 400 * HOUR):
        with Scene(serial="1234") as scene:
            scene.hours(NEW_YEAR, 30)
            now = NEW_YEAR + 30 * HOUR
            app = App(scene.history, now + ahead_s)
            scene.hours(now + ahead_s, 1)
            feed = Feed(app)
            assert ids(drain(feed))[-1] == now + ahead_s
            wanted = []
            for hour in range(3):
                at = now + hour * HOUR + 1800
                if scene.hours(at, 1):
                    wanted.append(at)
                app.clock.began = at
            assert wanted
            feed.begin()
            kind, _, _, value = due(feed)
            while kind != "history":
                feed.done(kind, value)
                kind, _, _, value = due(feed)
            feed.begin()  # and once more
            assert ids(drain(feed)) == wanted, ahead_s
            feed.begin()
            again = ids(drain(Feed(App(scene.restart(), app.clock.began, app.keep))))
            assert not again or again == wanted[-len(again) :], "what was not yet kept on flash comes again"


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


def test_a_feed_goes_on_from_where_the_last_one_rested():
    with Scene(serial="1234") as scene:
        scene.hours(NEW_YEAR - 3 * HOUR, 3)
        app = App(scene.history)
        feed = Feed(app)
        app.snapshot.event(0, None, "appeared", "leak")
        app.snapshot.changed()
        assert kinds(drain(feed)).count("history") == 3
        feed = Feed(app, feed.rest())
        assert drain(feed) == [] and not feed.moved() and not feed.waits()
        app.clock.now = HOUR * 1000
        scene.hours(NEW_YEAR + HOUR, 1)
        app.read(8)
        feed = Feed(app, feed.rest())
        assert kinds(drain(feed)) == ("reading", "diagnosis", "history")
        feed.answer("refused", "read", "no")
        feed = Feed(app, feed.rest())
        assert kinds(drain(feed)) == ("answer",)
        app.snapshot.reading = Reading([("volume", 68, 39, 7, 0)], 0, None)
        app.snapshot.changed()
        assert "announcement" in kinds(drain(Feed(app, feed.rest())))  # another unit than before
