# GET /api/history on a real history in a folder: rows as JSON and CSV, ways to name a time, defaults, refusals.
# Runs on CPython and on MicroPython; expected times are those of central Europe.

import json

from expose.one_exchange import Sink, StillClock, Things, reply
from kmpeye.expose.history import history
from kmpeye.system import forget
from kmpeye_history.scene import CET, DAY, HOUR, M3, NEW_YEAR, Scene, energy


def app(kept, now):
    """What the handler is given."""
    clock = StillClock()
    clock.date = now
    return Things(past=kept, clock=clock, forget=forget)


def ask(scene, query="", accept=None, path="/api/history", now=NEW_YEAR + 3 * DAY, method="GET"):
    """(status, header lines, body)"""
    return reply(history, app(scene.history, now), path + query, accept, method)


def rows(scene, query, **named):
    status, _, body = ask(scene, "?register=energy" + query, **named)
    assert status == 200, body
    return json.loads(body)["rows"]


def begins(scene, query, **named):
    return [row["begin"] for row in rows(scene, query, **named)]


def test_json_has_local_times_and_every_digit():
    with Scene() as scene:
        scene.hours(NEW_YEAR, 3, 1000, 10, M3, -2)
        status, headers, body = ask(scene, "?register=energy&from=2026-01-01&step=hour")
        assert (status, headers[0]) == (200, "Content-Type: application/json")
        assert body == (
            '{"register":"energy","step":"hour","rows":['
            '{"begin":"2026-01-01T00:00:00+01:00","end":"2026-01-01T01:00:00+01:00","consumption":0.10,'
            '"total":10.10,"unit":"m³","state":"","filled":false},'
            '{"begin":"2026-01-01T01:00:00+01:00","end":"2026-01-01T02:00:00+01:00","consumption":0.10,'
            '"total":10.20,"unit":"m³","state":"","filled":false}]}'
        )


def test_csv_by_its_path_and_by_accept():
    expected = (
        "begin_utc,end_utc,begin_local,end_local,consumption,total,unit,state,filled\r\n"
        "2025-12-31T23:00:00Z,2026-01-01T00:00:00Z,2026-01-01T00:00:00+01:00,2026-01-01T01:00:00+01:00,"
        "1,1,kWh,,0\r\n"
        "2026-01-01T00:00:00Z,2026-01-01T04:00:00Z,2026-01-01T01:00:00+01:00,2026-01-01T05:00:00+01:00,"
        "4,5,kWh,hole,1\r\n"
    )
    with Scene() as scene:
        scene.hours(NEW_YEAR, 2)
        scene.history.insert(NEW_YEAR + 5 * HOUR, energy(5))
        for path, accept in (("/api/history.csv", None), ("/api/history", b"text/csv, */*;q=0.1")):
            status, headers, body = ask(scene, "?register=energy", accept, path, NEW_YEAR + 6 * HOUR)
            assert status == 200 and body == expected, body
            assert headers[0] == "Content-Type: text/csv; charset=utf-8; header=present"
            assert "Content-Disposition: attachment; filename=energy-hour.csv" in headers


def test_a_break_has_no_consumption():
    with Scene() as scene:
        scene.hours(NEW_YEAR, 2)
        scene.history.serial = "5678"
        scene.hours(NEW_YEAR + 2 * HOUR, 2, 900)
        found = rows(scene, "", now=NEW_YEAR + DAY)
        assert [(row["state"], row["consumption"], row["total"]) for row in found] == [
            ("", 1, 1),
            ("new meter", None, 900),
            ("", 1, 901),
        ]
        body = ask(scene, "?register=energy", path="/api/history.csv", now=NEW_YEAR + DAY)[2]
        assert ",,900,kWh,new meter,0\r\n" in body


