# Values of KMP: an integer mantissa, a decimal exponent and a unit code, exactly as the meter sent them.
# Imports only frame (for the two errors). No float anywhere: the chip's have 24 bits. (447 4.2 and 4.4)

from micropython import const

from kmp.frame import ProtocolError, UsageError

MAX_NOB = const(10)  # bytes of an integer: 1, 2, 4, 8 and 10 are seen on real meters
_MAX_EXPONENT = const(63)  # six bits of SiEx


def unsigned(data, pos, count):
    """The count bytes of data from pos as one unsigned integer, most significant first."""
    number = 0
    for i in range(pos, pos + count):
        number = number << 8 | data[i]
    return number


def unsigned_bytes(number, count):
    """The other way round: count bytes, most significant first."""
    if number < 0 or number >> 8 * count:
        raise UsageError("%d is not an unsigned integer of %d bits" % (number, 8 * count))
    return number.to_bytes(count, "big")


def octets(*fields):
    """Fields of one byte each."""
    for field in fields:
        if not 0 <= field <= 255:
            raise UsageError("a field of one byte is 0 to 255, not %d" % field)
    return bytes(fields)


def take_format(data, pos):
    """Read NoB and SiEx at data[pos]. Returns (nob, sign, exponent): sign is 1 or -1."""
    if pos + 2 > len(data):
        raise ProtocolError("the reply ends where the length of a value was expected")
    nob = data[pos]
    if not 1 <= nob <= MAX_NOB:
        raise ProtocolError("a value of %d bytes; 1 to %d are possible" % (nob, MAX_NOB))
    siex = data[pos + 1]
    exponent = siex & _MAX_EXPONENT
    return nob, -1 if siex & 0x80 else 1, -exponent if siex & 0x40 else exponent


def take_mantissa(data, pos, nob, sign):
    """Read an integer of nob bytes at data[pos]. The caller moves on by nob."""
    if pos + nob > len(data):
        raise ProtocolError("a value of %d bytes was announced, %d are there" % (nob, len(data) - pos))
    return sign * unsigned(data, pos, nob)


def encode(mantissa, exponent, nob):
    """NoB, SiEx and the integer, as bytes: what take_format and take_mantissa read."""
    if not 1 <= nob <= MAX_NOB:
        raise UsageError("a value has 1 to %d bytes, not %d" % (MAX_NOB, nob))
    if not -_MAX_EXPONENT <= exponent <= _MAX_EXPONENT:
        raise UsageError("an exponent is -63 to 63, not %d" % exponent)
    siex = -exponent | 0x40 if exponent < 0 else exponent
    if mantissa < 0:
        siex |= 0x80
        mantissa = -mantissa
    return bytes((nob, siex)) + unsigned_bytes(mantissa, nob)


def text(mantissa, exponent):
    """The number in the meter's own digits: (187556, -2) is "1875.56", (2, -3) is "0.002"."""
    if exponent >= 0:
        return str(mantissa) + "0" * exponent if mantissa else "0"
    sign = ""
    if mantissa < 0:
        sign = "-"
        mantissa = -mantissa
    digits = str(mantissa)
    if len(digits) <= -exponent:
        digits = "0" * (1 - exponent - len(digits)) + digits
    return sign + digits[:exponent] + "." + digits[exponent:]


def rescale(mantissa, exponent, to_exponent):
    """The mantissa for another exponent. Exact when digits are added; when they are dropped, half goes to
    the even neighbour (as every metering standard rounds), so that errors do not add up."""
    if exponent >= to_exponent:
        return mantissa * 10 ** (exponent - to_exponent)
    divisor = 10 ** (to_exponent - exponent)
    return divide_half_even(mantissa, divisor)


def divide_half_even(numerator, divisor):
    """numerator / divisor as an integer, half rounded to the even neighbour; divisor is positive."""
    quotient = numerator // divisor
    twice = 2 * (numerator - quotient * divisor)
    if twice > divisor or (twice == divisor and quotient & 1):
        quotient += 1
    return quotient


def compare(mantissa_a, exponent_a, mantissa_b, exponent_b):
    """-1, 0 or 1 as value a is smaller than, equal to or greater than value b, whatever their exponents."""
    if exponent_a > exponent_b:
        mantissa_a *= 10 ** (exponent_a - exponent_b)
    else:
        mantissa_b *= 10 ** (exponent_b - exponent_a)
    return (mantissa_a > mantissa_b) - (mantissa_a < mantissa_b)
