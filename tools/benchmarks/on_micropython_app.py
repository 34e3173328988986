# The whole app as main.py starts it, told to read the meter without pause; says what its heap holds when asked.
# Usage: on_micropython_app.py ROOT, the config as a line of JSON on stdin; then a line each time to ask ("kept": what
# stays when nothing is going on). Prints {"ready": true}, and for each question {"heap", "readings", "requests"}: bytes
# it keeps beyond asyncio.

import asyncio
import gc
import json
import sys

questions = asyncio.StreamReader(sys.stdin)  # of this script, not of the app
gc.collect()
BASE = gc.mem_alloc()
gc.threshold(2048)  # as kmpeye.start does


LOOKS = 20
IDLE_S = 15  # after that much time without a reading everything is let go of that is needed now and then


async def least(looks):
    """Bytes of heap beyond asyncio's. The least of some looks: the collector takes whatever lies on the C stack for an
    address, so that what an earlier call left there keeps some kB at one look and not at the next."""
    heap = None
    for _ in range(looks):
        await asyncio.sleep_ms(100)
        gc.collect()
        now = gc.mem_alloc() - BASE
        heap = now if heap is None or now < heap else heap
    return heap


async def answer(app, hurry):
    """Each line is a question; "kept" asks for what stays when nothing is going on."""
    while True:
        question = await questions.readline()
        if not question:
            return
        if question.strip() == b"kept":
            hurry.cancel()
            app.reader.plan.next_s = app.clock.uptime_s() + 3600
            await asyncio.sleep(IDLE_S)
        heap = await least(LOOKS if question.strip() == b"kept" else 1)
        print(json.dumps({"heap": heap, "readings": app.reader.readings, "requests": app.server.requests}))


async def without_pause(reader):
    """The next reading is always due."""
    while True:
        reader.plan.next_s = 0
        await asyncio.sleep_ms(50)


async def run(app):
    task = asyncio.create_task(app.run())
    hurry = asyncio.create_task(without_pause(app.reader))
    while not app.server:
        await asyncio.sleep_ms(10)
    print(json.dumps({"ready": True}))
    await answer(app, hurry)
    hurry.cancel()
    task.cancel()


def made():
    """As kmpeye.start: the modules of the start are let go of."""
    from kmpeye.app import App
    from kmpeye.system import forget
    from kmpeye.system.clock import Clock
    from kmpeye.system.config import checked
    from kmpeye.system.log import Log

    config = checked(json.loads(sys.stdin.readline()))
    forget("system.config")
    return App(config, sys.argv[1], None, Log(Clock(), 1536, "info", None))


asyncio.run(run(made()))
