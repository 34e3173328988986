"""What is wrong with the line is said right: real meter, real head, real frame reader, one condition between them.

Virtual time. Uses kmpsim's meter and what its light becomes at another speed; each condition with 20 seeds.
"""

import asyncio
import random

import pytest

from kmp.command import get_register
from kmp.frame import FROM_METER, LOGGER_TOP, METER, TO_METER, build
from kmp.meter import register_reply
from kmpeye.head.advice import advice
from kmpeye.head.diagnosis import Diagnosis
from kmpeye.head.garbled import Listener, suspect
from kmpeye.head.line import Line
from kmpeye.head.transaction import Head, NoAnswer
from kmpsim import model
from kmpsim.faults import Faults, Odds
from kmpsim.line import byte_ms, garble
from kmpsim.meter import Options, SimMeter
from virtual_line import VirtualClock

BAUD = 1200
LATENCY_MS = 100
IDS = [68, 74, 292, 299, 99]
SEEDS = range(20)
RIGHT = 19  # of 20 seeds


class Port:
    """The port of a head on a meter; `echo` and `reply` say what becomes of light on its way to the receiver,
    each a function of (bytes, random) to bytes. Stray light comes on top."""

    def __init__(self, clock, meter, condition, seed):
        self._clock = clock
        self._meter = meter
        self._condition = condition
        self._rng = random.Random("condition %d" % seed)
        self._noise = Faults(Odds(noise=condition.noise), seed)
        self._next = self._noise.idle_noise()
        self._incoming = []
        meter.told = self._answered

    def write(self, data):
        self._hear(self._condition.echo(data, self._rng), self._clock.now)
        self._meter.receive(data, self._clock.now)

    def _answered(self, request, reply, registers, faults):
        self._hear(self._condition.reply(reply, self._rng), self._clock.now + LATENCY_MS)

    def _hear(self, data, start):
        for i, byte in enumerate(data):
            self._incoming.append((start + (i + 1) * byte_ms(BAUD), byte))
        self._incoming.sort()

    def any(self):
        self._meter.due(self._clock.now)
        while self._next and self._next[0] * 1000 <= self._clock.now:
            self._hear(self._next[1], self._next[0] * 1000)
            pause, burst = self._noise.idle_noise()
            self._next = self._next[0] + pause, burst
        return bool(self._incoming) and self._incoming[0][0] <= self._clock.now

    def readinto(self, buf):
        count = 0
        while self.any() and count < len(buf):
            buf[count] = self._incoming.pop(0)[1]
            count += 1
        return count or None

    def close(self):
        pass


def nothing(data, rng):
    return b""


def as_sent(data, rng):
    return data


def at_speed(baud, stop_bits=1):
    return lambda data, rng: garble(data, baud, BAUD, stop_bits)


def seven_even(data, rng):
    """What a sender of 7 bits with even parity makes of the same bytes."""
    return bytes(byte & 127 | (bin(byte & 127).count("1") & 1) << 7 for byte in data)


def seven_bits(data, rng):
    return bytes(byte & 127 for byte in data)


def inverted(data, rng):
    """A receiver that takes dark for light: looked at 16 times a bit, as a UART does."""
    levels = [0] * 16 * 20
    for byte in data:
        for bit in (0, *(byte >> i & 1 for i in range(8)), 1, 1):
            levels += [1 - bit] * 16
    levels += [0] * 16 * 12
    out = []
    at = 1
    while at < len(levels) - 16 * 10:
        if levels[at - 1] and not levels[at] and not levels[at + 8]:
            out.append(sum(levels[at + 8 + 16 * (i + 1)] << i for i in range(8)))
            at += 16 * 9 + 8  # the middle of the stop bit
        else:
            at += 1
    return bytes(out)


def clipped(data, rng):
    return data[: rng.randint(4, len(data) - 2)]


