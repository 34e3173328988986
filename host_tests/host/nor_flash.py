# A flash chip in memory whose power can be cut at any operation, for scripts that run the real littlefs on it.
# Runs on MicroPython; imports errno only. Promises to refuse what a flash cannot do: setting a bit without erasing.

import errno

_BLOCK = 4096
_COUNT, _SIZE, _ERASE = 4, 5, 6  # operations of ioctl


class Flash:
    """A block device of NOR flash: programming only clears bits, erasing sets them. After `left` operations the
    power is gone and every call fails, with a number as the chip's driver does."""

    def __init__(self, blocks):
        self._blocks = blocks
        self.data = bytearray(b"\xff" * (_BLOCK * blocks))
        self.operations = 0
        self.left = None
        self.torn = False

    def ioctl(self, operation, argument):
        if operation == _COUNT:
            return self._blocks
        if operation == _SIZE:
            return _BLOCK
        if operation == _ERASE:
            begin = argument * _BLOCK
            count = self._power(_BLOCK)
            self.data[begin : begin + count] = b"\xff" * count
            return self._state()
        return 0

    def readblocks(self, block, buffer, offset=0):
        begin = block * _BLOCK + offset
        buffer[:] = memoryview(self.data)[begin : begin + len(buffer)]
        return self._state()

    def writeblocks(self, block, buffer, offset=0):
        begin = block * _BLOCK + offset
        count = self._power(len(buffer))
        for i in range(count):
            if buffer[i] & ~self.data[begin + i]:
                raise ValueError("programmed without erasing")
            self.data[begin + i] = buffer[i]
        return self._state()

    def _power(self, count):
        """How many of the bytes of an operation are done."""
        self.operations += 1
        if self.left is None:
            return count
        self.left -= 1
        if self.left >= 0:
            return count
        return count // 2 if self.torn and self.left == -1 else 0

    def _state(self):
        return -errno.EIO if self.left is not None and self.left < 0 else 0
