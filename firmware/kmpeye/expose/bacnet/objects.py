# What a BACnet client finds: objects made of the profile and the snapshot in the moment they are asked for. Nothing is
# kept for them but the rows that the meter stopped giving. Imports kmp, readings and the files beside it.
# Promises: the instance of an object is the number of its register, or of its bit, and never changes; a value that was
# never read is NaN, one that is old has its fault flag set.

from micropython import const

from kmp.names import register_label, unit_name
from kmp.value import is_number
from kmpeye.expose.bacnet.codec import Refused
from kmpeye.expose.bacnet.device import write_device
from kmpeye.expose.bacnet.quantities import is_total, kinds, unit
from kmpeye.readings.ieee import NAN_DOUBLE, NAN_SINGLE, double, single
from kmpeye.readings.units import to_common

_ANALOG_INPUT = const(0)
_BINARY_INPUT = const(3)
_DEVICE = const(8)
_MULTISTATE_INPUT = const(13)
_TEXT_VALUE = const(40)
_LARGE_VALUE = const(46)

_ANY_DEVICE = const(4194303)  # reads the Device object of whoever is asked

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

_AGE = const(100000)  # Analog Input beyond all registers: seconds since the latest reading
_NO_UNITS = const(95)
_KILOWATT_HOURS = const(19)
_KELVIN_DIFFERENCE = const(121)
_COUNT = const(254)  # as in quantities
_ERROR = const(5)
_SECONDS = const(60)  # the meter's code for them
_AGE_KIND = const(73)

_NO_SENSOR = const(1)  # reliability: the meter does not give this register
_UNRELIABLE = const(7)  # it does, but the guard does not believe it, or its sensor failed
_SILENT = const(12)  # communication failure: the meter does not answer

# States of the diagnosis, in the order of their numbers, which never change: 1 is good, the last one is any other.
_STATES = const(
    "ok starting asleep no_light echo_only garbled bad_crc other_device throttled refused budget_spent port_error"
    " out_of_memory other"
)

_PROPERTY = const(2)  # class of the errors here
_UNKNOWN_PROPERTY = const(32)
_BAD_INDEX = const(42)
_NO_ARRAY = const(50)


