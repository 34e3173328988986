# The raw REPL of a board, as mpremote speaks to it, in MicroPython's unix port: what is sent is really run, in the
# folder that stands for the flash. Usage: repl.py MACHINE VERSION PLATFORM [BYTES] on stdin and stdout; BYTES is the
# size of a romfs partition, kept in ROM. Strict: what the chip does not have is not here either. machine.reset() ends
# the process with status 3.

import io
import sys
import time

ROM = "../romfs.bin"  # beside the folder of the flash
REFUSES = (
    "../refuses"  # the same: number of the error that opening a file to write it gives, and from which one on
)
BLOCK = 4096
EINVAL = 22
RESET = 3
WINDOW = 128  # bytes, as on the chip
writes = 0
BANNER = "raw REPL; CTRL-B to exit\r\n>"

stdin = sys.stdin.buffer
stdout = sys.stdout.buffer


class Implementation:
    name = "micropython"
    version = tuple(int(part) for part in sys.argv[2].split("."))
    _machine = sys.argv[1]


class Sys:
    platform = sys.argv[3]
    implementation = Implementation
    modules = sys.modules
    path = sys.path


class Machine:
    @staticmethod
    def reset():
        raise SystemExit(RESET)


class Partition(bytearray):
    """The romfs partition as a block device, as MicroPython's esp32 port hands it out: erased, then written."""

    def ioctl(self, operation, argument):
        if operation == 4:
            return len(self) // BLOCK
        if operation == 5:
            return BLOCK
        if operation == 6:
            self[argument * BLOCK : (argument + 1) * BLOCK] = b"\xff" * BLOCK
            return 0
        raise OSError(EINVAL)

    def writeblocks(self, block, data, offset):
        start = block * BLOCK + offset
        if any(byte != 0xFF for byte in self[start : start + len(data)]):
            raise OSError(EINVAL)  # flash takes no second write without an erase
        self[start : start + len(data)] = data
        with open(ROM, "wb") as file:
            file.write(self)


class Vfs:
    """Of MicroPython 1.25 and newer that was built with ROMFS; without a partition it gives the number of an error."""

    @staticmethod
    def rom_ioctl(operation, number=0):
        if operation == 1:
            return 1 if partition else 0
        if operation == 2 and partition and number == 0:
            return partition
        return -EINVAL

    @staticmethod
    def umount(folder):
        if folder != "/rom":
            raise OSError(EINVAL)


def rom_partition(size):
    try:
        with open(ROM, "rb") as file:
            return Partition(file.read())
    except OSError:
        return Partition(b"\xff" * size)


partition = rom_partition(int(sys.argv[4])) if len(sys.argv) > 4 else None
sys.modules["sys"] = Sys
sys.modules["machine"] = Machine
if Implementation.version >= (1, 25):
    sys.modules["vfs"] = Vfs


def open_(path, mode="r"):
    global writes
    if "w" in mode:
        try:
            with open(REFUSES) as file:
                number, first = [int(word) for word in file.read().split()]
        except OSError:
            number = 0
        if number and writes >= first:
            raise OSError(number)
        writes += 1
    return open(path, mode)


def say(text):
    stdout.write(text)


def run(source, space):
    trace = io.StringIO()
    try:
        exec(source, space)
    except Exception as error:
        sys.print_exception(error, trace)
    say("\x04" + trace.getvalue() + "\x04>")


def paste():
    """Raw paste mode: the source, in windows that the sender has to wait for."""
    stdout.write(b"R\x01" + bytes((WINDOW & 0xFF, WINDOW >> 8)))
    held = bytearray()
    while True:
        byte = stdin.read(1)
        if byte == b"\x04":
            say("\x04")
            return held
        held += byte
        if len(held) % WINDOW == 0:
            say("\x01")


def main():
    raw = False
    held = b""
    space = {"__name__": "__main__", "open": open_}
    while True:
        byte = stdin.read(1)
        if not byte:
            return
        if byte == b"\x01":
            raw, held = True, b""
            say(BANNER)
        elif byte == b"\x02":
            raw, held = False, b""
            say("\r\n>>> ")
        elif byte == b"\x03":
            held = b""
        elif raw and byte == b"\x05":
            stdin.read(2)  # the rest of the question for paste mode, "A" and 01
            run(paste().decode(), space)
        elif raw and byte == b"\x04":
            if held.strip():
                say("OK")
                run(held.decode(), space)
            else:
                space = {"__name__": "__main__", "open": open_}
                say("OK\r\nMPY: soft reboot\r\n" + BANNER)
            held = b""
        elif raw:
            held += byte


try:
    main()
except SystemExit:
    time.sleep_ms(50)
    raise
