# Subscriptions to changes of value (ASHRAE 135 clause 13.1): who wants to hear of which object, until when, and what
# was said last. Imports the files beside it. Promises: at most 16; a subscriber that does not confirm is dropped after
# three repetitions; a value that changed while one was on its way is sent after it.

from micropython import const

from kmpeye.expose.bacnet.codec import Refused
from kmpeye.expose.bacnet.link import begin

_MOST = const(16)  # each takes about 200 bytes of heap
_ANSWER_S = const(3)
_TRIES = const(4)  # the first one and three repetitions
_MOST_APDU = const(128)  # ours have at most 90 bytes

_DEVICE = const(8)  # type of an object, and properties
_PRESENT_VALUE = const(85)
_STATUS_FLAGS = const(111)
_ERROR = const(5)
_RESOURCES = const(3)  # class and code of the error when there is no room
_NO_SPACE = const(19)


class _Subscription:
    def __init__(self, source, route, process, type, number, confirmed, until_s):
        self.source = source  # where to send to, as the socket has it
        self.route = route
        self.process = process
        self.type = type
        self.number = number
        self.confirmed = confirmed
        self.until_s = until_s  # uptime; None: for ever
        self.said = None  # the state that was told last; None: nothing yet
        self.tries = 0  # of the notification that is not confirmed yet

    def is_for(self, source, route, process, type, number):
        same = self.process == process and self.type == type and self.number == number
        return same and self.source == source and self.route == route


class Subscriptions:
    def __init__(self, clock, log, net):
        self._clock = clock
        self._log = log
        self._net = net
        self._all = []
        self._invoke = 0
        self._objects = None

    def attach(self, objects):
        self._objects = objects

    def __len__(self):
        return len(self._all)

    def cancel(self, source, route, process, type, number):
        """Succeeds too when there is none, as the standard has it."""
        for one in self._all:
            if one.is_for(source, route, process, type, number):
                self._all.remove(one)
                return

    def subscribe(self, source, route, process, type, number, confirmed, lifetime_s):
        """Begin, or begin anew; the first notification is due at once. lifetime_s: 0 is for ever."""
        now_s = self._clock.uptime_s()
        self._expire(now_s)
        self.cancel(source, route, process, type, number)
        if len(self._all) >= _MOST:
            raise Refused(_ERROR, _RESOURCES, _NO_SPACE)
        until_s = now_s + lifetime_s if lifetime_s else None
        self._all.append(_Subscription(source, route, process, type, number, confirmed, until_s))

    def confirmed(self, invoke, source):
        """The answer to a confirmed notification arrived."""
        for one in self._all:
            if one.tries and one.invoke == invoke and one.source == source:
                one.tries = 0

    def _expire(self, now_s):
        for one in list(self._all):
            if one.until_s is not None and one.until_s <= now_s:
                self._all.remove(one)

    def due(self, writer):
        """For each notification that has to leave now: write it and yield where it goes."""
        now_s = self._clock.uptime_s()
        self._expire(now_s)
        objects = self._objects
        for one in list(self._all):
            there = objects.select(one.type, one.number)
            if one.tries:
                if now_s - one.sent_s < _ANSWER_S:
                    continue
                if one.tries == _TRIES:
                    there = False
                    self._log("bacnet: a subscriber that does not confirm is dropped")
            elif there and objects.state() == one.said:
                continue
            if not there:  # the profile may be another one by now
                self._all.remove(one)
                continue
            self._notification(writer, one, now_s)
            yield one.source

    def _notification(self, writer, one, now_s):
        objects = self._objects
        begin(writer, one.route, _MOST_APDU, one.confirmed)
        if one.confirmed:
            if not one.tries:
                self._invoke = one.invoke = self._invoke + 1 & 255
            one.tries += 1
            one.sent_s = now_s
            writer.raw(bytes((0x00, 0x05, one.invoke, 0x01)))  # nothing segmented, up to 1476 bytes
        else:
            writer.raw(b"\x10\x02")
        writer.unsigned(one.process, 0)
        writer.object(_DEVICE, objects.instance, 1)
        writer.object(one.type, one.number, 2)
        writer.unsigned(self._remaining_s(one, now_s), 3)
        writer.opening(4)
        for property in (_PRESENT_VALUE, _STATUS_FLAGS):
            writer.unsigned(property, 0)
            writer.opening(2)
            objects.write(writer, property)
            writer.closing(2)
        writer.closing(4)
        one.said = objects.state()

    def _remaining_s(self, one, now_s):
        return 0 if one.until_s is None else one.until_s - now_s

    def write(self, writer):
        """The Device's property Active_COV_Subscriptions."""
        now_s = self._clock.uptime_s()
        for one in self._all:
            writer.opening(0)
            writer.opening(0)
            writer.opening(1)
            network = one.route[:2] or b"\0"
            writer.unsigned(int.from_bytes(network, "big"))
            writer.primitive(6, None, one.route[3:] or self._net.six(one.source))  # an octet string
            writer.closing(1)
            writer.closing(0)
            writer.unsigned(one.process, 1)
            writer.closing(0)
            writer.opening(1)
            writer.object(one.type, one.number, 0)
            writer.unsigned(_PRESENT_VALUE, 1)
            writer.closing(1)
            writer.primitive(0, 2, b"\1" if one.confirmed else b"\0")
            writer.unsigned(self._remaining_s(one, now_s), 3)
