# /api/config and the four buttons of care: handlers for http.py; who may ask is access's business.
# Imports http for its Refusal. The app brings settings() (kmpeye.system.config_save, for one request), config,
# apply(keys) -> those that wait for a restart, and restart(), forget_wifi(), factory_reset(keep_history) and
# meter_exchanged(), which return at once and act when the reply has had time to leave.
# Promises: secrets never leave the device; a change is saved whole or refused whole, with a stable word, the
# key and what is allowed; nothing that cannot be undone happens without {"really": true}.

import json

from micropython import const

from kmpeye.expose.http import Refusal

_PARTS = const(("system.config_save", "system.config", "care"))


async def config(exchange, app):
    """GET /api/config: every setting; PUT: changes some of them."""
    table = app.settings()
    try:
        if exchange.method == "PUT":
            answer = (_changed(exchange, app, table),)
        else:
            answer = _rows(table.config, table.config.load(), app.config)
        await exchange.start(200, "application/json")
        await exchange.write(answer)
    finally:
        app.forget(*_PARTS)


def _rows(table, saved, running):
    """Pieces of JSON: what can be set, what is saved, and what waits for a restart."""
    comma = '{"settings":['
    for key, kind, allowed, default, about, flags, group in table.TABLE:
        value = saved[key]
        yield '%s{"key":"%s","group":"%s","kind":"%s","allowed":%s,"default":%s,' % (
            comma,
            key,
            group,
            kind,
            json.dumps(list(allowed) or None),
            json.dumps(default),
        )
        yield '"set":%s,"value":%s,' % (
            "false" if value == default else "true",
            "null" if "s" in flags else json.dumps(value),
        )
        yield '"secret":%s,"live":%s,"waits":%s,"help":%s}' % (
            "true" if "s" in flags else "false",
            "true" if "l" in flags else "false",
            "false" if value == running[key] else "true",
            json.dumps(about),
        )
        comma = ","
    comma = '],"groups":{'
    for name, about in table.groups():
        yield "%s%s:%s" % (comma, json.dumps(name), json.dumps(about))
        comma = ","
    yield "}}"


def _changed(exchange, app, table):
    try:
        taken = table.change(exchange.object())
    except table.Wrong as wrong:
        word, key, sentence = wrong.args
        allowed = key if word == "wrong_value" else None
        details = ['"code":"%s","key":%s' % (word, json.dumps(key))]
        for row in table.config.TABLE:
            if row[0] == allowed:
                details.append('"kind":"%s","allowed":%s' % (row[1], json.dumps(list(row[2]) or None)))
        raise Refusal(400, sentence, *details)
    except OSError as e:
        raise _refused(app, e)
    # What works at once replaces what runs; the rest waits in the file for the restart.
    live = [row[0] for row in table.config.TABLE if "l" in row[5] and row[0] in taken]
    for key in live:
        app.config[key] = taken[key]
    waits = app.apply(live)
    for key in taken:
        if key not in live and taken[key] != app.config[key]:
            waits.append(key)
    app.log("settings: changed %s" % ", ".join(sorted(taken)))
    return json.dumps({"changed": sorted(taken), "restart": sorted(waits)})


def _refused(app, error):
    app.log("settings: not saved: %r" % error)
    return Refusal(500, "the flash refused; the settings are as they were", '"code":"flash"')


async def care(exchange, app):
    """POST /api/restart, /api/forget-wifi, /api/factory-reset, /api/meter-exchanged."""
    options = exchange.object() if exchange.size else {}
    what = exchange.path.rpartition("/")[2]
    if what != "restart" and options.get("really") is not True:
        raise Refusal(400, 'this cannot be undone: send {"really": true}', '"code":"not_confirmed"')
    keep_history = options.get("keep_history", True)
    if not isinstance(keep_history, bool):
        raise Refusal(
            400, "keep_history: true or false is allowed", '"code":"wrong_value","key":"keep_history"'
        )
    app.log("asked for on the page: %s" % what)
    try:
        if what == "restart":
            app.restart()
        elif what == "forget-wifi":
            app.forget_wifi()
        elif what == "factory-reset":
            app.factory_reset(keep_history)
        else:
            app.meter_exchanged()
    except OSError as e:
        raise _refused(app, e)
    await exchange.start(202, "application/json")
    await exchange.write(('{"accepted":"%s"}' % what,))
