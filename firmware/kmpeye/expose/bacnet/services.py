# The services of a BACnet device that is read: a packet in, the reply out (ASHRAE 135 clauses 13 to 16, 20). No I/O.
# Imports the files beside it; loaded while packets come. Promises: every byte string gives a reply or silence; a
# request that cannot be served is refused with the PDU the standard has for it, and nothing can be written.

from micropython import const

from kmpeye.expose.bacnet.codec import Refused, Request, Writer, arrived
from kmpeye.expose.bacnet.properties import has, name, numbers, write

_BROADCAST = const(11)  # functions of BACnet/IP
_TO_NETWORK = const(9)  # Distribute-Broadcast-To-Network: a foreign device asks its BBMD
_MAX_APDU = const(1024)  # as the Device object says
_DEVICE = const(8)  # type of an object
_ERROR = const(5)  # types of the PDUs that refuse
_REJECT = const(6)
_ABORT = const(7)
_WHO_HAS = const(7)  # unconfirmed services
_WHO_IS = const(8)
_SUBSCRIBE_COV = const(5)  # confirmed services
_READ = const(12)
_READ_MULTIPLE = const(14)
_WRITE = const(15)

_OBJECT = const(1)  # error classes and codes
_PROPERTY = const(2)
_UNKNOWN_OBJECT = const(31)
_UNKNOWN_PROPERTY = const(32)
_WRITE_DENIED = const(40)
_NO_COV = const(45)
_UNKNOWN_SERVICE = const(9)  # reasons of a Reject
_MISSING_PARAMETER = const(5)
_NO_SEGMENTATION = const(4)  # reason of an Abort

_GROUPS = const((8, 105, 80))  # in ReadPropertyMultiple: all, required, optional
_NAME_APDU = const(480)  # the longest name has 64 characters, 256 bytes

# Bytes of APDU that a client takes, by its code; more than ours is of no use to us.
_MOST_APDU = (50, 128, 206, 480, _MAX_APDU)


def answer(objects, data, source):
    """(packet, where to) in reply to a packet, or None. source: its sender, as the socket has it."""
    parts = arrived(data)
    if not parts or objects.instance is None:
        return None
    start, broadcast, origin, route = parts
    objects.refresh()
    if origin:
        from kmpeye.expose.bacnet.udp import address

        source = address(origin)
    kind = data[start] >> 4
    size = len(data) - start
    if kind == 0 and size >= 4 and not broadcast:
        return _confirmed(objects, data, start, route, source), source
    if kind == 1 and size >= 2:
        writer = Writer(route, _NAME_APDU)
        if _unconfirmed(objects, writer, data[start + 1], Request(data, start + 2)):
            return writer.packet(), source
    elif kind == 2 and size >= 2 and objects.subscriptions:
        from kmpeye.expose.bacnet.cov import confirmed

        confirmed(objects, data[start + 1], source)
    return None


def i_am(objects, to_bbmd=False):
    """The packet that announces us to everybody; to_bbmd: it has to spread it."""
    writer = Writer(b"", _NAME_APDU, 0, _TO_NETWORK if to_bbmd else _BROADCAST)
    _i_am(objects, writer)
    return writer.packet()


def _i_am(objects, writer):
    writer.raw(b"\x10\x00")
    writer.object(_DEVICE, objects.instance)
    writer.unsigned(_MAX_APDU)
    writer.enumerated(3)  # no segmentation
    writer.unsigned(objects.app.config["bacnet_vendor"])


def _unconfirmed(objects, writer, service, request):
    """True when there is a reply: I-Am to Who-Is, I-Have to Who-Has."""
    if service != _WHO_IS and service != _WHO_HAS:
        return False
    try:
        if request.at(0x08) and not request.unsigned(0) <= objects.instance <= request.unsigned(1):
            return False
        if service == _WHO_HAS:
            return _who_has(objects, writer, request)
        if request.more():
            return False
    except Refused:
        return False
    _i_am(objects, writer)
    return True


def _who_has(objects, writer, request):
    if request.at(0x28):
        found = objects.select(*request.object(2))
    else:
        wanted = request.content(3)
        found = False
        for type, number in objects.ids():
            objects.select(type, number)
            if b"\0" + name(objects).encode() == wanted:
                found = True
                break
    if found:
        writer.raw(b"\x10\x01")
        writer.object(_DEVICE, objects.instance)
        writer.object(objects.type, objects.number)
        writer.text(name(objects))
    return found


