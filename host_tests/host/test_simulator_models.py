"""The simulated meters as data: which registers each has, models made from others, and files that are refused.

Uses sim_head; in invented time.
"""

import json

import pytest

from conftest import ROOT
from kmp.registers import register_key
from kmpsim import model
from kmpsim.meter import SimMeter
from sim_head import QUIET_MS, registers, sim

LOGGER = {
    "address": 63,
    "log": 1,
    "every": "hour",
    "depth": 10,
    "newest": 9,
    "longest": 128,
    "registers": [68],
}


@pytest.mark.parametrize("name", model.names())
def test_a_model_answers_every_register_it_has_in_batches_of_eight(name):
    meter = sim(name, time_factor=0)
    ids = [register.id for register in meter.model.registers]
    found = {}
    for i in range(0, len(ids), 8):
        found.update(registers(meter, ids[i : i + 8], i * QUIET_MS))
    assert found == meter.state.values()
    assert [one for one in ids if register_key(one).startswith("register_")] == []


# Where a document lists them: Kamstrup 5512-447 5.2 and 5.3 (601, 801; of the latter those with a name), 5512-1036
# page 82 (62), 5512-1334 pages 67-68 (302), 5512-742 page 83 (402; the list goes on after 104);
# PyKamstrup pull request 6 (21).
def numbers(text):
    """A list of ids as a page of a document prints them."""
    return [int(one) for one in text.split()]


MC601 = [
    *(1003, 1002, 1004, 60, 94, 63, 61, 62, 95, 96, 97, 110, 64, 65, 66, 67, 98, 68, 69, 84, 85, 72, 73),
    *(86, 87, 88, 122, 89, 91, 92, 74, 75, 80, 99, 113, 175, 155, 152, 153, 168, 1001, 112, 1010, 114),
    *(104, 1005, 154, 157, 158, 234, 235, 146, 147, 149, 150, *range(123, 131), *range(138, 146)),
]
DOCUMENTED = {
    "multical21": [68, 243, 74, 1004, 99, 299, 292, 1002, 1001],
    "multical601": MC601,
    "multical601-67-0b": MC601,
    "multical602": MC601,
    "multical801": [*MC601, 184, 185],
    "multical62": [
        *(1003, 68, 84, 85, 1004, 113, 1002, 99, 74, *range(123, 127), *range(138, 142), 98, 152, 153, 168),
        *(1001, 112, 1010, 114, 104, 1005, 154, 157, 158, 175, 234, 235, 239),
    ],
    "multical302": numbers(
        """
        1003 1002 99 113 1004 60 63 97 110 68 86 87 89 74 80 239 266 267 98 146 147 149 150 229 230
        123 124 127 128 138 139 142 143 153 168 1001 112 1010 1005 184 185 154
        """
    ),
    "multical402": numbers(
        """
        1003 1002 99 1004 60 63 97 110 68 86 87 89 74 80 84 85 64 65 66 67 223 155 98 146 147 149
        150 229 230 123 124 125 126 127 128 129 130 138 139 140 141 142 143 144 145 152 153 168 1001
        112 1010 114 104 1005
        """
    ),
}


@pytest.mark.parametrize("name", DOCUMENTED)
def test_a_model_has_the_registers_of_its_document(name):
    assert sorted(register.id for register in model.load(name).registers) == sorted(DOCUMENTED[name])


def test_a_model_that_is_like_another_says_only_what_differs():
    like = model.load("flowiq2200")
    assert (like.name, like.baud, like.pattern) == ("flowIQ 2200", 1200, "water")
    base = {register.id: register for register in model.load("multical21").registers}
    mine = {register.id: register for register in like.registers}
    assert set(mine) - set(base) == {582}
    assert {one for one in base if mine[one] != base[one]} == {68}
    assert {one.id for one in model.load("multical303").registers} == {
        one.id for one in model.load("multical302").registers
    } - {239, 267, 184, 185}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"like": "multical22"}, "like is one of"),
        ({"like": "multical21", "without": [60]}, "without 60: a MULTICAL 21 has no such register"),
        ({"like": "multical21", "pattern": "steam"}, "pattern is one of water, heat"),
        ({"like": "multical21", "pattern": "one_phase"}, "register 68: of is one of"),
        (
            {
                "like": "kamstrup162",
                "registers": [{"id": 1055, "unit": 33, "nob": 2, "exponent": 0, "kind": "now"}],
            },
            "the keys of 'now'",
        ),
        ({"like": "multical21", "loggers": [{"log": 1}]}, "log 1: the keys are address"),
        ({"like": "multical21", "loggers": [dict(LOGGER, every="week")]}, "every is one of quarter"),
        ({"like": "multical21", "loggers": [dict(LOGGER, registers=[74])]}, "register 74 is none"),
    ],
)
def test_a_model_that_is_like_another_is_checked_as_well(data, words):
    with pytest.raises(ValueError, match=words):
        model.parse(data, "mine")


def test_the_info_code_can_be_set_as_far_as_the_register_reaches():
    meter = SimMeter(model.with_info(model.load("multical603"), 0x8000_0001))
    assert registers(meter, [99]) == {99: (0x8000_0001, 0)}
    with pytest.raises(ValueError, match="of a MULTICAL 21 is 0 to 65535, not 65536"):
        model.with_info(model.load("multical21"), 65536)
    with pytest.raises(ValueError, match="OMNIPOWER has no info code"):
        model.with_info(model.load("omnipower"), 1)


def test_values_have_one_two_and_four_bytes():
    assert {r.nob for r in model.load("MULTICAL 21").registers} == {1, 2, 4}
    assert {r.nob for r in model.load("multical601").registers} == {4}
    assert {r.nob for r in model.load("multical62").registers} == {2, 4}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kind": "sometimes"}, "kind is one of"),
        ({"kind": "now", "of": "love"}, "of is one of"),
        ({"kind": "constant"}, "the keys of 'constant' are"),
        ({"kind": "max", "of": "flow", "over": "week", "start": 0}, "month or year"),
        ({"kind": "when", "of": 999}, "must be of a max or min register"),
        ({"kind": "now", "of": "flow", "unit": 53}, "unit 53"),
    ],
)
def test_a_model_file_that_is_wrong_is_refused_by_name(change, words):
    data = json.loads((ROOT / "tools/kmpsim/meters/multical21.json").read_text(encoding="utf-8"))
    data["registers"].append({"id": 500, "unit": 41, "nob": 2, "exponent": 0} | change)
    with pytest.raises(ValueError, match=words) as refused:
        model.parse(data, "mine")
    assert "mine: register 500" in str(refused.value)
