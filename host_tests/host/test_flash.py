"""Flashing: images as esptool itself makes them, a strict stand-in for the chip, and what is refused before a write.

The stand-in takes the calls that tools/flashing/chip.py makes of esptool, by esptool's own signatures; nothing here
opens a serial device but a pty.
"""

import inspect
import os
import runpy
import subprocess

import esptool
import pytest
from esptool.bin_image import (
    ELFSection,
    ESP32C3FirmwareImage,
    ESP32FirmwareImage,
    ESP32S2FirmwareImage,
    ESP32S3FirmwareImage,
)

from deploying import settings
from deploying.plan import Refused
from firmware_tree import FROZEN, ROOT
from flashing import chip as chip_module
from flashing import download, partitions
from flashing.chip import Chip, name_of
from flashing.image import Image
from flashing.partitions import Partition

MIB = 2**20
TABLE = (Partition("nvs", 1, 2, 0x9000, 0x6000), Partition("phy_init", 1, 1, 0xF000, 0x1000))
FACTORY = Partition("factory", 0, 0, 0x10000, 0x1F0000)
FIRMWARE = b"\xd2\xcd\x31" + b"kmpeye" * 100

# chip, esptool's class, where its bootloader starts, an address of its RAM
CHIPS = (
    ("esp32", ESP32FirmwareImage, 0x1000, 0x3FFB0000),
    ("esp32s2", ESP32S2FirmwareImage, 0x1000, 0x3FFB0000),
    ("esp32s3", ESP32S3FirmwareImage, 0, 0x3FC90000),
    ("esp32c3", ESP32C3FirmwareImage, 0, 0x3FC90000),
)


def part(kind, address, data):
    """A bootloader or an application, made by esptool."""
    image = kind()
    image.chip_id = kind.ROM_LOADER.IMAGE_CHIP_ID
    image.flash_size_freq = 0x20  # 4 MB
    image.segments = [ELFSection(b"data", address, data, 0)]
    image.entrypoint = address
    return image


def micropython(folder, chip="esp32", table=(*TABLE, FACTORY), words=b"MicroPython rom_ioctl"):
    """Path of an image as micropython.org has them."""
    _, kind, start, address = next(row for row in CHIPS if row[0] == chip)
    parts = []
    for name, data in (("bootloader", b"boot"), ("app", words)):
        path = folder / name
        part(kind, address, data).save(str(path))
        parts.append(path.read_bytes())
    path = folder / ("%s.bin" % chip)
    head = parts[0].ljust(0x8000 - start, b"\xff") + partitions.build(table)
    path.write_bytes(head.ljust(0x10000 - start, b"\xff") + parts[1])
    return path


@pytest.mark.parametrize("chip, kind, start, address", CHIPS)
def test_the_chip_is_read_from_the_header_of_the_image(chip, kind, start, address, tmp_path):
    path = micropython(tmp_path, chip)
    image = Image(path.name, path.read_bytes())
    assert (image.chip, image.start, image.listed_bytes) == (chip, start, 4 * MIB)
    assert image.partitions == [*TABLE, FACTORY]
    assert image.runs_in_place()


def test_only_the_table_of_the_image_is_changed(tmp_path):
    path = micropython(tmp_path)
    image = Image(path.name, path.read_bytes())
    entries = partitions.with_rom(image.partitions, 4 * MIB, 4 * MIB)
    changed = image.with_partitions(entries)
    assert len(changed) == len(image.data)
    different = [at for at in range(len(changed)) if changed[at] != image.data[at]]
    assert 0x7000 <= min(different) and max(different) < 0x7000 + 0xC00
    assert Image("changed", changed).partitions == entries


def cut(data):
    return data[:-40]


def flipped_in_the_app(data):
    at = data.index(b"rom_ioctl")
    return data[:at] + b"R" + data[at + 1 :]


def flipped_in_the_bootloader(data):
    return data.replace(b"boot", b"bOot", 1)


BROKEN = (
    (cut, "the application does not match"),
    (flipped_in_the_app, "the application does not match"),
    (flipped_in_the_bootloader, "the bootloader does not match"),
    (lambda data: data[0xF000:], "is no image"),  # *.app-bin, only the application
    (lambda data: data[:12] + b"\x63\0" + data[14:], "a chip that esptool does not know"),
    (lambda data: b"UF2\n" + data, "is a UF2 file"),
    (lambda data: b"\x7fELF" + data, "is an ELF file"),
    (lambda data: b"PK\3\4" + data, "is an archive"),
    (lambda data: b"\xff" * 0x1000 + data, "does not begin with its bootloader"),  # merged for address 0
    (lambda data: b"<html>404", "is no image"),
    (lambda data: b"", "is no image"),
    (lambda data: data + bytes(0x200000), "for a partition of"),
)


