# The services of a BACnet device that is read: a packet in, the reply in the writer (ASHRAE 135 clauses 13 to 16, 20).
# No I/O. Imports the files beside it. Promises: every byte string gives a reply or silence; a request that cannot be
# served is refused with the PDU the standard has for it, and nothing can be written.

from micropython import const

from kmpeye.expose.bacnet.codec import Refused, Request, Writer
from kmpeye.expose.bacnet.cov import Subscriptions
from kmpeye.expose.bacnet.link import Arrived, begin, finish
from kmpeye.expose.bacnet.objects import Objects

_BROADCAST = const(11)  # functions of BACnet/IP
_TO_NETWORK = const(9)  # Distribute-Broadcast-To-Network: a foreign device asks its BBMD
_MOST_AROUND = const(17)  # bytes before an APDU, with the longest address
_MAX_APDU = const(1024)  # as the Device object says
_DEVICE = const(8)  # type of an object
_ERROR = const(5)  # types of the PDUs that refuse
_REJECT = const(6)
_ABORT = const(7)
_I_AM = const(0)  # unconfirmed services
_I_HAVE = const(1)
_WHO_HAS = const(7)
_WHO_IS = const(8)
_COV_NOTIFICATION = const(1)  # confirmed services
_SUBSCRIBE_COV = const(5)
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

_ALL = const(8)  # in ReadPropertyMultiple
_REQUIRED = const(105)
_OPTIONAL = const(80)

_MOST_APDU = (50, 128, 206, 480, _MAX_APDU)  # bytes a client takes, by its code; more is of no use to us


