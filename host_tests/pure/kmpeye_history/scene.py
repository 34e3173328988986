# What the tests of the history share: a folder of their own, readings by the hour, what was recorded, in short.
# Imports the history and the time zone; runs on CPython and on MicroPython alike.

import os
from binascii import hexlify

from kmpeye.readings.history.store import History
from kmpeye.system.timezone import Zone

CET = Zone("CET-1CEST,M3.5.0,M10.5.0/3")
NEW_YEAR = 1767222000  # 2026-01-01 00:00 in central Europe
HOUR = 3600
DAY = 86400
KWH, MWH, GJ, M3, LITRE = 2, 3, 8, 40, 39


def energy(mantissa, unit=KWH, exponent=0):
    return {"energy": (unit, mantissa, exponent)}


class Scene:
    """A history in a folder that is removed at the end of the with block."""

    def __init__(
        self, registers=("energy",), serial="1234", segment_bytes=8188, limit_bytes=400 * 1024, zone=CET
    ):
        self.folder = "%s/history-%s" % (os.getenv("TMPDIR") or "/tmp", hexlify(os.urandom(8)).decode())
        self.settings = {
            "registers": registers,
            "serial": serial,
            "limit_bytes": limit_bytes,
            "zone": zone,
            "segment_bytes": segment_bytes,
        }
        self.history = self.restart()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for name in os.listdir(self.folder):
            os.remove(self.path(name))
        os.rmdir(self.folder)

    def restart(self, **changed):
        """The history as it is after the power went and came."""
        self.settings.update(changed)
        self.history = History(self.folder + "/", **self.settings)
        return self.history

    def path(self, name):
        return "%s/%s" % (self.folder, name)

    def content(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def names(self):
        return sorted(os.listdir(self.folder))

    def size(self):
        return sum(os.stat(self.path(name))[6] for name in self.names())

    def hours(self, first, count, total=0, each=1, unit=KWH, exponent=0):
        """count hourly readings from `first` on, the total growing by `each`; how many were written. The chip
        runs since a week before New Year."""
        written = 0
        for i in range(count):
            unix = first + HOUR * i
            written += self.history.append(
                unix, unix - NEW_YEAR + 7 * DAY, energy(total + each * i, unit, exponent)
            )
        return written

    def recorded(self, kind="hour", first=0, last=1 << 32):
        """[(unix, mantissa)] of the register energy."""
        return [
            (unix, values["energy"][1] if "energy" in values else None)
            for unix, _, values in self.history.records(kind, first, last)
        ]

    def rows(self, first, last, step, register="energy", zone=None):
        return [row for row in self.history.query(register, first, last, step, zone) if row]


def refusal(error, call, *arguments, **named):
    """The text of the error that a call has to raise."""
    try:
        call(*arguments, **named)
    except error as raised:
        return str(raised)
    raise AssertionError("nothing was refused")


def change_byte(path, at):
    """Flip one bit of a file; a negative place counts from the end."""
    with open(path, "r+b") as file:
        size = file.seek(0, 2)
        file.seek(at % size)
        byte = file.read(1)[0]
        file.seek(at % size)
        file.write(bytes((byte ^ 4,)))
