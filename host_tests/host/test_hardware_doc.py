"""Heads, wake hardware and drawings: inversion follows from the circuit, drawings say what the files say, and the
instructions show every part.

Uses boards/** and docs/hardware.md. Drawings are read as XML; each has to be legible on a dark and on a light page.
"""

import json
import re
import xml.etree.ElementTree as ElementTree

import pytest

from firmware_tree import ROOT

BOARDS = ROOT / "boards"
SVG = "{http://www.w3.org/2000/svg}"


def files(folder):
    return {path.stem: json.loads(path.read_text()) for path in sorted((BOARDS / folder).glob("*.json"))}


CHIP_BOARDS = files("")
HEADS = files("heads")
WAKES = files("wake")
DRAWINGS = sorted(BOARDS.rglob("*.svg"))
TO_BUILD = {**HEADS, **WAKES}

README = (BOARDS / "README.md").read_text()
MANUAL = (ROOT / "docs" / "hardware.md").read_text()

HEAD_KEYS = {"name", "led_lit_at", "dark_is", "invert_tx", "invert_rx", "drive", "hears_itself", "parts"}
WAKE_KEYS = {"name", "board_part", "parts"}
LEAST_CONTRAST = 4.5  # WCAG 2.2, 1.4.3


def test_the_promised_heads_and_wake_hardware_are_there():
    assert {"phototransistor-led", "hal9k-rev2", "hichi-ttl", "generic-ttl"} <= set(HEADS)
    assert {"servo", "coil"} <= set(WAKES)


def breaches(head):
    """A sentence for each flag that does not follow from the circuit. None: it is for its builder to find out."""
    rows = (
        ("invert_tx", head["led_lit_at"], 1, "the LED shines at rest"),
        ("invert_rx", head["dark_is"], 0, "darkness is read as light"),
    )
    for key, level, inverted_at, else_ in rows:
        right = None if level is None else level == inverted_at
        if head[key] is not right:
            yield "%s is %s, must be %s, or %s" % (key, head[key], right, else_)


@pytest.mark.parametrize("name", HEADS)
def test_the_inversion_follows_from_the_circuit(name):
    assert set(HEADS[name]) == HEAD_KEYS
    assert list(breaches(HEADS[name])) == []


WRONG = (
    ({"led_lit_at": 1}, "the LED shines at rest"),
    ({"invert_tx": True}, "the LED shines at rest"),
    ({"dark_is": 0}, "darkness is read as light"),
    ({"led_lit_at": None}, "must be None"),
)


@pytest.mark.parametrize("change, said", WRONG)
def test_a_wrong_inversion_is_named(change, said):
    assert said in "\n".join(breaches({**HEADS["phototransistor-led"], **change}))


@pytest.mark.parametrize("name", CHIP_BOARDS)
def test_a_board_file_as_it_is_fits_every_head_whose_circuit_is_known(name):
    uart = CHIP_BOARDS[name]["uart"]
    for head in HEADS.values():
        if head["invert_tx"] is not None:
            assert (uart["invert_tx"], uart["invert_rx"]) == (head["invert_tx"], head["invert_rx"])
        assert uart["drive"] >= head["drive"], "%s draws more than the pin gives" % head["name"]


@pytest.mark.parametrize("name", WAKES)
def test_wake_hardware_is_at_a_pin_that_every_board_has(name):
    assert set(WAKES[name]) == WAKE_KEYS
    for board in CHIP_BOARDS.values():
        assert board[WAKES[name]["board_part"]]["pin"] is not None


def texts(path):
    return [element.text or "" for element in ElementTree.parse(path).iter(SVG + "text")]


