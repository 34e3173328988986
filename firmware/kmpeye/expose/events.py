# GET /api/events: every new reading and every change of state as server-sent events, for a page that stays open.
# Knows readings only. Promises that at most two clients hold a connection so, and none while the chip's memory is low;
# the others are told to poll.

import asyncio

from micropython import const

from kmpeye.expose.http import Refusal
from kmpeye.readings.as_json import reading_chunks

_MOST = const(2)  # of three connections: one stays free for everything else
_ALIVE_S = const(15)  # a comment so often: who went away is noticed, and what lies between does not give up


async def events(exchange, app):
    """An event "reading" (the JSON of /api/reading) and an event "status" (that of /api/status) at the start and at
    each change."""
    if app.streams >= _MOST or app.supervisor.low:
        raise Refusal(
            503, "no room for one more page; ask /api/reading every few seconds", "Retry-After: 30\r\n"
        )
    app.streams += 1
    snapshot = app.snapshot
    number = -1
    try:
        await exchange.start(200, "text/event-stream")
        if exchange.mute:
            return
        while True:
            if number != snapshot.number:
                number = snapshot.number
                await exchange.write(("event: reading\ndata: ",))
                await exchange.write(reading_chunks(snapshot, app.clock))
                await exchange.write(("\n\nevent: status\ndata: ",))
                await exchange.write(app.status_chunks())
                await exchange.write(("\n\n",))
            else:
                await exchange.write((":\n\n",))
            await exchange.flush()
            for _ in range(_ALIVE_S):
                try:
                    await asyncio.wait_for(snapshot.wait(number), 1)
                    break
                except asyncio.TimeoutError:
                    if exchange.gone() or app.supervisor.low:
                        return
    finally:
        app.streams -= 1
