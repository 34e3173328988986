# kmpeye.meter.profile and profile_check: what a profile may hold, what is said of one that is wrong, and that no
# file whatever gets past as anything else. Runs on CPython and on MicroPython alike; writes below build/.

import binascii
import json
import os

from kmpeye.meter.profile import load, names
from kmpeye.meter.profile_check import check

METERS = "firmware/meters"


def right():
    """The smallest profile that is right."""
    return {
        "model": "MULTICAL 1",
        "kind": "water",
        "evidence": "assumed",
        "baud": 1200,
        "address": 63,
        "battery": True,
        "interval_s": 3600,
        "slow_s": 86400,
        "wake": {"needs": "none", "settle_ms": 0, "awake_s": 0},
        "budget": {"replies": 60, "awake_s": 240},
        "limits": {},
        "live": [["volume", 68]],
    }


def full():
    data = right()
    data["types"] = ["0001", "5A00"]
    data["limits"] = {"flow_m3h": 10, "power_kw": 2000}
    data["slow"] = [["volume_high_resolution", 223], ["info", 99]]
    data["once"] = [["serial", 1001]]
    data["info"] = [[0, "dry"], [31, "leak"]]
    data["info_hours"] = [[4, "dry"]]
    data["high_resolution"] = [["volume", "volume_high_resolution"]]
    data["loggers"] = [{"address": 63, "log": 1, "registers": [1047, 1]}]
    data["_notes"] = ["for people"]
    return data


def refused(data):
    """What is said of the profile; None when it is taken."""
    try:
        check(data)
    except ValueError as e:
        return str(e)
    return None


ROW = '["key",id] expected, not '
TABLE = " to 16 of " + ROW

