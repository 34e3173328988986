# One question to the meter and its answer, with the timing of KMP (447 2.1), echo, noise, retries.
# Knows kmp and the line. One owner at a time; who asks while another asks, waits.

from micropython import const

from kmp.frame import ACKNOWLEDGE, FRAME, FROM_METER, MAX_FRAME, METER, TO_METER, ProtocolError, build
from kmpeye.head.line import PortError

_FIRST_BYTE_MS = const(1600)  # the meter's own limit, from the last byte of the request (447 2.1)
_QUIET_MS = const(1700)  # after silence or a broken frame; the meter discards requests for 1.6 s
_GAP_MS = const(300)  # between two bytes of a reply; serial servers deliver in bursts 27 ms apart
_STEP_MS = const(4)  # between two looks at the port: under half a byte at 1200 baud
_LONG_STEP_MS = const(50)  # while nothing is waited for but quiet, or one's turn
RETRIES = const(2)


class NoAnswer(Exception):
    """No usable answer after all tries. reason: what the last try heard, and as text what it means.

    no_light      not one byte
    echo_only     nothing but our own request
    garbled       bytes, but no frame
    bad_crc       frames from the meter, damaged
    other_device  good frames, but from another address or to another question
    port_error    there is no port
    """

    def __init__(self, reason, text=None):
        super().__init__(text)
        self.reason = reason

    def __str__(self):
        if self.args[0]:
            return self.args[0]
        from kmpeye.head.advice import advice

        return advice(self.reason)[0]


class Head:
    def __init__(self, line, address=METER):
        self.line = line
        self.clock = line.clock
        self.address = self._asked = address  # the meter's, and whom the open question went to
        self.requests = 0
        self.answers = 0
        self.stale = 0  # good frames that answered no question of ours: late, or for somebody else
        self._asking = False
        self._quiet_ms = 0  # after a failed try: how long the line must be quiet before the next
        self._request = None  # the question that is open; None between questions
        self._acknowledge = False  # a bare 06 is its answer
        self._reply = None
        self._reason = None  # why frames that came were no answer

    async def ask(self, application, retries=RETRIES, acknowledge=False, address=None):
        """Send an application (kmp.command) and return the application of its answer, as bytes.

        With acknowledge the bare 06 is the answer, returned as b"". address: another than the meter's own, such as
        a module's. NoAnswer after `retries` more tries; at once when there is no port.
        """
        while self._asking:
            await self.clock.sleep_ms(_LONG_STEP_MS)
        self._asking = True
        try:
            await self.line.open()
            self._acknowledge = acknowledge
            self._asked = self.address if address is None else address
            while True:
                await self._wait_for_quiet()
                reason = await self._once(application)
                self._request = None
                if not reason:
                    return self._reply
                if not retries:
                    raise NoAnswer(reason)
                retries -= 1
        except PortError as e:
            raise NoAnswer("port_error", str(e))
        finally:
            self._request = None
            self._asking = False

    async def registers(self, ids, retries=RETRIES):
        """Read any number of registers, 8 in a request. Returns a list of (id, unit, mantissa, exponent) of
        those the meter offers; ids that are missing in it are not offered. NoAnswer as ask(), and for a reply
        whose CRC is right and whose content is not."""
        from kmp.command import MAX_REGISTERS, get_register, read_registers

        found = []
        for start in range(0, len(ids), MAX_REGISTERS):
            reply = await self.ask(get_register(ids[start : start + MAX_REGISTERS]), retries)
            try:
                found.extend(read_registers(reply))
            except ProtocolError as e:
                raise NoAnswer("bad_crc", "the reply breaks the rules of KMP: %s" % e)
        return found

    async def _wait_for_quiet(self):
        """Between requests: one byte time after a good reply, real quiet after a failure. A line that is
        never quiet (sunlight, another master) is not waited for longer than three times that."""
        line = self.line
        clock = self.clock
        need = self._quiet_ms or line.wire_ms(1) + 1
        start = clock.ticks()
        while True:
            line.poll(self._event)
            passed = clock.since(line.last_byte)
            if passed >= need or clock.since(start) >= 3 * need:
                break
            await clock.sleep_ms(min(need - passed, _LONG_STEP_MS))
        line.reader.reset()

    async def _once(self, application):
        """One try. None when self._reply is the answer, else the reason why there is none."""
        line = self.line
        clock = self.clock
        reader = line.reader
        heard = reader.bytes
        echoes = reader.echoes
        self._reply = self._reason = None
        self._request = application
        frame = build(TO_METER, self._asked, application)
        sending = line.wire_ms(len(frame))
        self._quiet_ms = _QUIET_MS + sending  # counted from the first byte sent or the last heard
        line.write(frame)
        self.requests += 1
        sent = clock.ticks()
        first_by = sending + _FIRST_BYTE_MS
        # A reply that has begun in time may end later, but not later than the longest one there is.
        last_by = first_by + line.wire_ms(2 * MAX_FRAME + 2)
        while True:
            line.poll(self._event)
            if self._reply is not None:
                self._quiet_ms = 0
                self.answers += 1
                return None
            passed = clock.since(sent)
            if passed > first_by:
                under_way = reader.inside() and clock.since(line.last_byte) < _GAP_MS
                if not under_way or passed > last_by:
                    break
            await clock.sleep_ms(_STEP_MS)
        if reader.inside():
            self._damaged()
        heard = reader.bytes - heard
        echoes = reader.echoes - echoes
        if not self._reason:
            self._reason = "garbled"
            if not heard:
                self._reason = "no_light"
            elif echoes and heard - echoes * len(frame) <= 1:  # a lone 00 means nothing (447 2)
                self._reason = "echo_only"
        return self._reason

    def _event(self, event):
        """What the reader completed, while a question is open or between two."""
        reader = self.line.reader
        request = self._request
        if self._reply is not None:
            request = None
        if event == ACKNOWLEDGE:
            if request and self._acknowledge:
                self._reply = b""
        elif reader.start != FROM_METER:
            pass  # our own echo, or another master
        elif event == FRAME:
            from kmp.command import answers

            reply = reader.application()
            if not request:
                self.stale += 1
            elif reader.address == self._asked and not self._acknowledge and answers(request, reply):
                self._reply = bytes(reply)
            else:
                self.stale += 1
                self._reason = self._reason or "other_device"
        elif request:
            self._damaged()

    def _damaged(self):
        """A frame was broken or cut off: a reply, or noise that happened to hold a start byte?"""
        reader = self.line.reader
        if reader.length >= 2 and reader.address == self._asked and reader.buffer[1] == self._request[0]:
            self._reason = "bad_crc"
