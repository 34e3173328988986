# What a property of an object reads as, in BACnet's tags. Imports kmp, readings and the files beside it; loaded while
# somebody reads. Promises: what an object has to have it has; a value that was never read is NaN.

from micropython import const

from kmpeye.expose.bacnet.codec import Refused
from kmpeye.expose.bacnet.objects import STATES
from kmpeye.expose.bacnet.quantities import unit
from kmpeye.readings.ieee import NAN_DOUBLE, NAN_SINGLE, double, single
from kmpeye.readings.units import to_common

_ANALOG_INPUT = const(0)
_BINARY_INPUT = const(3)
_DEVICE = const(8)
_MULTISTATE_INPUT = const(13)
_TEXT_VALUE = const(40)
_LARGE_VALUE = const(46)

_PRESENT_VALUE = const(85)
_STATUS_FLAGS = const(111)
_PROPERTY_LIST = const(371)
_OBJECT_LIST = const(76)
_STATE_TEXT = const(110)
_SERIAL_NUMBER = const(372)

# By type: the required properties, 0, the optional ones. Identifier 75, name 77 and type 79 come first in all,
# Property_List 371 and the Device's Serial_Number 372 do not fit a byte.
_PROPERTIES = {
    _DEVICE: b"\x70\x79\x78\x46\x2c\x0c\x62\x8b\x61\x60\x4c\x3e\x6b\x0b\x49\x1e\x9b\0\x1c\x3a\x98",
    # 85, 111, 36 event state, 81 out of service, 117 units; 28 description, 103 reliability, 22 COV increment
    _ANALOG_INPUT: b"\x55\x6f\x24\x51\x75\0\x1c\x67\x16",
    _LARGE_VALUE: b"\x55\x6f\x75\0\x1c\x24\x67\x51\x16",
    # 84 polarity; 46 inactive text, 4 active text
    _BINARY_INPUT: b"\x55\x6f\x24\x51\x54\0\x1c\x67\x2e\x04",
    # 74 number of states; 110 their texts
    _MULTISTATE_INPUT: b"\x55\x6f\x24\x51\x4a\0\x1c\x67\x6e",
    _TEXT_VALUE: b"\x55\x6f\0\x1c\x24\x67\x51",
}

# Those that are always the same, as they are sent.
_FIXED = {
    81: b"\x10",  # out of service: no
    84: b"\x91\x00",  # polarity: normal
    112: b"\x91\x00",  # system status: operational
    107: b"\x91\x03",  # segmentation supported: none
    97: b"\x85\x07\x07\x04\x0a\x00\x00\x60\x00",  # services executed: 5, 12, 14, 33, 34 of 41 (revision 14)
    96: b"\x85\x08\x01\x90\x84\x00\x00\x00\x82\x00",  # types of objects: 0, 3, 8, 13, 40, 46 of 55
    98: b"\x21\x01",  # protocol version
    139: b"\x21\x0e",  # protocol revision: 14, the last one that needs no Network Port object
    62: b"\x22\x04\x00",  # bytes of an APDU: bacpypes3 takes 1024 too; 1476 would leave no room for longer headers
    11: b"\x22\x0b\xb8",  # ms until a notification is repeated
    73: b"\x21\x03",  # and how often
    30: b"",  # device address binding: an empty list
}

_NO_UNITS = const(95)
_KILOWATT_HOURS = const(19)
_KELVIN_DIFFERENCE = const(121)
_COUNT = const(254)  # as in quantities
_REAL = const(4)  # application tags
_DOUBLE = const(5)

_ERROR = const(5)  # a PDU that refuses, its class and codes
_PROPERTY = const(2)
_UNKNOWN_PROPERTY = const(32)
_BAD_INDEX = const(42)
_NO_ARRAY = const(50)


def numbers(objects, which):
    """Of the current object's properties. which: 8 all, 105 the required ones, 80 the optional ones, as
    ReadPropertyMultiple has them; Property_List is in none."""
    required, _, optional = _PROPERTIES[objects.type].partition(b"\0")
    found = []
    if which != 80:
        found.extend(b"\x4b\x4d\x4f" + required)
    if which != 105:
        found.extend(optional)
        if objects.type == _DEVICE:
            found.append(_SERIAL_NUMBER)
    return found


def has(objects, property):
    return property == _PROPERTY_LIST or property in numbers(objects, 8)


def name(objects):
    type = objects.type
    if type == _DEVICE:
        config = objects.app.config
        return config["bacnet_name"] or "%s %s" % (config["name"], objects.serial or objects.instance)
    if type == _LARGE_VALUE:
        return objects.key + "_exact"
    if type == _BINARY_INPUT:
        return "flag_" + objects.key
    return objects.key or ("serial_number" if type == _TEXT_VALUE else "diagnosis")


