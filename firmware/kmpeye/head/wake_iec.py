# The greeting of IEC 61107 at 300 baud, which wakes some meters for KMP. Knows the line, nothing else.
# Promises that the line is back at the meter's speed before an answer can begin, whatever happens. A port that
# is lost here is not reported here: the question that follows meets the same and says it.

from micropython import const

from kmpeye.head.line import PortError

_BAUD = const(300)
# "/#1" with 7 data bits, even parity and 2 stop bits, sent as 8 data bits: bit 7 is the parity.
_GREETING = const(b"\xaf\xa3\xb1")
_SEND_MS = const(130)  # 3 bytes of 11 bits take 110 ms; an answer can begin 300 ms after them
# To KMP this was a broken request, after which the meter discards requests for 1.6 s (447 2.1).
_QUIET_MS = const(1700)


class Iec:
    settles = True

    def __init__(self, line):
        self._line = line
        self._baud = None  # the speed to go back to, while there is one

    async def wake(self):
        line = self._line
        try:
            await line.open()
            self._baud = line.baud
            try:
                line.set_baud(_BAUD)
                line.write(_GREETING)
                await line.clock.sleep_ms(_SEND_MS)
            finally:
                self.release()
            await line.clock.sleep_ms(_QUIET_MS)
        except PortError:
            pass

    def release(self):
        baud = self._baud
        self._baud = None
        if baud:
            try:
                self._line.set_baud(baud)
            except PortError:  # the next opening takes the right speed
                pass