def _confirmed(objects, data, pos, route, source):
    """The reply to a confirmed request that came to us alone."""
    invoke = data[pos + 2]
    service = data[pos + 3]
    writer = Writer(route, _MOST_APDU[min(data[pos + 1] & 15, 4)])
    start = len(writer.data)
    try:
        if data[pos] & 8:  # the request is in several pieces
            raise Refused(_ABORT, _NO_SEGMENTATION)
        request = Request(data, pos + 4)
        writer.raw(bytes((0x20 if service == _SUBSCRIBE_COV else 0x30, invoke, service)))
        if service == _READ:
            _read(objects, writer, request)
        elif service == _READ_MULTIPLE:
            _read_multiple(objects, writer, request)
        elif service == _SUBSCRIBE_COV:
            _subscribe(objects, request, source, route)
        elif service == _WRITE:
            _refuse_write(objects, request)
        else:
            raise Refused(_REJECT, _UNKNOWN_SERVICE)
    except Refused as e:
        writer.cut(start)
        kind, reason = e.args[:2]
        if kind == _ERROR:
            writer.raw(bytes((0x50, invoke, service, 0x91, reason, 0x91, e.args[2])))
        else:  # the last bit of an Abort: it is the server who ends it
            writer.raw(bytes((0x71 if kind == _ABORT else 0x60, invoke, reason)))
    return writer.packet()


def _property(request, context):
    """(property, index or None) of a request; its tags are context and the one after it."""
    property = request.unsigned(context)
    return property, request.unsigned(context + 1) if request.at(context + 1 << 4 | 8) else None


def _exists(there):
    if not there:
        raise Refused(_ERROR, _OBJECT, _UNKNOWN_OBJECT)


def _read(objects, writer, request):
    there = objects.select(*request.object(0))
    property, index = _property(request, 1)
    _exists(there)
    writer.object(objects.type, objects.number, 0)
    writer.unsigned(property, 1)
    if index is not None:
        writer.unsigned(index, 2)
    writer.tag(0x3E)
    write(objects, writer, property, index)
    writer.tag(0x3F)


def _read_multiple(objects, writer, request):
    while True:
        type, number = request.object(0)
        there = objects.select(type, number)
        writer.object(type, objects.number, 0)
        request.need(0x1E)
        writer.tag(0x1E)
        while not request.take(0x1F):
            property, index = _property(request, 0)
            if there and property in _GROUPS:
                for one in numbers(objects, property):
                    _result(objects, writer, one, None, True)
            else:
                _result(objects, writer, property, index, there)
        writer.tag(0x1F)
        if not request.more():
            return


def _result(objects, writer, property, index, there):
    """One property of ReadPropertyMultiple, or the error in its place."""
    writer.unsigned(property, 2)
    if index is not None:
        writer.unsigned(index, 3)
    start = len(writer.data)
    try:
        _exists(there)
        writer.tag(0x4E)
        write(objects, writer, property, index)
        writer.tag(0x4F)
    except Refused as e:
        if e.args[0] != _ERROR:
            raise
        writer.cut(start)
        writer.raw(bytes((0x5E, 0x91, e.args[1], 0x91, e.args[2], 0x5F)))


def _subscribe(objects, request, source, route):
    process = request.unsigned(0)
    type, number = request.object(1)
    key = (source, route, process, type, number)
    confirmed = request.unsigned(2) if request.at(0x28) else None
    lifetime_s = request.unsigned(3) if request.at(0x38) else None
    from kmpeye.expose.bacnet import cov

    if confirmed is None:
        if lifetime_s is not None:
            raise Refused(_REJECT, _MISSING_PARAMETER)
        cov.cancel(objects, key)
        return
    _exists(objects.select(type, number))
    if type == _DEVICE:
        raise Refused(_ERROR, _OBJECT, _NO_COV)
    cov.subscribe(objects, key, confirmed, lifetime_s or 0)


def _refuse_write(objects, request):
    there = objects.select(*request.object(0))
    property, _ = _property(request, 1)
    request.need(0x3E)
    _exists(there)
    raise Refused(_ERROR, _PROPERTY, _WRITE_DENIED if has(objects, property) else _UNKNOWN_PROPERTY)
