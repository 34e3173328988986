# A board with MicroPython on it, by mpremote's own commands: look at it, copy, switch over, restart, listen.
# Imports device, plan and pyserial. Promises: nothing the board's config holds is ever printed, and a
# board that does not answer ends in a Refused within a minute.

import contextlib
import json
import math
import pathlib
import re
import subprocess
import sys
import tempfile
import time

import serial

from deploying.device import explain
from deploying.onboard import JOB, SUFFIX
from deploying.plan import Refused, small

# What runs on the board; the call to make stands behind it.
ONBOARD = pathlib.Path(__file__).with_name("onboard.py").read_text()

_LOOK_S = 60  # a soft reset and the hashes of 60 files take about 5 s
_COPY_S = 600  # 200 KB at 115200 baud take about a minute; slow boards and adapters more
_BAUD = 115200
_RESTART_S = 20  # of a board that just answered
_REOPEN_S = 0.2  # a chip with its own USB vanishes while it restarts
_GONE_S = 5  # it is back sooner than that
_MOST_LINE = 1000  # bytes; a line of the firmware has up to 300

_SEEN = "seen:"  # begins the line of onboard.look()
_ADDRESS = re.compile(r"http://[\w.\-\[\]:]+/")


class Board:
    def __init__(self, device):
        self._device = device

    def look(self):
        """What onboard.look() found."""
        return self._answer(self._mpremote(_LOOK_S, "exec", ONBOARD + "\nlook()\n"), _SEEN)

    def write_image(self, path):
        """Write the image into its partition. What arrived is for `look` to say."""
        self._mpremote(_COPY_S, "romfs", "deploy", str(path))

    def take(self, plan, said=print):
        """Copy what the plan says beside the old files, have it checked on the board and put in place."""
        with tempfile.TemporaryDirectory() as folder:  # only we may read it: the config holds a password
            stage = pathlib.Path(folder)
            (stage / JOB).write_bytes(small(plan.job()))
            commands = ["cp", str(stage / JOB), ":" + JOB, "+", "exec", ONBOARD + "\nmake_way()\n"]
            for number, (path, data) in enumerate(plan.copy.items()):
                copy = stage / str(number)
                copy.write_bytes(data)
                commands += ["+", "cp", str(copy), ":%s%s" % (path, SUFFIX)]
            commands += ["+", "exec", ONBOARD + "\nswitch()\n"]
            said("copying %d files, %d bytes" % (len(plan.copy), sum(map(len, plan.copy.values()))))
            bad = self._answer(self._mpremote(_COPY_S, *commands), "switched:")["bad"]
        if bad:
            raise Refused(
                "these files did not arrive whole: %s. The board still runs what it ran before; try again, with a "
                "shorter or better USB cable" % ", ".join(bad)
            )

    def restart(self):
        self._mpremote(_RESTART_S, "reset")

    @contextlib.contextmanager
    def stopped(self):
        """For what is done after a look, which has stopped the firmware: when it comes to nothing, what was copied is
        taken away, as it may fill the flash, and the board started again: nobody else would do it for an hour."""
        try:
            yield
        except BaseException:
            with contextlib.suppress(Refused):
                self._mpremote(_RESTART_S, "exec", ONBOARD + "\n_sweep()\n", "+", "reset")
            raise

    def copy_files_to(self, folder):
        """Everything on the board's file system, as it lies there."""
        names = self._answer(self._mpremote(_LOOK_S, "exec", ONBOARD + "\nnames()\n"), "names:")
        commands = []
        for name in names:
            commands += ["+", "cp", "-r", ":" + name, "%s/" % folder]
        if commands:
            self._mpremote(_COPY_S, *commands[1:])

    def lines(self, seconds):
        """What the board says for so long, line by line."""
        deadline = time.monotonic() + seconds
        held = b""
        gone = None  # since when; inf: its absence has been said
        while time.monotonic() < deadline:
            try:
                with serial.serial_for_url(self._device, _BAUD, timeout=_REOPEN_S) as port:
                    gone = None
                    while time.monotonic() < deadline:
                        held += port.read(max(1, port.in_waiting))
                        *lines, held = held.split(b"\n")
                        held = held[-_MOST_LINE:]
                        for line in lines:
                            yield line.decode(errors="replace").rstrip()
            except (OSError, serial.SerialException):
                gone = gone or time.monotonic()
                if time.monotonic() - gone > _GONE_S:
                    gone = math.inf
                    yield (
                        "(%s is gone; a board with a USB of its own may be back under another name)"
                        % self._device
                    )
                time.sleep(_REOPEN_S)

    def listen(self, seconds, said):
        """Pass on what the board says until it names its page. The address, or None."""
        for text in self.lines(seconds):
            said("  " + text)
            address = _ADDRESS.search(text)
            if address:
                return address.group()
        return None

    def _mpremote(self, seconds, *commands):
        """What mpremote printed. Refused, with what to do, when it failed."""
        command = [sys.executable, "-m", "mpremote", "connect", self._device, *commands]
        try:
            done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=seconds)
        except subprocess.TimeoutExpired:
            raise Refused(
                "the board on %s did not finish within %d s: press its reset button and try again"
                % (self._device, seconds)
            ) from None
        if done.returncode:
            said = [
                line for line in done.stdout.splitlines() if not line.startswith(_SEEN)
            ]  # which holds the config
            raise Refused(explain(self._device, "\n".join([*said, done.stderr])))
        return done.stdout

    def _answer(self, output, marker):
        for line in output.splitlines():
            if line.startswith(marker):
                return json.loads(line[len(marker) :])
        raise Refused(
            "the board on %s did not say what it was asked: press its reset button and try again"
            % self._device
        )
