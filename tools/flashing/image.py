# A MicroPython image for the ESP32 family: bootloader, partition table and application in one file, as
# micropython.org has them. Imports partitions and esptool. Promise: what is not whole, or for another chip, is Refused
# before anything touches the board.

import esptool
from esptool.bin_image import LoadFirmwareImage

from deploying.plan import Refused
from firmware_tree import FROZEN
from flashing import partitions

TABLE_AT = 0x8000  # in the flash, on every chip

_MAGIC = 0xE9
# What people have who took another file: its first bytes, and what it is.
_OTHERS = (
    (b"UF2", "is a UF2 file: take the *.bin of the same board"),
    (b"\x7fELF", "is an ELF file, which is for debuggers: take the *.bin that was built beside it"),
    (b"PK", "is an archive: unpack it and take the *.bin in it"),
    (b"\x1f\x8b", "is an archive: unpack it and take the *.bin in it"),
    (
        b"\xff",
        "does not begin with its bootloader, as if it were to be written elsewhere: take the *.bin of the board",
    ),
)
_SIZE_AT = 3  # byte of the header with the flash size in its upper half
_CHIP_AT = 12  # two bytes of the header
_RUNS_IN_PLACE = b"rom_ioctl"  # a name that only a MicroPython with ROMFS has, or one that holds our modules
_HOLDS_FIRMWARE = FROZEN.encode()


class Image:
    """name: how messages call it; data: all its bytes."""

    def __init__(self, name, data):
        self._name = name
        self.data = data
        for begin, what in _OTHERS:
            if data.startswith(begin):
                self._refuse(what)
        if len(data) < TABLE_AT or data[0] != _MAGIC:
            self._refuse(
                "is no image for an ESP32: take the *.bin of the board from micropython.org/download"
            )
        chip_id = int.from_bytes(data[_CHIP_AT : _CHIP_AT + 2], "little")
        loaders = {loader.IMAGE_CHIP_ID: name for name, loader in _loaders().items()}
        if chip_id not in loaders:
            self._refuse("is for a chip that esptool does not know (number %d)" % chip_id)
        self.chip = loaders[chip_id]
        loader = _loaders()[self.chip]
        self.start = loader.BOOTLOADER_FLASH_OFFSET
        sizes = {code: text for text, code in loader.FLASH_SIZES.items()}
        self.listed_bytes = esptool.flash_size_bytes(sizes.get(data[_SIZE_AT] & 0xF0, "4MB"))
        self._check_part("the bootloader", 0, TABLE_AT - self.start)
        self.partitions = partitions.parse(data[TABLE_AT - self.start :])
        self._check_app()

    def runs_in_place(self):
        """Whether this MicroPython can execute code out of a romfs partition: built so, 1.25 or newer."""
        return _RUNS_IN_PLACE in self.data and not self.holds_firmware()

    def holds_firmware(self):
        """Whether the modules of a kmpeye are frozen into it."""
        return _HOLDS_FIRMWARE in self.data

    def with_partitions(self, entries):
        """The bytes of the image with another table in it."""
        at = TABLE_AT - self.start
        table = partitions.build(entries)
        return self.data[:at] + table + self.data[at + len(table) :]

    def _check_app(self):
        app = next((one for one in self.partitions if one.is_app()), None)
        if app is None:
            self._refuse("has no partition for an application")
        at = app.offset - self.start
        size = len(self.data) - at
        if size > app.size:
            self._refuse("has an application of %d bytes for a partition of %d" % (size, app.size))
        self._check_part("the application", at, app.size)

    def _check_part(self, what, at, most):
        """esptool's own parser reads it to its end and finds its checksum and SHA-256 right."""
        try:
            part = LoadFirmwareImage(self.chip, self.data[at : at + most])
            digests = [getattr(part, one, None) for one in ("stored_digest", "calc_digest")]
            whole = part.calculate_checksum() == part.checksum and digests[0] == digests[1]
        except (esptool.FatalError, IndexError, ValueError, TypeError):
            whole = False
        if not whole:
            self._refuse("is damaged: %s does not match its checksum; get the file again" % what)

    def _refuse(self, why):
        raise Refused("%s %s" % (self._name, why))


def _loaders():
    return {
        name: loader
        for name, loader in esptool.CHIP_DEFS.items()
        if getattr(loader, "IMAGE_CHIP_ID", None) is not None
    }
