# kmp.value, encode and decimal: integer, exponent and sign as bytes, as text, rescaled and compared, with no float on
# the way. Tables of (input, expected, why); runs on CPython and on MicroPython alike.

from kmp.decimal import compare, divide_half_even, rescale
from kmp.encode import encode, octets, unsigned_bytes
from kmp.frame import ProtocolError, UsageError
from kmp.value import MAX_NOB, take_format, take_mantissa, text, unsigned
from kmp_wire import refusal, wire

TEXTS = (
    (187556, -2, "1875.56", "two decimals"),
    (2, -3, "0.002", "zeros in front"),
    (-5, -2, "-0.05", "negative, smaller than one"),
    (-12345, -2, "-123.45", "the example of 447 4.2"),
    (314131, -3, "314.131", "the volume of a real MULTICAL 21"),
    (0, 0, "0", "zero"),
    (0, -1, "0.0", "zero keeps its decimals: they are the meter's resolution"),
    (0, -4, "0.0000", "four of them"),
    (0, 5, "0", "zero has no zeros behind it"),
    (7, 0, "7", "a plain integer"),
    (7, 3, "7000", "a positive exponent"),
    (-7, 3, "-7000", "a negative one with it"),
    (100, -2, "1.00", "trailing zeros stay"),
    (10, -1, "1.0", "as many digits as decimals, and one"),
    (10, -2, "0.10", "as many digits as decimals"),
    (16777217, -3, "16777.217", "more than the 24 bits of a float on the chip"),
    (9007199254740993, -2, "90071992547409.93", "more than the 53 bits of a float on a PC"),
    (2**80 - 1, -20, "12089.25819614629174706175", "ten bytes"),
    (1, -63, "0." + "0" * 62 + "1", "the smallest exponent"),
    (19591204, 17, "1959120400000000000000000", "the example of 447 6.2.4"),
)

# value, exponent, asked exponent, mantissa that has to come out
RESCALED = (
    (187556, -2, -3, 1875560, "digits added are zeros"),
    (5, 3, 0, 5000, "a positive exponent"),
    (5, 3, 3, 5, "the same exponent"),
    (187556, -2, 0, 1876, "rounded up"),
    (187549, -2, 0, 1875, "rounded down"),
    (25, -1, 0, 2, "half goes to the even neighbour below"),
    (35, -1, 0, 4, "half goes to the even neighbour above"),
    (-25, -1, 0, -2, "half, negative, to the even neighbour above"),
    (-35, -1, 0, -4, "half, negative, to the even neighbour below"),
    (-5, -1, 0, 0, "minus a half is nothing"),
    (-15, -1, 0, -2, "minus one and a half"),
    (-26, -1, 0, -3, "past the half, negative"),
    (-24, -1, 0, -2, "short of the half, negative"),
    (2500000000000000001, -18, 0, 3, "a little more than the half is no half"),
    (2500000000000000000, -18, 0, 2, "exactly the half"),
    (1, -63, 0, 0, "all digits dropped"),
    (1, 63, -63, 10**126, "the widest span of exponents"),
    (2**80 - 1, -2, 1, 1208925819614629174706, "ten bytes"),
)

COMPARED = (
    (1, 0, 10, -1, 0, "1 is 1.0"),
    (1, 0, 11, -1, -1, "1 is less than 1.1"),
    (-1, 0, -11, -1, 1, "-1 is more than -1.1"),
    (0, 63, 0, -63, 0, "zero is zero"),
    (1, 63, 2**80 - 1, -63, 1, "the largest exponent against the smallest"),
    (-1, 63, 1, -63, -1, "and negative"),
    (9007199254740993, 0, 9007199254740992, 0, 1, "two that a float takes for the same"),
    (123, -2, 123, -3, 1, "the same digits"),
)

ENCODED = (
    (-12345, -2, 4, "04 C2 00 00 30 39", "the example of 447 4.2"),
    (314131, -3, 4, "04 43 00 04 CB 13", "a volume"),
    (19591204, 17, 4, "04 11 01 2A F0 24", "a positive exponent"),
    (5, 0, 1, "01 00 05", "one byte"),
    (14990045, 0, 10, "0A 00 00 00 00 00 00 00 00 E4 BA DD", "ten bytes, of a real K382"),
    (-1, 63, 2, "02 BF 00 01", "the largest exponent, negative"),
    (0, -63, 2, "02 7F 00 00", "the smallest exponent"),
)

UNENCODABLE = (
    ((256, 0, 1), "256 is not an unsigned integer of 8 bits", "too large for its bytes"),
    ((-256, 0, 1), "256 is not an unsigned integer of 8 bits", "too large, negative"),
    ((2**80, 0, 10), "of 80 bits", "too large for all bytes"),
    ((1, 0, 0), "1 to 10 bytes, not 0", "no byte"),
    ((1, 0, 11), "1 to 10 bytes, not 11", "too many bytes"),
    ((1, 64, 4), "-63 to 63, not 64", "an exponent of seven bits"),
    ((1, -64, 4), "-63 to 63, not -64", "the same below"),
)

