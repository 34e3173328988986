"""Every board file names pins that its chip has, that boot, flash, PSRAM and USB do not need, and a UART that is free.

Uses boards/*.json. The tables are Espressif's data sheets; a pin that breaks a rule is named with the rule. Heads and
drawings: test_hardware_doc.py.
"""

import json

import pytest

from firmware_tree import ROOT

BOARDS = {path.stem: json.loads(path.read_text()) for path in sorted((ROOT / "boards").glob("*.json"))}

# What the issue promises; more may be added.
PROMISED = (
    "esp32-devkitc",
    "esp32-c3-supermini",
    "esp32-s3-devkitc",
    "esp32-s2-mini",
    "m5stack-atom-lite",
    "d1-mini-esp32",
)


def span(first, last):
    return set(range(first, last + 1))


# chip: pins there are; taken: (pins, by what); input_only; strapping; uarts besides UART0, which prints what the chip
# says while it starts. From the data sheets of ESP32 and ESP32-PICO-D4, ESP32-S2, ESP32-S3 and ESP32-C3, chapters
# "Pin Definitions" (pins, flash and PSRAM) and "Strapping Pins" ("Boot Configurations" in newer ones), and their UARTs.
CHIPS = {
    "esp32": {
        "pins": span(0, 19) | {21, 22, 23, 25, 26, 27} | span(32, 39),
        "taken": (
            (span(6, 11), "flash"),
            ({16, 17}, "PSRAM of WROVER modules, flash of the ESP32-PICO-D4"),
            ({1, 3}, "UART 0"),
        ),
        "input_only": span(34, 39),
        "strapping": {0, 2, 5, 12, 15},
        "uarts": {1, 2},
    },
    "esp32s2": {
        "pins": span(0, 21) | span(26, 46),
        "taken": ((span(26, 32), "flash and PSRAM"), ({19, 20}, "USB"), ({43, 44}, "UART 0")),
        "input_only": {46},
        "strapping": {0, 45, 46},
        "uarts": {1},
    },
    "esp32s3": {
        "pins": span(0, 21) | span(26, 48),
        "taken": (
            (span(26, 32), "flash and PSRAM"),
            (span(33, 37), "octal flash and PSRAM"),
            ({19, 20}, "USB"),
            ({43, 44}, "UART 0"),
        ),
        "input_only": set(),
        "strapping": {0, 3, 45, 46},
        "uarts": {1, 2},
    },
    "esp32c3": {
        "pins": span(0, 21),
        "taken": ((span(11, 17), "flash"), ({18, 19}, "USB"), ({20, 21}, "UART 0")),
        "input_only": set(),
        "strapping": {2, 8, 9},
        "uarts": {1},
    },
}

# What the maker soldered to a strapping pin: it is made so that boot does not mind.
SOLDERED = {
    ("esp32-devkitc", "button"): 0,
    ("esp32-s3-devkitc", "button"): 0,
    ("esp32-s2-mini", "button"): 0,
    ("esp32-c3-supermini", "button"): 9,
    ("esp32-c3-supermini", "led"): 8,
    ("d1-mini-esp32", "led"): 2,
}

# part: (its pins, does the chip drive them?)
PARTS = {
    "uart": (("tx", True), ("rx", False)),
    "servo": (("pin", True),),
    "coil": (("pin", True),),
    "led": (("pin", True),),
    "button": (("pin", False),),
}
KEYS = {
    "uart": {"id", "tx", "rx", "invert_tx", "invert_rx", "drive"},
    "servo": {"pin"},
    "coil": {"pin", "on"},
    "led": {"pin", "on"},
    "button": {"pin", "on"},
}
OPTIONAL = ("led", "button")


def used(board):
    """(part, key, pin, driven) of everything the board file names."""
    for part, keys in PARTS.items():
        for key, driven in keys if board[part] else ():
            yield part, key, board[part][key], driven


def breaches(name, board):
    """A sentence for each rule that is broken."""
    chip = CHIPS.get(board["chip"])
    if not chip:
        yield "there is no chip %r; known: %s" % (board["chip"], ", ".join(CHIPS))
        return
    if board["uart"]["id"] not in chip["uarts"]:
        yield "UART %d: %s has %s" % (board["uart"]["id"], board["chip"], sorted(chip["uarts"]))
    seen = {}
    for part, key, pin, driven in used(board):
        where = "%s.%s: pin %s" % (part, key, pin)
        if pin not in chip["pins"]:
            yield "%s does not exist on %s" % (where, board["chip"])
        for pins, what in chip["taken"]:
            if pin in pins:
                yield "%s belongs to %s" % (where, what)
        if driven and pin in chip["input_only"]:
            yield "%s is an input only" % where
        if pin in chip["strapping"] and SOLDERED.get((name, part)) != pin:
            yield "%s decides how the chip boots" % where
        if pin in seen:
            yield "%s is that of %s already" % (where, seen[pin])
        seen[pin] = part


