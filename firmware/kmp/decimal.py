# Arithmetic with values of KMP: another exponent, half to even, which of two is greater. Integers only; imports
# nothing. Promises exactness wherever no digit is dropped. Showing a reading needs none of it.


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
