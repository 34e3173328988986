"""A board file of another board, and a chip that refuses: what this chip has not is named in the warnings, and the rest
runs. Before, the start ended there, and the next one too.

The whole App on CPython with a chip's strict machine.
"""

import asyncio
import sys
import types

import pytest

from fakes import machine
from firmware_tree import FIRMWARE
from kmpeye.app import App
from kmpeye.system import config

RIGHT = {"pin": 0, "on": 0}


class Pin:
    """As machine.Pin of the ESP32's port, of a chip with 22 pins."""

    IN, OUT, PULL_DOWN, PULL_UP = 1, 3, 1, 2

    def __init__(self, id, mode=None, pull=-1, *, value=None, drive=None):
        if not isinstance(id, int) or not 0 <= id < 22:
            raise ValueError("invalid pin")
        self.level = value

    def value(self, level):
        self.level = level


class Timer:
    ONE_SHOT, PERIODIC = 0, 1

    def __init__(self, id):
        self.running = False

    def init(self, *, mode, period, callback):
        self.running = True

    def deinit(self):
        self.running = False


def refuse(*what, **settings):
    raise OSError(-259, "ESP_ERR_INVALID_STATE")  # as check_esp_err of the port


@pytest.fixture
def started(monkeypatch, tmp_path):
    """started(board, settings, parts of the chip): the App that it becomes."""

    def start(board, settings=(), **parts):
        now = types.ModuleType("machine")
        now.__dict__.update(vars(machine), **{"Pin": Pin, "Timer": Timer, **parts})
        monkeypatch.setitem(sys.modules, "machine", now)
        monkeypatch.chdir(tmp_path)
        kept = config.checked({"port": "socket://127.0.0.1:1", "meter": "multical601", **dict(settings)})
        return App(kept, "%s/" % FIRMWARE, board)

    return start


# button of the board file, is there one, why
BUTTONS = (
    (RIGHT, True, "a right one"),
    (None, False, "none"),
    ({"pin": 39, "on": 0}, False, "a pin that this chip has not"),
    ({"pin": "A1", "on": 0}, False, "no number"),
    ({"pin": 0}, False, "without its level"),
    (39, False, "no object"),
)


@pytest.mark.parametrize("button, there, why", BUTTONS, ids=[row[2] for row in BUTTONS])
def test_a_button_that_cannot_be_is_named(button, there, why, started):
    app = started({"button": button})
    assert (app.button is not None) is there
    assert any("button" in text for text in app.config.warnings) is (button is not None and not there)


def test_a_chip_that_gives_no_watchdog_is_named(started):
    app = started({}, WDT=refuse)
    assert any("watchdog" in text and "ESP_ERR_INVALID_STATE" in text for text in app.config.warnings)


def no_channels(*what, **settings):
    raise RuntimeError("out of PWM channels:8")  # as machine_pwm.c from 1.26 on


@pytest.mark.parametrize("pwm", (refuse, no_channels))
def test_a_servo_that_gets_no_pulses_is_named_and_the_magnet_stays(pwm, started):
    settings = {"wake": "servo", "wake_rest_deg": 10, "wake_deg": 90}
    app = started({"servo": {"pin": 13}}, settings, PWM=pwm)
    assert any(text.startswith("wake: ") for text in app.config.warnings)
    assert app.reader.session.waker.__class__.__name__ == "Waker"


def test_who_stops_the_program_leaves_no_coil_switched_on(started):
    """A soft reset, as mpremote does it, ends timers and leaves pins as they are (main.c of the ESP32's port)."""
    app = started({"coil": {"pin": 13, "on": 1}}, {"wake": "coil"})
    coil = app.reader.session.waker
    asyncio.run(coil.wake())
    assert coil._pin.level == 1 and coil._timer.running
    app.stopped()
    assert coil._pin.level == 0 and not coil._timer.running
