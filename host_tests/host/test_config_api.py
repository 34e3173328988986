"""Settings over HTTP: what is shown, what is taken, what is refused and how, and the four buttons of care.

Uses http_app.py and http_client.py on 32-bit MicroPython as the chip has it; the browser is the distribution's.
"""

import json
import re
import subprocess
import sys

import pytest
from playwright.sync_api import sync_playwright

from digest_owner import Owner, hashed
from firmware_tree import ROOT
from host import http_client
from kmpeye.system.config import SECRETS, TABLE

PASSWORD = "correct horse"
CHIP_HEAP = "112K"
ROWS = {row[0]: row for row in TABLE}


class Device:
    """The server with a folder of its own; changes come from its access point unless told otherwise."""

    def __init__(self, site, folder):
        self.site = site
        self.folder = folder
        self.asked("?access_point=1")

    def asked(self, question=""):
        return json.loads(self.site.get("/debug/asked" + question, "POST")[2])

    def settings(self):
        status, headers, body = self.site.get("/api/config")
        assert (status, headers["content-type"]) == (200, "application/json")
        return {row["key"]: row for row in json.loads(body)["settings"]}

    def send(self, path, method, body, headers=""):
        data = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
        status, _, reply = self.site.get(path, method, headers, data)
        return status, json.loads(reply)

    def put(self, body):
        return self.send("/api/config", "PUT", body)

    def file(self, name="config.json"):
        return json.loads((self.folder / name).read_text())


@pytest.fixture
def device(micropython32, flash, tmp_path):
    command = [micropython32, "-X", "heapsize=" + CHIP_HEAP]
    with http_client.running(command, flash, flash / "www", (10, 30), tmp_path) as site:
        yield Device(site, tmp_path)


def test_every_setting_is_described(device):
    status, _, body = device.site.get("/api/config")
    found = json.loads(body)
    assert status == 200 and [row["key"] for row in found["settings"]] == list(ROWS)
    for row in found["settings"]:
        key, kind, allowed, default, about, flags, group = ROWS[row["key"]]
        assert row == {
            "key": key,
            "group": group,
            "kind": kind,
            "allowed": list(allowed) or None,
            "default": default,
            "set": False,
            "value": default,
            "secret": "s" in flags,
            "live": "l" in flags,
            "waits": False,
            "help": about,
        }
        assert group in found["groups"]


def test_a_change_is_saved_shown_and_says_what_waits_for_a_restart(device):
    status, said = device.put({"interval_s": 60, "name": "Køkken", "modbus": True, "http_port": 80})
    assert (status, said) == (
        200,
        {"changed": ["http_port", "interval_s", "modbus", "name"], "restart": ["modbus", "name"]},
    )
    assert device.file() == {"interval_s": 60, "modbus": True, "name": "Køkken"}
    rows = device.settings()
    assert {key for key, row in rows.items() if row["set"]} == {"interval_s", "modbus", "name"}
    assert {key for key, row in rows.items() if row["waits"]} == {"modbus", "name"}
    assert rows["name"]["value"] == "Køkken"
    done = device.asked()
    assert "apply interval_s" in done and "log: settings: changed http_port, interval_s, modbus, name" in done
    assert device.put({"name": None, "modbus": None, "interval_s": None})[1]["restart"] == []
    assert device.file() == {}
    assert device.file("config.old.json") == {"interval_s": 60, "modbus": True, "name": "Køkken"}


def test_secrets_go_in_and_never_come_out(device):
    secret = {"wifi_password": "topf-secret", "mqtt_password": "topf-secret", "mqtt_user": "u"}
    assert set(secret) | {"owner_password"} > set(SECRETS)
    assert device.put(secret)[0] == 200
    assert device.put({"owner_password": "topf-secret"})[0] == 200
    for path in ("/api/config", "/api/status", "/api/reading"):
        body = device.site.get(path)[2]
        assert b"topf" not in body and hashed("owner", "kmpeye", "topf-secret").encode() not in body, path
    rows = device.settings()
    assert [(rows[key]["set"], rows[key]["value"]) for key in SECRETS] == [(True, None)] * len(SECRETS)
    assert "topf" not in " ".join(device.asked())
    assert device.file()["owner_password"] == hashed("owner", "kmpeye", "topf-secret")


