"""Every meter profile: known registers, one word a meaning, a budget its own plan keeps, and its place in the docs.

Loads them with the firmware's own loader, here and on a 32-bit MicroPython from what `make build` made; uses the
captures to see which meters have really been heard.
"""

import json
import pathlib
import re
import subprocess

import pytest

from kmp.registers import register_id, register_key
from kmpeye.meter.choice import _WANTED
from kmpeye.meter.profile import load, names

ROOT = pathlib.Path(__file__).resolve().parents[2]
METERS = ROOT / "firmware" / "meters"
PAGE = ROOT / "docs" / "adding-a-meter.md"

# In the order of the page: water, heat by generation, electricity.
ALL = (
    "multical21",
    "flowiq2101",
    "flowiq2200",
    "flowiq3100",
    "multical61",
    "multical62",
    "multical601",
    "multical602",
    "multical801",
    "multical302",
    "multical402",
    "multical303",
    "multical403",
    "multical603",
    "multical803",
    "kamstrup162",
    "kamstrup382",
    "omnipower",
)

# Two ids for one meaning: older meters have these, newer ones those the catalogue gives the word to.
TWINS = {155: "heat_energy_high_resolution", 223: "volume_high_resolution"}

TOTAL = {"water": "volume", "heat": "heat_energy", "electricity": "energy_in"}
LIMITS = {"water": {"flow_m3h"}, "heat": {"flow_m3h", "power_kw"}, "electricity": {"power_kw"}}

# What the app keeps of a profile, of the chip's own object sizes.
MOST_HEAP = 3072  # the largest is that of the MULTICAL 601, with 31 registers and 15 flags

MEASURE = """
import gc, sys
import kmpeye.meter.choice, kmpeye.meter.plan  # as in the app, which has their names in its pool
from kmpeye.meter.profile import load, names
folder = sys.argv[1]
wanted = sys.argv[2:]
load(names(folder)[0], folder, wanted)  # what loading leaves behind once: names in the pool
for name in names(folder):
    gc.collect()
    before = gc.mem_alloc()
    profile = load(name, folder, wanted)
    gc.collect()
    print(name, gc.mem_alloc() - before, len(profile.registers))
    del profile
"""


@pytest.fixture(params=ALL)
def profile(request):
    return load(request.param, str(METERS))