def test_the_promised_boards_are_there():
    assert set(PROMISED) <= set(BOARDS)


@pytest.mark.parametrize("name", BOARDS)
def test_a_board_has_every_part_in_the_form_the_firmware_reads(name):
    board = BOARDS[name]
    assert set(board) - {"txpower_dbm"} == {"name", "chip", "history_kib", *PARTS}
    assert 2 <= board.get("txpower_dbm", 20) <= 20, "what the radio takes: MicroPython, network_wlan.c"
    assert 64 <= board["history_kib"] <= 400, "the file system of 4 MB of flash has 2 MB"
    for part, keys in KEYS.items():
        if board[part] is None:
            assert part in OPTIONAL
        else:
            assert set(board[part]) == keys
    levels = [board[part]["on"] for part in ("coil", *OPTIONAL) if board[part]]
    assert all(type(level) is int and level in (0, 1) for level in levels)
    assert all(type(pin) is int for _, _, pin, _ in used(board))
    assert all(type(board["uart"][key]) is bool for key in ("invert_tx", "invert_rx"))
    assert type(board["uart"]["drive"]) is int and 0 <= board["uart"]["drive"] <= 3


@pytest.mark.parametrize("name", BOARDS)
def test_a_board_keeps_the_rules(name):
    assert list(breaches(name, BOARDS[name])) == []


def changed(part, **values):
    board = json.loads(json.dumps(BOARDS["esp32-devkitc"]))
    board[part].update(values)
    return board


WRONG = (
    (changed("uart", id=0), "UART 0"),
    (changed("uart", tx=20), "does not exist"),
    (changed("uart", tx=9), "belongs to flash"),
    (changed("uart", rx=16), "belongs to PSRAM"),
    (changed("uart", tx=34), "input only"),
    (changed("servo", pin=12), "decides how the chip boots"),
    (changed("servo", pin=26), "that of uart already"),
    ({**BOARDS["esp32-devkitc"], "chip": "esp8266"}, "there is no chip"),
)


@pytest.mark.parametrize("board, said", WRONG, ids=[row[1] for row in WRONG])
def test_a_broken_rule_is_named(board, said):
    found = list(breaches("my-board", board))
    assert any(said in line for line in found), found


def test_an_input_may_be_on_a_pin_that_is_input_only():
    assert list(breaches("esp32-devkitc", changed("uart", rx=34))) == []


def test_a_board_with_a_poor_antenna_sends_with_less_and_the_app_hands_it_on(tmp_path, monkeypatch):
    from kmpeye.app import App
    from kmpeye.system.config import checked

    limits = {name: board.get("txpower_dbm") for name, board in BOARDS.items()}
    assert {name for name, limit in limits.items() if limit} == {"esp32-c3-supermini"}
    monkeypatch.chdir(tmp_path)
    board = {**BOARDS["esp32-c3-supermini"], "uart": None, "button": None}
    app = App(
        checked({"port": "socket://127.0.0.1:9", "meter": "multical21"}), str(ROOT / "firmware") + "/", board
    )
    assert app.txpower_dbm == 8.5


def test_what_is_soldered_is_in_the_board_file():
    for (name, part), pin in SOLDERED.items():
        assert BOARDS[name][part]["pin"] == pin


def test_the_table_for_people_says_what_the_files_say():
    lines = (ROOT / "boards" / "README.md").read_text().splitlines()
    table = [[cell.strip() for cell in line.split("|")] for line in lines]
    rows = {cells[1].strip("`"): cells for cells in table if len(cells) > 8}
    for name, board in BOARDS.items():
        expected = [pin for _, _, pin, _ in used(board)]
        found = [int(cell.split()[0].rstrip(",")) for cell in rows[name][3:9] if cell != "–"]
        assert found == expected, "the row of %s in boards/README.md" % name
        assert rows[name][2] == board["name"]


def short(pins):
    """{0, 1, 2, 5} as the table for people has it: 0–2, 5."""
    runs = []
    for pin in sorted(pins):
        if runs and runs[-1][1] == pin - 1:
            runs[-1][1] = pin
        else:
            runs.append([pin, pin])
    return ", ".join("%d" % a if a == b else "%d–%d" % (a, b) for a, b in runs) or "–"


def test_the_table_of_chips_for_people_says_what_is_checked_here():
    readme = (ROOT / "boards" / "README.md").read_text()
    for name, chip in CHIPS.items():
        taken = "; ".join("%s: %s" % (short(pins), what) for pins, what in chip["taken"])
        cells = [short(chip[key]) for key in ("pins", "input_only", "strapping", "uarts")]
        row = "| `%s` | %s |" % (name, " | ".join([cells[0], taken, *cells[1:]]))
        assert row in readme, "boards/README.md lacks this row:\n%s" % row
