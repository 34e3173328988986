# Runs on MicroPython: a board with a ROMFS partition, as the chip starts it. The partition is a file, in memory beside
# the heap and written through; what the chip has mounted when main.py begins is mounted here. The working directory is
# its flash.
# Usage: update_rom_board.py PARTITION MAIN_PY AHEAD_S; the clock is that far ahead, so that a proof takes seconds.

import errno
import os
import sys

import ffi
import uctypes
import vfs

_BLOCK = 4096
_COUNT, _SIZE, _ERASE = 4, 5, 6


class Partition:
    """As esp32.Partition: erased by blocks, written without; what is not erased cannot be written."""

    def __init__(self, path):
        size = os.stat(path)[6]
        self._file = open(path, "r+b")
        self.memory = uctypes.bytearray_at(ffi.open(None).func("P", "malloc", "L")(size), size)
        self._file.readinto(self.memory)

    def _keep(self, start, size):
        self._file.seek(start)
        self._file.write(memoryview(self.memory)[start : start + size])
        self._file.flush()

    def ioctl(self, operation, argument):
        if operation == _COUNT:
            return len(self.memory) // _BLOCK
        if operation == _SIZE:
            return _BLOCK
        if operation != _ERASE:
            return -errno.EINVAL
        self.memory[argument * _BLOCK : (argument + 1) * _BLOCK] = b"\xff" * _BLOCK
        self._keep(argument * _BLOCK, _BLOCK)
        return 0

    def readblocks(self, block, buffer, offset):
        start = block * _BLOCK + offset
        buffer[:] = memoryview(self.memory)[start : start + len(buffer)]
        return 0

    def writeblocks(self, block, data, offset):
        start = block * _BLOCK + offset
        for place in range(len(data)):
            if self.memory[start + place] != 0xFF:
                return -errno.EIO
        self.memory[start : start + len(data)] = data
        self._keep(start, len(data))
        return 0


class Vfs:
    VfsRom = vfs.VfsRom
    mount = staticmethod(vfs.mount)
    umount = staticmethod(vfs.umount)

    @staticmethod
    def rom_ioctl(operation, number=0):
        return partition if (operation, number) == (2, 0) else -errno.EINVAL


def start(main_py, ahead_s):
    # The chip's partition is a buffer by itself; a class of Python's cannot be one.
    space = {"__name__": "main", "__file__": main_py, "memoryview": lambda device: memoryview(device.memory)}
    with open(main_py) as file:
        exec(compile(file.read(), main_py, "exec"), space)
    root = space["_root"]()
    from kmpeye.system.clock import Clock

    uptime_s = Clock.uptime_s
    Clock.uptime_s = lambda self: uptime_s(self) + ahead_s
    from kmpeye.start import main

    main(root)


partition = Partition(sys.argv[1])
sys.modules["vfs"] = Vfs
try:
    vfs.mount(vfs.VfsRom(partition.memory), "/rom")
except OSError:
    pass
sys.path[:] = ["", ".frozen", "/rom", "/rom/lib"]
start(sys.argv[2], int(sys.argv[3]))
