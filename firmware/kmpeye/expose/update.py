# /api/update: handlers for http.py; who may ask is access's business. GET tells how updates stand, POST takes a bundle.
# Imports http for its Refusal; app.updates() gives kmpeye.system.update, app.restart() acts when the reply has left.
# Promises: one upload at a time, within ten minutes; a refusal has a stable word, says what would be right, and reaches
# the client, which is still sending.

import asyncio
import json

from micropython import const

from kmpeye.expose.http import Refusal

_WHOLE_S = const(600)  # 400 KB take half a minute; more is a line that never ends
_REST_MOST = const(1 << 20)  # bytes that are read and thrown away so that a refusal is heard
_PARTS = const(
    (
        "system.update",
        "system.update_slots",
        "system.update_state",
        "system.update_verify",
    )
)
_STATUS = {
    "not_a_bundle": 400,
    "cut_off": 400,
    "damaged": 400,
    "signature": 403,
    "no_key": 403,
    "too_large": 413,
}


async def update(exchange, app):
    """GET /api/update; POST /api/update with the bundle as its body; ?downgrade=yes: an older version is meant."""
    try:
        if exchange.method == "POST":
            answer = {"accepted": await _alone(exchange, app)}
            await exchange.start(202, "application/json")
        else:
            answer = app.updates().status(app)
            await exchange.start(200, "application/json")
        await exchange.write((json.dumps(answer),))
    finally:
        app.forget(*_PARTS)


async def _alone(exchange, app):
    if app.updating:
        raise Refusal(409, "an update is on its way already", '"code":"busy"')
    app.updating = True
    try:
        return await _taken(exchange, app, app.updates())
    finally:
        app.updating = False


async def _taken(exchange, app, updates):
    """The version that was taken; the device restarts into it."""
    downgrade = "downgrade=yes" in exchange.query.split("&")
    try:
        version = await asyncio.wait_for(updates.take(app, exchange, downgrade), _WHOLE_S)
    except updates.Wrong as wrong:
        refusal = Refusal(_STATUS.get(wrong.args[0], 409), wrong.args[1], '"code":"%s"' % wrong.args[0])
    except OSError as e:  # asyncio.TimeoutError is one too, on CPython
        app.log("update: not written: %r" % e)
        refusal = Refusal(500, "the flash refused; what ran before runs on", '"code":"flash"')
    except asyncio.TimeoutError:
        raise EOFError
    else:
        app.log("update: %s is tried at the restart" % version)
        app.restart()
        return version
    app.log("update: refused: %s" % refusal.args[1])
    if exchange.size <= _REST_MOST:
        while exchange.size:
            await exchange.more()
    raise refusal
