# What the tests of Modbus stand on: a real snapshot and settings behind the few attributes a way out is given, a
# clock that is set by hand, and a client's half of the protocol. Imports the firmware.

from kmpeye.expose.modbus.image import Image
from kmpeye.expose.modbus.pdu import REPLY_MAX, Requests, answer
from kmpeye.readings.snapshot import Meter, Reading, Snapshot
from kmpeye.system import forget
from kmpeye.system.config import checked

MWH, KW, M3, L_PER_H, CELSIUS, KELVIN, GJ, DATE = 3, 22, 40, 41, 37, 38, 8, 0x30
NAN = 0x7FC00000
MISSING = 0x80000000
ROWS = 1020

REGISTERS = (
    (60, "heat_energy"),
    (68, "volume"),
    (80, "power"),
    (74, "flow"),
    (86, "flow_temperature"),
    (87, "return_temperature"),
    (89, "temperature_difference"),
    (99, "info"),
    (98, "target_date"),
    (1001, "serial"),
    (4711, "own_key"),
)
VALUES = [
    ("heat_energy", 60, MWH, 55006, -3),
    ("volume", 68, M3, 187556, -2),
    ("power", 80, KW, 53, -1),
    ("flow", 74, L_PER_H, 86, 0),
    ("flow_temperature", 86, CELSIUS, 7210, -2),
    ("return_temperature", 87, CELSIUS, -125, -2),
    ("info", 99, 51, 5, 0),
    ("target_date", 98, DATE, 261231, 0),
    ("own_key", 4711, M3, 5 * 10**9, 0),
]


class Clock:
    def __init__(self):
        self.now_s = 100

    def uptime_s(self):
        return self.now_s


class Profile:
    name = "multical403"
    info = [(0, "no_supply"), (2, "external_alarm"), (31, "air")]
    registers = REGISTERS


class Reader:
    profile = Profile
    valid_s = 3 * 3600


class App:
    version = "0.1.0"
    forget = staticmethod(forget)
    config = checked({"name": "Haus 7, Keller"})

    def __init__(self):
        self.clock = Clock()
        self.reader = Reader()
        self.snapshot = Snapshot(Meter("MULTICAL 403", "heat"))

    def publish(self, values=VALUES, taken=None, serial="81234567", state="ok", flags=("external_alarm",)):
        self.snapshot.meter.serial = serial
        self.snapshot.state = state
        self.snapshot.flags = flags
        if values is not None:
            self.snapshot.reading = Reading(values, self.clock.now_s, None, taken)
        self.snapshot.changed()


class Bus:
    """A client: sends PDUs, checks what every answer has in common, gives the answer's PDU."""

    def __init__(self, app):
        self.image = Image(app)
        self.requests = Requests()
        self.reply = bytearray(REPLY_MAX)

    def exchange(self, pdu, unit=1, transaction=0x1234):
        request = (
            transaction.to_bytes(2, "big") + b"\0\0" + (len(pdu) + 1).to_bytes(2, "big") + bytes((unit,))
        )
        request += pdu
        assert self.requests.feed(request, 0, len(request)) == len(request)
        assert self.requests.size == len(request)
        self.image.refresh()
        size = answer(self.requests.buffer, len(request), self.image, self.reply)
        assert self.reply[:4] == request[:4], "transaction and protocol come back"
        assert self.reply[6] == unit, "so does the unit"
        assert int.from_bytes(self.reply[4:6], "big") == size - 6
        return bytes(self.reply[7:size])

    def read(self, address, count, function=3):
        """The bytes of the registers."""
        got = self.exchange(bytes((function,)) + address.to_bytes(2, "big") + count.to_bytes(2, "big"))
        assert got[0] == function and got[1] == 2 * count == len(got) - 2, got
        return got[2:]

    def number(self, address, count=2):
        return int.from_bytes(self.read(address, count), "big")
