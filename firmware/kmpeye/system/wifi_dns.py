# DNS for a captive portal: bytes in, bytes out. Every name has the one address given; RFC 1035, section 4.
# Imports nothing. Promises: any bytes give a reply no more than 16 bytes longer than they are, or None.

from micropython import const

_HEADER = const(12)
_NAME_MOST = const(255)  # bytes of a name (RFC 1035 2.3.4)
_RESPONSE = const(0x80)
_AUTHORITY = const(0x04)
_OPCODE = const(0x78)
_RECURSION_DESIRED = const(0x01)
_NOT_IMPLEMENTED = const(4)
_A = const(1)
_ANY = const(255)
_IN = const(1)

# The name is the one asked for; type A, class IN, 0 s: a phone must forget it when it has its own network again.
_RECORD = const(b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x00\x00\x04")


def answer(query, address):
    """The reply to a query. address: four bytes. None for what is no question."""
    if len(query) < _HEADER or query[2] & _RESPONSE:
        return None
    flags = _RESPONSE | query[2] & (_OPCODE | _RECURSION_DESIRED)
    if query[2] & _OPCODE:
        return bytes(query[:2]) + bytes((flags, _NOT_IMPLEMENTED)) + bytes(8)
    if query[4] or query[5] != 1:
        return None
    place = _HEADER
    while True:
        # Beyond 63 it is a pointer, which has no place here.
        if place >= len(query) or place - _HEADER >= _NAME_MOST or query[place] > 63:
            return None
        if not query[place]:
            break
        place += query[place] + 1
    end = place + 5
    if end > len(query):
        return None
    kind = query[end - 4] << 8 | query[end - 3]
    known = kind in (_A, _ANY) and query[end - 2] == 0 and query[end - 1] in (_IN, _ANY)
    counts = b"\x00\x00\x01\x00\x01\x00\x00\x00\x00" if known else b"\x00\x00\x01\x00\x00\x00\x00\x00\x00"
    reply = bytes(query[:2]) + bytes((flags | _AUTHORITY,)) + counts + bytes(query[_HEADER:end])
    return reply + _RECORD + address if known else reply
