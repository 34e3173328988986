# kmpeye.readings.highres: a total and its high-resolution register become one exact number, across rollovers,
# restarts and meter exchanges. Tables of readings with the exact digits; runs on CPython and on MicroPython alike.

import json

from kmp.value import text
from kmpeye.readings.highres import Joined
from kmpeye.readings.units import ninths, to_common

WH, KWH, MWH, GJ, LITRE, M3 = 1, 2, 3, 8, 39, 40


def say(joined):
    """The joined value in kWh or m³, as digits; None when there is none."""
    return joined and text(*to_common(*joined))


# A name and readings: total, high, joined in the common unit, why. One object through all readings of a table.
SEQUENCES = (
    (
        "266 of a MULTICAL 403: the total modulo 10 MWh, in Wh",
        (
            ((KWH, 12345678, -1), (WH, 45678901, -1), "1234567.8901", "the example of its description"),
            (
                (KWH, 12345678, -1),
                (WH, 45678999, -1),
                "1234567.8999",
                "the last step before the total's digit",
            ),
            ((KWH, 12345679, -1), (WH, 45679000, -1), "1234567.9000", "and the total follows"),
            ((KWH, 12399999, -1), (WH, 99999999, -1), "1239999.9999", "the last one before the rollover"),
            ((KWH, 12400000, -1), (WH, 1, -1), "1240000.0001", "rolled over"),
            ((KWH, 12400000, -1), None, None, "the register is missing once"),
            (None, (WH, 2, -1), None, "the total is missing once"),
            ((KWH, 12700001, -1), (WH, 1234, -1), "1270000.1234", "three rollovers while nobody looked"),
        ),
    ),
    (
        "rollover, the total a moment behind or ahead",
        (
            ((MWH, 59999, -3), (WH, 99995000, -1), "59999.5000", "before"),
            ((MWH, 59999, -3), (WH, 2000, -1), "60000.2000", "the register is ahead of the total"),
            ((MWH, 60000, -3), (WH, 2500, -1), "60000.2500", "the total has caught up"),
            ((MWH, 70000, -3), (WH, 99999000, -1), "69999.9000", "here the register is behind"),
        ),
    ),
    (
        "a total in GJ with a register in Wh: 6,655,807 Wh and one rollover are 59.96 GJ",
        (
            ((GJ, 5996, -2), (WH, 6655807, 0), "16655.807", "a reading users wondered about"),
            ((GJ, 7199, -2), (WH, 9999000, 0), "19999.000", "71.9964 GJ"),
            ((GJ, 7200, -2), (WH, 500, 0), "20000.500", "72.0018 GJ: rolled over"),
        ),
    ),
    (
        "155 of a 602 or 402 runs on its own: the difference is kept",
        (
            ((MWH, 55006, -3), (KWH, 7312, -2), "55006.00", "joined begins where the total is"),
            ((MWH, 55006, -3), (KWH, 7362, -2), "55006.50", "half a kWh more"),
            ((MWH, 55007, -3), (KWH, 7413, -2), "55007.01", "exactly what flowed"),
            ((MWH, 64933, -3), (KWH, 999999, -2), "64932.87", "the total is ahead by less than a digit"),
            ((MWH, 64933, -3), (KWH, 4, -2), "64932.92", "rolled over at 10000.00 kWh: five steps more"),
        ),
    ),
    (
        "a register that is set back by hand",
        (
            ((MWH, 55006, -3), (KWH, 7312, -2), "55006.00", "before"),
            ((MWH, 55006, -3), (KWH, 3, -2), None, "uncertain: the plain total stands"),
            ((MWH, 55007, -3), (KWH, 93, -2), "55006.90", "two that fit: it goes on"),
        ),
    ),
    (
        "a register that is set back in the middle of the total's digit",
        (
            ((MWH, 55006, -3), (KWH, 712345, -2), "55006.00", "before"),
            ((MWH, 55006, -3), (KWH, 712395, -2), "55006.50", "half a digit on"),
            ((MWH, 55006, -3), (KWH, 2300, -2), None, "as if rolled over at 100 kWh, but it has shown 7123"),
            ((MWH, 55006, -3), (KWH, 2320, -2), None, "55006.20 would be less than what was said"),
            ((MWH, 55006, -3), (KWH, 2350, -2), "55006.50", "from here on it is not"),
        ),
    ),
    (
        "a coincidence of three digits is no rollover",
        (
            ((MWH, 55016, -3), (KWH, 612, -2), "55016.00", "55016.12 ends in 612, but so does one in ten"),
            ((MWH, 55016, -3), (KWH, 662, -2), "55016.50", "the register runs on its own"),
        ),
    ),
    (
        "a single wrong value of the register",
        (
            ((MWH, 55006, -3), (KWH, 7312, -2), "55006.00", "before"),
            ((MWH, 55006, -3), (KWH, 712345, -2), None, "nothing that fits"),
            ((MWH, 55006, -3), (KWH, 7362, -2), "55006.50", "the difference was not lost"),
        ),
    ),
    (
        "V1HighRes: a tail of V1",
        (
            ((M3, 123456, -2), (LITRE, 4567891, -3), "1234.567891", "a tail of 10 m³"),
            ((M3, 124000, -2), (LITRE, 10, -3), "1240.000010", "rolled over"),
        ),
    ),
    (
        "a full high-resolution register of an electricity meter",
        (
            ((KWH, 14990, 0), (KWH, 149900455, -4), "14990.0455", "nothing to add"),
            ((KWH, 14991, 0), (KWH, 149910001, -4), "14991.0001", "and so on"),
        ),
    ),
    (
        "meter exchange: the total fell, and the guard let it through",
        (
            ((KWH, 12345678, -1), (WH, 45678901, -1), "1234567.8901", "the old meter"),
            ((KWH, 0, -1), (WH, 0, -1), "0.0000", "the new one"),
            ((KWH, 3, -1), (WH, 3456, -1), "0.3456", "from nothing"),
        ),
    ),
    (
        "a new meter whose register runs on its own, just below its rollover",
        (
            ((M3, 0, -2), (LITRE, 999995, -3), "0.000000", "not 5 ml below nothing"),
            ((M3, 0, -2), (LITRE, 999996, -3), "0.000001", "and a millilitre on"),
        ),
    ),
    (
        "a unit change of the total",
        (
            ((MWH, 1234567, -3), (WH, 45678901, -1), "1234567.8901", "MWh"),
            ((GJ, 444444, -2), (WH, 45678950, -1), "1234567.8950", "4444.4444 GJ: the same energy"),
        ),
    ),
    (
        "what cannot be joined",
        (
            ((KWH, 5, 0), (LITRE, 5, -3), None, "energy and volume"),
            ((KWH, 500, -2), (KWH, 500, -2), None, "no finer than the total"),
            ((KWH, 500, -2), (WH, 5, 3), None, "coarser"),
            ((51, 5, 0), (51, 5, -3), None, "numbers without a unit"),
            ((KWH, 5, 0), (WH, -5, 0), None, "a register below zero"),
        ),
    ),
)


