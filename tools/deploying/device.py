# The serial device a board is on: why it cannot be used, and what to do about it. Imports the standard library
# and pyserial. Promise: each sentence ends with something the person can do.

import grp
import os
import pwd

import serial
import serial.tools.list_ports

from deploying.plan import Refused


def ports():
    """The serial devices of this computer that are on USB."""
    return [port.device for port in serial.tools.list_ports.comports() if port.vid is not None]


def check(device, verb="deploy", found=None, access=os.access):
    """Refuse a device that is absent or forbidden. What is not a path (COM3, socket://...) is left to mpremote."""
    found = ports() if found is None else found
    choices = "found here: %s" % ", ".join(found) if found else "no USB serial device is connected here"
    if not device:
        raise Refused(
            "DEVICE is missing: make %s DEVICE=%s; %s"
            % (verb, found[0] if found else "/dev/ttyUSB0", choices)
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


def claim(device):
    """Refuse a device that another program holds. What is not a path is left to mpremote."""
    if not device.startswith("/"):
        return
    try:
        serial.Serial(device, exclusive=True).close()
    except (OSError, serial.SerialException):
        raise Refused(explain(device, "failed to access")) from None


def explain(device, said):
    """What to do about an error of mpremote, from what it said."""
    if "failed to access" in said:
        return "%s is in use by another program; see which with `fuser -v %s` or `lsof %s`, and close it" % (
            (device,) * 3
        )
    if "appears to be corrupted" in said:
        return (
            "the file system on the board is damaged, and its MicroPython waits for ever: `make flash DEVICE=%s "
            "BOARD=...` erases it and starts afresh; the settings have to be given again" % device
        )
    if "could not enter raw repl" in said:
        return (
            "no MicroPython answers on %s. Is it the right device? Otherwise press the board's reset button and try "
            "again, or put MicroPython on it: `make flash DEVICE=%s BOARD=...`" % (device, device)
        )
    if "ENOSPC" in said:
        return (
            "the board's file system is full: remove files of yours with `mpremote connect %s rm :FILE`"
            % device
        )
    if "EROFS" in said or "ENODEV" in said:
        return (
            "the board has no file system that can be written: `make flash DEVICE=%s BOARD=...` makes a new one"
            % device
        )
    lines = said.strip().splitlines()
    return "mpremote gave up on %s: %s; reconnect the board and try again" % (
        device,
        lines[-1] if lines else "no word",
    )
