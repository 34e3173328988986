"""Bit patterns of readings.ieee against struct and fractions, over everything a meter can send.

Uses hypothesis. Promises that single() is what rounding the exact decimal once gives: struct rounds a double, so the
reference of a single is made from a Fraction.
"""

import struct
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from kmpeye.readings.ieee import double, single

MANTISSAS = st.integers(-(2**80) + 1, 2**80 - 1) | st.integers(-(10**8), 10**8)
EXPONENTS = st.integers(-63, 63) | st.integers(-4, 3)


def single_of(value):
    """The pattern nearest to a Fraction, by comparing the neighbours of what double rounding gives."""
    try:
        near = struct.unpack(">I", struct.pack(">f", abs(float(value))))[0]
    except OverflowError:
        near = 0x7F7FFFFF
    limit = Fraction(2) ** 128  # what the pattern of infinity stands for when rounding

    def distance(pattern):
        number = (
            limit if pattern == 0x7F800000 else Fraction(struct.unpack(">f", pattern.to_bytes(4, "big"))[0])
        )
        return abs(number - abs(value)), pattern & 1

    best = min((near + step for step in (-1, 0, 1) if 0 <= near + step <= 0x7F800000), key=distance)
    return best | 0x80000000 if value < 0 else best


@given(MANTISSAS, EXPONENTS)
def test_double_is_pythons_own(mantissa, exponent):
    expected = float(Fraction(mantissa) * Fraction(10) ** exponent)
    assert double(mantissa, exponent) == struct.unpack(">Q", struct.pack(">d", expected))[0]


@given(MANTISSAS, EXPONENTS)
def test_single_is_rounded_once(mantissa, exponent):
    assert single(mantissa, exponent) == single_of(Fraction(mantissa) * Fraction(10) ** exponent)


def test_rounding_twice_would_be_wrong():
    # 2^24 + 1 + 2^-30: a double drops the last bit, and half to even then goes down.
    mantissa, exponent = (2**54 + 2**30 + 1) * 5**30, -30
    value = Fraction(mantissa, 10**30)
    assert struct.unpack(">I", struct.pack(">f", float(value)))[0] == 0x4B800000
    assert single(mantissa, exponent) == 0x4B800001
