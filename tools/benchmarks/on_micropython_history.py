# Runs on MicroPython, with the heap of a chip: years of hourly readings of six registers into a history on littlefs,
# whose blocks are in a file of the host. Arguments: that file, days.
# Prints one JSON object: what is left at the end, erases, the heap at each year, milliseconds.

import builtins
import errno
import gc
import json
import os
import sys
import time

import vfs

import kmpeye.readings.history.merge  # noqa: F401  each midnight needs it: code, not what an idle history keeps
from kmpeye.readings.history.store import History
from kmpeye.system.timezone import Zone

_BLOCK = 4096
_BLOCKS = 512  # the 2 MiB of data that a board with 4 MB has
_COUNT, _SIZE, _ERASE = 4, 5, 6  # operations of ioctl
_HOUR = 3600
_DAY = 86400
_NEW_YEAR = 1767222000
_LIMIT_BYTES = 400 * 1024

# (key, unit, exponent, growth of an hour): a heat meter of a house.
_REGISTERS = (
    ("heat_energy", 2, 0, 3),
    ("volume", 40, -2, 11),
    ("energy_high_resolution", 1, 0, 2750),
    ("volume_times_flow_temperature", 43, 0, 7),
    ("volume_times_return_temperature", 43, 0, 4),
    ("operating_hours", 46, 0, 1),
)


class FileFlash:
    """A block device in a file; counts what a chip's flash would suffer."""

    def __init__(self, path):
        with open(path, "wb") as file:
            for _ in range(_BLOCKS):
                file.write(b"\xff" * _BLOCK)
        self._file = open(path, "r+b")
        self._blank = b"\xff" * _BLOCK
        self.erases = bytearray(2 * _BLOCKS)  # 16 bits each
        self.programmed = 0

    def ioctl(self, operation, argument):
        if operation == _COUNT:
            return _BLOCKS
        if operation == _SIZE:
            return _BLOCK
        if operation == _ERASE:
            self._file.seek(argument * _BLOCK)
            self._file.write(self._blank)
            at = 2 * argument
            count = (self.erases[at] << 8 | self.erases[at + 1]) + 1
            self.erases[at] = count >> 8
            self.erases[at + 1] = count & 255
        return 0

    def readblocks(self, block, buffer, offset=0):
        self._file.seek(block * _BLOCK + offset)
        return 0 if self._file.readinto(buffer) == len(buffer) else -errno.EIO

    def writeblocks(self, block, buffer, offset=0):
        self._file.seek(block * _BLOCK + offset)
        self._file.write(buffer)
        self.programmed += len(buffer)
        return 0

    def worn(self):
        """(all erases, those of the block that was erased most)"""
        counts = [self.erases[i] << 8 | self.erases[i + 1] for i in range(0, 2 * _BLOCKS, 2)]
        return sum(counts), max(counts)


class Writes:
    """Counts the files that were written to: each is one commit of littlefs when it is closed."""

    def __init__(self):
        self.count = 0
        self._open = builtins.open
        builtins.open = self.open

    def open(self, name, mode):
        file = self._open(name, mode)
        return file if mode == "rb" else Written(file, self)


class Written:
    """A file opened for writing."""

    def __init__(self, file, writes):
        self._file = file
        self._writes = writes
        self._before = writes.count
        self.read = file.read
        self.seek = file.seek

    def write(self, data):
        self._writes.count = self._before + 1
        return self._file.write(data)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._file.close()


def values(hour):
    """A reading: the totals grow more in some hours, and never shrink."""
    return {
        key: (unit, 1000000 + each * hour + each * (hour * 7 % 24) // 24, exponent)
        for key, unit, exponent, each in _REGISTERS
    }


def live():
    gc.collect()
    return gc.mem_alloc()


def timed_ms(call):
    gc.collect()
    start = time.ticks_us()
    result = call()
    return result, time.ticks_diff(time.ticks_us(), start) // 100 / 10


def records(history, kind):
    return sum(1 for _ in history.records(kind, 0, 1 << 32))


def count_rows(history, first, last, step):
    """Read as the web server does: one row at a time."""
    return sum(1 for row in history.query("volume", first, last, step) if row)


def stored():
    return sum(row[3] for row in os.ilistdir("/flash/history"))


def simulate(history, days, heap):
    """Readings twice an hour, of which one is kept: how many were; heap after 1000 hours of each year."""
    appends = 0
    year_bytes = 0
    for hour in range(24 * days):
        for minute in (0, 30):
            second = _HOUR * hour + 60 * minute
            appends += history.append(_NEW_YEAR + second, second, values(hour))
        if hour % (24 * 365) == 1000:
            heap.append(live())
        if hour == 24 * 365:
            year_bytes = stored()
    heap.append(live())
    return appends, year_bytes


def main(path, days):
    device = FileFlash(path)
    vfs.VfsLfs2.mkfs(device)
    vfs.mount(vfs.VfsLfs2(device), "/flash")
    free = os.statvfs("/flash")[3]
    before = live()
    zone = Zone("CET-1CEST,M3.5.0,M10.5.0/3")
    history = History("/flash/history", [row[0] for row in _REGISTERS], "12345678", _LIMIT_BYTES, zone)
    writes = Writes()
    heap = []
    (appends, year_bytes), all_ms = timed_ms(lambda: simulate(history, days, heap))
    seen = {"appends": appends, "writes": writes.count, "heap": heap, "history_heap": heap[-1] - before}
    seen["append_ms"] = all_ms / appends
    seen["blocks"] = free - os.statvfs("/flash")[3]
    seen["erases"], seen["most_erases_of_a_block"] = device.worn()
    seen["programmed"] = device.programmed
    seen["bytes"] = stored()
    seen["bytes_of_a_year"] = year_bytes
    end = _NEW_YEAR + _DAY * days
    for name, step, span in (("month", "hour", 31), ("year", "day", 365)):
        rows, ms = timed_ms(lambda: count_rows(history, end - _DAY * span, end, step))  # noqa: B023  called at once
        seen[name + "_rows"] = rows
        seen[name + "_query_ms"] = ms
    seen["start_ms"] = timed_ms(
        lambda: History("/flash/history", history.registers, None, _LIMIT_BYTES, zone)
    )[1]
    seen["days_kept"] = records(history, "day")
    seen["hours_kept"] = records(history, "hour")
    seen["notes"] = history.notes
    vfs.umount("/flash")
    print(json.dumps(seen))


main(sys.argv[1], int(sys.argv[2]))