@pytest.mark.parametrize("damage, said", BROKEN, ids=[row[1] for row in BROKEN])
def test_a_file_that_is_no_whole_image_is_named(damage, said, tmp_path):
    path = micropython(tmp_path)
    with pytest.raises(Refused, match="^esp32.bin .*%s" % said):
        Image(path.name, damage(path.read_bytes()))


class Connected:
    """A chip that keeps what is written to it."""

    def __init__(self, name, flash_mib=4):
        self.name = name
        self.flash_bytes = flash_mib * MIB
        self.written = None

    def __call__(self, device):
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def write(self, parts):
        self.written = dict(parts)


@pytest.fixture
def device():
    ends = os.openpty()
    yield os.ttyname(ends[1])
    for end in ends:
        os.close(end)


@pytest.fixture
def run_flash(device, capsys):
    tool = runpy.run_path(str(ROOT / "tools" / "flash"))

    def run(board, path, chip):
        message = None
        try:
            tool["flash"](device, board, path, chip, lambda: FIRMWARE)
        except Refused as refused:
            message = str(refused)
        return message, capsys.readouterr().out

    return run


def test_micropython_and_the_firmware_are_written_together(run_flash, tmp_path):
    chip = Connected("esp32s3", 8)
    message, said = run_flash("esp32-s3-devkitc", micropython(tmp_path, "esp32s3"), chip)
    assert message is None
    assert sorted(chip.written) == [0, 0x200000]
    assert chip.written[0x200000] == FIRMWARE
    assert partitions.rom_of(Image("it", chip.written[0]).partitions).offset == 0x200000
    assert "romfs" in said and "make deploy" in said


def test_a_micropython_that_runs_nothing_in_place_is_written_as_it_is(run_flash, tmp_path):
    chip = Connected("esp32")
    path = micropython(tmp_path, words=b"MicroPython")  # the stock ones of every version
    message, said = run_flash("esp32-devkitc", path, chip)
    assert message is None
    assert chip.written == {0x1000: path.read_bytes()}
    assert "does not hold the firmware" in said and "docs/hardware.md" in said


def test_a_micropython_that_holds_the_firmware_needs_no_partition_for_it(run_flash, tmp_path, frozen):
    assert FROZEN.encode() in frozen.read_bytes()  # what tells it from others
    chip = Connected("esp32")
    path = micropython(tmp_path, words=b"MicroPython rom_ioctl " + FROZEN.encode())
    message, said = run_flash("esp32-devkitc", path, chip)
    assert message is None
    assert chip.written == {0x1000: path.read_bytes()}
    assert "memory" not in said and "make deploy" in said


WRONG_CHIPS = (
    # BOARD, the image, the chip, what is said
    ("esp32-devkitc", "esp32s3", "esp32", "esp32s3.bin is for an esp32s3, but esp32-devkitc has an esp32"),
    ("esp32-devkitc", "esp32", "esp32c3", "esp32-devkitc has an esp32, but the chip here is an esp32c3"),
    (None, "esp32s2", "esp32s3", "the image is for an esp32s2, but the chip here is an esp32s3"),
    ("toaster", "esp32", "esp32", "BOARD: there is no toaster; known: d1-mini-esp32"),
)


@pytest.mark.parametrize("board, image, name, said", WRONG_CHIPS, ids=[row[3] for row in WRONG_CHIPS])
def test_nothing_is_written_to_another_chip(board, image, name, said, run_flash, tmp_path):
    chip = Connected(name)
    message, _ = run_flash(board, micropython(tmp_path, image), chip)
    assert said in message
    assert chip.written is None


def test_nothing_is_written_when_the_flash_is_too_small(run_flash, tmp_path):
    chip = Connected("esp32", 2)
    message, _ = run_flash("esp32-devkitc", micropython(tmp_path), chip)
    assert "4 MiB of flash" in message and chip.written is None


def test_a_file_that_is_not_there_and_no_file_are_said(run_flash, tmp_path):
    assert "no.bin: No such file" in run_flash(None, tmp_path / "no.bin", Connected("esp32"))[0]
    assert "BOARD=d1-mini-esp32|" in run_flash(None, None, Connected("esp32"))[0]