def weak(data, rng):
    """Light that fades: one bit in 60 is lost, the beginning is strong."""
    out = bytearray(data)
    for i in range(6, len(out) - 1):
        for bit in range(8):
            if rng.random() < 1 / 60:
                out[i] |= 1 << bit
    if out == data:
        out[len(out) // 2] ^= 4
    return bytes(out)


def from_logger(data, rng):
    return build(FROM_METER, LOGGER_TOP, register_reply([(68, 40, 1234, -3, 4)]))


def empty(data, rng):
    return build(FROM_METER, METER, register_reply([]))


class Condition:
    def __init__(
        self, name, state, detail=None, echo=nothing, reply=nothing, noise=0, before=False, meter="21"
    ):
        self.name = name
        self.state = state
        self.detail = detail  # what is suspected when it is garbled
        self.echo = echo
        self.reply = reply
        self.noise = noise
        self.before = before  # whether the meter answered well before
        self.needs, self.throttles = {"21": ("magnet", True), "403": ("key", False), "601": ("none", False)}[
            meter
        ]


CONDITIONS = (
    Condition("all is well", "ok", reply=as_sent),
    Condition("all is well, with an echo and stray light", "ok", echo=as_sent, reply=as_sent, noise=0.1),
    Condition("silence", "no_light"),
    Condition(
        "silence of a meter that was answering and needs no waking", "no_light", before=True, meter="601"
    ),
    Condition("echo only", "echo_only", echo=as_sent),
    Condition("8N1 at 2400", "garbled", "baud", echo=as_sent, reply=at_speed(2400)),
    Condition("8N1 at 2400, no echo", "garbled", "baud", reply=at_speed(2400)),
    Condition("8N1 at 9600", "garbled", "baud", echo=as_sent, reply=at_speed(9600)),
    Condition("8N1 at 300", "garbled", "baud", reply=at_speed(300)),
    Condition("7E1", "garbled", "stop_bits", reply=seven_even),
    Condition("an adapter of 7 bits, which no meter understands", "garbled", "stop_bits", echo=seven_bits),
    Condition("inverted", "garbled", "inversion", echo=inverted, reply=inverted),
    Condition("inverted, no echo", "garbled", "inversion", reply=inverted),
    Condition("inverted echo only", "garbled", "inversion", echo=inverted),
    Condition("stray light", "garbled", "noise", noise=2),
    Condition("stray light and an echo", "garbled", "noise", echo=as_sent, noise=2),
    Condition("clipped frames", "bad_crc", echo=as_sent, reply=clipped),
    Condition("weak light", "bad_crc", reply=weak),
    Condition("weak light and stray light", "bad_crc", echo=as_sent, reply=weak, noise=0.2),
    Condition("another address", "other_device", reply=from_logger),
    Condition("empty reply", "refused", echo=as_sent, reply=empty),
    Condition("mute after answers", "throttled", before=True),
    Condition("mute after answers, with an echo", "throttled", echo=as_sent, before=True),
    Condition("a key's time is over", "asleep", echo=as_sent, before=True, meter="403"),
)
WELL = Condition("before", "ok", reply=as_sent)


class Told(SimMeter):
    """The meter, whose reply goes to whoever holds the port now."""

    def __init__(self, seed):
        # Its own light is lost: the port shines what the condition makes of it.
        options = Options(latency_ms=LATENCY_MS, odds=Odds(loss=1), start_s=850_000_000)
        super().__init__(model.load("multical21"), 0, seed, options, self._tell)
        self.told = None

    def _tell(self, *answer):
        self.told(*answer)


async def read(head):
    """The reason why there are no registers, or None."""
    try:
        return None if await head.registers(IDS) else "refused"
    except NoAnswer as error:
        return error.reason


async def diagnose(condition, seed):
    """(state, what is suspected) of a line in that condition."""
    clock = VirtualClock()
    meter = Told(seed)
    port = [Port(clock, meter, WELL if condition.before else condition, seed)]

    async def opener(where, baud, clock, pins):
        return port[0]

    line = Line("test", BAUD, clock, opener=opener)
    head = Head(line)
    diagnosis = Diagnosis(condition.needs, condition.throttles)
    if condition.before:
        diagnosis.begin(head)
        assert diagnosis.end(head, await read(head)) and diagnosis.state == "ok"
        line.close()
        port[0] = Port(clock, meter, condition, seed)
    diagnosis.begin(head)
    diagnosis.end(head, await read(head))
    if diagnosis.state != "garbled":
        return diagnosis.state, None
    line.reader = Listener()
    await read(head)
    return "garbled", suspect(build(TO_METER, METER, get_register(IDS)), line.reader.tries)


@pytest.mark.parametrize("condition", CONDITIONS, ids=[one.name for one in CONDITIONS])
def test_a_condition_of_the_line_is_named(condition):
    found = [asyncio.run(diagnose(condition, seed)) for seed in SEEDS]
    assert found.count((condition.state, condition.detail)) >= RIGHT, found
    says, todo = advice(condition.state, condition.detail or condition.needs)
    assert says and todo


def test_a_port_that_cannot_be_opened_is_named():
    async def opener(where, baud, clock, pins):
        raise OSError("there is no test")

    async def run():
        line = Line("test", BAUD, VirtualClock(), opener=opener)
        head = Head(line)
        diagnosis = Diagnosis("magnet", True)
        diagnosis.begin(head)
        diagnosis.end(head, await read(head))
        return diagnosis.state

    assert asyncio.run(run()) == "port_error"
