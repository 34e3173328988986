"""GET /api/history over real sockets, from the compiled firmware on 32-bit MicroPython, read as clients read it.

Uses late_client.py and Python's csv and json. Promises that consumptions add up to the totals in every step, and that
neither 100 requests nor clients that leave in mid-reply make the heap grow.
"""

import csv
import datetime
import io
import json
from decimal import Decimal

import pytest

from host.late_client import late

HOURS = "register=volume&from=2020-01-01&step=hour"
UTC = datetime.timezone.utc


@pytest.fixture(scope="module")
def site(tmp_path_factory, micropython32, flash):
    with late(micropython32, flash, tmp_path_factory.mktemp("history"), "multical21") as site:
        yield site


def rows_of_csv(site, query):
    status, headers, body = site.get("/api/history.csv?" + query)
    assert status == 200 and headers["content-type"].startswith("text/csv"), body
    return list(csv.DictReader(io.StringIO(body.decode(), newline=""), strict=True))


def rows_of_json(site, query):
    status, headers, body = site.get("/api/history?" + query)
    assert (status, headers["content-type"]) == (200, "application/json"), body
    return json.loads(body, parse_float=Decimal)["rows"]


@pytest.mark.parametrize("step", ("hour", "day", "month"))
def test_csv_and_json_say_the_same_and_it_adds_up(site, step):
    query = "register=volume&from=2020-01-01&step=" + step
    table = rows_of_csv(site, query)
    rows = rows_of_json(site, query)
    assert [(row["begin"], row["end"], row["state"], row["unit"]) for row in rows] == [
        (row["begin_local"], row["end_local"], row["state"], row["unit"]) for row in table
    ]
    assert [(Decimal(row["consumption"]), Decimal(row["total"])) for row in table] == [
        (row["consumption"], row["total"]) for row in rows
    ]
    assert sum(row["consumption"] for row in rows) == Decimal("106.713") - Decimal("100.000")
    assert rows[-1]["total"] == Decimal("106.713")
    for i in range(len(rows)):
        for name in ("begin", "end"):
            local = datetime.datetime.fromisoformat(rows[i][name])
            utc = datetime.datetime.fromisoformat(table[i][name + "_utc"].replace("Z", "+00:00"))
            assert local == utc and utc.tzinfo == UTC
        assert not i or rows[i]["begin"] == rows[i - 1]["end"]
    if step == "hour":
        assert sum(row["state"] == "hole" for row in rows) == 10  # as many as late_app.py left out


def test_an_accept_header_asks_for_csv(site):
    body = site.get("/api/history?" + HOURS, headers="Accept: text/csv;q=1.0\r\n")[2]
    assert body.startswith(b"begin_utc,end_utc,")


def test_a_refusal_is_json_with_the_reason(site):
    for query, status in (
        ("register=power", 404),
        ("register=%22", 404),
        ("step=day", 400),
        ("register=volume&to=x", 400),
    ):
        found, _, body = site.get("/api/history?" + query)
        assert found == status and len(json.loads(body)["error"]) > 20


def test_what_there_is_is_listed(site):
    found = json.loads(site.get("/api/history")[2])
    assert found["registers"][:2] == ["volume", "reverse_volume"] and found["damaged"] == []


def test_requests_and_clients_that_leave_keep_no_memory(site):
    for path in ("/metrics", "/api/history", "/api/history?" + HOURS):
        site.get(path)
    before = site.heap()
    for _ in range(25):
        for path in (
            "/metrics",
            "/api/history",
            "/api/history?register=volume&step=day",
            "/api/history?register=no",
        ):
            site.get(path)
        with site.connect() as client:
            client.sendall(b"GET /api/history?%s HTTP/1.0\r\n\r\n" % HOURS.encode())
            client.recv(100)
    assert site.heap() - before < 512
