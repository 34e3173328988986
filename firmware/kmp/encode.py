# Integers and values as the bytes of KMP: what kmp.value reads, the other way round. Imported by whoever writes more
# than the questions of a reading: the meter's side, the logger's and the service's commands. (447 4.2)

from micropython import const

from kmp.frame import UsageError
from kmp.value import MAX_NOB

_MAX_EXPONENT = const(63)  # six bits of SiEx


def unsigned_bytes(number, count):
    """count bytes of an unsigned integer, most significant first."""
    if number < 0 or number >> 8 * count:
        raise UsageError("%d is not an unsigned integer of %d bits" % (number, 8 * count))
    return number.to_bytes(count, "big")


def octets(*fields):
    """Fields of one byte each."""
    for field in fields:
        if not 0 <= field <= 255:
            raise UsageError("a field of one byte is 0 to 255, not %d" % field)
    return bytes(fields)


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
