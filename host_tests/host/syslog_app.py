# The real Syslog on a real socket: sends three lines, one from before the network came, and one every second.
# Usage: syslog_app.py SERVER. Runs on MicroPython and on CPython.

import asyncio
import sys

from kmpeye.system.clock import Clock
from kmpeye.system.log import Log
from kmpeye.system.syslog import Syslog

clock = Clock()
log = Log(clock, console=None)
online = False


async def main():
    global online
    task = asyncio.create_task(Syslog(sys.argv[1], "eye", log, clock, lambda: online).run())
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
