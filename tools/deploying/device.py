# The serial device a board is on: why it cannot be used, and what to do about it. Imports the standard library
# and pyserial. Promise: each sentence ends with something the person can do.

import grp
import os
import pwd

import serial.tools.list_ports

from deploying.plan import Refused


def ports():
    """The serial devices of this computer that are on USB."""
    return [port.device for port in serial.tools.list_ports.comports() if port.vid is not None]


def check(device, found=None, access=os.access):
    """Refuse a device that is absent or forbidden. What is not a path (COM3, socket://...) is left to mpremote."""
    found = ports() if found is None else found
    choices = "found here: %s" % ", ".join(found) if found else "no USB serial device is connected here"
    if not device:
        raise Refused(
            "DEVICE is missing: make deploy DEVICE=%s; %s" % (found[0] if found else "/dev/ttyUSB0", choices)
        )
    if not device.startswith("/"):
        return
    if not os.path.exists(device):
        raise Refused("there is no %s; %s. Is it a charging cable without data wires?" % (device, choices))
    if not access(device, os.R_OK | os.W_OK):
        group = grp.getgrgid(os.stat(device).st_gid).gr_name
        user = pwd.getpwuid(os.getuid()).pw_name
        raise Refused(
            "you may not use %s: `sudo usermod -aG %s %s`, then log out and in again" % (device, group, user)
        )


def explain(device, said):
    """What to do about an error of mpremote, from what it said."""
    if "failed to access" in said:
        return "%s is in use by another program; see which with `fuser -v %s` or `lsof %s`, and close it" % (
            (device,) * 3
        )
    if "could not enter raw repl" in said:
        return (
            "no MicroPython answers on %s. Is it the right device? Otherwise press the board's reset button and try "
            "again, or flash MicroPython 1.24 or newer: get the image for the chip from micropython.org/download and "
            "write it with `.venv/bin/esptool --port %s write-flash OFFSET FILE` (OFFSET: 0x1000 for ESP32 and "
            "ESP32-S2, 0 for ESP32-S3 and ESP32-C3)" % (device, device)
        )
    if "ENOSPC" in said:
        return (
            "the board's file system is full: remove files of yours with `mpremote connect %s rm :FILE`"
            % device
        )
    if "EROFS" in said or "ENODEV" in said:
        return (
            "the board's file system cannot be written: flash MicroPython again after `esptool erase-flash`"
        )
    lines = said.strip().splitlines()
    return "mpremote gave up on %s: %s; reconnect the board and try again" % (
        device,
        lines[-1] if lines else "no word",
    )
