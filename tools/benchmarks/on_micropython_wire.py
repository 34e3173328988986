# Reads registers through the firmware's own head and times them: from the first byte written to the answer in hand.
# Usage: on_micropython_wire.py PORT ROUNDS ID...
# Prints one JSON line: {"8": [[ms, bytes, requests]...], "16": the same, "one": one register a request}

import asyncio
import json
import sys
import time

from kmpeye.head.line import Line
from kmpeye.head.transaction import Head
from kmpeye.system.clock import Clock


class TimedLine(Line):
    """Notes when the first byte of a reading goes out, and how many bytes go out in all."""

    first = None
    sent = 0

    def write(self, data):
        if self.first is None:
            self.first = time.ticks_us()
        self.sent += len(data)
        super().write(data)


async def timed(head, ids, at_a_time):
    """[milliseconds, bytes on the wire in both directions, requests] of one reading."""
    line = head.line
    await line.open()
    await line.clock.sleep_ms(50)  # the line is quiet: the head has nothing left to wait for
    line.first = None
    sent, received, requests = line.sent, line.reader.bytes, head.requests
    found = []
    for start in range(0, len(ids), at_a_time):
        found.extend(await head.registers(ids[start : start + at_a_time], 0))
    took_us = time.ticks_diff(time.ticks_us(), line.first)
    if [one[0] for one in found] != ids:
        raise ValueError("asked for %s, got %s" % (ids, [one[0] for one in found]))
    count = line.sent - sent + line.reader.bytes - received
    return [took_us // 1000, count, head.requests - requests]


async def main(port, rounds, ids):
    line = TimedLine(port, 1200, Clock())
    head = Head(line)
    out = {"8": [], "16": [], "one": []}
    try:
        for _ in range(rounds):
            out["8"].append(await timed(head, ids[:8], 8))
            out["16"].append(await timed(head, ids, 16))
            out["one"].append(await timed(head, ids[:8], 1))
    finally:
        line.close()
    print(json.dumps(out))


asyncio.run(main(sys.argv[1], int(sys.argv[2]), [int(text) for text in sys.argv[3:]]))
