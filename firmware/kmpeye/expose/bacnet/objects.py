# What a BACnet client finds: objects made of the profile and the snapshot in the moment they are asked for. Nothing is
# kept for them but the rows that the meter stopped giving, and who wants to hear of changes. Imports quantities for
# a moment. Promises: the instance of an object is the number of its register, or of its bit, and never changes; a value
# that is old has a fault.

from micropython import const

_ANALOG_INPUT = const(0)
_BINARY_INPUT = const(3)
_DEVICE = const(8)
_MULTISTATE_INPUT = const(13)
_TEXT_VALUE = const(40)
_LARGE_VALUE = const(46)

_ANY_DEVICE = const(4194303)  # reads the Device object of whoever is asked
_AGE = const(100000)  # Analog Input beyond all registers: seconds since the latest reading
_AGE_KIND = const(73)  # BACnet's seconds
_SECONDS = const(60)  # the meter's code for them
_TOTALS = const(b"\x13\xf3\x50\x27\x47\xfe")  # kinds that add up over years: kWh, kvarh, m³, kg, h, counts

_NO_SENSOR = const(1)  # reliability: the meter does not give this register
_UNRELIABLE = const(7)  # it does, but the guard does not believe it, or its sensor failed
_SILENT = const(12)  # communication failure: the meter does not answer

# States of the diagnosis, in the order of their numbers, which never change: 1 is good, the last one is any other.
STATES = (
    "ok starting asleep no_light echo_only garbled bad_crc other_device throttled refused budget_spent port_error"
    " out_of_memory other"
)


class Objects:
    """refresh(), then select() one: it is told by type, number, key, kind (as in quantities), row and fault."""

    def __init__(self, app):
        self.app = app
        self.instance = None  # of the Device; None while nobody knows it
        self.serial = None
        self.subscriptions = []  # cov knows what is in it
        self.invoke = 0  # number of the latest notification that has to be confirmed
        self.due_s = 0  # uptime when one of them ends or is asked again, whether anything changes or not
        self._profile = None
        self._registers = ()
        self._kinds = b""  # of these
        self._reading = None
        self._gone = {}  # {id: the last row} of what the latest reading lacks
        self._dates = ()  # ids of what it has and is no number

    def refresh(self):
        """To be called before anything is asked, and after each reading."""
        app = self.app
        profile = app.reader.profile
        if profile is not self._profile:  # the meter is another one
            self._profile = profile
            self._gone = {}
            self._reading = None
        if profile.registers is not self._registers:  # or it turned out not to offer some of them
            from kmpeye.expose.bacnet.quantities import kinds

            self._registers = profile.registers
            self._kinds = kinds(self._registers)
            app.forget("expose.bacnet.quantities")
        reading = app.snapshot.reading
        if reading is not self._reading:
            gone = self._gone
            for row in self._reading.values if self._reading else ():
                gone[row[1]] = row
            for row in reading.values if reading else ():
                gone.pop(row[1], None)
            self._reading = reading
            from kmp.value import is_number

            self._dates = [row[1] for row in reading.values if not is_number(row[2])] if reading else ()
            app.forget()

    def _analog(self, type):
        """(kind, id, key) of each register that has an object of this type."""
        for kind, (register, key) in zip(self._kinds, self._registers):
            if kind and (type == _ANALOG_INPUT or kind in _TOTALS):
                yield kind, register, key

    def ids(self):
        """(type, instance) of all objects."""
        yield _DEVICE, self.instance
        for type in (_ANALOG_INPUT, _LARGE_VALUE):
            for _, register, _ in self._analog(type):
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
        self.kind = self.fault = 0
        snapshot = self.app.snapshot
        silent = _SILENT if snapshot.state != "ok" else 0
        if type == _DEVICE:
            if number == _ANY_DEVICE:
                self.number = self.instance
            return self.number == self.instance
        if type == _ANALOG_INPUT and number == _AGE:
            self.key = "reading_age"
            self.kind = _AGE_KIND
            reading = self._reading
            if reading:
                self.row = (self.key, _AGE, _SECONDS, self.app.clock.uptime_s() - reading.uptime_s, 0)
            else:
                self.fault = _NO_SENSOR
            return True
        if type == _ANALOG_INPUT or type == _LARGE_VALUE:
            for kind, register, key in self._analog(type):
                if register == number:
                    self.key = key
                    self.kind = kind
                    self._find(silent)
                    return True
        elif type == _BINARY_INPUT:
            for bit, key in self._profile.info:
                if bit == number:
                    self.key = key
                    self.fault = silent or (_NO_SENSOR if snapshot.flags is None else 0)
                    return True
        elif number == 1:
            if type == _TEXT_VALUE:
                if not self.serial:
                    self.fault = silent or _NO_SENSOR
                return True
            return type == _MULTISTATE_INPUT
        return False

    def _find(self, silent):
        """The current register's row and fault."""
        reading = self._reading
        self.fault = silent if reading else _SILENT
        for row in reading.values if reading else ():
            if row[1] == self.number and self.number not in self._dates:
                self.row = row
                return
        self.row = self._gone.get(self.number)
        if not self.fault:
            self.fault = _NO_SENSOR
            for key, _ in reading.missing:
                if key == self.key:
                    self.fault = _UNRELIABLE

    def value(self):
        """What the current object says, as long as it says the same: a notification is due when this, or its fault,
        changes."""
        if self.type == _BINARY_INPUT:
            return self.key in (self.app.snapshot.flags or ())
        if self.type == _MULTISTATE_INPUT:
            states = STATES.split(" ")
            state = self.app.snapshot.state
            return states.index(state) + 1 if state in states else len(states)
        if self.type == _TEXT_VALUE:
            return self.serial
        if self.number == _AGE:  # changes all the time, but a new reading is what counts
            return self._reading and self._reading.uptime_s
        return self.row and self.row[2:]
