# What goes wrong between a meter and a head: weak light, stray light, a head that slips. Each fault is a
# probability, drawn from a seed; the same seed gives the same faults. Imports only the protocol's reader.
# Promise: a reply with a wrong CRC is a whole frame with one bit turned over.

import random
from dataclasses import dataclass

from kmp.frame import BAD_CRC, Reader

_MOST_NOISE = 4  # bytes of one burst


@dataclass(frozen=True)
class Odds:
    """Probabilities from 0 to 1, for each reply."""

    noise: float = 0  # stray bytes before a reply, after it, and in each second without one
    loss: float = 0  # the reply does not arrive
    cut: float = 0  # the reply stops in the middle
    bad_crc: float = 0
    zero: float = 0  # a 00 unasked, before the reply


class Faults:
    """The faults of one line."""

    def __init__(self, odds, seed):
        self._odds = odds
        self._replies = random.Random("replies %d" % seed)
        self._idle = random.Random("idle %d" % seed)

    def spoil(self, reply):
        """(bytes that arrive, names of the faults done to them). Draws the same numbers whatever happens, so
        that one fault does not move another."""
        odds = self._odds
        rng = random.Random(self._replies.getrandbits(64))
        draw = {name: rng.random() for name in ("loss", "cut", "bad_crc", "zero", "before", "after")}
        noise = (self._burst(rng), self._burst(rng))
        place = rng.random()
        done = []
        if draw["loss"] < odds.loss:
            done.append("loss")
            reply = b""
        elif draw["cut"] < odds.cut and len(reply) > 1:
            done.append("cut")
            reply = reply[: 1 + int(place * (len(reply) - 1))]
        elif draw["bad_crc"] < odds.bad_crc and len(reply) > 1:
            done.append("bad_crc")
            reply = _turn_a_bit(reply, place)
        if draw["zero"] < odds.zero:
            done.append("zero")
            reply = b"\0" + reply
        if draw["before"] < odds.noise:
            done.append("noise_before")
            reply = noise[0] + reply
        if draw["after"] < odds.noise:
            done.append("noise_after")
            reply += noise[1]
        return reply, done

    def idle_noise(self):
        """(seconds until the next stray light, its bytes), or None when there is none."""
        if not self._odds.noise:
            return None
        return self._idle.expovariate(self._odds.noise), self._burst(self._idle)

    @staticmethod
    def _burst(rng):
        return rng.randbytes(rng.randint(1, _MOST_NOISE))


def _turn_a_bit(frame, place):
    """One bit of a frame turned over, so that it stays a frame: only the CRC tells."""
    spoiled = bytearray(frame)
    first = 8 + int(place * 8 * (len(frame) - 2))
    for i in range(8 * (len(frame) - 2)):  # around from `first` until a bit is found that is not stuffing
        bit = 8 + (first - 8 + i) % (8 * (len(frame) - 2))
        spoiled[bit // 8] ^= 1 << bit % 8
        reader = Reader()
        if reader.feed(spoiled, 0, len(spoiled)) == len(spoiled) and reader.event == BAD_CRC:
            return bytes(spoiled)
        spoiled[bit // 8] ^= 1 << bit % 8
    raise AssertionError("every frame has a byte that is not stuffed: its address")
