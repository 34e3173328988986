# The partition table of an ESP32: read, changed so that MicroPython finds a `romfs` partition, written. Pure: bytes in,
# bytes out; imports the standard library and Refused. Promise: what is not the file system stays where it is.
#
# A table is entries of 32 bytes, then one with the MD5 of those before it, then FF (ESP-IDF, "Partition Tables").
# MicroPython mounts the data partition labelled `romfs` at /rom; its file system is the one labelled `vfs` (`ffat` on
# boards with UF2), and where there is none it takes the flash behind the last partition.

import hashlib
import struct
from dataclasses import dataclass, replace

from deploying.plan import Refused

ROM_LABEL = "romfs"
ROM_SUBTYPE = 0x8F  # as in MicroPython's own table with a romfs partition
FILES_LABELS = ("vfs", "ffat")

# The firmware and its page have 260 KiB of flash; a larger firmware must not need a new table, which costs all files.
LEAST_ROM_BYTES = 384 * 1024
# Two halves, where there is room: an update over the network goes into the one that does not run.
ROM_BYTES = 2 * LEAST_ROM_BYTES
# What has to be left for files: the history takes 400 KiB, settings and littlefs's own the rest.
LEAST_FILES_BYTES = 576 * 1024

TABLE_BYTES = 0xC00
SECTOR_BYTES = 0x1000  # flash is erased and partitions are placed in these

_ENTRY = struct.Struct("<2sBBII16sI")
_MAGIC = b"\xaa\x50"
_MD5_MAGIC = b"\xeb\xeb" + b"\xff" * 14
_APP, _DATA = 0, 1


@dataclass(frozen=True)
class Partition:
    label: str
    kind: int
    subtype: int
    offset: int
    size: int
    flags: int = 0

    @property
    def end(self):
        return self.offset + self.size

    def holds_files(self):
        return self.kind == _DATA and self.label in FILES_LABELS

    def is_app(self):
        return self.kind == _APP

    def __str__(self):
        return "%-10s 0x%06x to 0x%06x, %5d KiB" % (self.label, self.offset, self.end, self.size // 1024)


def parse(table):
    """The partitions of a table. Refused when it is not one or is damaged."""
    entries = []
    for at in range(0, min(len(table), TABLE_BYTES) - _ENTRY.size + 1, _ENTRY.size):
        row = table[at : at + _ENTRY.size]
        if row.startswith(_MAGIC):
            _, kind, subtype, offset, size, label, flags = _ENTRY.unpack(row)
            name = label.rstrip(b"\0").decode("ascii", "replace")
            entries.append(Partition(name, kind, subtype, offset, size, flags))
            continue
        if row.startswith(_MD5_MAGIC) and row[16:] != hashlib.md5(table[:at]).digest():
            raise Refused(
                "the partition table is damaged (its MD5 is wrong): get the MicroPython image again"
            )
        break
    if not entries:
        raise Refused(
            "there is no partition table in it: take MicroPython's whole image (*.bin), not the application for "
            "updates (*.app-bin)"
        )
    return entries


def build(entries):
    """The bytes of a table, as long as the place for it."""
    rows = b"".join(
        _ENTRY.pack(_MAGIC, one.kind, one.subtype, one.offset, one.size, one.label.encode(), one.flags)
        for one in entries
    )
    return (rows + _MD5_MAGIC + hashlib.md5(rows).digest()).ljust(TABLE_BYTES, b"\xff")


def rom_of(entries):
    """The romfs partition, or None."""
    return next((one for one in entries if one.kind == _DATA and one.label == ROM_LABEL), None)


def with_rom(entries, flash_bytes, listed_bytes):
    """The partitions with one for the firmware, taken from the front of the file system.

    flash_bytes: size of the flash; listed_bytes: as much of it as the bootloader allows a table to name.
    """
    there = rom_of(entries)
    if there:
        if there.size < LEAST_ROM_BYTES:
            raise Refused(
                "this image has a romfs partition of %d KiB, %d are needed: take a standard image from "
                "micropython.org/download" % (there.size // 1024, LEAST_ROM_BYTES // 1024)
            )
        return entries
    files = next((one for one in entries if one.holds_files()), None)
    if files:
        start, end = files.offset, min(files.end, flash_bytes)
    else:
        start, end = max(one.end for one in entries), flash_bytes
    start = -(-start // SECTOR_BYTES) * SECTOR_BYTES
    size = ROM_BYTES if end - start >= ROM_BYTES + LEAST_FILES_BYTES else LEAST_ROM_BYTES
    rom = Partition(ROM_LABEL, _DATA, ROM_SUBTYPE, start, size)
    if end - rom.end < LEAST_FILES_BYTES or rom.end > listed_bytes:
        raise Refused(
            "%d KiB of flash are left for files behind MicroPython; kmpeye needs %d for itself and %d for its history: "
            "a board with 4 MiB of flash and a standard image have them"
            % (max(0, end - start) // 1024, LEAST_ROM_BYTES // 1024, LEAST_FILES_BYTES // 1024)
        )
    kept = [one for one in entries if one is not files]
    if files:
        kept.append(replace(files, offset=rom.end, size=end - rom.end))
    return sorted([*kept, rom], key=lambda one: one.offset)