def agrees(total, joined):
    """True when the joined value, cut off at the total's resolution, is within one last digit of it."""
    _, t, at = ninths(*total)
    _, j, fine = ninths(*joined)
    digit = ninths(total[0], 1, total[2])[1]
    least = min(at, fine)
    difference = j * 10 ** (fine - least) - t * 10 ** (at - least)
    return -digit * 10 ** (at - least) <= difference < 2 * digit * 10 ** (at - least)


def test_every_reading_has_exactly_these_digits():
    for name, readings in SEQUENCES:
        pair = Joined()
        for total, high, expected, why in readings:
            joined = pair.join(total, high)
            assert say(joined) == expected, (name, why, say(joined))
            assert not joined or (joined[0] == high[0] and joined[2] == high[2] and agrees(total, joined)), (
                why
            )


def test_a_restart_between_any_two_readings_changes_nothing():
    for name, readings in SEQUENCES:
        state = None
        for total, high, expected, why in readings:
            pair = Joined(json.loads(json.dumps(state)))
            assert say(pair.join(total, high)) == expected, (name, why)
            state = pair.state()


def test_an_exchange_the_owner_tells_starts_anew():
    pair = Joined()
    pair.join((MWH, 55006, -3), (KWH, 7312, -2))
    pair.reset()
    assert pair.state() is None
    assert say(pair.join((MWH, 55006, -3), (KWH, 50, -2))) == "55006.00"


def test_joined_never_falls_while_the_meter_rises():
    for offset, step, resolution in (
        (0, 37, 3),
        (0, 7919, 3),
        (4567891, 37, 3),
        (4567891, 7919, 2),
        (123, 999, 1),
    ):
        pair = Joined()
        last = None
        for count in range(0, 400 * step, step):
            wh = 98_765_432 + count
            total = (KWH, wh // 10 ** (3 + 3 - resolution), resolution - 3)
            joined = pair.join(total, (WH, (wh + offset) % 10_000_000, 0))
            if joined:
                assert last is None or joined[1] >= last, (offset, step, wh)
                assert agrees(total, joined)
                assert offset or joined[1] == wh, "a tail is exact"
                last = joined[1]
        assert last is not None


def test_numbers_past_every_word_size_are_joined():
    joined = Joined().join((MWH, 2**79, -3), (WH, 2**79 * 1000 % 10**7 * 10 + 7, -1))
    assert joined == (WH, 2**79 * 10**4 + 7, -1)


def test_a_state_that_is_none_starts_anew():
    for state in (None, [], {}, "abcde", 5, [1, -1, 5, 0], [1, -1, "x", 0, 5], [1, -1, None, 0, 5]):
        pair = Joined(state)
        assert pair.state() is None, state
        assert say(pair.join((KWH, 12345678, -1), (WH, 45678901, -1))) == "1234567.8901"
