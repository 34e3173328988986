# The chip's UART as a port. Every parameter is given every time: the defaults are 8N1, pins that crash some
# modules and a receive threshold that holds short replies back. (MicroPython ports/esp32/machine_uart.c)

from machine import UART
from micropython import const

_RX_BUFFER = const(512)  # the longest frame, stuffed (518 bytes), minus what is read while it arrives
_TX_BUFFER = const(256)  # a write beyond it would block the whole program; the longest request is 52 bytes

SETTLE_MS = const(1700)  # an inverted TX glitches at init, and the meter is deaf for 1.6 s after such a byte


class UartPort:
    settle_ms = SETTLE_MS

    def __init__(self, baud, pins):
        """pins: a dict with id, tx, rx and optionally invert_tx, invert_rx (boards/*.json)."""
        self._pins = pins
        self._uart = UART(pins["id"])
        self.set_baud(baud)

    def set_baud(self, baud):
        pins = self._pins
        invert = 0
        if pins.get("invert_tx"):
            invert |= UART.INV_TX
        if pins.get("invert_rx"):
            invert |= UART.INV_RX
        self._uart.init(
            baudrate=baud,
            bits=8,
            parity=None,
            stop=2,
            tx=pins["tx"],
            rx=pins["rx"],
            rxbuf=_RX_BUFFER,
            txbuf=_TX_BUFFER,
            timeout=0,
            timeout_char=0,
            invert=invert,
        )

    def write(self, data):
        self._uart.write(data)

    def readinto(self, buf):
        return self._uart.readinto(buf)

    def any(self):
        return self._uart.any()

    def close(self):
        self._uart.deinit()
