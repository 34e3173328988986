# SimMeter: a meter as a head sees it through its optical port, without I/O and without a clock of its own.
# Bytes and the time go in, bytes with their times come out; who calls it with invented times simulates months
# in a second. Imports the protocol package and its neighbours here.
# Rules: Kamstrup 5512-447 2.1 (timing), 6.1-6.3 (commands).

import random
from collections import Counter
from dataclasses import dataclass, field

from kmp.command import GET_REGISTER, GET_SERIAL, GET_TYPE
from kmp.frame import ACK, ACKNOWLEDGE, FRAME, FROM_METER, NONE, TO_METER, ProtocolError, Reader, build
from kmp.log import is_log
from kmp.meter import read_request, register_reply, serial_reply, type_reply
from kmp.service import SET_CLOCK
from kmpsim.eye import Eye
from kmpsim.faults import Faults, Odds
from kmpsim.line import Line
from kmpsim.logger import empty_reply
from kmpsim.state import State

_DEAF_MS = 1600  # after invalid data, requests are ignored for so long
_AWAKE_MS = 1600  # from the first byte of a reply
_GAP_MS = 27  # longest pause between two bytes of a request
# With fast, bytes come as the PC's scheduler likes: only a pause that no scheduler makes ends a request.
_FAST_GAP_MS = 1000


@dataclass(frozen=True)
class Options:
    """How this meter is to behave. latency_ms None: drawn from the model's range."""

    echo: bool = False
    fast: bool = False
    latency_ms: float = None
    time_factor: float = 1  # simulated time to line time; 0: the totals and the clock stand still
    start_s: int = 0  # the meter's clock at the start, in seconds since 2000-01-01
    serial: int = None
    eye: str = "always"  # see eye.py; its hours are those of the line, whatever the time factor
    odds: Odds = field(default_factory=Odds)


class Counters:
    """What the meter saw and did, for tests and budgets."""

    def __init__(self):
        self.requests = 0  # good frames to a meter
        self.answered = 0
        self.wakes = 0  # requests that found the meter asleep
        self.ignored = Counter()  # requests and bad frames not answered, by reason
        self.faults = Counter()  # by name


