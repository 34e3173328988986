# What a person can make the reader do over HTTP: read now, align the head. Handlers for http.py.
# Knows readings only; the reader comes in with the app. Promises that a client that goes away ends what it started.

from micropython import const

from kmpeye.expose.http import Refusal
from kmpeye.readings.as_json import reading_chunks

_LOOK_MS = const(100)  # between two looks at the alignment
_SAFE_S = const(3600)  # so long a safe start lasts (system.supervisor)
_SAFE = const("five restarts in ten minutes: the meter is left alone for an hour")


def _later(sentence, wait_s):
    return Refusal(429, sentence, '"code":"later","wait_s":%d' % wait_s, "Retry-After: %d\r\n" % wait_s)


def _may(app):
    """Nobody reads in a safe start: who waited for it would hold the connection until its end."""
    if app.boots and app.boots.safe:
        raise _later(_SAFE, max(1, _SAFE_S - app.clock.uptime_s()))


async def read_now(exchange, app):
    """POST /api/read: the fresh reading; 429 with Retry-After when the meter must not be asked yet, 502 when it was
    asked and did not answer."""
    _may(app)
    outcome, sentence, wait_s = await app.reader.read_now()
    if outcome == "later":
        raise _later(sentence, wait_s)
    if outcome != "ok":
        raise Refusal(502, sentence, '"code":"%s"' % app.snapshot.state)
    await exchange.start(200, "application/json")
    await exchange.write(reading_chunks(app.snapshot, app.clock))


def _state(alignment):
    if not alignment:
        return '{"running":false}'
    return (
        '{"running":%s,"tries":%d,"score":%d,"heard":"%s","left_s":%d,"good":%d,"bad":%d,"bytes":%d,"echoes":%d}'
        % (
            "false" if alignment.over else "true",
            alignment.number,
            alignment.score,
            alignment.heard,
            alignment.left_s,
            alignment.good,
            alignment.bad,
            alignment.bytes,
            alignment.echoes,
        )
    )


async def align(exchange, app):
    """POST /api/align: two minutes of alignment; each try is a server-sent event, the last one is "end".
    GET: how it stands, or how the last one ended."""
    if exchange.method != "POST":
        await exchange.start(200, "application/json")
        await exchange.write((_state(app.reader.errands.alignment),))
        return
    _may(app)
    refusal = app.reader.start_align()
    if refusal:
        raise Refusal(429, refusal, '"code":"aligned_too_often"')
    alignment = app.reader.errands.alignment
    number = 0
    try:
        await exchange.start(200, "text/event-stream")
        await exchange.write((": the head may be moved now\n\n",))
        await exchange.flush()
        while not alignment.over:
            if alignment.number != number:
                number = alignment.number
                await exchange.write(("event: try\ndata: ", _state(alignment), "\n\n"))
                await exchange.flush()
            await app.clock.sleep_ms(_LOOK_MS)
        await exchange.write(("event: end\ndata: ", _state(alignment), "\n\n"))
        await exchange.flush()
    finally:
        alignment.stop()


async def log(exchange, app):
    """GET /api/log: what the log holds, oldest first, and what ended the last runs; plain text."""
    await exchange.start(200, "text/plain; charset=utf-8")
    await exchange.write(_lines(app))


def _lines(app):
    now = app.clock.uptime_s()
    unix = app.clock.unix()
    for _, uptime_s, level, text in app.log.lines():
        when = "%6d s" % uptime_s if unix is None else app.clock.iso(unix - now + uptime_s)
        yield "%s %-7s %s\n" % (when, level, text)
    for text in app.crashes():
        yield "\nkept over a restart: %s\n" % text