def requests(registers):
    """Requests that so many registers take: eight in each (447 6.2.4)."""
    return -(-len(registers) // 8)


def test_every_meter_has_a_profile():
    assert sorted(ALL) == names(str(METERS))


def test_a_key_is_the_word_of_the_catalogue(profile):
    for register, key in profile.registers:
        assert register_id(key) is not None, key
        assert key == TWINS.get(register, register_key(register)), register


def test_it_asks_for_the_total_and_for_the_meter(profile):
    live = [key for _, key in profile.live]
    assert live[0] == TOTAL[profile.kind], "what people look for first"
    assert profile.once[0] == (1001, "serial")
    assert ("info" in live) == (profile.kind != "electricity"), "register 99 is a heat and water meter's"
    assert set(profile.limits) == LIMITS[profile.kind]


def test_supply_and_interval_fit(profile):
    expected = (3600, 86400) if profile.battery else (10, 60)
    assert (profile.interval_s, profile.slow_s) == expected
    assert profile.baud == (9600 if profile.kind == "electricity" else 1200)
    assert profile.address == 63


def test_the_budget_carries_the_plan_with_room_for_as_much_again(profile):
    readings = 86400 // profile.interval_s
    replies = readings * requests(profile.live) + 86400 // profile.slow_s * requests(profile.slow) + 1
    assert replies <= profile.budget["replies"]
    if not profile.battery:
        assert profile.budget["awake_s"] == 86400
        return
    assert replies * 2 <= profile.budget["replies"], "retries, a reading on request, a restart"
    # A key press cannot be taken back; a magnet can: settle, one exchange of 1.2 s, 1.6 s until the meter sleeps.
    session_ms = (
        profile.wake["awake_s"] * 1000 if profile.wake["needs"] == "key" else profile.wake["settle_ms"] + 2800
    )
    assert readings * session_ms <= profile.budget["awake_s"] * 1000


def test_waking_makes_sense(profile):
    wake = profile.wake
    if wake["needs"] == "none":
        assert wake == {"needs": "none", "settle_ms": 0, "awake_s": 0}
    else:
        assert wake["settle_ms"] > 0
        assert wake["needs"] != "key" or wake["awake_s"] > 0, "nobody holds a key for good"


def test_no_bit_of_the_info_register_means_two_things(profile):
    bits = [bit for bit, _ in profile.info]
    for bit, _ in profile.info_hours:
        bits += [bit, bit + 1, bit + 2]
    assert len(bits) == len(set(bits))
    assert bits == sorted(bits)
    flags = [flag for _, flag in profile.info]
    assert len(flags) == len(set(flags))
    assert {flag for _, flag in profile.info_hours} <= set(flags)


def test_finer_registers_follow_their_total(profile):
    for total, finer in profile.high_resolution:
        assert finer == total + "_high_resolution"
    keys = {key for _, key in profile.registers if key.endswith("_high_resolution")}
    assert keys == {finer for _, finer in profile.high_resolution}


def test_one_type_code_names_one_meter():
    seen = {}
    for name in ALL:
        for code in load(name, str(METERS)).types.split():
            assert code not in seen, "%s is %s and %s" % (code, seen[code], name)
            seen[code] = name
    assert seen["0001"] == "multical601" and seen["1101"] == "multical402" and seen["5A00"] == "omnipower"


def heard():
    """{meter as the publisher calls it: ids it really answered}, where the publisher knew which meter it was."""
    found = {}
    for line in (ROOT / "host_tests" / "data" / "captures.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        ids = {int(key) for key in row.get("computed") or {} if key.isdigit()}
        if row["kind"] == "real" and row["protocol"] == "KMP" and ids and "K382/K162" not in row["meter"]:
            found.setdefault(row["meter"], set()).update(ids)
    return found


def test_seen_means_that_real_replies_are_in_the_captures(profile):
    word = re.compile(r"\b%s\b" % profile.model.replace("Kamstrup ", "K"))
    ids = set().union(*(ids for meter, ids in heard().items() if word.search(meter)))
    assert (profile.evidence == "seen") == bool(ids & {register for register, _ in profile.live})


def test_every_profile_says_where_it_comes_from():
    for name in ALL:
        data = json.loads((METERS / (name + ".json")).read_text(encoding="utf-8"))
        assert data["_sources"] and data["_notes"], name
        assert all(isinstance(text, str) and text for text in data["_sources"] + data["_notes"]), name


def test_a_profile_costs_the_chip_at_most_its_share(flash, micropython32, tmp_path):
    script = tmp_path / "measure.py"
    script.write_text(MEASURE)
    command = [micropython32, "-X", "heapsize=112K", script, flash / "meters", *_WANTED]
    done = subprocess.run(
        command, env={"MICROPYPATH": ".frozen:%s" % flash}, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    rows = [line.split() for line in done.stdout.splitlines()]
    assert [row[0] for row in rows] == sorted(ALL)
    for name, heap, registers in rows:
        here = load(name, str(METERS))
        assert int(registers) == len(here.registers), name
        assert int(heap) <= MOST_HEAP, "%s keeps %s bytes" % (name, heap)


def minutes(seconds):
    for unit, size in (("h", 3600), ("min", 60), ("s", 1)):
        if seconds % size == 0:
            return "%d %s" % (seconds // size, unit)


def waking(wake):
    if wake["needs"] == "none":
        return "–"
    stays = "while it is there" if not wake["awake_s"] else minutes(wake["awake_s"])
    settle = "%d.%d s" % (wake["settle_ms"] // 1000, wake["settle_ms"] % 1000 // 100)
    return "%s, %s, %s" % (wake["needs"], settle, stays)


def table():
    """What the page must say of the profiles, made from them."""
    lines = [
        "| profile | meter | wake: what, settle, stays on | live / slow | budget a day | type codes | evidence |",
        "|---|---|---|---|---|---|---|",
    ]
    for name in ALL:
        one = load(name, str(METERS))
        lines.append(
            "| `%s` | %s | %s | %s / %s | %d replies, %d s | %s | %s |"
            % (
                name,
                one.model,
                waking(one.wake),
                minutes(one.interval_s),
                minutes(one.slow_s),
                one.budget["replies"],
                one.budget["awake_s"],
                one.types or "–",
                one.evidence,
            )
        )
    return "\n".join(lines)


def test_the_page_has_the_table_of_all_meters():
    assert table() in PAGE.read_text(encoding="utf-8"), "docs/adding-a-meter.md should hold:\n" + table()


def test_the_page_explains_every_key_and_every_flag():
    page = PAGE.read_text(encoding="utf-8")
    words = set()
    for name in ALL:
        data = json.loads((METERS / (name + ".json")).read_text(encoding="utf-8"))
        words.update(key for key in data)
        words.update(flag for _, flag in data["info"])
        words.update(key for group in ("wake", "budget", "limits") for key in data[group])
    assert not [word for word in sorted(words) if "`%s`" % word not in page]


def test_the_example_of_the_page_is_a_right_profile(tmp_path):
    example = re.search(r"```json\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL).group(1)
    (tmp_path / "mine.json").write_text(example, encoding="utf-8")
    assert load("mine", str(tmp_path)).live
