# What ended the firmware, or a task of it, kept on flash for the person who comes later: crash.txt, and the one before
# it in crash.old.txt. Imports keep; loaded only when there is something to keep or to show.
# Promises: a power cut while it is written leaves the one before; a full flash is no second failure.

import io
import os
import sys

from micropython import const

from kmpeye.system import keep

_NEW = const("crash.txt")
OLD = "crash.old.txt"
_MOST = const(1500)  # bytes of each: the end of a traceback names the place


def trace(error):
    """The traceback as text."""
    out = io.StringIO()
    if hasattr(sys, "print_exception"):
        sys.print_exception(error, out)
    else:  # CPython
        from traceback import print_exception  # type: ignore[import-not-found]

        print_exception(type(error), error, error.__traceback__, file=out)
    return out.getvalue()


def record(text, uptime_s, date=None, version=None, fs=os, opener=open):
    """Keep it; date: the time as text, or None while it is not known; version: of the firmware, for tools/where.
    False when the flash refuses."""
    known = "kmpeye %s, " % version if version else ""
    data = ("%s%s after %d s of uptime\n%s\n" % (known, date or "no date,", uptime_s, text.strip())).encode()
    if len(data) > _MOST:
        first = data.find(b"\n") + 1
        data = data[:first] + data[first + len(data) - _MOST :]
    try:
        try:
            fs.rename(_NEW, OLD)
        except OSError:  # the first one
            pass
        keep.write(_NEW, data, fs, opener)
    except (OSError, MemoryError):
        return False
    return True


def texts(opener=open):
    """Yields what was kept, the newest first; at most two."""
    for path in (_NEW, OLD):
        try:
            with opener(path, "rb") as file:
                yield str(file.read(_MOST), "utf-8")
        except (OSError, ValueError):  # there is none, or something else wrote it
            pass
