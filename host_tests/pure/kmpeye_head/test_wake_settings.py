# kmpeye.head.wake.make_waker: what it refuses, by which name, and that nothing has moved by then.
# Runs on CPython and MicroPython alike.

import sys

from kmpeye.head.wake import make_waker
from kmpeye_head.bench_board import COIL, KEY_COIL, KEY_SERVO, SERVO, Board, scene


def refused(kind, settings, board):
    try:
        make_waker(kind, settings, board, None, board)
    except ValueError as e:
        return str(e)
    raise AssertionError("%s %s was accepted" % (kind, settings))


# kind, settings with one mistake, the message, why
REFUSED = (
    (
        "magnet",
        {},
        "wake: 'magnet' is not possible; none, fixed, servo, coil, key or iec is allowed",
        "no kind",
    ),
    (None, {}, "wake: None is not possible; none, fixed,", "nothing"),
    ("servo", {}, "rest_deg: None is not possible; a whole number from 0 to 180 is allowed", "nothing set"),
    ("servo", dict(SERVO, rest_deg=-1), "rest_deg: -1 is", "below"),
    (
        "servo",
        dict(SERVO, wake_deg=181),
        "wake_deg: 181 is not possible; a whole number from 0 to 180",
        "above",
    ),
    ("servo", dict(SERVO, wake_deg=90.0), "wake_deg: 90.0 is", "a float"),
    ("servo", dict(SERVO, wake_deg=True), "wake_deg: True is", "a bool"),
    ("servo", dict(SERVO, wake_deg="90"), "wake_deg: '90' is", "a text"),
    (
        "servo",
        dict(SERVO, wake_deg=0),
        "wake_deg: 0 is not possible; an angle other than rest_deg",
        "moves not",
    ),
    (
        "servo",
        dict(SERVO, travel_ms=99),
        "travel_ms: 99 is not possible; a whole number from 100 to 5000",
        "short",
    ),
    ("servo", dict(SERVO, travel_ms=5001), "travel_ms: 5001 is", "long"),
    ("servo", dict(SERVO, pin=34), "pin: 34 is not possible: pin can only be input", "an input"),
    ("servo", dict(SERVO, pin=-1), "pin: -1 is not possible: invalid pin", "no such pin"),
    ("servo", dict(SERVO, pin=None), "pin: None is not possible; the number of an output pin", "no pin"),
    ("coil", dict(COIL, pin="32"), "pin: '32' is not possible; the number of an output pin", "a text"),
    ("coil", dict(COIL, pin=40), "pin: 40 is not possible: invalid pin", "no such pin"),
    ("coil", dict(COIL, on_level=2), "on_level: 2 is not possible; a whole number from 0 to 1", "no level"),
    (
        "coil",
        dict(COIL, max_on_ms=0),
        "max_on_ms: 0 is not possible; a whole number from 100 to 60000",
        "never on",
    ),
    ("coil", dict(COIL, max_on_ms=60001), "max_on_ms: 60001 is", "it would get hot"),
    ("key", SERVO, "how: None is not possible; servo or coil is allowed", "how is missing"),
    ("key", dict(KEY_SERVO, how="fixed"), "how: 'fixed' is not possible; servo or coil", "presses nothing"),
    (
        "key",
        dict(KEY_SERVO, press_ms=49),
        "press_ms: 49 is not possible; a whole number from 50 to 2000",
        "short",
    ),
    ("key", dict(KEY_COIL, press_ms=2001), "press_ms: 2001 is", "leads into menus"),
    (
        "key",
        dict(KEY_COIL, max_on_ms=299),
        "max_on_ms: 299 is not possible; a whole number from 300 to 60000",
        "the coil would let go before the press is over",
    ),
    ("key", dict(KEY_SERVO, wake_deg=999), "wake_deg: 999 is", "the settings of the servo count"),
)


def test_a_wrong_setting_is_refused_by_name_before_a_pin_moves():
    for kind, settings, message, why in REFUSED:
        board = Board()
        said = refused(kind, settings, board)
        assert said.startswith(message), (why, said)
        assert board.journal == [], why


def test_what_needs_pins_says_so_where_there_are_none():
    for kind, settings in (("servo", SERVO), ("coil", COIL), ("key", KEY_COIL)):
        try:
            make_waker(kind, settings, Board(), None, None)
        except ValueError as e:
            assert str(e).startswith("wake: %s needs the pins of a board" % kind), e
        else:
            raise AssertionError("%s without pins" % kind)


def test_choosing_leaves_nothing_behind_but_the_kind_chosen():
    for settings in (COIL, dict(COIL, on_level=7)):
        try:
            scene("coil", settings)
        except ValueError:
            pass
        assert "kmpeye.head.wake_choice" not in sys.modules
