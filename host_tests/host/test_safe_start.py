"""The start that breaks a loop of restarts, and what keeps one from beginning: the whole firmware under MicroPython in
a folder where earlier starts left something."""

import contextlib
import json
import urllib.request

import pytest

from host.test_app import NO_BUDGET, OWNER, DigestSha256, Firmware, Simulator, post
from kmpeye.system.config import hashed

LOOP = "kmpeye 1 1 1 1|reader does not live: RuntimeError: broken"  # what four short lives leave


@pytest.fixture
def start(micropython32, flash, tmp_path):
    """Files are written before; the firmware, and an opener as its owner."""
    stack = contextlib.ExitStack()

    def begin(**files):
        for name, text in files.items():
            (tmp_path / name.replace("_", ".")).write_text(text)
        simulator = stack.enter_context(contextlib.closing(Simulator("multical601", "--fast", "--frozen")))
        config = {
            "meter": "auto",
            "port": simulator.ready["ready"],
            "interval_s": 10,
            "owner_password": hashed(OWNER),
            **NO_BUDGET,
        }
        firmware = stack.enter_context(contextlib.closing(Firmware(micropython32, flash, tmp_path, config)))
        passwords = urllib.request.HTTPPasswordMgrWithDefaultRealm()
        passwords.add_password(None, "http://127.0.0.1:%d/" % firmware.http, "owner", OWNER)
        return firmware, urllib.request.build_opener(DigestSha256(passwords))

    with stack:
        yield begin


def test_a_safe_start_leaves_the_meter_alone_and_whoever_wants_it_read_holds_no_connection(start):
    firmware, owner = start(boots_txt=LOOP)
    for path in 3 * ("/api/read", "/api/align"):
        status, refusal = post(firmware, owner, path)
        assert status == 429 and refusal["code"] == "later" and 3500 < refusal["wait_s"] <= 3600, path
    status = firmware.json("/api/status")
    assert status["safe"] and "five restarts" in " ".join(status["warnings"])
    assert status["last_end"] == "reader does not live: RuntimeError: broken"
    assert status["line"]["requests"] == 0


# What another version may have left as state.json: a key, its content.
STATES = (
    ("intake", [1]),
    ("intake", {"joined": 5}),
    ("intake", {"watch": 5, "hours": 5, "flags": 5, "guard": 5}),
    ("plan", 5),
    ("plan", {"profile": "multical601", "budget": 5}),
    ("serial", 5),
    ("offered", 5),
)


@pytest.mark.parametrize("key, content", STATES, ids=[json.dumps(row) for row in STATES])
def test_what_was_learned_in_a_form_that_is_not_known_is_put_aside_and_learned_anew(key, content, start):
    firmware, _ = start(state_json=json.dumps({"profile": "multical601", key: content}))
    status = firmware.readings(1)
    assert status["profile"] == "multical601" and status["tasks"] == {}
