# A serial device or pty of a PC as a port: for the bench and the tests, never on the chip (tools/build leaves
# it out). One file for CPython and MicroPython's unix port, on Linux and macOS, through termios.

import errno
import select
import sys
import termios  # type: ignore[import-not-found]  # of a PC, CPython's and MicroPython's

# cflag bits CS8 | CSTOPB | CREAD | CLOCAL, and the speed codes, of <termios.h>
_CFLAG = {"linux": 0x30 | 0x40 | 0x80 | 0x800, "darwin": 0x300 | 0x400 | 0x800 | 0x8000}
SPEEDS = {300: 7, 1200: 9, 2400: 11, 9600: 13}  # Linux; macOS takes the number itself

_EBUSY = 16  # of Linux and macOS; MicroPython has no names for them
_ENOTTY = 25
_WHY = {
    errno.ENOENT: "there is no such device; is the head plugged in?",
    errno.EACCES: "no permission; on Linux join its group, usually dialout, and log in again",
    _EBUSY: "another program has it",
    _ENOTTY: "this is no serial device",
}
_TermiosError = getattr(termios, "error", OSError)  # of CPython, where it is no OSError


class TtyPort:
    def __init__(self, path, baud):
        if sys.platform not in _CFLAG:
            raise OSError("serial devices are not supported on %s: use socket://HOST:PORT" % sys.platform)
        try:
            self._file = open(path, "r+b", 0)
            try:
                self.set_baud(baud)
            except BaseException:
                self._file.close()
                raise
        except OSError as e:
            raise OSError("%s: %s" % (path, _WHY.get(e.args[0], errno.errorcode.get(e.args[0], e))))
        self._poll = select.poll()
        self._poll.register(self._file, select.POLLIN)
        self._one = bytearray(1)

    def set_baud(self, baud):
        if baud not in SPEEDS:
            raise OSError("no speed %s on a serial device; possible: %s" % (baud, sorted(SPEEDS)))
        speed = SPEEDS[baud] if sys.platform == "linux" else baud
        cflag = _CFLAG[sys.platform]
        fd = self._file.fileno()
        try:
            attributes = termios.tcgetattr(fd)
            attributes[:6] = [0, 0, cflag, 0, speed, speed]  # raw: no echo, no translation, no signals
            termios.tcsetattr(fd, termios.TCSANOW, attributes)
        except _TermiosError as e:
            raise OSError(e.args[0])

    def write(self, data):
        if self._file.write(data) != len(data):
            raise OSError(errno.EIO)

    def any(self):
        return bool(self._poll.poll(0))

    def readinto(self, buf):
        # One by one: MicroPython's readinto waits until the whole buffer is full.
        count = 0
        while count < len(buf) and self._poll.poll(0):
            if not self._file.readinto(self._one):
                return count
            buf[count] = self._one[0]
            count += 1
        return count or None

    def close(self):
        self._file.close()
