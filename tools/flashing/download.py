# MicroPython for a chip, fetched from micropython.org by the mpflash package. Imports the standard library, Refused.
# Promise: one file, in build/micropython; without a network a Refused that says how to go on without one.

import os
import pathlib
import re
import subprocess
import sys

from deploying.plan import Refused
from firmware_tree import ROOT

FOLDER = ROOT / "build" / "micropython"
VERSION = "1.29.0"  # what the firmware is checked against

_LIMIT_S = 300


def board_of(chip):
    """What MicroPython calls its standard build: esp32s3 is ESP32_GENERIC_S3."""
    suffix = chip[len("esp32") :].upper()
    return "ESP32_GENERIC" + ("_" + suffix if suffix else "")


def install():
    """mpflash into .venv, the pinned one: only a download needs it, and it brings 30 packages along."""
    listed = [sys.executable, ROOT / "tools" / "requirements", "flash"]
    wanted = subprocess.run(listed, capture_output=True, text=True, check=True).stdout.split()
    pip = [sys.executable, "-m", "pip", "install", "-qq", "--disable-pip-version-check", *wanted]
    subprocess.run(pip, check=True, timeout=_LIMIT_S)


def mpflash(board):
    """Have it fetched into FOLDER."""
    program = pathlib.Path(sys.executable).with_name("mpflash")
    options = ["--no-interactive", "--dir", FOLDER, "download", "--board", board, "--version", VERSION]
    subprocess.run(
        [program, *options], env={**os.environ, "MPFLASH_FIRMWARE": str(FOLDER)}, timeout=_LIMIT_S, check=True
    )


def fetch(chip, steps=(install, mpflash)):
    """Path of the image. What was fetched before is not fetched again."""
    board = board_of(chip)
    FOLDER.mkdir(parents=True, exist_ok=True)
    if not _found(board):
        first, then = steps
        try:
            first()
            then(board)
        except (OSError, subprocess.SubprocessError):
            pass  # it has said why; what counts is whether the file is there
    path = _found(board)
    if not path:
        raise Refused(
            "MicroPython %s for %s could not be fetched. Get the *.bin from micropython.org/download/%s and name it: "
            "make flash FIRMWARE=FILE" % (VERSION, board, board)
        )
    return path


def _found(board):
    """The plain build: ESP32_GENERIC-20260829-v1.29.0.bin, not ESP32_GENERIC-SPIRAM-..."""
    pattern = re.compile(r"%s(-\d{8})?-v?%s\.bin" % (board, re.escape(VERSION)))
    return next((path for path in sorted(FOLDER.rglob("*.bin")) if pattern.fullmatch(path.name)), None)