# from, begin of the first row or None where it is refused, why
MOMENTS = (
    ("2026-01-01", "2026-01-01T00", "a day begins at local midnight"),
    ("2026-01-01T05:00", "2026-01-01T05", "local time"),
    ("2026-01-01%2005:00:00", "2026-01-01T05", "with a space"),
    ("2026-01-01+05:00", "2026-01-01T05", "which a browser sends as a plus"),
    ("2026-01-01T05%3A00", "2026-01-01T05", "encoded"),
    ("2026-01-01T05:00Z", "2026-01-01T06", "UTC"),
    ("2026-01-01t05:00:00.000z", "2026-01-01T06", "as JavaScript writes it, in small letters"),
    ("2026-01-01T05:00+03:00", "2026-01-01T03", "an offset whose plus was not encoded"),
    ("2026-01-01T05:00%2B03:00", "2026-01-01T03", "and one that was"),
    ("2026-01-01T05:00-03:30", "2026-01-01T09", "west; in the middle of an hour"),
    ("1767240000", "2026-01-01T05", "Unix seconds"),
    ("2000-01-01", "2026-01-01T00", "long ago"),
    ("", None, "nothing"),
    ("yesterday", None, "a word"),
    ("2026", None, "no year, and no Unix seconds"),
    ("2026-1-1", None, "one digit"),
    ("2026-02-30", None, "no such day"),
    ("2026-13-01", None, "no such month"),
    ("0001-01-01", None, "before all clocks"),
    ("2026-01-01T", None, "no time behind the T"),
    ("2026-01-01T5:00", None, "one digit"),
    ("2026-01-01T24:00", None, "no such hour"),
    ("2026-01-01T05:60", None, "no such minute"),
    ("2026-01-01T05:00:00:00", None, "too much"),
    ("2026-01-01T05", None, "no minutes"),
    ("2026-01-01T05:00+3", None, "no offset"),
    ("2026-01-01T05:00+24:00", None, "too far east"),
    ("2026-01-01T05:00.x", None, "no fraction"),
    ("2026-01-01Z", None, "a day has no offset"),
    ("+026-01-01", None, "a sign"),
    ("-1767240000", None, "before 1970"),
    ("17672400000", None, "milliseconds, perhaps"),
    ("2026-01-01%", None, "cut behind the percent sign"),
    ("2026%zz", None, "no hexadecimal digits"),
    ("%+1", None, "nor these"),
    ("%ff", None, "no UTF-8"),
)


def test_from_may_be_said_in_many_ways():
    with Scene() as scene:
        scene.hours(NEW_YEAR, 30)
        for given, expected, why in MOMENTS:
            status, _, body = ask(scene, "?register=energy&from=" + given)
            assert status == (200 if expected else 400), (given, status, body)
            if expected:
                assert json.loads(body)["rows"][0]["begin"][:13] == expected, (given, why)
            else:
                assert body.startswith("from"), (given, body)


def test_to_ends_it_and_a_day_means_its_begin():
    with Scene() as scene:
        scene.hours(NEW_YEAR, 60)
        assert len(rows(scene, "&from=2026-01-01&to=2026-01-02")) == 24
        assert begins(scene, "&from=2026-01-02T00:00&to=2026-01-02T02:00") == [
            "2026-01-02T00:00:00+01:00",
            "2026-01-02T01:00:00+01:00",
        ]


def test_without_times_the_last_day_month_and_year_are_meant():
    with Scene() as scene:
        scene.hours(NEW_YEAR - 40 * DAY, 24 * 42)
        now = NEW_YEAR + 2 * DAY - HOUR
        assert begins(scene, "", now=now)[0] == "2026-01-01T23:00:00+01:00"
        assert begins(scene, "&step=day", now=now)[0] == "2025-12-02T00:00:00+01:00"
        assert begins(scene, "&step=month", now=now) == [
            "2025-11-22T00:00:00+01:00",
            "2025-12-01T00:00:00+01:00",
            "2026-01-01T00:00:00+01:00",
        ]


def test_without_a_date_it_ends_with_the_last_record():
    with Scene() as scene:
        scene.hours(NEW_YEAR, 50)
        found = begins(scene, "", now=None)
        assert (found[0][:13], found[-1][:13]) == ("2026-01-02T02", "2026-01-03T00")


def test_summer_time_is_seen_in_the_offsets():
    with Scene() as scene:
        scene.hours(1792879200 - HOUR, 6)  # from an hour before the midnight of 25 October 2026
        found = begins(scene, "&from=2026-10-25", now=1792879200 + DAY)
        assert [begin[11:] for begin in found] == [
            "00:00:00+02:00",
            "01:00:00+02:00",
            "02:00:00+02:00",
            "02:00:00+01:00",
        ]


