# The port of a soak: a meter in invented time behind everything that can go wrong with a line; and a meter made of a
# table, for the interpreter that has no simulator. Runs on CPython and MicroPython; imports kmp.

from kmp.command import GET_REGISTER, GET_SERIAL, GET_TYPE
from kmp.frame import FRAME, FROM_METER, Reader, build
from kmp.meter import read_request, register_reply, serial_reply, type_reply

_BYTE_MS = 10  # 1200 baud, a little slow
_LATENCY_MS = 100


class Port:
    """meter: receive(bytes, ms), due(ms) -> [(ms, byte)], as kmpsim.meter.SimMeter."""

    def __init__(self, world, meter, troubles, chance):
        self._world = world
        self._meter = meter
        self._troubles = troubles
        self._chance = chance
        self._waiting = bytearray()

    def _is(self, what):
        return self._troubles.active(what, self._world.ms)

    def _there(self):
        if self._is("unplugged"):
            raise OSError("the port is gone")

    def write(self, data):
        self._there()
        if not self._is("silent"):
            self._meter.receive(bytes(data), self._world.ms)

    def any(self):
        self._there()
        came = [byte for _, byte in self._meter.due(self._world.ms)]
        if self._is("silent"):
            return False
        if self._is("weak") and came and self._chance.below(2):
            came[self._chance.below(len(came))] ^= 1 << self._chance.below(8)
        self._waiting.extend(bytes(came))
        return bool(self._waiting)

    def readinto(self, buffer):
        count = min(len(buffer), len(self._waiting))
        buffer[:count] = self._waiting[:count]
        self._waiting = self._waiting[count:]
        return count or None

    def set_baud(self, baud):
        pass

    def close(self):
        self._waiting = bytearray()


class TableMeter:
    """rows: {id: (unit, mantissa, exponent, pulses that its value grows by in a day)}."""

    def __init__(self, rows, serial):
        self._rows = rows
        self._serial = serial
        self._reader = Reader()
        self._leaving = []  # (ms of the first byte, bytes), in the order of time
        self.answered = 0

    def receive(self, data, now_ms):
        reader = self._reader
        pos = 0
        while pos < len(data):
            pos = reader.feed(data, pos, len(data))
            if reader.event == FRAME:
                reply = self._reply(bytes(reader.application()), now_ms)
                if reply:
                    self.answered += 1
                    at = now_ms + len(data) * _BYTE_MS + _LATENCY_MS
                    self._leaving.append((at, build(FROM_METER, reader.address, reply)))

    def due(self, now_ms):
        """A reply as a whole when its last byte has come: the head does not care."""
        if not self._leaving or self._leaving[0][0] + len(self._leaving[0][1]) * _BYTE_MS > now_ms:
            return ()
        return [(now_ms, byte) for byte in self._leaving.pop(0)[1]]

    def _reply(self, application, now_ms):
        cid = application[0]
        if cid == GET_SERIAL:
            return serial_reply(self._serial)
        if cid == GET_TYPE:
            return type_reply(1, 1, 1)
        if cid != GET_REGISTER:
            return None
        found = []
        for one in read_request(application)[1]["ids"]:
            if one in self._rows:
                unit, start, exponent, daily = self._rows[one]
                found.append((one, unit, start + now_ms // 60000 * daily // 1440, exponent, 4))
        return register_reply(found)