def test_every_board_has_a_chip_that_esptool_knows():
    for name in settings.names(settings.BOARDS):
        assert settings.board_file(name)["chip"] in esptool.CHIP_DEFS


# esptool


class Loader:
    """What esptool hands out for a chip, as far as it is used."""

    CHIP_NAME = "ESP32-S3"

    def __init__(self, calls):
        self._calls = calls

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._calls.append("closed")

    def change_baud(self, baud):
        inspect.signature(esptool.ESPLoader.change_baud).bind(self, baud)


@pytest.fixture
def calls(monkeypatch):
    """The calls of esptool's functions; each is refused when esptool's own signature does not take it."""
    made = []
    answers = {"detect_chip": Loader(made), "run_stub": Loader(made), "detect_flash_size": "8MB"}

    def stand_in(name):
        signature = inspect.signature(getattr(esptool, name))

        def call(*arguments, **options):
            signature.bind(*arguments, **options)
            made.append(name)
            return answers.get(name)

        return call

    for name in ("detect_chip", "run_stub", "attach_flash", "detect_flash_size", "write_flash", "reset_chip"):
        monkeypatch.setattr(esptool, name, stand_in(name))
    return made


def test_the_chip_is_asked_then_erased_and_written_then_restarted(calls):
    with Chip("/dev/ttyUSB0") as chip:
        assert (chip.name, chip.flash_bytes) == ("esp32s3", 8 * MIB)
        assert "write_flash" not in calls
        chip.write([(0, b"1")])
    assert calls[-3:] == ["write_flash", "reset_chip", "closed"]


SAID = (
    (esptool.FatalError("Failed to connect to ESP32: No serial data received."), "Hold its BOOT button"),
    (
        esptool.FatalError("Could not open /dev/x, the port is busy or doesn't exist."),
        "in use by another program",
    ),
    (OSError(5, "Input/output error"), "shorter or better USB cable"),
)


@pytest.mark.parametrize("error, said", SAID, ids=[row[1] for row in SAID])
def test_what_esptool_says_becomes_what_to_do(error, said, monkeypatch):
    def fail(*_):
        raise error

    monkeypatch.setattr(chip_module.esptool, "detect_chip", fail)
    with pytest.raises(Refused, match=said):
        Chip("/dev/x").__enter__()


def test_the_names_of_esptool_are_those_of_the_board_files():
    named = {name_of(loader.CHIP_NAME) for loader in esptool.CHIP_DEFS.values()}
    assert {row[0] for row in CHIPS} <= named


# Fetching


def test_micropython_names_its_builds_after_the_chip():
    names = [download.board_of(chip) for chip in ("esp32", "esp32s2", "esp32c3")]
    assert names == ["ESP32_GENERIC", "ESP32_GENERIC_S2", "ESP32_GENERIC_C3"]


FETCHED = (
    # the files there are, the one taken
    (("ESP32_GENERIC-v1.29.0.bin", "ESP32_GENERIC_S3-v1.29.0.bin"), "ESP32_GENERIC-v1.29.0.bin"),
    (("ESP32_GENERIC-SPIRAM-20260829-v1.29.0.bin", "ESP32_GENERIC-20260829-v1.29.0.bin"), None),
    (("ESP32_GENERIC-v1.28.0.bin", "ESP32_GENERIC-v1.29.0.app-bin"), "refused"),
    ((), "refused"),
)


@pytest.mark.parametrize("names, taken", FETCHED)
def test_of_what_was_fetched_the_plain_build_of_the_version_is_taken(names, taken, monkeypatch, tmp_path):
    monkeypatch.setattr(download, "FOLDER", tmp_path)
    boards = []

    def fetched(board):
        boards.append(board)
        for name in names:
            (tmp_path / name).write_bytes(b"")

    if taken == "refused":
        with pytest.raises(Refused, match="download/ESP32_GENERIC and name it: make flash FIRMWARE=FILE"):
            download.fetch("esp32", (lambda: None, fetched))
        return
    assert download.fetch("esp32", (lambda: None, fetched)).name == (taken or names[-1])
    assert download.fetch("esp32", (lambda: None, fetched)).name == (taken or names[-1])
    assert boards == ["ESP32_GENERIC"], "a second flash fetches nothing"


def test_without_a_network_there_is_another_way(monkeypatch, tmp_path):
    monkeypatch.setattr(download, "FOLDER", tmp_path)

    def offline():
        raise subprocess.CalledProcessError(1, "pip")

    with pytest.raises(Refused, match="make flash FIRMWARE=FILE"):
        download.fetch("esp32", (offline, None))
