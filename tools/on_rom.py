# Runs a script in MicroPython's unix port with the firmware as the chip has it: a ROMFS image that is mapped into
# memory, mounted at /rom and executed in place. Usage: micropython on_rom.py IMAGE SCRIPT ARGUMENT...
# Promise: the image takes nothing of Python's heap, as flash does not; sys.argv is that of the script.

import os
import sys

import ffi  # only the unix port has it
import uctypes
import vfs


def mapped(path):
    """The file's bytes outside of the heap; they stay until the process ends."""
    size = os.stat(path)[6]
    image = uctypes.bytearray_at(ffi.open(None).func("P", "malloc", "L")(size), size)
    with open(path, "rb") as file:
        if file.readinto(image) != size:
            raise OSError("%s: not all of it could be read" % path)
    return image


def source(path):
    with open(path) as file:
        return file.read()


vfs.mount(vfs.VfsRom(mapped(sys.argv[1])), "/rom")
sys.path[0] = "/rom"  # instead of the folder of this file
del sys.argv[:2]
exec(compile(source(sys.argv[0]), sys.argv[0], "exec"), {"__name__": "__main__", "__file__": sys.argv[0]})