# (what is replaced, "" for none; by what; how the message begins; why)
WRONG = (
    ("model", "", "model: text expected, not ''", "no name"),
    ("model", "M" * 49, "model: text expected", "a name too long"),
    ("model", 21, "model: text expected, not 21", "a number"),
    ("kind", "gas", "kind: one of 'water' 'heat' 'electricity' expected, not 'gas'", "no such kind"),
    ("kind", None, "kind: one of 'water' 'heat' 'electricity' expected, not None", "null"),
    ("evidence", "sure", "evidence: one of 'seen'", "no such word"),
    ("baud", 300, "baud: one of 1200 2400 9600 expected, not 300", "KMP knows no 300"),
    ("baud", "1200", "baud: one of 1200", "a text"),
    ("address", 256, "address: number 0 to 255 expected, not 256", "a byte and one"),
    ("address", -1, "address: number", "negative"),
    ("address", True, "address: number 0 to 255 expected, not True", "a truth is no number"),
    ("battery", 1, "battery: one of True False expected, not 1", "a number is no truth"),
    ("interval_s", 9, "interval_s: number 10 to 86400", "oftener than every 10 s"),
    ("interval_s", 86401, "interval_s: number", "less than once a day"),
    ("interval_s", 1 << 40, "interval_s: number", "more than a small integer"),
    ("slow_s", "day", "slow_s: number", "a word"),
    ("types", ["001"], "types: 0 to 16 of \"0001\" expected, not '001'", "three digits"),
    ("types", ["00GG"], "types: 0 to 16", "no hex"),
    ("types", ["5a00"], "types: 0 to 16", "GetType is written in capitals"),
    ("types", "0001", "types: 0 to 16", "no list"),
    ("types", ["0001"] * 17, "types: 0 to 16", "too many"),
    ("wake", None, "wake: an object expected, not None", "missing"),
    ("wake", [], "wake: an object expected, not []", "a list"),
    ("wake.needs", "kick", "wake.needs: one of 'none' 'magnet' 'key' expected, not 'kick'", "no such way"),
    ("wake.settle_ms", 60001, "wake.settle_ms: number 0 to 60000", "a minute and more"),
    ("wake.awake_s", None, "wake.awake_s: number", "null"),
    ("wake.angle", 90, "wake.'angle': no such key", "belongs to the board"),
    ("budget", 60, "budget: an object expected, not 60", "a number"),
    ("budget.replies", 0, "budget.replies: number 1 to 100000", "nothing at all could be read"),
    ("budget.awake_s", 0, "budget.awake_s: number 1", "nothing at all could be read"),
    ("limits", "none", "limits: an object expected", "a word"),
    (
        "limits.flow_m3h",
        0,
        "limits.flow_m3h: number 1 to 1000000 or nothing expected, not 0",
        "nothing would pass",
    ),
    ("limits.power_kw", None, "limits.power_kw: number", "null is not the same as left out"),
    ("limits.flow", 5, "limits.'flow': no such key", "a unit is missing"),
    ("live", [], "live: 1 to 8 of " + ROW + "[]", "nothing to read"),
    ("live", None, "live: 1 to 8 of", "null"),
    ("live", [["r%d" % i, i] for i in range(9)], "live: 1 to 8 of", "more than one request"),
    ("live", [[68, "volume"]], "live: 1 to 8 of " + ROW + "(", "turned round"),
    ("live", [["volume"]], "live: 1 to 8 of " + ROW + "['volume']", "no id"),
    ("live", [["volume", 68, 40]], "live: 1 to 8", "one too many"),
    ("live", ["volume"], "live: 1 to 8 of " + ROW + "'volume'", "no row"),
    ("live", [["Volume", 68]], "live: 1 to 8", "a capital"),
    ("live", [["water volume", 68]], "live: 1 to 8", "a blank: no topic, no metric"),
    ("live", [["volume/now", 68]], "live: 1 to 8", "a slash: two topics"),
    ("live", [["", 68]], "live: 1 to 8", "no key"),
    ("live", [["v" * 49, 68]], "live: 1 to 8", "a key too long"),
    ("live", [["volume", 65536]], "live: 1 to 8", "an id of 17 bits"),
    ("slow", [["r%d" % i, i] for i in range(17)], "slow: 0" + TABLE, "more than two requests"),
    ("slow", [["volume", 69]], "volume: every key and id once expected, not 69", "a key twice"),
    ("once", [["volume_2", 68]], "volume_2: every key and id once expected, not 68", "an id twice"),
    ("info", [["dry", 0]], 'info: 0 to 32 of [bit,"flag"] expected', "turned round"),
    ("info", [[32, "dry"]], "info: 0 to 32", "no such bit"),
    ("info", [[0, "dry"], [0, "leak"]], "info: every bit once expected, not [0, 0]", "a bit twice"),
    ("info_hours", [[4, ""]], "info_hours: 0 to 10", "no flag"),
    (
        "high_resolution",
        [["volume", "vol"]],
        "high_resolution: keys of this profile expected",
        "not asked for",
    ),
    ("high_resolution", [["volume"]], "high_resolution: 0 to 4", "half a pair"),
    ("loggers", [[63, 1, [1]]], "loggers: 0 to 4 of {address,log,registers} expected", "no object"),
    ("loggers", [{"address": 64, "log": 1, "registers": [1]}], "loggers: 0 to 4", "nobody is there"),
    ("loggers", [{"address": 63, "log": 256, "registers": [1]}], "loggers: 0 to 4", "a byte and one"),
    ("loggers", [{"address": 63, "log": 1, "registers": []}], "loggers: 0 to 4", "asks for nothing"),
    ("loggers", [{"address": 63, "log": 1, "registers": [1] * 9}], "loggers: 0 to 4", "nine"),
    ("loggers", [{"address": 63, "log": 1, "registers": ["1"]}], "loggers: 0 to 4", "a text"),
    ("loggers", [{"address": 63, "log": 1}], "loggers: 0 to 4", "half"),
    ("interval", 60, "'interval': no such key", "a unit is missing"),
    ("registers", [], "'registers': no such key", "the name of another list"),
)


def replaced(data, path, value):
    group, _, part = path.partition(".")
    if part:
        data[group][part] = value
    else:
        data[group] = value
    return data


def test_the_smallest_profile_is_taken():
    found = check(right())
    for key in (
        "model",
        "kind",
        "evidence",
        "baud",
        "address",
        "battery",
        "interval_s",
        "slow_s",
        "wake",
        "budget",
    ):
        assert found[key] == right()[key], key
    assert found["live"] == found["registers"] == ((68, "volume"),)
    for key in ("slow", "once", "info", "info_hours", "loggers", "types", "high_resolution"):
        assert found[key] == (), key
    assert found["limits"] == {}


def test_a_full_profile_is_turned_into_rows():
    found = check(full())
    assert found["types"] == ("0001", "5A00")
    assert found["slow"] == ((223, "volume_high_resolution"), (99, "info"))
    assert found["registers"] == found["live"] + found["slow"] + ((1001, "serial"),)
    assert found["info"] == ((0, "dry"), (31, "leak"))
    assert found["info_hours"] == ((4, "dry"),)
    assert found["high_resolution"] == (("volume", "volume_high_resolution"),)
    assert found["loggers"] == ((63, 1, (1047, 1)),)
    assert found["wake"] == {"needs": "none", "settle_ms": 0, "awake_s": 0}
    assert found["budget"] == {"replies": 60, "awake_s": 240}
    assert found["limits"] == {"flow_m3h": 10, "power_kw": 2000}


