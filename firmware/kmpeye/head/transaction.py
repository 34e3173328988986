# One question to the meter and its answer, with the timing of KMP (447 2.1), echo, noise, retries.
# Knows kmp and the line. One owner at a time; who asks while another asks, waits.

import asyncio

from kmp.command import MAX_REGISTERS, answers, get_register, read_registers
from kmp.frame import ACKNOWLEDGE, FRAME, FROM_METER, MAX_FRAME, METER, TO_METER, build
from micropython import const

from kmpeye.head.line import PortError

_FIRST_BYTE_MS = const(1600)  # the meter's own limit, from the last byte of the request (447 2.1)
_QUIET_MS = const(1700)  # after silence or a broken frame; the meter discards requests for 1.6 s
_GAP_MS = const(300)  # between two bytes of a reply; serial servers deliver in bursts 27 ms apart
_STEP_MS = const(4)  # between two looks at the port: under half a byte at 1200 baud
RETRIES = const(2)

# Why there was no answer.
NO_LIGHT = "no_light"  # not one byte
ECHO_ONLY = "echo_only"  # nothing but our own request
GARBLED = "garbled"  # bytes, but no frame
BROKEN = "bad_crc"  # frames from the meter, damaged
OTHER = "other_device"  # good frames, but from another address or to another question
PORT = "port_error"

_TEXT = {
    NO_LIGHT: "the meter did not answer: not one byte came back",
    ECHO_ONLY: "only the echo of the own request came back",
    GARBLED: "bytes came back, but no frame",
    BROKEN: "the reply was damaged (wrong CRC or cut off)",
    OTHER: "a frame came back, but from another address or to another question",
}


class NoAnswer(Exception):
    """No usable answer after all tries. reason: one of the words above; the message is a sentence."""

    def __init__(self, reason, text=None):
        super().__init__(text or _TEXT[reason])
        self.reason = reason


class Head:
    def __init__(self, line, address=METER):
        self.line = line
        self.clock = line.clock
        self.address = address
        self.requests = 0
        self.answers = 0
        self.stale = 0  # good frames that answered no question of ours: late, or for somebody else
        self._lock = asyncio.Lock()
        self._failed = False  # the last try failed: the line must be quiet for a while first
        self._request = None  # the question the event sink compares with; None between questions
        self._acknowledge = False
        self._reply = None
        self._broken = 0  # damaged frames during this question
        self._other = 0  # good frames that did not answer it

    async def ask(self, application, retries=RETRIES, acknowledge=False):
        """Send an application (kmp.command) and return the application of its answer, as bytes.

        With acknowledge the bare 06 is the answer, returned as b"". NoAnswer after `retries` more tries;
        NoAnswer(PORT) at once when there is no port.
        """
        async with self._lock:
            try:
                await self.line.open()
                while True:
                    await self._wait_turn()
                    reason = await self._once(application, acknowledge)
                    if reason is None:
                        return self._reply
                    if not retries:
                        raise NoAnswer(reason)
                    retries -= 1
            except PortError as e:
                raise NoAnswer(PORT, str(e))
            finally:
                self._request = None

    async def registers(self, ids, retries=RETRIES):
        """Read any number of registers, 8 in a request. Returns a list of (id, unit, mantissa, exponent) of
        those the meter offers; ids that are missing in it are not offered."""
        found = []
        for start in range(0, len(ids), MAX_REGISTERS):
            reply = await self.ask(get_register(ids[start : start + MAX_REGISTERS]), retries)
            found.extend(read_registers(reply))
        return found

    async def _wait_turn(self):
        """Between requests: one byte time after a good reply, real quiet after a failure. A line that is
        never quiet (sunlight, another master) is not waited for longer than three times that."""
        line = self.line
        need = _QUIET_MS if self._failed else line.wire_ms(1) + 1
        start = self.clock.ticks()
        while True:
            line.poll(self._event)
            passed = self.clock.since(line.last_byte)
            if passed >= need or self.clock.since(start) >= 3 * need:
                break
            await self.clock.sleep_ms(min(need - passed, 50))
        line.reader.reset()

    async def _once(self, application, acknowledge):
        """One try. None when self._reply is the answer, else the reason why there is none."""
        line = self.line
        clock = self.clock
        reader = line.reader
        heard = reader.bytes
        echoes = reader.echoes
        self._acknowledge = acknowledge
        self._reply = None
        self._broken = 0
        self._other = 0
        self._request = application
        self._failed = True
        frame = build(TO_METER, self.address, application)
        line.write(frame)
        self.requests += 1
        sent = clock.ticks()
        first_by = line.wire_ms(len(frame)) + _FIRST_BYTE_MS
        # A reply that has begun in time may end later, but not later than the longest one there is.
        last_by = first_by + line.wire_ms(2 * MAX_FRAME + 2)
        while True:
            line.poll(self._event)
            if self._reply is not None:
                self._request = None
                self._failed = False
                self.answers += 1
                return None
            passed = clock.since(sent)
            if passed > first_by:
                under_way = reader.inside() and clock.since(line.last_byte) < _GAP_MS
                if not under_way or passed > last_by:
                    break
            await clock.sleep_ms(_STEP_MS)
        self._request = None
        if self._broken or (reader.inside() and self._looks_like_answer(application)):
            return BROKEN
        if self._other:
            return OTHER
        if reader.bytes == heard:
            return NO_LIGHT
        echoes = reader.echoes - echoes
        if echoes and reader.bytes - heard - echoes * len(frame) <= 1:  # a lone 00 means nothing (447 2)
            return ECHO_ONLY
        return GARBLED

    def _event(self, event):
        """What the reader completed, while a question is open or between two."""
        reader = self.line.reader
        from_meter = reader.start == FROM_METER
        if self._request is None or self._reply is not None:
            if event == FRAME and from_meter:
                self.stale += 1
        elif event == ACKNOWLEDGE:
            if self._acknowledge:
                self._reply = b""
        elif not from_meter:
            pass  # our own echo, or another master
        elif event == FRAME:
            reply = reader.application()
            if reader.address == self.address and not self._acknowledge and answers(self._request, reply):
                self._reply = bytes(reply)
            else:
                self.stale += 1
                self._other += 1
        elif self._looks_like_answer(self._request):
            self._broken += 1

    def _looks_like_answer(self, request):
        """Tells a damaged reply from noise that happened to hold a start byte."""
        reader = self.line.reader
        return reader.length >= 2 and reader.address == self.address and reader.buffer[1] == request[0]