def write(objects, writer, property, index=None):
    """Write the value of a property of the current object; Refused when it has none."""
    if not has(objects, property):
        raise Refused(_ERROR, _PROPERTY, _UNKNOWN_PROPERTY)
    if property == _OBJECT_LIST:
        _array(writer, index, list(objects.ids()), lambda one: writer.object(one[0], one[1]))
    elif property == _PROPERTY_LIST:  # without the three that all have
        _array(writer, index, numbers(objects, 8)[3:], writer.enumerated)
    elif property == _STATE_TEXT:
        _array(writer, index, STATES.split(" "), writer.text)
    elif index is not None:
        raise Refused(_ERROR, _PROPERTY, _NO_ARRAY)
    elif property in _FIXED:
        writer.raw(_FIXED[property])
    elif property == 75:
        writer.object(objects.type, objects.number)
    elif property == 77:
        writer.text(name(objects))
    elif property == 79:
        writer.enumerated(objects.type)
    elif property == 28:
        writer.text(_description(objects))
    elif objects.type == _DEVICE:
        _write_device(objects, writer, property)
    elif property == _PRESENT_VALUE:
        _write_present(objects, writer)
    elif property == _STATUS_FLAGS:
        writer.raw(b"\x82\x04\x40" if objects.fault else b"\x82\x04\x00")
    elif property == 36:  # event state: fault or normal
        writer.enumerated(1 if objects.fault else 0)
    elif property == 103:
        writer.enumerated(objects.fault)
    elif property == 117:
        writer.enumerated(_converted(objects)[0])
    elif property == 22:  # COV increment: every change the meter shows
        writer.raw(b"\x55\x08\0\0\0\0\0\0\0\0" if objects.type == _LARGE_VALUE else b"\x44\0\0\0\0")
    elif property == 74:
        writer.unsigned(len(STATES.split(" ")))
    else:  # 46 inactive text, 4 active text
        writer.text("set" if property == 4 else "not set")


def _array(writer, index, items, write_one):
    if index is None:
        for item in items:
            write_one(item)
    elif not index:
        writer.unsigned(len(items))
    elif index <= len(items):
        write_one(items[index - 1])
    else:
        raise Refused(_ERROR, _PROPERTY, _BAD_INDEX)


def _write_present(objects, writer):
    value = objects.value()
    if objects.type == _TEXT_VALUE:
        writer.text(value or "")
    elif objects.type == _BINARY_INPUT:
        writer.enumerated(1 if value else 0)
    elif objects.type == _MULTISTATE_INPUT:
        writer.unsigned(value)
    else:
        _, mantissa, exponent = _converted(objects)
        none = mantissa is None
        if objects.type == _ANALOG_INPUT:
            pattern = NAN_SINGLE if none else single(mantissa, exponent)
            writer.primitive(_REAL, None, pattern.to_bytes(4, "big"))
        else:
            pattern = NAN_DOUBLE if none else double(mantissa, exponent)
            writer.primitive(_DOUBLE, None, pattern.to_bytes(8, "big"))


def _converted(objects):
    """(BACnet's unit, mantissa, exponent) of the current row; the mantissa is None without one."""
    kind = _NO_UNITS if objects.kind == _COUNT else objects.kind
    if not objects.row:
        return kind, None, 0
    _, _, code, mantissa, exponent = objects.row
    if objects.type == _ANALOG_INPUT and (5 <= code <= 12 or code == 57):  # joules and calories
        mantissa, exponent = to_common(code, mantissa, exponent)
        return _KILOWATT_HOURS, mantissa, exponent
    if not code or objects.kind == _KELVIN_DIFFERENCE:  # some meters give it in °C
        return kind, mantissa, exponent
    found, shift = unit(code)
    return found, mantissa, exponent + shift


def _description(objects):
    type = objects.type
    if type == _DEVICE:
        return "%s, read through its optical eye" % (objects.app.snapshot.meter.model or "A meter")
    if type == _BINARY_INPUT:
        from kmpeye.readings.texts import describe

        return describe(objects.key)[0]
    if type == _MULTISTATE_INPUT:
        return "How the meter answers"
    if type == _TEXT_VALUE:
        return "Serial number of the meter"
    from kmp.names import register_label, unit_name

    label = register_label(objects.key)
    if objects.row and _converted(objects)[0] == _NO_UNITS and unit_name(objects.row[2]):
        label += ", " + unit_name(objects.row[2])
    return label


def _write_device(objects, writer, property):
    app = objects.app
    config = app.config
    if property == 120:  # vendor identifier
        writer.unsigned(config["bacnet_vendor"])
    elif property == 155:  # database revision: another one when other objects are there
        revision = objects.instance
        for type, number in objects.ids():
            revision = (revision * 31 + type + number) & 0xFFFF
        writer.unsigned(revision)
    elif property == 152:  # active COV subscriptions
        from kmpeye.expose.bacnet.cov import write_all

        write_all(objects, writer)
    elif property == 58:  # location
        writer.text(config["bacnet_location"] or "")
    elif property == 121:  # vendor name
        writer.text("kmpeye")
    elif property == 70:  # model name
        writer.text(app.snapshot.meter.model or "")
    elif property == _SERIAL_NUMBER:
        writer.text(objects.serial or "")
    else:  # 44 firmware revision, 12 application software version
        writer.text(app.version)
