"""The partition table with room for the firmware: stock tables of MicroPython in, checked tables out.

The tables are those of MicroPython's own partitions-*.csv, for the flash sizes of the boards in boards/.
"""

import hashlib
import itertools
import struct

import pytest

from deploying.plan import Refused
from flashing import partitions
from flashing.partitions import LEAST_FILES_BYTES, LEAST_ROM_BYTES, ROM_BYTES, Partition

MIB = 2**20
NVS = Partition("nvs", 1, 2, 0x9000, 0x6000)
PHY = Partition("phy_init", 1, 1, 0xF000, 0x1000)
FACTORY_3M = Partition("factory", 0, 0, 0x10000, 0x300000)
FACTORY_2M = Partition("factory", 0, 0, 0x10000, 0x1F0000)
OTA = (
    Partition("nvs", 1, 2, 0x9000, 0x4000),
    Partition("otadata", 1, 0, 0xD000, 0x2000),
    PHY,
    Partition("ota_0", 0, 0x10, 0x10000, 0x180000),
    Partition("ota_1", 0, 0x11, 0x190000, 0x180000),
)


def vfs(offset, size, label="vfs"):
    return Partition(label, 1, 0x81, offset, size)


ROOM = (
    # what, the stock table, flash, where romfs goes, the file system behind it (None: MicroPython makes it at start)
    ("4 MiB", (NVS, PHY, FACTORY_2M, vfs(0x200000, 0x200000)), 4, 0x200000, (0x2C0000, 0x140000)),
    ("4 MiB, none named", (NVS, PHY, FACTORY_2M), 4, 0x200000, None),
    ("the same, 1.29", (NVS, PHY, Partition("factory", 0, 0, 0x10000, 0x210000)), 4, 0x220000, None),
    ("8 MiB, none named", (NVS, PHY, FACTORY_2M), 8, 0x200000, None),
    ("4 MiB, 1.25", (NVS, PHY, FACTORY_3M, vfs(0x310000, 0xF0000)), 4, 0x310000, (0x370000, 0x90000)),
    ("4 MiB, updates", (*OTA, vfs(0x310000, 0xF0000)), 4, 0x310000, (0x370000, 0x90000)),
    (
        "UF2 boards",
        (NVS, PHY, FACTORY_2M, vfs(0x200000, 0x200000, "ffat")),
        4,
        0x200000,
        (0x2C0000, 0x140000),
    ),
    (
        "named beyond the flash",
        (NVS, PHY, FACTORY_2M, vfs(0x200000, 0x600000)),
        4,
        0x200000,
        (0x2C0000, 0x140000),
    ),
)


@pytest.mark.parametrize("what, table, flash_mib, start, files", ROOM, ids=[row[0] for row in ROOM])
def test_the_firmware_gets_its_room_from_the_front_of_the_files(what, table, flash_mib, start, files):
    made = partitions.with_rom(list(table), flash_mib * MIB, 4 * MIB)
    rom = partitions.rom_of(made)
    room = (
        ROM_BYTES if files is None or files[1] >= MIB else LEAST_ROM_BYTES
    )  # two halves where that is possible
    assert (rom.offset, rom.size, rom.kind, rom.subtype) == (start, room, 1, 0x8F)
    kept = [one for one in table if not one.holds_files()]
    assert [one for one in made if one in kept] == kept, "what is no file system stays where it is"
    found = [one for one in made if one.holds_files()]
    assert [(one.offset, one.size) for one in found] == ([files] if files else [])
    for one, following in itertools.pairwise(made):
        assert one.end <= following.offset
    assert max(one.end for one in made) <= flash_mib * MIB


def test_what_was_made_is_read_again_and_changes_no_more():
    made = partitions.with_rom([NVS, PHY, FACTORY_2M], 4 * MIB, 4 * MIB)
    table = partitions.build(made)
    assert partitions.parse(table) == made
    assert partitions.with_rom(partitions.parse(table), 4 * MIB, 4 * MIB) == made


def test_a_table_has_the_bytes_that_espressif_documents():
    table = partitions.build([NVS])
    assert len(table) == 0xC00
    entry = (
        b"\xaa\x50" + bytes((1, 2)) + struct.pack("<II", 0x9000, 0x6000) + b"nvs".ljust(16, b"\0") + bytes(4)
    )
    assert table[:32] == entry
    assert table[32:64] == b"\xeb\xeb" + b"\xff" * 14 + hashlib.md5(entry).digest()
    assert set(table[64:]) == {0xFF}


def test_a_table_without_an_md5_is_read():
    assert partitions.parse(partitions.build([NVS, PHY])[:64] + b"\xff" * 64) == [NVS, PHY]


NO_TABLE = (
    (b"", "no partition table"),
    (b"\xff" * 0xC00, "no partition table"),
    (b"\xe9" * 0xC00, "no partition table"),
    (partitions.build([NVS, PHY]).replace(b"phy", b"phi"), "damaged"),
)


@pytest.mark.parametrize("table, said", NO_TABLE)
def test_what_is_no_table_is_refused(table, said):
    with pytest.raises(Refused, match=said):
        partitions.parse(table)


NO_ROOM = (
    # table, MiB of flash, MiB the bootloader knows, what is said
    (
        (NVS, PHY, Partition("factory", 0, 0, 0x10000, 0x180000), vfs(0x190000, 0x70000)),
        2,
        4,
        "448 KiB of flash",
    ),
    ((NVS, PHY, FACTORY_2M), 2, 4, "0 KiB of flash"),
    ((NVS, PHY, FACTORY_3M, vfs(0x310000, 0xE0000)), 4, 4, "896 KiB of flash"),
    ((NVS, PHY, FACTORY_2M), 4, 2, "4 MiB of flash"),
    ((NVS, PHY, FACTORY_2M, Partition("romfs", 1, 0x8F, 0x200000, 0x20000)), 4, 4, "128 KiB, 384 are needed"),
)


@pytest.mark.parametrize("table, flash_mib, listed_mib, said", NO_ROOM, ids=[row[3] for row in NO_ROOM])
def test_too_little_room_is_refused_with_the_figures(table, flash_mib, listed_mib, said):
    with pytest.raises(Refused, match=said):
        partitions.with_rom(list(table), flash_mib * MIB, listed_mib * MIB)


def test_the_room_is_whole_sectors():
    assert ROM_BYTES % 0x2000 == LEAST_ROM_BYTES % 0x1000 == LEAST_FILES_BYTES % 0x1000 == 0
