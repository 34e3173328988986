# Answers Modbus reads of the header and thirteen rows of a MULTICAL 601 from the image, and of two registers, on the
# chip's interpreter. Usage: on_micropython_modbus.py READS. Prints one JSON line:
#   {"reads", "us", "us_of_two", "allocated"}: microseconds of one read, bytes of heap of all, collector off.

import gc
import json
import sys
import time

from kmpeye.expose.modbus.image import Image
from kmpeye.expose.modbus.pdu import REPLY_MAX, Requests, answer
from kmpeye.meter.profile import load
from kmpeye.readings.snapshot import Meter, Reading, Snapshot
from kmpeye.system import forget
from kmpeye.system.clock import Clock

_ALL = b"\0\1\0\0\0\6\1\3\x03\xe8\0\x7d"  # 125 registers from 1000 on
_TWO = b"\0\1\0\0\0\6\1\3\0\x14\0\2"  # Kamstrup's E1


class MeterReader:
    valid_s = 3 * 3600
    profile = load("multical601", "firmware/meters")


class App:
    forget = staticmethod(forget)

    def __init__(self):
        self.clock = Clock()
        self.reader = MeterReader()
        self.snapshot = Snapshot(Meter("MULTICAL 601"))
        values = [(key, register, 40, 123456789, -3) for register, key in MeterReader.profile.registers]
        self.snapshot.reading = Reading(values, self.clock.uptime_s(), None)
        self.snapshot.changed()


def run(image, packet, reads):
    """Microseconds of all reads together, with taking the request out of the stream."""
    requests = Requests()
    reply = bytearray(REPLY_MAX)
    size = 0
    start = time.ticks_us()
    while reads:
        requests.feed(packet, 0, 12)
        image.refresh()
        size = answer(requests.buffer, requests.size, image, reply)
        reads -= 1
    passed = time.ticks_diff(time.ticks_us(), start)
    if size != 9 + reply[8] or reply[7] != 3:
        raise ValueError("that was no answer: %r" % reply)
    return passed


def allocated(image, packet, reads):
    """What the reads leave in a heap that is not collected, without what a run of none leaves."""
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    run(image, packet, 1)
    between = gc.mem_alloc()
    run(image, packet, reads + 1)
    after = gc.mem_alloc()
    gc.enable()
    return after - between - (between - before)


def main(reads):
    image = Image(App())
    image.refresh()
    run(image, _ALL, 1)
    print(
        json.dumps(
            {
                "reads": reads,
                "us": run(image, _ALL, reads) / reads,
                "us_of_two": run(image, _TWO, reads) / reads,
                "allocated": allocated(image, _ALL, reads) + allocated(image, _TWO, reads),
            }
        )
    )


main(int(sys.argv[1]))