def test_a_password_counts_from_the_moment_it_is_set(device):
    assert device.put({"owner_password": PASSWORD})[1] == {"changed": ["owner_password"], "restart": []}
    status, headers, _ = device.site.get("/api/config", "PUT", body=b"{}")
    assert status == 401
    owner = Owner(PASSWORD)
    owner.take(headers["www-authenticate"])
    proof = "Authorization: %s\r\n" % owner.proof("PUT", "/api/config")
    assert device.send("/api/config", "PUT", {"owner_password": None}, proof)[0] == 200
    assert device.put({})[0] == 200, "without a password the access point is enough again"


# body, code, key, what is allowed, why
REFUSED = (
    ({"colour": "red"}, "unknown_key", "colour", None, "no such setting"),
    ({'a"b\n': 1}, "unknown_key", 'a"b\n', None, "a key that has to be quoted"),
    ({"interval_s": 5}, "wrong_value", "interval_s", [10, 86400], "too small"),
    ({"interval_s": 1e300}, "wrong_value", "interval_s", [10, 86400], "a float"),
    ({"modbus": 1}, "wrong_value", "modbus", None, "no bool"),
    ({"wake": "magic"}, "wrong_value", "wake", list(ROWS["wake"][2]), "no such word"),
    ({"name": ""}, "wrong_value", "name", [1, 32], "too short"),
    (
        {"name": "x" * 33, "interval_s": 60},
        "wrong_value",
        "name",
        [1, 32],
        "too long, and a good one beside it",
    ),
    ({"owner_password": "short"}, "wrong_value", "owner_password", [8, 63], "too short"),
    ({"modbus": True, "modbus_port": 80}, "conflict", "modbus", None, "two servers at one port"),
    ({"read_protected": True}, "conflict", "read_protected", None, "nobody could read"),
    (b"", "not_json", None, None, "nothing"),
    (b"[]", "not_json", None, None, "a list"),
    (b"null", "not_json", None, None, "null"),
    (b'{"name": "x"', "not_json", None, None, "cut off"),
    (b'{"name": "x"}}', "not_json", None, None, "too much"),
    (b"name=x", "not_json", None, None, "a form"),
    (b'{"name": "\xff"}', "not_json", None, None, "no UTF-8"),
    (b"[" * 1024, "not_json", None, None, "nested without end"),
    (b'{"a":' * 140 + b"1" + b"}" * 140, "unknown_key", "a", None, "nested deep"),
)


def test_what_is_wrong_is_refused_with_a_word_the_key_and_what_is_allowed(device):
    device.put({"name": "before"})
    before = (device.folder / "config.json").read_bytes()
    for body, code, key, allowed, why in REFUSED:
        status, said = device.put(body)
        assert (status, said.get("code")) == (400, code), (why, said)
        assert said.get("key") == key and said.get("allowed") == allowed, why
        assert len(said["error"]) > 15, why
        assert (device.folder / "config.json").read_bytes() == before, why


def test_more_than_a_kilobyte_goes_in_several_requests(device):
    assert device.put(b'{"ntp":"' + b"n" * 1020 + b'"}')[0] == 413
    texts = {
        key: "x" * row[2][1] for key, row in ROWS.items() if row[1] == "text" and row[0] != "wifi_password"
    }
    together = [("mqtt_cert", "mqtt_key"), ("mqtt_user", "mqtt_password")]
    for keys in together + [(key,) for key in texts if key not in sum(together, ())]:
        assert device.put({key: texts[key] for key in keys})[0] == 200, keys
    assert device.file() == texts


