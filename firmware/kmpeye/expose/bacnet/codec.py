# A BACnet packet as bytes: the header of BACnet/IP (ASHRAE 135 annex J), that of the network layer (clause 6) and
# tagged values (clause 20.2), written into a buffer that grows, read in place. Imports nothing of ours. Promises:
# nothing is written behind the limit or read behind the end; what cannot be done is a Refused that says which PDU
# tells the client; a reply goes back the way the request came, through routers and from a BBMD too.

from micropython import const

# Numbers are named in each file that uses them: a name that is imported costs the chip 30 bytes.
_RESULT = const(0)  # functions of BACnet/IP
_FORWARDED = const(4)
_UNICAST = const(10)
_BROADCAST = const(11)
_HEADER = const(4)

_NETWORK_MESSAGE = const(0x80)  # bits of the network layer's control octet
_DESTINATION = const(0x20)
_SOURCE = const(0x08)
_REPLY_EXPECTED = const(0x04)
_LONGEST_ADDRESS = const(7)  # of a device behind a router

_REJECT = const(6)  # types of the PDUs that refuse
_ABORT = const(7)
_NO_SEGMENTATION = const(4)  # reason of an Abort: the reply is too long for one packet
_INVALID_TAG = const(4)  # reasons of a Reject
_MISSING_PARAMETER = const(5)

_UNSIGNED = const(2)  # application tags
_TEXT = const(7)
_ENUMERATED = const(9)
_OBJECT = const(12)


class Refused(Exception):
    """A request cannot be served. args: 5 (Error), class, code; or 6 (Reject) or 7 (Abort), reason."""


def _function(data):
    """The function of a packet; None when it is none of BACnet/IP."""
    if len(data) < _HEADER or data[0] != 0x81 or (data[2] << 8 | data[3]) != len(data):
        return None
    return data[1]


def result(data):
    """The code of a BBMD's answer, 0 when it is yes; None for any other packet."""
    return data[4] << 8 | data[5] if _function(data) == _RESULT and len(data) == 6 else None


def arrived(data):
    """(start, broadcast, origin, route) of a packet; None when there is nothing for us in it. start: where its APDU
    begins. broadcast: everybody got it. origin: address and port in six bytes when a BBMD passed it on, else None.
    route: network and address of a sender behind a router, as they go into the reply; empty when there is none."""
    function = _function(data)
    origin = None
    pos = _HEADER
    if function == _FORWARDED:
        origin = data[4:10]
        pos = 10
    elif function != _UNICAST and function != _BROADCAST:
        return None
    size = len(data)
    if pos + 2 > size or data[pos] != 1:  # the version
        return None
    control = data[pos + 1]
    if control & _NETWORK_MESSAGE:
        return None  # between routers
    pos += 2
    route = b""
    if control & _DESTINATION:
        if pos + 3 > size or data[pos] & data[pos + 1] != 0xFF:
            return None  # for one network behind a router, which we are not
        pos += 3 + data[pos + 2]
    if control & _SOURCE:
        if pos + 3 > size or not 0 < data[pos + 2] <= _LONGEST_ADDRESS:
            return None
        route = data[pos : pos + 3 + data[pos + 2]]
        pos += len(route)
    if control & _DESTINATION:
        pos += 1  # hop count
    if pos >= size:
        return None
    return pos, function != _UNICAST or control & _DESTINATION, origin, route


class Writer:
    """A packet that leaves: raw() and what builds on it append to the APDU; packet() when it is complete."""

    def __init__(self, route, most_apdu, expects_reply=0, function=_UNICAST):
        """most_apdu: bytes of APDU that the other one takes."""
        control = (_DESTINATION if route else 0) | (_REPLY_EXPECTED if expects_reply else 0)
        self.data = bytearray((0x81, function, 0, 0, 1, control))
        if route:
            self.data.extend(route)
            self.data.append(0xFF)  # hop count
        self._limit = len(self.data) + most_apdu

    def packet(self):
        """Enter the length; the bytes."""
        data = self.data
        data[2] = len(data) >> 8
        data[3] = len(data) & 255
        return data

    def cut(self, size):
        """Take back what was written behind the first so many bytes."""
        self.data = self.data[:size]

    def raw(self, content):
        """Bytes as they are."""
        if len(self.data) + len(content) > self._limit:
            raise Refused(_ABORT, _NO_SEGMENTATION)
        self.data.extend(content)

    def tag(self, octet):
        """An opening or closing tag."""
        self.raw(bytes((octet,)))

    def primitive(self, application, context, content):
        """A value of less than 64 KiB with its tag; context: number of the tag, or None for the application's."""
        size = len(content)
        first = (application << 4 if context is None else context << 4 | 8) | min(size, 5)
        if size > 253:
            head = bytes((first, 254, size >> 8, size & 255))
        elif size > 4:
            head = bytes((first, size))
        else:
            head = bytes((first,))
        self.raw(head + content)

    def unsigned(self, value, context=None, application=_UNSIGNED):
        size = 1
        while value >> 8 * size:
            size += 1
        self.primitive(application, context, value.to_bytes(size, "big"))

    def enumerated(self, value):
        self.unsigned(value, None, _ENUMERATED)

    def text(self, value):
        self.primitive(_TEXT, None, b"\0" + value.encode())

    def object(self, type, instance, context=None):
        self.primitive(_OBJECT, context, (type << 22 | instance).to_bytes(4, "big"))


class Request:
    """The parameters of a service, one after the other: data from pos on."""

    def __init__(self, data, pos):
        self.data = data
        self._pos = pos

    def more(self):
        return self._pos < len(self.data)

    def at(self, octet):
        """Does the next tag begin with this octet? An opening or closing tag, or a context tag's number << 4 | 8
        whatever its length."""
        if not self.more():
            return False
        found = self.data[self._pos]
        if octet & 7:  # opening 6, closing 7
            return found == octet
        return found & 0xF8 == octet and found & 7 <= 5

    def take(self, octet):
        """at(), and step over an opening or closing tag."""
        if self.at(octet):
            self._pos += 1
            return True
        return False

    def need(self, octet):
        if not self.at(octet):
            raise Refused(_REJECT, _INVALID_TAG if self.more() else _MISSING_PARAMETER)
        self._pos += 1

    def content(self, number):
        """The content of the primitive with this context tag, which must come next."""
        self.need(number << 4 | 8)
        data = self.data
        start = self._pos
        size = data[start - 1] & 7
        if size == 5:  # the length follows; nothing a client sends us is longer than 253
            size = data[start] if self.more() else 255
            start += 1
            if size > 253:
                raise Refused(_REJECT, _INVALID_TAG)
        self._pos = start + size
        if self._pos > len(data):
            raise Refused(_REJECT, _INVALID_TAG)
        return data[start : self._pos]

    def unsigned(self, number):
        """An unsigned, enumerated or boolean of at most four bytes."""
        content = self.content(number)
        if not 0 < len(content) <= 4:
            raise Refused(_REJECT, _INVALID_TAG)
        return int.from_bytes(content, "big")

    def object(self, number):
        """(type, instance)"""
        content = self.content(number)
        if len(content) != 4:
            raise Refused(_REJECT, _INVALID_TAG)
        identifier = int.from_bytes(content, "big")
        return identifier >> 22, identifier & 0x3FFFFF
