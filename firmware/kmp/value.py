# Values of KMP: an integer mantissa, a decimal exponent and a unit code, exactly as the meter sent them; read from
# bytes, shown as text. Imports only frame (for its error), and dates when a value is one. No float anywhere: the
# chip's have 24 bits. (447 4.2 and 4.4) The other way round is encode; arithmetic is in decimal.

from micropython import const

from kmp.frame import ProtocolError

MAX_NOB = const(10)  # bytes of an integer: 1, 2, 4, 7, 8 and 10 are seen on real meters
_MAX_LETTERS = const(64)  # bytes of a text: the type number of a MULTICAL 603 has 12
_ASCII = const(54)  # its unit code
_MAX_EXPONENT = const(63)  # six bits of SiEx

_NOT_QUANTITIES = const(b"\x2f\x30\x31\x32\x35\x36\x48\x4f")  # the unit codes of dates and text


def unsigned(data, pos, count):
    """The count bytes of data from pos as one unsigned integer, most significant first."""
    return int.from_bytes(data[pos : pos + count], "big")


def take_format(data, pos):
    """Read NoB and SiEx at data[pos], behind the unit. Returns (nob, sign, exponent): sign is 1 or -1."""
    if pos + 2 > len(data):
        raise ProtocolError("the reply ends where the length of a value was expected")
    nob = data[pos]
    most = _MAX_LETTERS if data[pos - 1] == _ASCII else MAX_NOB
    if not 1 <= nob <= most:
        raise ProtocolError("a value of %d bytes; 1 to %d are possible" % (nob, most))
    siex = data[pos + 1]
    exponent = siex & _MAX_EXPONENT
    return nob, -1 if siex & 0x80 else 1, -exponent if siex & 0x40 else exponent


def take_mantissa(data, pos, nob, sign):
    """Read an integer of nob bytes at data[pos]. The caller moves on by nob."""
    if pos + nob > len(data):
        raise ProtocolError("a value of %d bytes was announced, %d are there" % (nob, len(data) - pos))
    return sign * unsigned(data, pos, nob)


def text(mantissa, exponent):
    """The number in the meter's own digits: (187556, -2) is "1875.56", (2, -3) is "0.002"."""
    if exponent >= 0:
        return str(mantissa) + "0" * exponent if mantissa else "0"
    digits = str(abs(mantissa))
    digits = "0" * (1 - exponent - len(digits)) + digits
    return ("-" if mantissa < 0 else "") + digits[:exponent] + "." + digits[exponent:]


def is_number(unit):
    """False for the unit codes of dates, clocks, RTCs and text: those are shown as strings."""
    return unit not in _NOT_QUANTITIES


def token(unit, mantissa, exponent):
    """A value as it stands in JSON: an exact number, or a string for dates, clocks, RTCs and text."""
    shown = None
    if not exponent and not is_number(unit):
        from kmp.dates import date_text

        shown = date_text(unit, mantissa)
    if shown is None:
        return text(mantissa, exponent)
    return '"%s"' % shown.replace("\\", "\\\\").replace('"', '\\"')