def test_a_profile_holds_what_is_wanted_of_it():
    profile = load("multical21", METERS, ("model", "live"))
    assert (profile.name, profile.model) == ("multical21", "MULTICAL 21") and profile.live
    assert not hasattr(profile, "wake") and not hasattr(profile, "registers")


def test_what_is_wrong_is_named():
    for path, value, message, why in WRONG:
        said = refused(replaced(full() if path in ("types", "info") else right(), path, value))
        assert said is not None, why
        assert said.startswith(message), (why, said)
        assert len(said) < 160, why


def test_what_is_missing_is_named():
    for key in right():
        data = right()
        del data[key]
        said = refused(data)
        assert said and said.startswith(key + ": "), (key, said)


def test_no_value_anywhere_gets_past_as_anything_else():
    odd = (
        None,
        True,
        -1,
        0,
        1 << 40,
        "",
        "x" * 100,
        [],
        [[]],
        [[[]]],
        {},
        {"a": 1},
        [{}],
        [1, 2],
        [["a", 1], 3],
        {1: 2},
    )
    for key in full():
        for value in odd:
            data = full()
            data[key] = value
            refused(data)  # raises whatever is not a ValueError
            for part in data[key] if isinstance(full()[key], dict) and isinstance(value, dict) else ():
                assert refused(data), part
    for value in odd:
        assert refused(value), value


def in_folder(test):
    """Runs test(folder) with an empty folder that is gone afterwards."""
    if "build" not in os.listdir("."):
        os.mkdir("build")
    folder = "build/profile-" + binascii.hexlify(os.urandom(6)).decode()
    os.mkdir(folder)
    try:
        test(folder)
    finally:
        for entry in os.listdir(folder):
            os.remove(folder + "/" + entry)
        os.rmdir(folder)


def written(folder, data):
    with open(folder + "/m1.json", "wb") as file:
        file.write(data)


def said_of(folder, name="m1"):
    try:
        load(name, folder)
    except ValueError as e:
        return str(e)
    return None


FILES = (
    (b"", "is not JSON", "empty"),
    (b"\x00" * 100, "is not JSON", "what a power cut leaves"),
    (b"\xff\xfe{}", "is not JSON", "no UTF-8"),
    (b'{"model": "\xff"}', "", "no UTF-8 in a text"),
    (b"[1, 2]", "profile: an object expected, not [1, 2]", "a list"),
    (b"null", "profile: an object expected, not None", "null"),
    (b'{"model": "MULTICAL 1"}', "wake: an object expected", "little"),
    (b"{1: 2}", "", "MicroPython takes it for JSON"),
    (b"{[]: 2}", "is not JSON", "a key that cannot be one"),
    (b"[" * 4000, "", "brackets"),
    (b'{"a":' * 800 + b"1" + b"}" * 800, "", "objects in objects"),
    (b" " * 4097, "is longer than 4096 bytes", "too long"),
)


def test_a_damaged_file_is_refused_with_its_name():
    def test(folder):
        for data, message, why in FILES:
            written(folder, data)
            said = said_of(folder)
            assert said and said.startswith(folder + "/m1.json: " + message), (why, said)

    in_folder(test)


def test_a_file_cut_or_changed_anywhere_gives_a_profile_or_an_error():
    text = json.dumps(full()).encode()

    def test(folder):
        for cut in range(0, len(text), 7):
            written(folder, text[:cut])
            assert said_of(folder), cut
        for place in range(0, len(text), 5):
            written(folder, text[:place] + bytes([(text[place] * 31 + place) & 0xFF]) + text[place + 1 :])
            said_of(folder)  # raises whatever is not a ValueError
        written(folder, text)
        assert said_of(folder) is None

    in_folder(test)


def test_a_name_that_is_none_lists_those_there_are():
    def test(folder):
        written(folder, json.dumps(right()).encode())
        assert names(folder) == ["m1"]
        assert said_of(folder, "m2") == folder + "/m2.json: does not exist; there are: m1"
        for name in ("", ".", "../" + folder + "/m1", "m1.json", "M1"):
            assert said_of(folder, name), name

    in_folder(test)
    assert names("no/such/folder") == []


def test_every_profile_that_ships_is_right():
    assert len(names(METERS)) >= 18
    for name in names(METERS):
        profile = load(name, METERS)
        assert profile.name == name and profile.live and profile.wake and profile.budget
