# The reader over a scripted line to a meter made of a table, in virtual time: what tests of reading, learning and
# errands share. Imports the firmware and virtual_line; writes no file.

from kmp.command import GET_REGISTER, GET_SERIAL, GET_TYPE
from kmp.frame import FRAME, FROM_METER, Reader, build
from kmp.meter import read_request, register_reply, serial_reply, type_reply
from kmpeye.head.line import Line
from kmpeye.head.transaction import Head
from kmpeye.head.wake import Session, Waker
from kmpeye.meter.choice import choose
from kmpeye.reader import MeterReader
from kmpeye.readings.snapshot import Meter, Snapshot
from kmpeye.system.config import checked
from virtual_line import ScriptedPort, VirtualClock

FOLDER = "firmware/meters"
UNIX = 1795330980  # 2026-11-22 09:03 UTC, when uptime is 0
LATENCY_MS = 100

# id: (unit, mantissa, exponent) of a small water meter
WATER = {
    68: (40, 314131, -3),
    74: (41, 86, 0),
    292: (37, 917, -2),
    299: (37, 2127, -2),
    99: (0, 0, 0),
    243: (40, 5, -3),
    1004: (46, 1000, 0),
    1001: (51, 68123456, 0),
}


class Clock(VirtualClock):
    known = True

    def unix(self):
        return UNIX + self.uptime_s() if self.known else None

    def iso(self, unix):
        return "at %d" % unix


class Store:
    """What remembered is on flash."""

    def __init__(self):
        self.saved = []
        self.forgotten = 0

    def save(self, state):
        self.saved.append(state)

    def forget(self):
        self.forgotten += 1


class TableMeter:
    """Answers from `table`; `lie`: {number of the request: table instead}; `mute`: answers nothing; `baud`: it hears
    and answers at that speed only; `garble`: what comes of a request at another speed."""

    def __init__(self, table, type_id=None):
        self.table = dict(table)
        self.serial = 68123456
        self.type_id = type_id
        self.lies = {}
        self.mute = False
        self.baud = None
        self.garble = b""
        self.requests = []  # (cid, ids or None)

    def answer(self, line, request):
        if self.baud not in (None, line.baud):
            return [(LATENCY_MS, self.garble)] if self.garble else []
        reader = Reader()
        pos = 0
        while pos < len(request):
            pos = reader.feed(request, pos, len(request))
            if reader.event == FRAME:
                application = bytes(reader.application())
                reply = self._reply(application)
                self.address = reader.address
                return [(LATENCY_MS, build(FROM_METER, reader.address, reply))] if reply else []
        return []

    def _reply(self, application):
        cid = application[0]
        ids = read_request(application)[1]["ids"] if cid == GET_REGISTER else None
        number = len(self.requests)
        self.requests.append((cid, ids))
        if self.mute:
            return None
        if cid == GET_SERIAL:
            return serial_reply(self.serial)
        if cid == GET_TYPE:
            return type_reply(self.type_id, 1, 1) if self.type_id is not None else None
        if cid == GET_REGISTER:
            table = self.lies.get(number, self.table)
            return register_reply([(one,) + table[one] + (4,) for one in ids if one in table])
        return None


class Scene:
    def __init__(self, answering, state=None, **settings):
        self.config = checked(dict({"meter": "multical21", "port": "scripted"}, **settings))
        self.clock = Clock()
        self.meter = answering
        self.lines = []
        self.store = Store()
        state = state or {}
        profile = choose(self.config, state, FOLDER, self.config.warnings)
        self.port = ScriptedPort(self.clock, lambda number, request: answering.answer(self.line, request))
        self.line = Line("scripted", self.config["baud"] or profile.baud, self.clock, opener=self.opener)
        self.snapshot = Snapshot(Meter(profile.model, profile.kind))
        self.reader = MeterReader(
            self.config,
            Head(self.line, profile.address),
            Session(Waker(), self.clock, profile.wake["settle_ms"]),
            "fixed",
            self.snapshot,
            profile,
            self.lines.append,
            state,
            FOLDER,
            self.store,
        )
        self.task = self.reader.run()

    async def opener(self, where, baud, clock, pins):
        return self.port

    def run(self, seconds):
        """Let the reader live so long."""
        end = self.clock.now + seconds * 1000
        while self.clock.now < end:
            self.task.send(None)

    def together(self, coroutine, seconds):
        """The result of something else that runs beside the reader; it must end in that time."""
        end = self.clock.now + seconds * 1000
        while self.clock.now < end:
            try:
                coroutine.send(None)
            except StopIteration as e:
                return e.value
            self.task.send(None)
        raise AssertionError("not over after %d s" % seconds)

    def value(self, key):
        """(mantissa, exponent) of a register of the reading, or None."""
        for one, _, _, mantissa, exponent in self.snapshot.reading.values:
            if one == key:
                return mantissa, exponent
        return None
