# What a browser sees: the page, and the JSON answers it lives on. Routes for http.py.
# Imports nothing; what the app offers comes in with it. Promises that no answer is held in memory whole, and that what
# few ask for is loaded when it is asked for.

_READ = "GET, HEAD"


def routes(app):
    """Routes for http.Server. A "!" before the methods: what GET shows is the owner's; "*": everybody's."""
    page = app.root + "www"
    lazy = _lazy
    actions = "kmpeye.expose.actions"
    history = "kmpeye.expose.history"
    settings = "kmpeye.expose.settings"
    script = (_READ, _file, page, "text/javascript")
    return {
        "/": (_READ, _file, page, "text/html"),
        "/app.js": script,
        "/lib.js": script,
        "/now.js": script,
        "/use.js": script,
        "/span.js": script,
        "/head.js": script,
        "/ways.js": script,
        "/settings.js": script,
        "/hash.js": script,
        "/log.js": script,
        "/style.css": (_READ, _file, page, "text/css"),
        "/texts": (_READ, _texts, page + "/texts"),
        "/api/reading": (_READ, _json, app.reading_chunks),
        "/api/status": (_READ, _json, app.status_chunks),
        "/api/events": (_READ, lazy, "kmpeye.expose.events", "events", app),
        "/api/read": ("POST", lazy, actions, "read_now", app),
        "/api/align": ("GET, HEAD, POST", lazy, actions, "align", app),
        "/api/history": (_READ, lazy, history, "history", app),
        "/api/history.csv": (_READ, lazy, history, "history", app),
        "/api/config": ("GET, HEAD, PUT", lazy, settings, "config", app),
        "/api/restart": ("POST", lazy, settings, "care", app),
        "/api/forget-wifi": ("POST", lazy, settings, "care", app),
        "/api/factory-reset": ("POST", lazy, settings, "care", app),
        "/api/meter-exchanged": ("POST", lazy, settings, "care", app),
        "/api/wifi": ("!GET, HEAD, PUT", lazy, "kmpeye.expose.portal", "wifi", app),
        "/api/log": (_READ, lazy, actions, "log", app),
        "/metrics": (_READ, lazy, "kmpeye.expose.metrics", "metrics", app),
    }


async def _lazy(exchange, module, name, app):
    """A handler (exchange, app) that is in memory only while it runs."""
    try:
        await getattr(__import__(module, None, None, (name,)), name)(exchange, app)
    finally:
        app.forget(module)


async def _json(exchange, data):
    await exchange.start(200, "application/json")
    await exchange.write(data())


async def _texts(exchange, folder):
    """The languages there are, or the texts of the one that is asked for: /texts?da. Adding one is adding a file."""
    from os import listdir

    languages = [name.partition(".")[0] for name in listdir(folder)]
    language = exchange.query
    if language in languages:
        return await _send(exchange, "%s/%s.json" % (folder, language), "application/json")
    await exchange.start(200, "application/json", "Cache-Control: no-cache\r\n")
    await exchange.write(('["%s"]' % '","'.join(sorted(languages)),))


async def _file(exchange, folder, type):
    # The path of a request comes this far only when it is one of those above.
    await _send(exchange, folder + "/" + (exchange.path[1:] or "index.html"), type)


async def _send(exchange, path, type):
    headers = "Cache-Control: no-cache\r\n"
    try:
        file = open(path, "rb")
    except OSError:
        # Who sends no Accept-Encoding takes every one (RFC 9110 §12.5.3), and each browser takes gzip.
        file = open(path + ".gz", "rb")
        headers += "Content-Encoding: gzip\r\n"
    with file:
        size = file.seek(-8, 2) + 8
        if "E" in headers:
            # A gzip file ends with the CRC and the size of its content: a tag without a clock.
            tag = '"%s"' % file.read().hex()
            headers += "ETag: %s\r\n" % tag
            if tag.encode() in exchange.headers.get("if-none-match", b""):
                return await exchange.start(304, type, headers)
        file.seek(0)
        await exchange.start(200, type, headers + "Content-Length: %d\r\n" % size)
        await exchange.flush()
        while True:
            exchange.end = file.readinto(exchange.buffer)
            if not exchange.end:
                break
            await exchange.flush()