def test_without_a_register_it_says_what_there_is():
    with Scene() as scene:
        assert json.loads(ask(scene)[2])["from"] is None
        scene.hours(NEW_YEAR, 3)
        scene.history.notes.append('a "note"')
        scene.history.index.note_damage("h00007", "ends inside a record")
        status, _, body = ask(scene)
        assert status == 200
        assert json.loads(body) == {
            "registers": ["energy"],
            "from": "2026-01-01T00:00:00+01:00",
            "to": "2026-01-01T03:00:00+01:00",
            "steps": ["hour", "day", "month"],
            "timezone": CET.text,
            "notes": ['a "note"'],
            "damaged": [{"segment": "h00007", "reason": "ends inside a record"}],
        }


# query, status, part of the reason, why
REFUSED = (
    ("?register=volume", 404, "there is of energy", "not recorded"),
    ("?register=", 404, "there is of energy", "empty"),
    ("?register=a%22b%0A", 404, "there is of energy", "the server puts it into JSON"),
    ("?register=energy&step=week", 400, "hour, day, month", "no such step"),
    ("?register=energy&step=%22", 400, "hour, day, month", "nor this one"),
    ("?register=energy&from=2026-01-02&to=2026-01-01", 400, "from has to be before to", "backwards"),
    ("?register=energy&from=2026-01-02&to=2026-01-02", 400, "from has to be before to", "no time at all"),
    (
        "?register=energy&from=2025-01-01&to=2025-02-01",
        404,
        "the history goes from 2025-12-31T23:00:00Z",
        "before it",
    ),
    ("?register=energy&from=2027-01-01&to=2027-02-01", 404, "nothing was recorded in that time", "after it"),
    (
        "?register=energy&from=2026-01-01T03:00&to=2026-01-01T06:00",
        404,
        "no two totals of energy were recorded in that time; there are records from 2026-01-01T00:00:00+01:00 to "
        "2026-01-02T00:00:00+01:00",
        "in a hole",
    ),
    ("?register=energy&register=energy", 400, "say register once", "twice"),
    ("?key=energy", 400, "register, from, to, step", "another word"),
    ("?from=2026-01-01", 400, "say which register", "no register"),
)


def test_refusals_say_why_and_what_there_is():
    with Scene() as scene:
        scene.hours(NEW_YEAR, 2)
        scene.hours(NEW_YEAR + 20 * HOUR, 4, 20)
        for query, expected, part, why in REFUSED:
            status, _, body = ask(scene, query)
            assert (status, part in body) == (expected, True), (why, query, status, body)
        assert ask(scene, path="/api/history.csv")[0] == 400


def test_without_a_history_or_a_record_it_is_not_found():
    status, _, reason = reply(history, app(None, NEW_YEAR), "/api/history")
    assert (status, reason) == (404, "this reader keeps no history yet")
    with Scene() as scene:
        status, _, reason = ask(scene, "?register=energy")
        assert (status, reason) == (404, "nothing was recorded yet")


def test_head_has_no_body():
    with Scene() as scene:
        scene.hours(NEW_YEAR, 3)
        for query in ("", "?register=energy"):
            status, _, body = ask(scene, query, now=NEW_YEAR + DAY, method="HEAD")
            assert (status, body) == (200, "")


class Counter(Sink):
    """Keeps the head of a reply and counts the lines."""

    lines = 0

    def write(self, data):
        self.lines += bytes(data).count(b"\n")
        if self.lines < 20:
            self.data.extend(data)
        return len(data)


def test_two_months_of_hours_stream_and_let_others_run():
    with Scene() as scene:
        scene.hours(NEW_YEAR, 24 * 60)
        one = app(scene.history, NEW_YEAR + 60 * DAY)
        breaths = []
        sleep_ms = one.clock.sleep_ms
        one.clock.sleep_ms = lambda ms: breaths.append(ms) or sleep_ms(ms)
        sink = Counter()
        head_lines = 9
        reply(history, one, "/api/history.csv?register=energy&from=2026-01-01", sink=sink)
        assert sink.lines == head_lines + 24 * 60
        assert len(breaths) > 24 * 60 // 50
