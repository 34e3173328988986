# The chip's Pin and UART as far as the head uses them, strict: what the chip refuses or takes a silent default for is
# refused here. Keeps account of the light: how long the LED shone though nothing was sent. host/test_uart_chip.py holds
# every signature to the stubs. What happens in which order: MicroPython, ports/esp32/machine_uart.c.

_DRIVER_US = 1000  # deleting and installing the driver: memory and a task; an estimate on the long side
_CONNECTED_US = 20  # from the pin's connection to its inversion: a few registers; on the long side, too

PINS = {4, 5, 25, 26, 27, 32, 33, 34, 35}
INPUTS = {34, 35}


class Pad:
    """What is outside: the pin of the head's LED, and at which level that shines."""

    def __init__(self, tx, lit_at):
        self.tx = tx
        self.lit_at = lit_at
        self.owner = self.level = None  # nobody drives it: dark
        self.drive = 2
        self.lit_us = 0  # while nothing was sent

    def take(self, owner, level):
        self.owner = owner
        self.level = level

    def pass_us(self, us):
        if self.lit():
            self.lit_us += us

    def lit(self):
        return self.level == self.lit_at


pad = None  # for a test to set


class Pin:
    OUT = 3
    DRIVE_0 = 0
    DRIVE_1 = 1
    DRIVE_2 = 2
    DRIVE_3 = 3

    def __init__(self, id, mode, *, value, drive):
        if id not in PINS:
            raise ValueError("invalid pin")
        if id in INPUTS:
            raise ValueError("pin can only be input")
        assert mode == self.OUT and value in (0, 1) and drive in (0, 1, 2, 3)
        if id == pad.tx:
            pad.drive = drive
            pad.take(Pin, value)


class UART:
    INV_TX = 32
    INV_RX = 4

    def __init__(self, id, **settings):
        if id not in (0, 1, 2):
            raise ValueError("UART(%d) does not exist" % id)
        assert id, "the REPL's"
        self.id = id
        self.line = None  # (baud, bits, parity, stop)
        self.inverted = 0
        self.sent = []  # (line, bytes)
        self.received = b""
        self.at_write = None  # a test's: called with the bytes before they leave
        self.init(**settings)

    def init(
        self, baudrate, bits, parity, stop, *, tx, rx, txbuf, rxbuf, timeout, timeout_char, invert
    ):  # no defaults: each of the chip's is wrong here
        if tx not in PINS or rx not in PINS:
            raise ValueError("invalid pin")
        assert tx not in INPUTS and tx == pad.tx and tx != rx
        assert bits in (5, 6, 7, 8) and parity in (None, 0, 1) and stop in (1, 2) and baudrate > 0
        assert rxbuf > 128 and txbuf > 128, "the driver wants more than its FIFO holds"
        assert timeout == 0, "a read would wait"
        assert timeout_char == 0, "short replies would wait for 120 bytes"
        assert not invert & ~(self.INV_TX | self.INV_RX)
        if pad.owner is UART:
            pad.take(UART, 1)  # the driver is gone, and the inversion with it
        pad.pass_us(_DRIVER_US)
        self.received = b""
        pad.take(UART, 1)  # connected, not yet inverted
        pad.pass_us(_CONNECTED_US)
        pad.take(UART, 0 if invert & self.INV_TX else 1)
        self.inverted = invert
        self.line = (baudrate, bits, parity, stop)

    def deinit(self):
        pad.take(None, None)  # newer versions let go of the pin
        self.line = None

    def write(self, buf):
        assert self.line and len(buf) <= 256
        if self.at_write:
            self.at_write(bytes(buf))
        self.sent.append((self.line, bytes(buf)))
        return len(buf)

    def readinto(self, buf):
        count = min(len(buf), len(self.received))
        buf[:count] = self.received[:count]
        self.received = self.received[count:]
        return count or None

    def any(self):
        return len(self.received)
