# A reading as the bit pattern of an IEEE 754 number, for the buses that know nothing else (BACnet, Modbus). Made with
# integers from mantissa and exponent: a float of the chip has 24 bits, and rounding a second time would be wrong.
# Imports kmp's division. Promises the nearest number there is, a half to the even one, once; too large is infinity.

from micropython import const

from kmp.decimal import divide_half_even

NAN_SINGLE = 0x7FC00000  # what stands where there is no value
NAN_DOUBLE = 0x7FF8 << 48
_SINGLE_BITS = const(24)  # of the significand, with its hidden one
_SINGLE_BIAS = const(127)
_DOUBLE_BITS = const(53)
_DOUBLE_BIAS = const(1023)


def single(mantissa, exponent):
    """The 32 bits of the binary32 nearest to mantissa · 10^exponent, as an integer."""
    return _pattern(mantissa, exponent, _SINGLE_BITS, _SINGLE_BIAS)


def double(mantissa, exponent):
    """The 64 bits of the binary64 nearest to mantissa · 10^exponent, as an integer."""
    return _pattern(mantissa, exponent, _DOUBLE_BITS, _DOUBLE_BIAS)


def _pattern(mantissa, exponent, bits, bias):
    if not mantissa:
        return 0
    upper, lower = abs(mantissa), 1
    if exponent < 0:
        lower = 10**-exponent
    else:
        upper *= 10**exponent
    # The shift that leaves `bits` bits before the point, or as many as a number near zero can have.
    shift = bits - _length(upper) + _length(lower)
    if _shifted(upper, shift) >= _shifted(lower, -shift) << bits:
        shift -= 1
    shift = min(shift, bits + bias - 2)
    significand = divide_half_even(_shifted(upper, shift), _shifted(lower, -shift))
    # The hidden one adds itself to the exponent, and so does what rounding carried over.
    power = bits + bias - 2 - shift
    pattern = min((power << bits - 1) + significand, (2 * bias + 1) << bits - 1)
    return pattern | (mantissa < 0) * (bias + 1) << bits


def _length(number):
    return len(bin(number)) - 2  # int.bit_length is not in MicroPython 1.24


def _shifted(number, shift):
    return number << shift if shift > 0 else number
