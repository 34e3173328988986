# The chip's UART as a port. Every parameter is given every time: the defaults are 8N1, pins that crash some modules
# and a receive threshold that holds short replies back. (MicroPython ports/esp32/machine_uart.c)
# Imports machine. Promises that the LED is dark but for what is written: at rest, while the speed changes, and after.

from machine import UART, Pin
from micropython import const

_RX_BUFFER = const(512)  # the longest frame, stuffed (518 bytes), minus what is read while it arrives
_TX_BUFFER = const(256)  # a write beyond it would block the whole program; the longest request is 52 bytes
_DRIVE = const(2)  # what the chip has after a reset, about 20 mA

SETTLE_MS = const(1700)  # an inverted TX glitches at init, and the meter is deaf for 1.6 s after such a byte


def darken(pins):
    """Take the pin of the LED into hand, at the level where it is dark: high, for 3V3 - LED - pin."""
    drive = pins.get("drive", _DRIVE)
    Pin(pins["tx"], Pin.OUT, value=0 if pins.get("invert_tx") else 1, drive=drive)


class UartPort:
    settle_ms = SETTLE_MS

    def __init__(self, baud, pins):
        """pins: a dict with id, tx, rx and optionally invert_tx, invert_rx, drive (0 to 3); see boards/*.json."""
        for key in ("id", "tx", "rx"):
            if not isinstance(pins and pins.get(key), int):
                raise ValueError(
                    "no board file says which UART and pins the head is on: make deploy BOARD=..."
                )
        if not pins["id"]:
            raise ValueError("UART 0 prints what the chip says, to the meter too: take another")
        self._pins = pins
        self._uart = None
        self.set_baud(baud)

    def set_baud(self, baud):
        pins = self._pins
        invert = 0
        if pins.get("invert_tx"):
            invert |= UART.INV_TX
        if pins.get("invert_rx"):
            invert |= UART.INV_RX
        settings = {
            "baudrate": baud,
            "bits": 8,
            "parity": None,
            "stop": 2,
            "tx": pins["tx"],
            "rx": pins["rx"],
            "rxbuf": _RX_BUFFER,
            "txbuf": _TX_BUFFER,
            "timeout": 0,
            "timeout_char": 0,
            "invert": invert,
        }
        # The driver is built anew, for which an inverted TX would shine for a millisecond: a start bit to the meter.
        # Under the pin's own level that remains a few microseconds, between its connection and its inversion. A byte
        # that is being sent is cut off; whoever changes the speed has waited for the last one.
        darken(pins)
        if self._uart:
            self._uart.init(**settings)
        else:
            self._uart = UART(pins["id"], **settings)

    def write(self, data):
        self._uart.write(data)

    def readinto(self, buf):
        return self._uart.readinto(buf)

    def any(self):
        return self._uart.any()

    def close(self):
        darken(self._pins)
        self._uart.deinit()
        darken(self._pins)  # deinit lets go of the pin on newer versions