def test_export_and_import_bring_everything_but_the_secrets(device):
    device.put({"name": "a", "mqtt_host": "b", "mqtt_user": "u", "mqtt_password": "p", "bacnet": True})
    exported = {
        key: row["value"] for key, row in device.settings().items() if row["set"] and not row["secret"]
    }
    assert exported == {"name": "a", "mqtt_host": "b", "mqtt_user": "u", "bacnet": True}
    device.put(dict.fromkeys((*exported, "mqtt_password")))
    assert device.file() == {}
    assert device.put(exported)[0] == 200
    assert device.file() == exported


def test_a_flash_that_refuses_leaves_everything_as_it_was(device):
    device.put({"name": "before"})
    (device.folder / "config.json.new").mkdir()
    status, said = device.put({"name": "after", "interval_s": 60})
    assert (status, said["code"]) == (500, "flash")
    assert device.file() == {"name": "before"}
    assert not device.settings()["interval_s"]["waits"]
    (device.folder / "config.json.new").rmdir()
    assert device.put({"name": "after"})[0] == 200


# path, body, status, what the app is asked for, why
CARE = (
    ("restart", b"", 202, ["restart"], "can be done at any time"),
    ("restart", b"x", 400, [], "not JSON"),
    ("forget-wifi", b"", 400, [], "not confirmed"),
    ("forget-wifi", {"really": "true"}, 400, [], "a text"),
    ("forget-wifi", {"really": 1}, 400, [], "a number"),
    ("forget-wifi", {"really": True}, 202, ["forget_wifi"], "confirmed"),
    ("meter-exchanged", {"really": False}, 400, [], "not confirmed"),
    ("meter-exchanged", {"really": True}, 202, ["meter_exchanged"], "confirmed"),
    ("factory-reset", {"keep_history": False}, 400, [], "not confirmed"),
    ("factory-reset", {"really": True, "keep_history": "no"}, 400, [], "neither true nor false"),
    ("factory-reset", {"really": True}, 202, ["factory_reset True"], "the history stays unless told"),
    ("factory-reset", {"really": True, "keep_history": False}, 202, ["factory_reset False"], "told"),
)


def test_what_cannot_be_undone_is_asked_for_twice(device):
    device.asked()
    for path, body, status, done, why in CARE:
        got, said = device.send("/api/" + path, "POST", body)
        assert got == status and ("error" in said) == (status == 400), why
        assert [line for line in device.asked() if not line.startswith("log: ")] == done, why


def test_settings_leave_the_heap_as_it_was(device):
    def once(name):
        device.settings()
        device.put({"name": name, "interval_s": 60})
        device.put({"colour": 1})
        device.asked()
        return device.site.debug()["kept"]

    once("a"), once("b")  # what is interned at the first use
    kept = once("c")
    for name in "defgh":
        assert abs(once(name) - kept) <= 64


def test_a_browser_proves_the_password_for_the_page(device, chromium):
    assert device.put({"owner_password": PASSWORD, "read_protected": True})[0] == 200
    device.asked("?access_point=0")
    change = (
        "name => fetch('/api/config', {method: 'PUT', body: JSON.stringify({name})})"
        ".then(reply => reply.json().then(body => [reply.status, body]))"
    )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        try:
            page = browser.new_page(http_credentials={"username": "owner", "password": PASSWORD})
            assert page.goto(device.site.url).status == 200
            for name in ("first", "second"):
                assert page.evaluate(change, name)[0] == 200
            device.site.get("/debug/age?s=301", "POST")
            assert page.evaluate(change, "after the nonce died")[0] == 200
            other = browser.new_page(http_credentials={"username": "owner", "password": "incorrect horse"})
            assert other.goto(device.site.url).status == 401
        finally:
            browser.close()
    assert device.file()["name"] == "after the nonce died"


def test_the_document_is_made_of_the_table():
    tool = [sys.executable, ROOT / "tools" / "document_settings", "--check"]
    done = subprocess.run(tool, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    page = (ROOT / "docs" / "configuration.md").read_text()
    assert set(re.findall(r"^\| `(\w+)`", page, re.M)) >= set(ROWS)
