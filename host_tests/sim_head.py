"""A head in invented time for the tests of the simulator: asks a SimMeter and hears what comes back.

Imports the protocol and kmpsim. No sleeping, no I/O; times are milliseconds.
"""

from kmp import command
from kmp.calendar import day_number
from kmp.frame import FRAME, METER, TO_METER, Reader, build
from kmpsim import model
from kmpsim.faults import Odds
from kmpsim.meter import Options, SimMeter

START_S = day_number(2026, 11, 22) * 86400 + 6 * 3600  # 2026-11-22 06:00:00
BYTE_MS = 11 * 1000 / 1200
QUIET_MS = 10_000
VOLUME = build(TO_METER, METER, command.get_register([68]))
SERIAL = build(TO_METER, METER, command.get_serial())


def sim(name="multical21", seed=1, odds=None, **options):
    options.setdefault("start_s", START_S)
    options.setdefault("latency_ms", 100)
    return SimMeter(model.load(name), 0, seed, Options(odds=odds or Odds(), **options))


def heard(meter, until):
    """Everything that the head hears up to a moment: [(ms, byte)]."""
    out = []
    while (due := meter.next_due()) is not None and due <= until:
        out += meter.due(due)
    return out


def ask(meter, request, at=0, wait=QUIET_MS):
    """The bytes that come after a request."""
    meter.receive(request, at)
    return bytes(byte for _, byte in heard(meter, at + wait))


def events(data):
    reader = Reader()
    found = []
    pos = 0
    while pos < len(data):
        pos = reader.feed(data, pos, len(data))
        if reader.event:
            found.append((reader.event, bytes(reader.application()) if reader.event == FRAME else None))
    return found


def application(data):
    """The application of the one frame in some bytes."""
    [(event, found)] = events(data)
    assert event == FRAME
    return found


def registers(meter, ids, at=0):
    """{id: (mantissa, exponent)} as the meter answers."""
    return {
        one[0]: (one[2], one[3])
        for one in command.read_registers(
            application(ask(meter, build(TO_METER, METER, command.get_register(ids)), at))
        )
    }


def good_reply():
    """What a MULTICAL 21 of seed 1 answers to VOLUME at START_S."""
    return ask(sim(time_factor=0), VOLUME)
