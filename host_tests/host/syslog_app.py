# The real Syslog on a real socket: sends three lines, one from before the network came, and one every second.
# Usage: syslog_app.py SERVER. A server that is called "collector" is found by a look-up of ours, which takes a moment
# in which the others run on. Runs on MicroPython and on CPython.

import asyncio
import sys

from kmpeye.system.clock import Clock
from kmpeye.system.log import Log
from kmpeye.system.syslog import Syslog

clock = Clock()
log = Log(clock, console=None)
online = False


async def found(name, clock):
    if name != "collector":
        raise OSError("no such name")
    await clock.sleep_ms(1500)
    return "127.0.0.1"


async def main():
    global online
    lookup = found if sys.argv[1].startswith("collector") else None
    task = asyncio.create_task(Syslog(sys.argv[1], "eye", log, clock, lambda: online, lookup).run())
    log("from before the network")
    log.debug("below the level")
    await clock.sleep_ms(100)
    online = True
    log.error("100 %% m³")
    number = 0
    while not task.done():
        await clock.sleep_ms(1000)
        number += 1
        log("line %d", number)


asyncio.run(main())
