# The chip on a serial device, in its bootloader, by esptool. Imports esptool and deploying.device. Promise: an error
# of esptool or of the device ends in a Refused that says what to do.

import contextlib
import re

import esptool
import serial

from deploying.device import explain
from deploying.plan import Refused

_FAST_BAUD = 460800  # ten times the speed that the bootloader starts with; what every usual adapter can


def name_of(loader_name):
    """ESP32-S3 is esp32s3, as in the board files."""
    return re.sub(r"[^a-z0-9]", "", loader_name.lower())


class Chip:
    """name and flash_bytes are known once it is entered."""

    def __init__(self, device):
        self._device = device
        self._stack = contextlib.ExitStack()

    def __enter__(self):
        with self._explained():
            loader = self._stack.enter_context(esptool.detect_chip(self._device))
            self.name = name_of(loader.CHIP_NAME)
            self._esp = esptool.run_stub(loader)
            self._esp.change_baud(_FAST_BAUD)
            esptool.attach_flash(self._esp)
            self.flash_bytes = esptool.flash_size_bytes(esptool.detect_flash_size(self._esp) or "4MB")
        return self

    def __exit__(self, *_):
        self._stack.close()

    def write(self, parts):
        """Erase everything, write [(address, bytes)], have each read back by esptool, start MicroPython."""
        with self._explained():
            esptool.write_flash(self._esp, parts, erase_all=True)
            esptool.reset_chip(self._esp)

    @contextlib.contextmanager
    def _explained(self):
        try:
            yield
        except (esptool.FatalError, serial.SerialException, OSError) as error:
            self._stack.close()
            raise Refused(self._what_to_do(str(error))) from error

    def _what_to_do(self, said):
        if "busy" in said or "could not open" in said.lower() or "lock" in said:
            return explain(self._device, "failed to access")
        if "connect" in said or "No serial data" in said:
            return (
                "no chip answers on %s. Hold its BOOT button (0, IO0), press and let go of RESET (EN), let go of BOOT, "
                "and try again" % self._device
            )
        return "esptool gave up on %s: %s; use a shorter or better USB cable, and try again" % (
            self._device,
            said,
        )
