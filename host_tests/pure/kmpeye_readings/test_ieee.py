# Decimal to IEEE 754: known patterns, the edges, and what "nearest" means, checked with integers alone.
# Runs on CPython and MicroPython; host_tests/host/test_bacnet_ieee.py compares with struct and fractions.

from kmpeye.readings.ieee import NAN_DOUBLE, NAN_SINGLE, double, single

# mantissa, exponent, single, double, why
KNOWN = (
    (0, 0, 0, 0, "zero"),
    (0, -3, 0, 0, "zero has no sign and no exponent"),
    (1, 0, 0x3F800000, 0x3FF0000000000000, "one"),
    (-1, 0, 0xBF800000, 0xBFF0000000000000, "the sign is one bit"),
    (215, -1, 0x41AC0000, 0x4035800000000000, "21.5"),
    (72, 0, 0x42900000, 0x4052000000000000, "72"),
    (1, -1, 0x3DCCCCCD, 0x3FB999999999999A, "0.1 is rounded up in both"),
    (314131, -3, 0x439D10C5, 0x4073A2189374BC6A, "a volume"),
    (16777216, 0, 0x4B800000, 0x4170000000000000, "the last integer with all below it exact"),
    (16777217, 0, 0x4B800000, 0x4170000010000000, "half way: to the even one below"),
    (16777219, 0, 0x4B800002, 0x4170000030000000, "half way: to the even one above"),
    (1677721701, -2, 0x4B800001, 0x417000001028F5C3, "a little above half way"),
    (33554431, 0, 0x4C000000, 0x417FFFFFF0000000, "rounding carries into the exponent"),
    (99999999, 0, 0x4CBEBC20, 0x4197D783FC000000, "an 8-digit counter is exact as a double only"),
    (1, 63, 0x7F800000, 0x4D03726987666191, "beyond a single: infinity"),
    (-1, 63, 0xFF800000, 0xCD03726987666191, "and the other way"),
    (1, -45, 0x00000001, 0x3696D601AD376AB9, "the smallest single"),
    (7, -46, 0x00000000, 0x368FF868BF4D956A, "less than half of it"),
    (1, -40, 0x000116C2, 0x37A16C262777579C, "a single without its hidden bit"),
    (1, -63, 0x00000000, 0x32DA53FC9631D10D, "below all singles"),
)


def test_known_patterns():
    for mantissa, exponent, wanted_single, wanted_double, why in KNOWN:
        assert single(mantissa, exponent) == wanted_single, why
        assert double(mantissa, exponent) == wanted_double, why


def test_not_a_number_has_the_quiet_pattern_of_every_platform():
    assert NAN_SINGLE == 0x7FC00000
    assert NAN_DOUBLE == 0x7FF8000000000000


def twice_the_distance(pattern, bits, bias, mantissa, scale):
    """2 · |pattern's value - mantissa| in units of 1 / scale, times 2^bias+bits, an integer."""
    power = pattern >> bits - 1
    significand = pattern & (1 << bits - 1) - 1
    if power:
        significand |= 1 << bits - 1
    else:
        power = 1
    # value = significand * 2^(power - bias - bits + 1)
    return abs((significand << power + 1) * scale - (mantissa << bias + bits))


def test_no_neighbour_is_nearer():
    state = 12345
    for _ in range(150):
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        mantissa = state * (state >> 7) >> state % 50
        exponent = state % 8
        for bits, bias, function in ((24, 127, single), (53, 1023, double)):
            pattern = function(mantissa, -exponent)
            here, above = (
                twice_the_distance(pattern + step, bits, bias, mantissa, 10**exponent) for step in (0, 1)
            )
            assert here <= above, (mantissa, exponent)
            if pattern:
                below = twice_the_distance(pattern - 1, bits, bias, mantissa, 10**exponent)
                assert here <= below, (mantissa, exponent)
                if here in (above, below):
                    assert not pattern & 1, (mantissa, exponent)
