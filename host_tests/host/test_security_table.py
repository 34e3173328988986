"""Who may do what, over real sockets: every path × method × who, made from the server's own table of routes.

Uses http_app.py and http_client.py on 32-bit MicroPython as the chip has it, and digest_owner.py. A route that is added
is in the table by itself; one that is open to everybody has to be named here, or the test fails.
"""

import contextlib
import json
import subprocess

import pytest

from digest_owner import Owner, challenge
from host import http_client

PASSWORD = "correct horse"
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "get")
SHOWING = ("GET", "HEAD")
CHIP_HEAP = "112K"

# What who may gets, where it is not 200, or 400 for a change without a body. None: needs a meter or the whole app, or
# never ends; only that nobody else gets in is asked.
ANSWERS = {
    "/api/align": None,
    "/api/events": None,
    "/api/history": None,
    "/api/history.csv": None,
    "/api/log": None,
    "/api/read": None,
    "/api/restart": 202,
    "/api/wifi": 404,
    "/metrics": None,
}
# Open to everybody and under every name: none but those of http_app.py. The portal's probes belong here.
EVERYBODYS = ()


@pytest.fixture(scope="module")
def tree(micropython32, flash):
    return [micropython32, "-X", "heapsize=" + CHIP_HEAP], flash, flash / "www"


@contextlib.contextmanager
def started(tree, folder, **settings):
    (folder / "config.json").write_text(json.dumps(settings))
    with http_client.running(*tree, (10, 30), folder) as site:
        yield site


def asked(site, question=""):
    return json.loads(site.get("/debug/asked" + question, "POST")[2])


def routes(site):
    """(path, methods, mark) of the real routes."""
    for path, methods in json.loads(site.get("/debug/routes")[2]):
        mark = methods[0] if methods[0] in "!*" else ""
        if not path.startswith("/debug/"):
            yield path, methods.strip("!*").split(", "), mark


def expected(site, settings, local):
    """(path, method, refusal of who may not or None where everybody may, status of who may or None: not asked)."""
    for path, methods, mark in routes(site):
        for method in METHODS:
            owners = mark == "!" or method not in SHOWING
            closed = mark != "*" and (owners or ("read_protected" in settings and not local))
            right = ANSWERS.get(path, 200 if method in SHOWING else 400)
            if method not in methods:
                yield path, method, 405, 405
            elif closed and "owner_password" in settings:
                yield path, method, 401, right
            elif closed and not local:
                yield path, method, 403, 403
            else:
                yield path, method, None, right


def proof(site, path, method, password):
    owner = Owner(password)
    owner.take(site.get("/api/config", "PUT")[1]["www-authenticate"])
    return "Authorization: %s\r\n" % owner.proof(method, path)


SETTINGS = (
    {},
    {"owner_password": PASSWORD},
    {"owner_password": PASSWORD, "read_protected": True},
)


@pytest.mark.parametrize("settings", SETTINGS, ids=["no password", "a password", "reading protected"])
@pytest.mark.parametrize("local", [False, True], ids=["network", "access point"])
def test_every_path_and_method(tree, tmp_path, settings, local):
    with started(tree, tmp_path, **settings) as site:
        asked(site, "?access_point=%d" % local)
        rows = list(expected(site, settings, local))
        assert len(rows) >= 10 * len(METHODS)
        asked_for = 0
        for path, method, refusal, right in rows:
            for password, status in (
                (None, refusal or right),
                ("wrong", refusal or right),
                (PASSWORD, right),
            ):
                if status and (not password or "owner_password" in settings):
                    headers = proof(site, path, method, password) if password else ""
                    assert site.get(path, method, headers)[0] == status, (path, method, password)
                    asked_for += (path, status) == ("/api/restart", 202)
            if "owner_password" in settings:  # which makes good for the wrong one
                assert site.get("/api/config", "PUT", proof(site, "/api/config", "PUT", PASSWORD))[0] == 400
        done = [line for line in asked(site) if not line.startswith("log: ")]
        assert done == ["restart"] * asked_for, "nobody else made the app do anything"


def test_only_what_is_named_here_is_open_to_everybody(tree, tmp_path):
    with started(tree, tmp_path) as site:
        assert sorted(path for path, _, mark in routes(site) if mark == "*") == sorted(EVERYBODYS)


def test_every_refusal_has_a_stable_word_and_says_what_would_be_right(tree, tmp_path):
    cases = (
        ({"Host": "evil.example"}, "GET", 421, "host"),
        ({"Origin": "http://evil.example"}, "PUT", 403, "origin"),
        ({}, "PUT", 401, "password"),
    )
    with started(tree, tmp_path, owner_password=PASSWORD) as site:
        for headers, method, status, code in cases:
            lines = "".join("%s: %s\r\n" % pair for pair in headers.items())
            if "Host" not in headers:
                lines += "Host: 127.0.0.1:80\r\n"
            request = "%s /api/config HTTP/1.1\r\n%s\r\n" % (method, lines)
            got, headers, body = http_client.split(site.exchange(request.encode()))
            assert (got, json.loads(body)["code"]) == (status, code)
            assert len(json.loads(body)["error"]) > 20
            assert "access-control-allow-origin" not in headers


def test_a_replayed_and_an_expired_proof_are_stale(tree, tmp_path):
    with started(tree, tmp_path, owner_password=PASSWORD) as site:
        header = proof(site, "/api/restart", "POST", PASSWORD)
        assert site.get("/api/restart", "POST", header)[0] == 202
        status, headers, _ = site.get("/api/restart", "POST", header)
        assert status == 401 and challenge(headers["www-authenticate"])["stale"] == "true"
        header = proof(site, "/api/restart", "POST", PASSWORD)
        site.get("/debug/age?s=301", "POST")
        status, headers, _ = site.get("/api/restart", "POST", header)
        assert status == 401 and challenge(headers["www-authenticate"])["stale"] == "true"
        assert asked(site).count("restart") == 1


def test_ten_thousand_wrong_passwords_let_every_other_task_have_its_turn(tree, tmp_path):
    guess = b"PUT /api/config HTTP/1.0\r\nAuthorization: Digest username=owner, response=%x\r\n\r\n"
    statuses = {401: 0, 429: 0}
    with started(tree, tmp_path, owner_password=PASSWORD) as site:
        site.get("/debug/turns", "POST")
        for number in range(10_000):
            status, _, _ = http_client.split(site.exchange(guess % number))
            statuses[status] += 1
        turns = json.loads(site.get("/debug/turns")[2])
        assert turns["most"] <= 2, "requests between two turns of another task, such as the reader's"
        assert turns["count"] > 10_000
        assert statuses[429] > 9_000, statuses
        site.get("/debug/age?s=601", "POST")
        assert site.get("/api/restart", "POST", proof(site, "/api/restart", "POST", PASSWORD))[0] == 202


def test_the_distributions_curl_is_let_in_with_the_password_only(tree, tmp_path):
    command = ["curl", "-s", "--digest", "-X", "POST", "-w", " %{http_code}", "-u"]
    with started(tree, tmp_path, owner_password=PASSWORD) as site:
        for password, status in ((PASSWORD, "202"), ("incorrect horse", "401")):
            done = subprocess.run(
                [*command, "owner:" + password, site.url + "api/restart"],
                capture_output=True,
                text=True,
                timeout=20,
            )
            assert done.stdout.endswith(" " + status), done
        assert asked(site).count("restart") == 1