@pytest.mark.parametrize("name", CHIP_BOARDS)
def test_the_drawing_of_a_board_shows_its_pins(name):
    board = CHIP_BOARDS[name]
    shown = texts(BOARDS / (name + ".svg"))
    assert shown[0] == "%s: wiring" % board["name"]
    for what, pin in (
        ("TX", board["uart"]["tx"]),
        ("RX", board["uart"]["rx"]),
        ("servo", board["servo"]["pin"]),
        ("coil", board["coil"]["pin"]),
    ):
        assert "%s: GPIO %d" % (what, pin) in shown
        assert shown.count(str(pin)) == 1, "GPIO %d in the row of pins" % pin
    found = [text for text in shown if ": GPIO " in text and "." not in text]
    assert len(found) == 4, "a wire the file does not know: %s" % found


@pytest.mark.parametrize("name", TO_BUILD)
def test_drawing_and_parts_list_name_the_same_parts(name):
    folder = BOARDS / ("heads" if name in HEADS else "wake")
    drawn = {word for text in texts(folder / (name + ".svg")) for word in re.findall(r"\b[CDLQR]\d\b", text)}
    listed = {
        part["for"].split(":")[0] for part in TO_BUILD[name]["parts"] if re.match(r"[CDLQR]\d:", part["for"])
    }
    assert drawn == listed


@pytest.mark.parametrize("name", TO_BUILD)
def test_the_manual_lists_every_part(name):
    chapter = MANUAL.split("**%s**" % TO_BUILD[name]["name"])[1].split("**")[0]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in chapter.splitlines() if "|" in line]
    assert rows[2:] == [[str(part["count"]), part["part"], part["for"]] for part in TO_BUILD[name]["parts"]]


def test_the_table_of_heads_for_people_says_what_the_files_say():
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in README.splitlines()]
    table = {row[0]: row for row in rows if len(row) == 7}
    for name, head in HEADS.items():
        row = table["`%s`: %s" % (name, head["name"])]
        for cell, key in zip(row[4:6], ("invert_tx", "invert_rx"), strict=True):
            assert cell.startswith("true if" if head[key] is None else str(head[key]).lower())
        assert row[6] == {True: "yes", False: "no", None: "often"}[head["hears_itself"]]
        assert "heads/%s.svg" % name in row[1] and "heads/%s.json" % name in row[1]


def light(color):
    """Relative luminance of #rrggbb."""
    parts = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    parts = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(one, other):
    dark, bright = sorted((light(one), light(other)))
    return (bright + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("path", DRAWINGS, ids=lambda path: path.stem)
def test_a_drawing_is_legible_on_every_page_and_asks_nobody_for_anything(path):
    root = ElementTree.parse(path).getroot()
    _, _, width, height = root.get("viewBox").split()
    children = list(root)
    assert [child.tag for child in children[:2]] == [SVG + "title", SVG + "desc"] and children[0].text
    ground = children[2]
    assert (ground.tag, ground.get("width"), ground.get("height")) == (SVG + "rect", width, height)
    assert ground.get("fill") == "#ffffff"
    kinds = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert kinds <= {"svg", "title", "desc", "rect", "text", "path", "circle"}
    for element in root.iter(SVG + "text"):
        if element.get("fill") != "#ffffff":  # which stands on a box of one of the other colours
            assert contrast(element.get("fill"), "#ffffff") >= LEAST_CONTRAST, element.text
        assert int(element.get("font-size", 14)) >= 12
        assert 0 <= float(element.get("x")) <= int(width) and 0 <= float(element.get("y")) <= int(height)


@pytest.mark.parametrize("path", DRAWINGS, ids=lambda path: path.stem)
def test_every_drawing_is_shown_in_the_manual_and_in_the_list(path):
    name = path.relative_to(BOARDS).as_posix()
    assert "(../boards/%s)" % name in MANUAL and "(%s)" % name in README


def test_links_of_the_manual_lead_to_files():
    for folder, text in ((ROOT / "docs", MANUAL), (BOARDS, README)):
        for target in re.findall(r"\]\(([^)#]+)\)", text):
            assert (folder / target).exists(), target
