# What is around a BACnet APDU on UDP: the header of BACnet/IP (ASHRAE 135 annex J) and of the network layer (clause 6).
# Imports nothing of ours. Promises: what is damaged, or for another network, is not for us; a reply goes back the way
# the request came, through routers and from a BBMD too.

from micropython import const

_RESULT = const(0)  # functions of BACnet/IP
_FORWARDED = const(4)
_REGISTER = const(5)
_UNICAST = const(10)
_BROADCAST = const(11)

_BACNET_IP = const(0x81)
_HEADER = const(4)
_VERSION = const(1)
_NETWORK_MESSAGE = const(0x80)  # bits of the network layer's control octet
_DESTINATION = const(0x20)
_SOURCE = const(0x08)
_REPLY_EXPECTED = const(0x04)
_LONGEST_ADDRESS = const(7)  # of a device behind a router


def _function(data):
    """The function of a packet; None when it is none of BACnet/IP."""
    if len(data) < _HEADER or data[0] != _BACNET_IP or (data[2] << 8 | data[3]) != len(data):
        return None
    return data[1]


def result_of(data):
    """The code of a BBMD's answer, 0 when it is yes; None for any other packet."""
    if len(data) == 6 and _function(data) == _RESULT:
        return data[4] << 8 | data[5]
    return None


class Arrived:
    """A packet taken apart. start: where its APDU begins, 0 when there is none for us. broadcast: everybody got it.
    origin: address and port in six bytes when a BBMD passed it on. route: network and address of a sender behind
    a router, as they go into the reply; empty when there is none."""

    def __init__(self, data):
        self.start = 0
        self.origin = None
        self.route = b""
        function = _function(data)
        self.broadcast = function != _UNICAST
        pos = _HEADER
        if function == _FORWARDED:
            self.origin = data[4:10]
            pos = 10
        elif function not in (_UNICAST, _BROADCAST):
            return
        size = len(data)
        if pos + 2 > size or data[pos] != _VERSION:
            return
        control = data[pos + 1]
        if control & _NETWORK_MESSAGE:
            return  # between routers
        pos += 2
        if control & _DESTINATION:
            if pos + 3 > size or data[pos] & data[pos + 1] != 0xFF:
                return  # for one network behind a router, which we are not
            self.broadcast = True
            pos += 3 + data[pos + 2]
        if control & _SOURCE:
            if pos + 3 > size or not 0 < data[pos + 2] <= _LONGEST_ADDRESS:
                return
            self.route = data[pos : pos + 3 + data[pos + 2]]
            pos += len(self.route)
        if control & _DESTINATION:
            pos += 1  # hop count
        if pos < size:
            self.start = pos


def begin(writer, route, most_apdu, expects_reply=False, function=_UNICAST):
    """Start a packet; its APDU comes next and may have most_apdu bytes. Returns where the APDU begins: at 17 at most,
    with the longest address."""
    writer.pos = 0
    writer.limit = len(writer.data)
    control = _DESTINATION if route else 0
    if expects_reply:
        control |= _REPLY_EXPECTED
    writer.raw(bytes((_BACNET_IP, function, 0, 0, _VERSION, control)))
    if route:
        writer.raw(route)
        writer.byte(0xFF)  # hop count
    writer.limit = min(writer.limit, writer.pos + most_apdu)
    return writer.pos


def finish(writer):
    """Enter the length; the packet."""
    writer.data[2] = writer.pos >> 8
    writer.data[3] = writer.pos & 255
    return writer.view[: writer.pos]


def registration(ttl_s):
    """The packet that asks a BBMD to treat us as a foreign device for so long."""
    return bytes((_BACNET_IP, _REGISTER, 0, 6, ttl_s >> 8, ttl_s & 255))
