# Subscriptions to changes of value (ASHRAE 135 clause 13.1): who wants to hear of which object, until when, and what
# was said last. Imports the files beside it; loaded while somebody is subscribed. Promises: at most 16; a subscriber
# that does not confirm is dropped after three repetitions; a value that changed while one was on its way is sent
# after it.

from micropython import const

from kmpeye.expose.bacnet.codec import Refused, Writer
from kmpeye.expose.bacnet.properties import write

_MOST = const(16)  # each takes about 190 bytes of heap
_ANSWER_S = const(3)
_TRIES = const(4)  # the first one and three repetitions
_NEVER_S = const(1 << 30)  # uptimes stay below
_MOST_APDU = const(128)  # ours have at most 90 bytes

_DEVICE = const(8)  # type of an object, and properties
_PRESENT_VALUE = const(85)
_STATUS_FLAGS = const(111)

# A subscription is a list of these. The key is (where to send to as the socket has it, route, process, type, instance);
# uptime at its end, or None: it lasts; what was told last, None before the first time; how often the notification that
# is not confirmed yet was sent, its number, and the uptime when.
_KEY = const(0)
_CONFIRMED = const(1)
_UNTIL_S = const(2)
_SAID = const(3)
_TRIED = const(4)
_INVOKE = const(5)
_SENT_S = const(6)


def cancel(objects, key):
    """Succeeds too when there is none, as the standard has it."""
    objects.subscriptions = [one for one in objects.subscriptions if one[_KEY] != key]


def subscribe(objects, key, confirmed, lifetime_s):
    """Begin, or begin anew; the first notification is due at once. lifetime_s: 0 is for ever."""
    now_s = objects.app.clock.uptime_s()
    _expire(objects, now_s)
    cancel(objects, key)
    if len(objects.subscriptions) >= _MOST:
        raise Refused(5, 3, 19)  # resources, no space to add a list element
    until_s = now_s + lifetime_s if lifetime_s else None
    objects.subscriptions.append([key, confirmed, until_s, None, 0, 0, 0])


def confirmed(objects, invoke, source):
    """The answer to a confirmed notification arrived."""
    for one in objects.subscriptions:
        if one[_INVOKE] == invoke and one[_KEY][0] == source:
            one[_TRIED] = 0
            objects.due_s = 0  # it may have changed in the meantime


def _expire(objects, now_s):
    objects.subscriptions = [
        one for one in objects.subscriptions if one[_UNTIL_S] is None or one[_UNTIL_S] > now_s
    ]


def due(objects):
    """Yields (packet, where to) for each notification that has to leave now."""
    app = objects.app
    now_s = app.clock.uptime_s()
    objects.refresh()
    _expire(objects, now_s)
    for one in list(objects.subscriptions):
        key = one[_KEY]
        there = objects.select(key[3], key[4])
        said = objects.value(), objects.fault
        if one[_TRIED]:
            if now_s - one[_SENT_S] < _ANSWER_S:
                continue
            if one[_TRIED] == _TRIES:
                there = False
                app.log("bacnet: a subscriber that does not confirm is dropped")
        elif there and said == one[_SAID]:
            continue
        if there:
            one[_SAID] = said
            yield _notification(objects, one, now_s), key[0]
        else:  # the profile may be another one by now
            objects.subscriptions.remove(one)
    objects.due_s = _NEVER_S
    for one in objects.subscriptions:
        if one[_TRIED]:
            objects.due_s = min(objects.due_s, one[_SENT_S] + _ANSWER_S)
        if one[_UNTIL_S] is not None:
            objects.due_s = min(objects.due_s, one[_UNTIL_S])


def _notification(objects, one, now_s):
    source, route, process, type, number = one[_KEY]
    writer = Writer(route, _MOST_APDU, one[_CONFIRMED])
    if one[_CONFIRMED]:
        if not one[_TRIED]:
            objects.invoke = one[_INVOKE] = objects.invoke + 1 & 255
        one[_TRIED] += 1
        one[_SENT_S] = now_s
        writer.raw(bytes((0x00, 0x05, one[_INVOKE], 0x01)))  # nothing segmented, up to 1476 bytes
    else:
        writer.raw(b"\x10\x02")
    writer.unsigned(process, 0)
    writer.object(_DEVICE, objects.instance, 1)
    writer.object(type, number, 2)
    _remaining(writer, one, now_s)
    writer.tag(0x4E)
    for property in (_PRESENT_VALUE, _STATUS_FLAGS):
        writer.unsigned(property, 0)
        writer.tag(0x2E)
        write(objects, writer, property)
        writer.tag(0x2F)
    writer.tag(0x4F)
    return writer.packet()


def _remaining(writer, one, now_s):
    writer.unsigned(0 if one[_UNTIL_S] is None else one[_UNTIL_S] - now_s, 3)


def write_all(objects, writer):
    """The Device's property Active_COV_Subscriptions."""
    from kmpeye.expose.bacnet.udp import six

    now_s = objects.app.clock.uptime_s()
    for one in objects.subscriptions:
        source, route, process, type, number = one[_KEY]
        writer.raw(b"\x0e\x0e\x1e")
        writer.unsigned(int.from_bytes(route[:2], "big"))
        writer.primitive(6, None, route[3:] or six(source))  # an octet string
        writer.raw(b"\x1f\x0f")
        writer.unsigned(process, 1)
        writer.raw(b"\x0f\x1e")
        writer.object(type, number, 0)
        writer.unsigned(_PRESENT_VALUE, 1)
        writer.raw(b"\x1f")
        writer.raw(b"\x29\x01" if one[_CONFIRMED] else b"\x29\x00")
        _remaining(writer, one, now_s)
