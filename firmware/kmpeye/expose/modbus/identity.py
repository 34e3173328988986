# Who we are, for Modbus function 43/14 (read device identification): three basic and three regular objects.
# Imports nothing; loaded when somebody asks. Promises an answer that fits into one reply, so that none is continued.

from micropython import const

_OBJECTS = const(14)  # where the list begins in the reply
_CONFORMITY = const(0x82)  # basic and regular, as a stream and one by one
_ONE = const(4)  # the code that asks for one object
_MOST_BYTES = const(40)  # of one text: six of them fit into a reply
_ILLEGAL_ADDRESS = const(2)
_ILLEGAL_VALUE = const(3)

# By code: the last object of the list. We have no extended ones; who asks for them gets what there is.
_LAST = const((2, 6, 6))


def _named(app):
    """(number, text) of each object."""
    return (
        (0, "kmpeye"),  # vendor
        (1, app.reader.profile.name),  # product code
        (2, app.version),
        (4, "kmpeye optical head"),  # product; 3 would be the vendor's address
        (5, app.snapshot.meter.model or ""),  # nobody knows it before the meter was found
        (6, app.config["name"]),  # what its owner calls it
    )


def identify(app, code, first, reply):
    """Put the data of the answer into reply; the end of it, or the number of an exception, negative."""
    if not 1 <= code <= _ONE:
        return -_ILLEGAL_VALUE
    known = [one for one, _ in _named(app)]
    if code == _ONE:
        last = first
        if first not in known:
            return -_ILLEGAL_ADDRESS
    else:
        last = _LAST[code - 1]
        if first not in known or first > last:
            first = 0  # the list begins anew
    reply[8] = 0x0E
    reply[9] = code
    reply[10] = _CONFORMITY
    reply[11] = reply[12] = reply[13] = 0
    end = _OBJECTS
    for one, text in _named(app):
        if first <= one <= last:
            data = text.encode()[:_MOST_BYTES]
            reply[end] = one
            reply[end + 1] = len(data)
            end += 2
            reply[end : end + len(data)] = data
            end += len(data)
            reply[13] += 1
    return end