class Objects:
    """select() one, then ask for its name, its state or its properties."""

    def __init__(self, app, subscriptions):
        """subscriptions: a function that writes the active COV subscriptions."""
        self._app = app
        self.write_subscriptions = subscriptions
        self.instance = None  # of the Device; None while nobody knows it
        self.serial = None
        self._profile = None
        self._registers = ()
        self._kinds = b""  # of these
        self._reading = None
        self._gone = {}  # {id: the last row} of what the latest reading lacks
        self.type = self.number = 0

    def refresh(self):
        """To be called before anything is asked, and after each reading."""
        profile = self._app.reader.profile
        if profile is not self._profile:  # the meter is another one
            self._profile = profile
            self._gone = {}
            self._reading = None
        if profile.registers is not self._registers:  # or it turned out not to offer some of them
            self._registers = profile.registers
            self._kinds = kinds(self._registers)
        reading = self._app.snapshot.reading
        if reading is not self._reading:
            if self._reading:
                for row in self._reading.values:
                    self._gone[row[1]] = row
            for row in reading.values if reading else ():
                self._gone.pop(row[1], None)
            self._reading = reading

    def ids(self):
        """(type, instance) of all objects."""
        yield _DEVICE, self.instance
        for type in (_ANALOG_INPUT, _LARGE_VALUE):
            for kind, (register, _) in zip(self._kinds, self._registers):
                if kind and (type == _ANALOG_INPUT or is_total(kind)):
                    yield type, register
        yield _ANALOG_INPUT, _AGE
        for bit, _ in self._profile.info:
            yield _BINARY_INPUT, bit
        yield _MULTISTATE_INPUT, 1
        yield _TEXT_VALUE, 1

    def select(self, type, number):
        """Make this object the current one; False when there is none."""
        self.type = type
        self.number = number
        self.row = self.key = None
        self.kind = 0
        self.fault = 0
        snapshot = self._app.snapshot
        silent = snapshot.state != "ok"
        if type == _DEVICE:
            if number == _ANY_DEVICE:
                self.number = self.instance
            return self.number == self.instance
        if type in (_ANALOG_INPUT, _LARGE_VALUE):
            if number == _AGE and type == _ANALOG_INPUT:
                self.key = "reading_age"
                self.kind = _AGE_KIND
                reading = self._reading
                if reading:
                    age_s = self._app.clock.uptime_s() - reading.uptime_s
                    self.row = (self.key, _AGE, _SECONDS, age_s, 0)
                else:
                    self.fault = _NO_SENSOR
                return True
            for kind, (register, key) in zip(self._kinds, self._registers):
                if register == number and kind and (type == _ANALOG_INPUT or is_total(kind)):
                    self.key = key
                    self.kind = kind
                    self._find(silent)
                    return True
        elif type == _BINARY_INPUT:
            for bit, key in self._profile.info:
                if bit == number:
                    self.key = key
                    if silent:
                        self.fault = _SILENT
                    elif snapshot.flags is None:
                        self.fault = _NO_SENSOR
                    return True
        elif number == 1:
            if type == _MULTISTATE_INPUT:
                return True
            if type == _TEXT_VALUE:
                if not self.serial:
                    self.fault = _SILENT if silent else _NO_SENSOR
                return True
        return False

    def _find(self, silent):
        reading = self._reading
        if not reading or silent:
            self.fault = _SILENT
        for row in reading.values if reading else ():
            if row[1] == self.number and is_number(row[2]):
                self.row = row
                return
        self.row = self._gone.get(self.number)
        if not self.fault:
            self.fault = _NO_SENSOR
            for key, _ in reading.missing:
                if key == self.key:
                    self.fault = _UNRELIABLE

    def name(self):
        type = self.type
        if type == _DEVICE:
            config = self._app.config
            return config["bacnet_name"] or "%s %s" % (config["name"], self.serial or self.instance)
        if type == _LARGE_VALUE:
            return self.key + "_exact"
        if type == _BINARY_INPUT:
            return "flag_" + self.key
        return self.key or ("serial_number" if type == _TEXT_VALUE else "diagnosis")

    def state(self):
        """What a COV notification is sent for when it changes: value and fault."""
        if self.type == _BINARY_INPUT:
            value = self.key in (self._app.snapshot.flags or ())
        elif self.type == _MULTISTATE_INPUT:
            value = self._diagnosis()
        elif self.number == _AGE:  # changes all the time, but a new reading is what counts
            value = self._reading and self._reading.uptime_s
        else:
            value = self.serial if self.type == _TEXT_VALUE else self.row and self.row[2:]
        return value, self.fault

    def properties(self, which):
        """Numbers of the current object's properties. which: 8 all, 105 the required ones, 80 the optional ones, as
        ReadPropertyMultiple has them; Property_List is in none."""
        required, _, optional = _PROPERTIES[self.type].partition(b"\0")
        if which != 80:
            for one in b"\x4b\x4d\x4f" + required:
                yield one
        if which != 105:
            for one in optional:
                yield one
            if self.type == _DEVICE:
                yield _SERIAL_NUMBER

    def has(self, property):
        return property == _PROPERTY_LIST or property in self.properties(8)

    def write(self, writer, property, index=None):
        """Write the value of a property of the current object; Refused when it has none."""
        if not self.has(property):
            raise Refused(_ERROR, _PROPERTY, _UNKNOWN_PROPERTY)
        if property == _OBJECT_LIST:
            self._array(writer, index, list(self.ids()), lambda one: writer.object(one[0], one[1]))
        elif property == _PROPERTY_LIST:
            listed = list(self.properties(8))[3:]  # without the three that all have
            self._array(writer, index, listed, writer.enumerated)
        elif property == _STATE_TEXT:
            self._array(writer, index, _STATES.split(" "), writer.text)
        elif index is not None:
            raise Refused(_ERROR, _PROPERTY, _NO_ARRAY)
        elif property == 75:
            writer.object(self.type, self.number)
        elif property == 77:
            writer.text(self.name())
        elif property == 79:
            writer.enumerated(self.type)
        elif property == 28:
            writer.text(self._description())
        elif self.type == _DEVICE:
            write_device(writer, property, self, self._app)
        else:
            self._write_value(writer, property)

    def _array(self, writer, index, items, write):
        if index == 0:
            writer.unsigned(len(items))
        elif index is None:
            for item in items:
                write(item)
        elif index <= len(items):
            write(items[index - 1])
        else:
            raise Refused(_ERROR, _PROPERTY, _BAD_INDEX)

    def _write_value(self, writer, property):
        if property == _PRESENT_VALUE:
            self.write_present(writer)
        elif property == _STATUS_FLAGS:
            writer.bits(4, b"\x40" if self.fault else b"\0")
        elif property == 36:  # event state: fault or normal
            writer.enumerated(1 if self.fault else 0)
        elif property == 103:
            writer.enumerated(self.fault)
        elif property == 81:  # out of service
            writer.boolean(False)
        elif property == 117:
            writer.enumerated(self._converted()[0])
        elif property == 22:  # COV increment: every change the meter shows
            if self.type == _LARGE_VALUE:
                writer.double(0)
            else:
                writer.real(0)
        elif property == 84:  # polarity: normal
            writer.enumerated(0)
        elif property == 74:
            writer.unsigned(len(_STATES.split(" ")))
        else:  # 46 inactive text, 4 active text
            writer.text("set" if property == 4 else "not set")

    def write_present(self, writer):
        type = self.type
        if type == _ANALOG_INPUT:
            _, mantissa, exponent = self._converted()
            writer.real(NAN_SINGLE if mantissa is None else single(mantissa, exponent))
        elif type == _LARGE_VALUE:
            _, mantissa, exponent = self._converted()
            writer.double(NAN_DOUBLE if mantissa is None else double(mantissa, exponent))
        elif type == _TEXT_VALUE:
            writer.text(self.serial or "")
        elif type == _BINARY_INPUT:
            writer.enumerated(1 if self.state()[0] else 0)
        else:
            writer.unsigned(self._diagnosis())

    def _converted(self):
        """(BACnet's unit, mantissa, exponent) of the current row; the mantissa is None without one."""
        kind = _NO_UNITS if self.kind == _COUNT else self.kind
        if not self.row:
            return kind, None, 0
        _, _, code, mantissa, exponent = self.row
        if self.type == _ANALOG_INPUT and (5 <= code <= 12 or code == 57):  # joules and calories
            mantissa, exponent = to_common(code, mantissa, exponent)
            return _KILOWATT_HOURS, mantissa, exponent
        if not code or self.kind == _KELVIN_DIFFERENCE:  # some meters give it in °C
            return kind, mantissa, exponent
        found, shift = unit(code)
        return found, mantissa, exponent + shift

    def _diagnosis(self):
        states = _STATES.split(" ")
        state = self._app.snapshot.state
        return states.index(state) + 1 if state in states else len(states)

    def _description(self):
        type = self.type
        if type == _DEVICE:
            return "%s, read through its optical eye" % (self._app.snapshot.meter.model or "A meter")
        if type == _BINARY_INPUT:
            from kmpeye.readings.texts import describe

            return describe(self.key)[0]
        if type == _MULTISTATE_INPUT:
            return "How the meter answers"
        if type == _TEXT_VALUE:
            return "Serial number of the meter"
        label = register_label(self.key)
        if self.row and self._converted()[0] == _NO_UNITS and unit_name(self.row[2]):
            label += ", " + unit_name(self.row[2])
        return label