BROKEN = (
    ("", "ends where the length", "nothing"),
    ("04", "ends where the length", "no SiEx"),
    ("00 00", "a value of 0 bytes; 1 to 10", "no byte"),
    ("0B 00 00 00 00 00 00 00 00 00 00 00 01", "a value of 11 bytes; 1 to 10", "too many bytes"),
    ("FF 00", "a value of 255 bytes", "far too many"),
    ("04 43 00 04 CB", "a value of 4 bytes was announced, 3 are there", "one byte short"),
    ("01 00", "a value of 1 bytes was announced, 0 are there", "no integer"),
)


def take(data):
    nob, sign, exponent = take_format(data, 0)
    return take_mantissa(data, 2, nob, sign), exponent, nob


def test_text_has_the_meters_own_digits():
    for mantissa, exponent, expected, why in TEXTS:
        assert text(mantissa, exponent) == expected, why


def test_text_reads_back_as_the_same_value():
    for mantissa, exponent, shown, why in TEXTS:
        whole, _, decimals = shown.partition(".")
        assert compare(int(whole + decimals), -len(decimals), mantissa, exponent) == 0, why


def test_rescale_is_exact_or_rounds_half_to_even():
    for mantissa, exponent, to_exponent, expected, why in RESCALED:
        assert rescale(mantissa, exponent, to_exponent) == expected, why


def test_half_even_against_counting():
    for divisor in (1, 2, 3, 4, 10):
        for numerator in range(-45, 46):
            rounded = divide_half_even(numerator, divisor)
            error = abs(2 * (numerator - rounded * divisor))
            assert error < divisor or (error == divisor and rounded % 2 == 0), (numerator, divisor)


def test_compare_needs_no_common_exponent():
    for mantissa_a, exponent_a, mantissa_b, exponent_b, expected, why in COMPARED:
        assert compare(mantissa_a, exponent_a, mantissa_b, exponent_b) == expected, why
        assert compare(mantissa_b, exponent_b, mantissa_a, exponent_a) == -expected, why


def test_known_values_as_bytes_and_back():
    for mantissa, exponent, nob, data, why in ENCODED:
        assert encode(mantissa, exponent, nob) == wire(data), why
        assert take(wire(data)) == (mantissa, exponent, nob), why


def test_every_number_of_bytes_round_trips_at_its_limits():
    for nob in range(1, MAX_NOB + 1):
        for mantissa in (0, 1, 256**nob // 2, 256**nob - 1):
            for sign in (1, -1):
                for exponent in (-63, -3, 0, 1, 63):
                    assert take(encode(sign * mantissa, exponent, nob)) == (sign * mantissa, exponent, nob)


def test_every_siex_is_sign_and_exponent():
    for siex in range(256):
        nob, sign, exponent = take_format(bytes((2, siex)), 0)
        assert nob == 2
        assert sign == (-1 if siex >= 128 else 1), siex
        assert exponent == (siex % 64 if siex % 128 < 64 else -(siex % 64)), siex
        if siex % 128 != 64:  # 40 and C0 say "minus zero": read as 0, never written
            assert encode(sign * 7, exponent, 2) == bytes((2, siex, 0, 7))


def test_what_bytes_cannot_carry_is_the_callers_error():
    for arguments, said, why in UNENCODABLE:
        assert said in refusal(UsageError, encode, *arguments), why
    assert "0 to 255, not 256" in refusal(UsageError, octets, 1, 256)
    assert "0 to 255, not -1" in refusal(UsageError, octets, -1)
    assert "-1 is not" in refusal(UsageError, unsigned_bytes, -1, 4)


def test_broken_values_are_the_other_sides_error():
    for data, said, why in BROKEN:
        assert said in refusal(ProtocolError, take, wire(data)), why


def test_a_text_may_be_longer_than_any_number():
    letters = wire("36 0C 00 30 32 4B 35 32 41 43 31 41 37 43 5A")
    assert take_format(letters, 1) == (12, 1, 0)
    assert take_format(wire("36 40 00"), 1) == (64, 1, 0)
    assert "65 bytes; 1 to 64" in refusal(ProtocolError, take_format, wire("36 41 00"), 1)
    assert "0 bytes; 1 to 64" in refusal(ProtocolError, take_format, wire("36 00 00"), 1)
    assert "12 bytes; 1 to 10" in refusal(ProtocolError, take_format, wire("35 0C 00"), 1)


def test_integers_of_any_width():
    assert unsigned(b"\xff\x01\x02\xff", 1, 2) == 0x0102
    assert unsigned(b"\xff" * 10, 0, 10) == 2**80 - 1
    assert unsigned(b"", 0, 0) == 0
    assert unsigned_bytes(0x0102, 4) == b"\0\0\1\2"
    assert octets(0, 27, 255) == b"\x00\x1b\xff"
