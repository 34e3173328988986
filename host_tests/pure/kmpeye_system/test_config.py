# Settings: what the table takes and refuses, what goes not together, and how a change is saved, whole or not at all.
# Runs on CPython and MicroPython, on real files in the working directory.

import json
import os

from digest_owner import hashed
from kmpeye.system import config, config_save, keep

FILE, OLD = "test-config.json", "test-config.old.json"
ROWS = {row[0]: row for row in config.TABLE}

# key, value, is it allowed? why
VALUES = (
    ("interval_s", 10, True, "the least"),
    ("interval_s", 86400, True, "the most"),
    ("interval_s", None, True, "not set"),
    ("interval_s", 9, False, "too small"),
    ("interval_s", 86401, False, "too large"),
    ("interval_s", 10**40, False, "far too large"),
    ("interval_s", 60.0, False, "a float"),
    ("interval_s", "60", False, "a text"),
    ("interval_s", True, False, "a bool is no number"),
    ("interval_s", [60], False, "a list"),
    ("http_port", True, False, "a bool is no number, though 1 would be possible"),
    ("http_port", None, False, "there is always one"),
    ("modbus", True, True, "a bool"),
    ("modbus", 1, False, "a number is no bool"),
    ("modbus", "true", False, "a text is no bool"),
    ("modbus", None, False, "there is no unknown"),
    ("wake", "servo", True, "a word"),
    ("wake", "Servo", False, "words have a case"),
    ("wake", "", False, "no word"),
    ("wake", ["servo"], False, "a list"),
    ("name", "Keller rechts, blå", True, "any text"),
    ("name", "x" * 32, True, "the longest"),
    ("name", "x" * 33, False, "too long"),
    ("name", "", False, "too short"),
    ("name", 3, False, "a number"),
    ("name", {"a": 1}, False, "an object"),
    ("name", "a\r\nSet-Cookie: b", False, "a line end"),
    ("name", "a\0", False, "a NUL"),
    ("name", "\x7f", False, "a control character"),
    ("name", json.loads('"\\ud800"'), False, "half a character"),
    ("wifi_password", "seven77", False, "WPA takes 8 to 63"),
    ("wifi_password", "eight888", True, "WPA takes 8 to 63"),
    ("owner_password", "seven77", False, "too short"),
    ("owner_password", "x" * 63, True, "the longest"),
    ("owner_password", "x" * 64, False, "too long, and no hash"),
    ("owner_password", "0123456789abcdef" * 4, True, "a hash"),
    ("owner_password", "0123456789ABCDEF" * 4, False, "hashes are small letters"),
    ("owner_password", None, True, "none"),
)

# what is set, is it possible together? why
TOGETHER = (
    ({"wake": "servo", "wake_rest_deg": 90}, False, "the servo would not move"),
    ({"wake": "key", "wake_rest_deg": 90}, False, "nor press"),
    ({"wake": "key", "wake_rest_deg": 90, "wake_how": "coil"}, True, "a coil has no angle"),
    ({"wake_rest_deg": 90}, True, "no servo"),
    ({"read_protected": True}, False, "nobody could read"),
    ({"read_protected": True, "owner_password": "correct horse"}, True, "the owner can"),
    ({"http_port": 502}, True, "no Modbus"),
    ({"http_port": 502, "modbus": True}, False, "both on 502"),
    ({"modbus": True, "kmptcp": True, "kmptcp_port": 502}, False, "both on 502"),
    ({"bacnet": True, "bacnet_port": 80}, True, "UDP is another matter"),
    ({"mqtt_host": "b", "mqtt_tls": True}, False, "whom to trust?"),
    ({"mqtt_tls": True}, True, "no MQTT"),
    ({"mqtt_host": "b", "mqtt_tls": True, "mqtt_ca": "ca.der"}, True, "the CA"),
    ({"mqtt_host": "b", "mqtt_tls": True, "mqtt_tls_insecure": True}, True, "nobody, as asked for"),
    ({"mqtt_cert": "c.der"}, False, "no key"),
    ({"mqtt_key": "k.der"}, False, "no certificate"),
    ({"mqtt_cert": "c.der", "mqtt_key": "k.der"}, True, "both"),
    ({"mqtt_password": "p"}, False, "no user"),
    ({"mqtt_password": "p", "mqtt_user": "u"}, True, "both"),
)


def clean():
    for name in (FILE, OLD, FILE + ".new", OLD + ".new"):
        try:
            os.remove(name)
        except OSError:
            pass


def put(path, data):
    with open(path, "wb") as file:
        file.write(data)


