# Files that must survive a power cut: a new copy is written beside the old one, read back, and takes its place in one
# step (littlefs and POSIX rename so). Imports nothing of ours. Promises the old or the new content, never a mixture.

import json
import os

from micropython import const

_PART = const(128)  # bytes compared at a time


def write(path, data, fs=os, opener=open):
    """Replace the file by data (bytes). OSError when the flash refuses, or gives back something else than was written;
    then the old file stands as it was."""
    fresh = path + ".new"
    try:
        with opener(fresh, "wb") as file:
            file.write(data)
        if not _same(fresh, data, opener):
            raise OSError("%s: reading it back gives something else" % fresh)
    except OSError:
        try:
            fs.remove(fresh)
        except OSError:
            pass
        raise
    fs.rename(fresh, path)


def _same(path, data, opener):
    view = memoryview(data)
    buffer = bytearray(_PART)
    place = 0
    with opener(path, "rb") as file:
        while True:
            count = file.readinto(buffer)
            if not count:
                return place == len(data)
            if buffer[:count] != view[place : place + count]:
                return False
            place += count


def save(path, state, fs=os, opener=open):
    """Replace the file by state, as JSON."""
    write(path, json.dumps(state).encode(), fs, opener)


def load(path, most_bytes=4096):
    """What save() kept, or None: there is no such file, it is longer than that, or it is damaged."""
    try:
        size = os.stat(path)[6]
        if size <= most_bytes:
            with open(path, "rb") as file:
                data = file.read(size)  # as much as there is: 4 KB in one piece are not always free
            # MicroPython takes what a power cut leaves for JSON, and bytes that are no UTF-8 for text.
            if data.rstrip()[-1:] in b"]}":
                return json.loads(data.decode())
    except (OSError, ValueError, TypeError, RuntimeError, MemoryError):
        pass
    return None
