# Which address leads to which handler. Routes for http.py.
# Imports nothing; what the app offers comes in with it. Promises that what answers an address is in memory only while
# it answers, and that an address which is not in the table leads nowhere.

from micropython import const

# A line for each address: the methods it takes, the module below kmpeye.expose, and its handler (exchange, app).
# A "!" before the methods: what GET shows is the owner's; "*": everybody's. As one text it stays in the image.
TABLE = """
/ GET,HEAD page file
/app.js GET,HEAD page file
/lib.js GET,HEAD page file
/now.js GET,HEAD page file
/use.js GET,HEAD page file
/span.js GET,HEAD page file
/head.js GET,HEAD page file
/ways.js GET,HEAD page file
/settings.js GET,HEAD page file
/hash.js GET,HEAD page file
/log.js GET,HEAD page file
/style.css GET,HEAD page file
/texts.json GET,HEAD page file
/api/reading GET,HEAD page reading
/api/status GET,HEAD page status
/api/events GET,HEAD events events
/api/read POST actions read_now
/api/align GET,HEAD,POST actions align
/api/log GET,HEAD actions log
/api/history GET,HEAD history history
/api/history.csv GET,HEAD history history
/api/config GET,HEAD,PUT settings config
/api/restart POST settings care
/api/forget-wifi POST settings care
/api/factory-reset POST settings care
/api/meter-exchanged POST settings care
/api/update !GET,HEAD,POST update update
/api/wifi !GET,HEAD,PUT portal wifi
/metrics GET,HEAD metrics metrics
"""


# What needs so much memory that it waits until the meter was read, or another of these was answered.
_HEAVY = const("expose.history expose.metrics")
_LOOK_MS = const(100)
_MOST_LOOKS = const(200)


class Routes:
    def __init__(self, app):
        self._app = app

    def get(self, path):
        """The route of http.Server, or None. path: without a space, as in every first line of a request."""
        start = TABLE.find("\n%s " % path) + 1
        if not start:
            return None
        _, methods, module, name = TABLE[start : TABLE.find("\n", start)].split(" ")
        return methods.replace(",", ", "), _answer, "expose." + module, name, self._app


async def _answer(exchange, module, name, app):
    heavy = module in _HEAVY
    if heavy:
        looks = 0
        while app.reader.busy and looks < _MOST_LOOKS:
            looks += 1
            await app.clock.sleep_ms(_LOOK_MS)
        app.reader.busy = exchange
    try:
        await getattr(__import__("kmpeye." + module, None, None, (name,)), name)(exchange, app)
    except MemoryError:
        app.lean()
        raise
    finally:
        app.forget(module)
        if heavy:
            if app.reader.busy is exchange:
                app.reader.busy = None
            app.lean()
