"""What deploy does for the head of a board, and what it says of a board with little memory. No board is needed: the
functions get what a board said of itself.
"""

import json
import runpy

import pytest

from deploying import plan, settings
from deploying.plan import Refused
from firmware_tree import ROOT

FITTED = runpy.run_path(str(ROOT / "tools" / "deploy"))["fitted_board"]
BOARD = "esp32-devkitc"
LIGHT = settings.OF_HEAD


def fit(head=None, on_board=None, answers=None):
    """(what board.json is to hold, the questions asked): HEAD, what lies on the board, what the person says."""
    left = list(answers or ())
    asked = []

    def ask(question):
        asked.append(question)
        return left.pop(0)

    text = on_board and json.dumps(on_board)
    board = FITTED({"board": text}, BOARD, head, None if answers is None else ask)
    assert not left
    return board, asked


def plain():
    return settings.board_file(BOARD)


def light(board):
    return tuple(board["uart"][key] for key in LIGHT)


# HEAD, what the person answers (None: nobody is there), light of board.json, its head, questions
FITS = (
    (None, None, (False, False, 3), None, 0),
    (None, [""], (False, False, 3), None, 1),
    (None, ["hichi-ttl"], (False, False, 2), "hichi-ttl", 1),
    ("hal9k-rev2", None, (False, False, 2), "hal9k-rev2", 0),
    ("phototransistor-led", [], (False, False, 3), "phototransistor-led", 0),
    ("generic-ttl", None, (False, False, 2), "generic-ttl", 0),
    ("generic-ttl", ["y", "N"], (True, False, 2), "generic-ttl", 2),
    ("generic-ttl", ["", "yes"], (False, True, 2), "generic-ttl", 2),
    (None, ["generic-ttl", "n", "y"], (False, True, 2), "generic-ttl", 3),
)


@pytest.mark.parametrize("head, answers, expected, name, questions", FITS)
def test_the_head_decides_light_and_dark(head, answers, expected, name, questions):
    board, asked = fit(head, None, answers)
    assert light(board) == expected and board.get("head") == name and len(asked) == questions
    uart = {key: value for key, value in board["uart"].items() if key not in LIGHT}
    assert uart == {key: value for key, value in plain()["uart"].items() if key not in LIGHT}, "the pins stay"


def test_a_later_deploy_keeps_the_head_and_what_was_answered():
    first, _ = fit("generic-ttl", None, ["y", "y"])
    again, asked = fit(None, first, [])
    assert again == first and asked == []
    other, _ = fit("hichi-ttl", first)
    assert light(other) == (False, False, 2) and other["head"] == "hichi-ttl"


@pytest.mark.parametrize("damaged", ("", "{", "[]", "{}", '{"head":"x","uart":{"tx":1}}'))
def test_a_board_file_that_is_damaged_on_the_board_is_made_anew(damaged):
    assert FITTED({"board": damaged}, BOARD, None) == plain()


def test_a_head_that_is_not_known_is_named():
    with pytest.raises(Refused, match="HEAD: there is no lamp; known: generic-ttl, hal9k-rev2, hichi-ttl"):
        settings.check_head("lamp")
    with pytest.raises(Refused, match="HEAD: there is no lamp"):
        fit(None, None, ["lamp"])
    assert settings.check_head(None) is None


MEMORY = (
    # bytes Python may have, a partition, warned, why
    (165_000, None, True, "a classic ESP32 with stock MicroPython"),
    (165_000, [786432, None], False, "the same, with the firmware in place"),
    (200_000, None, False, "an ESP32-C3"),
    (2_100_000, None, False, "PSRAM"),
)


@pytest.mark.parametrize("heap, rom, warned, why", MEMORY, ids=[row[3] for row in MEMORY])
def test_too_little_memory_is_said_with_what_to_do(heap, rom, warned, why):
    warning = plan.memory_warning({"heap": heap, "rom": rom, "frozen": None})
    assert bool(warning) is warned
    if warned:
        assert "165" in warning and "PSRAM" in warning and "docs/hardware.md" in warning