def read(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return None


def change(**new):
    """What change() gives, or the word and key of its refusal."""
    try:
        return config_save.change(new, FILE, OLD)
    except config_save.Wrong as wrong:
        word, key, sentence = wrong.args
        assert sentence
        return word, key


def test_the_table_is_sound():
    kinds = ("int", "text", "choice", "bool", "password")
    for key, kind, allowed, default, about, flags, group in config.TABLE:
        assert kind in kinds and about and group in dict(config.groups()), key
        assert kind == "bool" or allowed, key
        assert config.problem(ROWS[key], default) is None, key
        assert not flags.strip("sl"), key
        assert len(key) <= 20 and "|" not in about, key
    assert len(ROWS) == len(list(config.TABLE)), "no key twice"
    for key in ("wifi_password", "mqtt_password", "owner_password"):
        assert key in config.SECRETS


def test_values():
    for key, value, allowed, why in VALUES:
        assert (config.problem(ROWS[key], value) is None) == allowed, (key, value, why)


def test_a_wrong_value_is_named_and_its_default_used():
    for key, value, allowed, why in VALUES:
        found = config.checked({key: value})
        if allowed:
            continue
        assert found[key] == ROWS[key][3], why
        assert len(found.warnings) == 1 and found.warnings[0].startswith(key + ": "), why
        if key in config.SECRETS:
            assert str(value) not in found.warnings[0], "secrets are not shown, not even wrong ones"


def test_what_does_not_go_together():
    for settings, possible, why in TOGETHER:
        found = config.checked(settings)
        assert (not found.warnings) == possible, (why, found.warnings)
        clean()
        try:
            said = change(**settings)
            assert isinstance(said, dict) == possible, why
            assert possible or (said[0] == "conflict" and said[1] in settings), why
            assert possible or read(FILE) is None, "nothing is saved"
        finally:
            clean()


def test_a_password_is_kept_as_its_hash():
    expected = hashed("owner", "kmpeye", "correct horse æ")
    clean()
    try:
        assert change(owner_password="correct horse æ") == {"owner_password": expected}
        assert b"correct" not in read(FILE)
        assert config.load(FILE, OLD)["owner_password"] == expected
        assert change(owner_password=expected) == {"owner_password": expected}
        put(FILE, b'{"owner_password": "correct horse \xc3\xa6"}')  # by hand, over USB
        assert config.load(FILE, OLD)["owner_password"] == expected
        change(name="x")
        assert b"correct" not in read(FILE)
    finally:
        clean()


def test_a_change_keeps_what_was_set_and_the_file_before():
    clean()
    try:
        assert change(name="a", interval_s=60) == {"name": "a", "interval_s": 60}
        assert keep.load(FILE) == {"name": "a", "interval_s": 60} and read(OLD) is None
        assert change(name="b", modbus=True) == {"name": "b", "modbus": True}
        assert keep.load(FILE) == {"name": "b", "interval_s": 60, "modbus": True}
        assert keep.load(OLD) == {"name": "a", "interval_s": 60}
        assert change(interval_s=None, modbus=None) == {"interval_s": None, "modbus": False}
        assert keep.load(FILE) == {"name": "b"}
        before = read(OLD)
        assert change(name="b") == {"name": "b"}
        assert read(OLD) == before, "a change that changes nothing does not push the file before out"
        assert change() == {}
    finally:
        clean()


REFUSED = (
    ({"colour": "red"}, ("unknown_key", "colour"), "no such key"),
    ({"": 1}, ("unknown_key", ""), "no key"),
    ({"name": "b", "colour": None}, ("unknown_key", "colour"), "a good one beside it"),
    ({"name": "b", "interval_s": 1}, ("wrong_value", "interval_s"), "a good one beside it"),
    ({"owner_password": "short"}, ("wrong_value", "owner_password"), "a secret"),
)


def test_one_wrong_key_changes_nothing():
    clean()
    try:
        change(name="a")
        before = read(FILE)
        for new, expected, why in REFUSED:
            assert change(**new) == expected, why
            assert (read(FILE), read(OLD)) == (before, None), why
    finally:
        clean()


def test_too_much_is_refused_before_it_is_written():
    clean()
    try:
        texts = [
            row for row in config.TABLE if row[1] == "text" and row[0] not in ("mqtt_user", "mqtt_password")
        ]
        said = None
        for row in texts:  # four bytes a character
            said = change(**{row[0]: "😀" * row[2][1], "mqtt_cert": "c", "mqtt_key": "k"})
            if not isinstance(said, dict):
                break
        assert said == ("too_long", None)
        assert len(read(FILE)) <= 2048 and not config.load(FILE, OLD).warnings
    finally:
        clean()


def test_an_old_conflict_does_not_stop_other_changes():
    clean()
    try:
        put(FILE, b'{"mqtt_cert": "c.der"}')
        assert change(name="b") == {"name": "b"}
        assert change(mqtt_key=None) == ("conflict", "mqtt_key")
    finally:
        clean()


# config.json, config.old.json (None: not there), the name that is used, how many warnings, why
FILES = (
    (None, None, "kmpeye", 0, "a new device"),
    (None, b'{"name": "old"}', "kmpeye", 0, "taken away on purpose"),
    (b'{"name": "new"}', b'{"name": "old"}', "new", 0, "as always"),
    (b'{"name": "n', b'{"name": "old"}', "old", 1, "cut off"),
    (b"", b'{"name": "old"}', "old", 1, "empty"),
    (b"[]", b'{"name": "old"}', "old", 1, "no object"),
    (b'{"name": "' + b"n" * 5000 + b'"}', b'{"name": "old"}', "old", 1, "too long"),
    (b"\xff\xff", b'{"name": 3}', "kmpeye", 2, "the one before has a wrong value"),
    (b"\xff\xff", b"\xff", "kmpeye", 1, "both damaged"),
    (b"\xff\xff", None, "kmpeye", 1, "damaged, and none before"),
)


def test_a_damaged_file_gives_way_to_the_one_before_and_then_to_the_defaults():
    for now, before, name, warnings, why in FILES:
        clean()
        try:
            for path, data in ((FILE, now), (OLD, before)):
                if data is not None:
                    put(path, data)
            found = config.load(FILE, OLD)
            assert (found["name"], len(found.warnings)) == (name, warnings), (why, found.warnings)
            change(http_port=81)
            again = config.load(FILE, OLD)
            assert (again["name"], again["http_port"], again.warnings) == (name, 81, []), why
            if warnings:
                assert read(OLD) == before, "a damaged file never takes the place of the one before"
        finally:
            clean()
