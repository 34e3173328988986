# The serial device a board is on: why it cannot be used, and what to do about it. Imports the standard library
# and pyserial. Promise: each sentence ends with something the person can do.

import errno
import grp
import os
import pwd
import re
import stat

import serial
import serial.tools.list_ports

from deploying.plan import Refused

_URL = "://"  # socket://host:port, rfc2217://host:port: a board at the serial port of another computer


def ports():
    """The serial devices of this computer that are on USB."""
    return [port.device for port in serial.tools.list_ports.comports() if port.vid is not None]


def check(device, verb="deploy", found=None, access=os.access):
    """Refuse a device that is absent, forbidden, or none. A URL is left to pyserial."""
    found = ports() if found is None else found
    choices = "found here: %s" % ", ".join(found) if found else "no USB serial device is connected here"
    if not device:
        raise Refused(
            "DEVICE is missing: make %s DEVICE=%s; %s"
            % (verb, found[0] if found else "/dev/ttyUSB0", choices)
        )
    if _URL in device:
        return
    if not device.startswith("/"):
        path = "/dev/" + device
        like = path if os.path.exists(path) else found[0] if found else "/dev/ttyUSB0"
        raise Refused("DEVICE=%s is no path of a device: write DEVICE=%s; %s" % (device, like, choices))
    if not os.path.exists(device):
        raise Refused(
            "there is no %s; %s. Is it a charging cable without data wires? An S2, S3 or C3 with a USB of its own may "
            "show a port only when it is started with BOOT (0) held" % (device, choices)
        )
    if not stat.S_ISCHR(os.stat(device).st_mode):
        what = "a folder" if os.path.isdir(device) else "a file"
        raise Refused("%s is %s and no serial device; %s" % (device, what, choices))
    if not access(device, os.R_OK | os.W_OK):
        raise Refused("you may not use %s: %s" % (device, _permission(device)))


def _permission(device):
    """What gives this person the device."""
    status = os.stat(device)
    try:
        group, user = grp.getgrgid(status.st_gid).gr_name, pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # numbers without names, as in a container
        group = None
    if not group or group in ("root", "wheel") or status.st_mode & 0o060 != 0o060:
        return "`sudo chmod a+rw %s`, which lasts until it is unplugged" % device
    return "`sudo usermod -aG %s %s`, then log out and in again" % (group, user)


def claim(device):
    """Refuse a device that another program holds, or that is no serial device. A URL is left to pyserial."""
    if _URL in device:
        return
    try:
        serial.Serial(device, exclusive=True).close()
    except (OSError, serial.SerialException) as error:
        if error.errno in (errno.EBUSY, errno.EAGAIN, errno.EACCES):
            raise Refused(explain(device, "failed to access")) from None
        if "Could not configure port" in str(error):
            raise Refused(
                "%s is no serial device; see `ls /dev/tty*` with the board and without" % device
            ) from None
        raise Refused("%s cannot be opened: %s" % (device, error.strerror or error)) from None


# What an error of mpremote's has in it, and what to do: %s is the device. The first one that is found counts. mpremote
# names what the board's flash refuses either itself ("No space left on device") or as the board does, by number.
_ADVICE = (
    (
        r"failed to access",
        "%s is in use by another program; see which with `fuser -v %s` or `lsof %s`, and close it",
    ),
    (
        r"appears to be corrupted|OSError: (\[Errno )?84\b",
        "the file system on the board is damaged, and its MicroPython waits for ever: `make flash DEVICE=%s "
        "BOARD=...` erases it and starts afresh; the settings have to be given again",
    ),
    (
        r"device disconnected|\[Errno \d+\] (Input/output error|Device not configured)",
        "the board on %s went away in the middle: is the cable loose, the supply weak? Connect it and try again",
    ),
    (
        r"invalid header: 0x",
        "there is no MicroPython on the board on %s, or one for another chip: `make flash DEVICE=%s BOARD=...`",
    ),
    (
        r"Brownout detector",
        "the supply of the board on %s is too weak, and it restarts again and again: another cable or USB port, "
        "nothing at its 5V pin meanwhile",
    ),
    (
        r"rst:0x[\s\S]+rst:0x",
        "the board on %s restarts again and again: `make monitor DEVICE=%s` shows why, docs/troubleshooting.md what "
        "to do. `make flash DEVICE=%s BOARD=...` erases it and starts afresh",
    ),
    (
        r"could not enter raw repl",
        "no MicroPython answers on %s. Is it the right device? Otherwise press the board's reset button and try again, "
        "or put MicroPython on it: `make flash DEVICE=%s BOARD=...`",
    ),
    (
        r"ENOSPC|No space left|OSError: (\[Errno )?28\b",
        "the board's file system is full: remove files of yours with `.venv/bin/mpremote connect %s rm :FILE`",
    ),
    (
        r"EROFS|ENODEV|Read-only file system|No such device|OSError: (\[Errno )?(19|30)\b",
        "the board has no file system that can be written: `make flash DEVICE=%s BOARD=...` makes a new one",
    ),
    (
        r"ImportError: no module named 'kmp",
        "the firmware is not on the board on %s, or not whole: `make deploy DEVICE=%s BOARD=...` first",
    ),
    (
        r"MemoryError",
        "the board on %s has too little memory for this: press its reset button and try again. What gives it more is "
        "in docs/hardware.md, chapter 7",
    ),
)


def explain(device, said):
    """What to do about an error of mpremote, from what it said."""
    if "failed to access" in said and _URL in device:
        return "%s cannot be opened: are address and port right, is somebody else connected to it?" % device
    for found, advice in _ADVICE:
        if re.search(found, said):
            return advice.replace("%s", device)
    lines = said.strip().splitlines()
    return "mpremote gave up on %s: %s; reconnect the board and try again" % (
        device,
        lines[-1] if lines else "no word",
    )