class SimMeter:
    """A meter of `model` on a line. answered(request, reply, registers, faults) is told of each answer:
    the frames as sent, the registers as kmp.meter.register_reply takes them, the faults done on the way."""

    def __init__(self, model, now_ms=0, seed=0, options=None, answered=None):
        self.model = model
        self.options = options or Options()
        self.serial = self.model.serial if self.options.serial is None else self.options.serial
        self.state = State(model, seed, self.options.start_s, self.serial)
        self._loggers = {address for address, _ in self.state.logs}
        self.eye = Eye(self.options.eye, seed)
        self.line = Line(model.baud, self.options.fast)
        self.counters = Counters()
        self._answered = answered
        self._faults = Faults(self.options.odds, seed)
        self._latency = random.Random("latency %d" % seed)
        self._reader = Reader()
        self._start_ms = now_ms
        self._lived_ms = 0  # simulated time that the state has seen
        self._frame_began = now_ms
        self._last_byte = now_ms
        self._deaf_until = now_ms
        self._busy_until = now_ms
        self._awake_until = now_ms
        self._noise = None  # (when, bytes) of the next stray light
        self._next_noise(now_ms)

    def receive(self, data, now_ms):
        """The head's port was given these bytes at this moment; its UART sends them one after the other."""
        self.line.send(bytes(data), now_ms, self.options.echo)

    def magnet(self, on, now_ms):
        """A magnet is put to the meter or taken away; none is there at the start."""
        self._hear_until(now_ms)
        self.eye.magnet(on, now_ms)

    def press(self, now_ms):
        """Somebody presses the meter's key."""
        self._hear_until(now_ms)
        self.eye.press(now_ms)

    def next_due(self):
        """When something happens next: due() has news then. None: never, until the head sends."""
        times = [self.line.next_to_meter(), self.line.next_to_head(), self._noise and self._noise[0]]
        return min((time for time in times if time is not None), default=None)

    def due(self, now_ms):
        """[(ms, byte)] that the head's receiver got up to now, in order."""
        while self._noise and self._noise[0] <= now_ms:
            when, burst = self._noise
            self._hear_until(when)
            if when >= self._busy_until and self.line.next_to_meter() is None:  # else it would drown
                self.line.shine(burst, when)
            self._next_noise(when)
        self._hear_until(now_ms)
        self._live(now_ms)
        out = []
        while (at := self.line.next_to_head()) is not None and at <= now_ms:
            out.append(self.line.take_to_head())
        return out

    def _next_noise(self, after_ms):
        noise = self._faults.idle_noise()
        self._noise = noise and (after_ms + 1000 * noise[0], noise[1])

    def _live(self, now_ms):
        """Let the state catch up with the line's time."""
        lived = int((now_ms - self._start_ms) * self.options.time_factor)
        if lived > self._lived_ms:
            self.state.advance(lived - self._lived_ms)
            self._lived_ms = lived

    def _hear_until(self, now_ms):
        while (at := self.line.next_to_meter()) is not None and at <= now_ms:
            self._hear(*self.line.take_to_meter())

    def _hear(self, start, end, byte):
        reader = self._reader
        off = self.eye.off(start)
        if off:
            if byte == TO_METER:
                self.counters.ignored[off] += 1
            reader.reset()
            return
        gap = _FAST_GAP_MS if self.options.fast else _GAP_MS
        if reader.abandoned() and start - self._last_byte > gap:
            reader.reset()
            self._invalid("gap", self._last_byte + gap)
        self._last_byte = end
        if byte == TO_METER:  # bare: never inside a frame
            self._frame_began = start
        reader.feed((byte,), 0, 1)
        if reader.event == FRAME:
            self._request(end)
        elif reader.event not in (NONE, ACKNOWLEDGE):
            self._invalid("broken", end)

    def _invalid(self, reason, at):
        """Something that is no request: the meter turns away for a while."""
        self.counters.ignored[reason] += 1
        if at >= self._deaf_until and at >= self._busy_until:
            self._deaf_until = at + _DEAF_MS

    def _request(self, at):
        reader = self._reader
        if reader.start == FROM_METER:
            self.counters.ignored["reply"] += 1
            return
        self.counters.requests += 1
        reason = None
        address = reader.address
        if address != self.model.address and address not in self._loggers:
            reason = "address"
        elif self._frame_began < self._busy_until:  # while a reply is made or sent, and a byte time longer
            reason = "busy"
        elif self._frame_began < self._deaf_until:
            reason = "early"
        if reason:
            self.counters.ignored[reason] += 1
            return
        if self._frame_began >= self._awake_until:
            self.counters.wakes += 1
        self._live(at)
        application = bytes(reader.application())
        try:
            answer = self._answer(address, application)
        except ProtocolError:
            self._invalid("malformed", at)
            return
        if answer is None:
            self._invalid("unsupported", at)
            return
        reply, registers = answer
        self.counters.answered += 1
        self.eye.replied(at)
        arrives, faults = self._faults.spoil(reply)
        self.counters.faults.update(faults)
        first = at + self._reply_latency()
        self.line.shine(arrives, first)
        each = self.line.byte_ms(self.model.baud)
        # What is lost on the way was sent all the same.
        self._busy_until = first + max(len(reply), len(arrives)) * each + each
        self._awake_until = first + each + _AWAKE_MS
        if self._answered:
            self._answered(build(TO_METER, address, application), reply, registers, faults)

    def _reply_latency(self):
        drawn = self._latency.uniform(*self.model.latency_ms)
        if self.options.latency_ms is not None:
            return self.options.latency_ms
        return 0 if self.options.fast else drawn

    def _answer(self, address, application):
        """(reply on the wire, registers in it), or None for a command that this meter or its logger does not
        know."""
        cid, fields = read_request(application)
        registers = []
        if is_log(cid) and address in self._loggers:
            log = self.state.logs.get((address, fields["log"]))
            reply = log.answer(cid, fields) if log else empty_reply(cid, fields["log"])
            return build(FROM_METER, address, reply), registers
        if address != self.model.address:
            return None
        if cid == SET_CLOCK:
            self.state.set_clock(fields["date"], fields["clock"])
            return bytes((ACK,)), registers
        if cid == GET_REGISTER:
            registers = [self.state.read(one) for one in fields["ids"] if one in self.state]
            reply = register_reply(registers)
        elif cid == GET_SERIAL:
            reply = serial_reply(self.serial)
        elif cid == GET_TYPE and self.model.type_id is not None:
            reply = type_reply(self.model.type_id, *self.model.revision)
        else:
            return None
        return build(FROM_METER, address, reply), registers