class Device:
    def __init__(self, app, net):
        """net: turns the socket's addresses into BACnet's six bytes and back: six(address), address(six)."""
        self._net = net
        self.subscriptions = Subscriptions(app.clock, app.log, net)
        self.objects = Objects(app, self.subscriptions.write)
        self.subscriptions.attach(self.objects)
        self._config = app.config
        self.writer = Writer(_MAX_APDU + _MOST_AROUND)
        self.requests = 0  # that were answered

    def answer(self, data, source):
        """(packet, where to) in reply to a packet, or None. source: its sender, as the socket has it. The packet is
        good until the next call."""
        arrived = Arrived(data)
        if not arrived.start or self.objects.instance is None:
            return None
        self.objects.refresh()
        if arrived.origin:
            source = self._net.address(arrived.origin)
        kind = data[arrived.start] >> 4
        size = len(data) - arrived.start
        if kind == 0 and size >= 4 and not arrived.broadcast:
            self._confirmed(data, arrived, source)
        elif kind == 1 and size >= 2:
            if not self._unconfirmed(data, arrived):
                return None
        else:
            if kind == 2 and size >= 2:
                self.subscriptions.confirmed(data[arrived.start + 1], source)
            return None
        self.requests += 1
        return finish(self.writer), source

    def notifications(self):
        """Yields (packet, where to) for what subscribers have to hear now."""
        self.objects.refresh()
        for source in self.subscriptions.due(self.writer):
            yield finish(self.writer), source

    def i_am(self, to_bbmd=False):
        """The packet that announces us to everybody; to_bbmd: it has to spread it."""
        begin(self.writer, b"", 50, False, _TO_NETWORK if to_bbmd else _BROADCAST)
        self._i_am()
        return finish(self.writer)

    def _i_am(self):
        writer = self.writer
        writer.raw(bytes((0x10, _I_AM)))
        writer.object(_DEVICE, self.objects.instance)
        writer.unsigned(_MAX_APDU)
        writer.enumerated(3)  # no segmentation
        writer.unsigned(self._config["bacnet_vendor"])

    def _unconfirmed(self, data, arrived):
        """True when there is a reply: I-Am to Who-Is, I-Have to Who-Has."""
        start = arrived.start
        request = Request(data, start + 2, len(data))
        begin(self.writer, arrived.route, 480)  # the longest name has 64 characters, 256 bytes
        try:
            if data[start + 1] == _WHO_IS:
                if request.more():
                    low = request.unsigned(0)
                    if not low <= self.objects.instance <= request.unsigned(1):
                        return False
                self._i_am()
                return True
            return data[start + 1] == _WHO_HAS and self._who_has(request)
        except Refused:
            return False

    def _who_has(self, request):
        objects = self.objects
        if request.at(0x08):
            low = request.unsigned(0)
            if not low <= objects.instance <= request.unsigned(1):
                return False
        if request.at(0x28):
            found = objects.select(*request.object(2))
        else:
            found = False
            start, end = request.content(3)
            wanted = bytes(request.data[start:end])
            for type, number in objects.ids():
                objects.select(type, number)
                if b"\0" + objects.name().encode() == wanted:
                    found = True
                    break
        if found:
            writer = self.writer
            writer.raw(bytes((0x10, _I_HAVE)))
            writer.object(_DEVICE, objects.instance)
            writer.object(objects.type, objects.number)
            writer.text(objects.name())
        return found

    def _confirmed(self, data, arrived, source):
        """Write the reply to a confirmed request that came to us alone."""
        writer = self.writer
        pos = arrived.start
        invoke = data[pos + 2]
        service = data[pos + 3]
        start = begin(writer, arrived.route, _MOST_APDU[min(data[pos + 1] & 15, 4)])
        try:
            if data[pos] & 8:  # the request is in several pieces
                raise Refused(_ABORT, _NO_SEGMENTATION)
            request = Request(data, pos + 4, len(data))
            if service == _READ:
                writer.raw(bytes((0x30, invoke, service)))
                self._read(request)
            elif service == _READ_MULTIPLE:
                writer.raw(bytes((0x30, invoke, service)))
                self._read_multiple(request)
            elif service == _SUBSCRIBE_COV:
                self._subscribe(request, arrived, source)
                writer.raw(bytes((0x20, invoke, service)))
            elif service == _WRITE:
                self._refuse_write(request)
            else:
                raise Refused(_REJECT, _UNKNOWN_SERVICE)
        except Refused as e:
            writer.pos = start
            if e.args[0] == _ERROR:
                writer.raw(bytes((0x50, invoke, service)))
                writer.enumerated(e.args[1])
                writer.enumerated(e.args[2])
            else:  # the last bit of an Abort: it is the server who ends it
                writer.raw(bytes((0x71 if e.args[0] == _ABORT else 0x60, invoke, e.args[1])))

    def _property(self, request, context):
        """(property, index or None) of a request; its tags are context and the one after it."""
        property = request.unsigned(context)
        return property, request.unsigned(context + 1) if request.at(context + 1 << 4 | 8) else None

    def _exists(self, there):
        if not there:
            raise Refused(_ERROR, _OBJECT, _UNKNOWN_OBJECT)

    def _read(self, request):
        objects = self.objects
        there = objects.select(*request.object(0))
        property, index = self._property(request, 1)
        self._exists(there)
        writer = self.writer
        writer.object(objects.type, objects.number, 0)
        writer.unsigned(property, 1)
        if index is not None:
            writer.unsigned(index, 2)
        writer.opening(3)
        objects.write(writer, property, index)
        writer.closing(3)

    def _read_multiple(self, request):
        objects = self.objects
        writer = self.writer
        while True:
            type, number = request.object(0)
            there = objects.select(type, number)
            writer.object(type, objects.number, 0)
            request.need(0x1E)
            writer.opening(1)
            while not request.take(0x1F):
                property, index = self._property(request, 0)
                if there and property in (_ALL, _REQUIRED, _OPTIONAL):
                    for one in objects.properties(property):
                        self._result(one, None, True)
                else:
                    self._result(property, index, there)
            writer.closing(1)
            if not request.more():
                return

    def _result(self, property, index, there):
        """One property of ReadPropertyMultiple, or the error in its place."""
        writer = self.writer
        writer.unsigned(property, 2)
        if index is not None:
            writer.unsigned(index, 3)
        start = writer.pos
        try:
            self._exists(there)
            writer.opening(4)
            self.objects.write(writer, property, index)
            writer.closing(4)
        except Refused as e:
            if e.args[0] != _ERROR:
                raise
            writer.pos = start
            writer.opening(5)
            writer.enumerated(e.args[1])
            writer.enumerated(e.args[2])
            writer.closing(5)

    def _subscribe(self, request, arrived, source):
        process = request.unsigned(0)
        type, number = request.object(1)
        confirmed = lifetime_s = None
        if request.at(0x28):
            confirmed = request.unsigned(2)
        if request.at(0x38):
            lifetime_s = request.unsigned(3)
        if lifetime_s is not None and confirmed is None:
            raise Refused(_REJECT, _MISSING_PARAMETER)
        if confirmed is None:
            return self.subscriptions.cancel(source, arrived.route, process, type, number)
        self._exists(self.objects.select(type, number))
        if type == _DEVICE:
            raise Refused(_ERROR, _OBJECT, _NO_COV)
        self.subscriptions.subscribe(
            source, arrived.route, process, type, number, bool(confirmed), lifetime_s or 0
        )

    def _refuse_write(self, request):
        there = self.objects.select(*request.object(0))
        property, _ = self._property(request, 1)
        request.need(0x3E)
        self._exists(there)
        if not self.objects.has(property):
            raise Refused(_ERROR, _PROPERTY, _UNKNOWN_PROPERTY)
        raise Refused(_ERROR, _PROPERTY, _WRITE_DENIED)
