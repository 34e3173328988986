# The two halves of the ROMFS partition: one runs, in place; the other one takes an update. Imports errno and vfs, where
# there is one. Promise: a half begins with the mark of an image only when all of the image is there and right.

import errno
from hashlib import sha256

from micropython import const

_BLOCK = const(4096)  # what flash erases
_MAGIC = const(b"\xd2\xcd\x31")
_HELD = const(16)  # first bytes, which are written last
_COUNT = const(4)  # an operation of a block device's ioctl
_ERASE = const(6)  # another


def partition():
    """The block device that MicroPython runs images from, or None."""
    try:
        import vfs

        device = vfs.rom_ioctl(2, 0)
    except (ImportError, AttributeError):
        return None
    return device if hasattr(device, "writeblocks") else None  # a number says why there is none


def half_bytes(device):
    """Room in each half."""
    return device.ioctl(_COUNT, 0) // 2 * _BLOCK


def image_bytes(device, half):
    """Length of the image in a half, 0 where there is none."""
    start = bytearray(_HELD)
    device.readblocks(half * half_bytes(device) // _BLOCK, start, 0)
    if start[:3] != _MAGIC:
        return 0
    size = 0
    place = 3
    while True:  # seven bits a byte, the first ones first, until one without its top bit
        size = size << 7 | start[place] & 0x7F
        place += 1
        if start[place - 1] < 0x80 or place == _HELD:
            return size + place


class Writer:
    """Writes an image into a half, from its first byte to its last; OSError when the flash refuses."""

    def __init__(self, device, half):
        self._device = device
        self._block = half * half_bytes(device) // _BLOCK
        self._at = 0
        self._start = bytearray(_HELD)

    def write(self, data):
        """The next bytes. Erases what it needs, one block (50 ms) at a time."""
        while len(data):
            block = self._block + self._at // _BLOCK
            offset = self._at % _BLOCK
            if not offset:
                _done(self._device.ioctl(_ERASE, block))
            part = data[: _BLOCK - offset]
            data = data[len(part) :]
            skip = max(0, min(_HELD - self._at, len(part)))
            self._start[self._at : self._at + skip] = part[:skip]
            if len(part) > skip:
                _done(self._device.writeblocks(block, part[skip:], offset + skip))
            self._at += len(part)

    def finish(self, digest, buffer):
        """Read everything back through the buffer; when it is what was meant, mark it as an image. Yields now and
        then; OSError when the flash holds something else."""
        hash = sha256(self._start)
        place = _HELD
        view = memoryview(buffer)
        while place < self._at:
            offset = place % _BLOCK
            part = view[: min(len(view), self._at - place, _BLOCK - offset)]
            self._read(place, part)
            hash.update(part)
            place += len(part)
            yield
        if hash.digest() != digest:
            raise OSError(errno.EIO)
        _done(self._device.writeblocks(self._block, self._start, 0))
        self._read(0, view[:_HELD])
        if view[:_HELD] != self._start:
            raise OSError(errno.EIO)

    def _read(self, place, part):
        _done(self._device.readblocks(self._block + place // _BLOCK, part, place % _BLOCK))


def _done(result):
    if result:  # 0 or None: it worked; drivers written in Python give the number of the error
        raise OSError(errno.EIO)
