"""A board for the host tests: MicroPython behind a pty, its REPL until a reset and then the main.py that lies there.

repl.py beside this file is what runs in MicroPython. Promise: whatever a test does, nothing is left running.
"""

import contextlib
import os
import pathlib
import pty
import subprocess
import threading
import tty

from firmware_tree import ROOT

FAKE = pathlib.Path(__file__).parent
RESET = 3
ESP32 = ("Generic ESP32 module with ESP32", "1.25.0", "esp32")


class Pty:
    """A serial device that leads to the process on the other end."""

    def __init__(self):
        self.board_end, self._head_end = pty.openpty()  # both stay open: mpremote comes and goes
        tty.setraw(self._head_end)
        self.path = os.ttyname(self._head_end)

    def close(self):
        for end in (self.board_end, self._head_end):
            with contextlib.suppress(OSError):  # it was unplugged
                os.close(end)


class FakeBoard:
    """MicroPython behind a pty: its REPL until a reset, then the main.py that was deployed."""

    def __init__(self, interpreter, folder, identity, rom_bytes):
        self.flash = folder / "flash"
        self.rom = folder / "romfs.bin"  # where fake_board/repl.py keeps its partition
        self.flash.mkdir()
        self._pty = Pty()
        self.device = self._pty.path
        self._interpreter = interpreter
        self._identity = (*identity, str(rom_bytes)) if rom_bytes else identity
        self.restarted = threading.Event()
        self._process = None
        self._closing = False
        self._thread = None

    def power_on(self):
        self._thread = threading.Thread(target=self._live)
        self._thread.start()

    def _live(self):
        if self._run(FAKE / "repl.py", *self._identity) == RESET and not self._closing:
            self.restarted.set()
            on_rom = [ROOT / "tools" / "on_rom.py", self.rom] if self.rom.exists() else []
            self._run(*on_rom, "main.py")

    def _run(self, *arguments):
        path = ".frozen:%s:%s" % (self.flash, FAKE / "lib")
        ends = {"stdin": self._pty.board_end, "stdout": self._pty.board_end, "stderr": self._pty.board_end}
        self._process = subprocess.Popen(
            [self._interpreter, *arguments], cwd=self.flash, env={"MICROPYPATH": path}, **ends
        )
        return self._process.wait()

    def power_off(self):
        if self._thread:
            self._closing = True
            self._process.kill()
            self._thread.join()
            self._closing, self._thread = False, None

    def power_cycle(self):
        self.power_off()
        self.power_on()

    def refuse_writes(self, number, first=0):
        """Opening a file to write it gives this error, after so many that go well."""
        self.flash.with_name("refuses").write_text("%d %d" % (number, first))

    def close(self):
        """Also how a cable is unplugged."""
        self.power_off()
        self._pty.close()

    def files(self):
        found = (path for path in self.flash.rglob("*") if path.is_file())
        return {path.relative_to(self.flash).as_posix(): path.read_bytes() for path in found}


@contextlib.contextmanager
def board_of(interpreter, folder, identity=ESP32, rom_bytes=0):
    board = FakeBoard(interpreter, folder, identity, rom_bytes)
    try:
        board.power_on()
        yield board
    finally:
        board.close()
