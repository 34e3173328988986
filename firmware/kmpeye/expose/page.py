# The page and the JSON that it lives on: its files, the reading, the status. Handlers for http.py.
# Imports nothing of ours; what the app offers comes in with it. Promises that no answer is held in memory whole.


async def reading(exchange, app):
    await exchange.start(200, "application/json")
    await exchange.write(app.reading_chunks())


async def status(exchange, app):
    await exchange.start(200, "application/json")
    await exchange.write(app.status_chunks())


async def file(exchange, app):
    """A file of the page, gzipped as tools/build stored it, or as it stands in the sources."""
    # The path of a request comes this far only when the table of web.py has it.
    name = exchange.path[1:] or "index.html"
    kind = name.partition(".")[2]
    kind = {"js": "text/javascript", "json": "application/json"}.get(kind, "text/" + kind)
    path = "%swww/%s" % (app.root, name)
    headers = "Cache-Control: no-cache\r\n"
    try:
        file = open(path, "rb")
    except OSError:
        # Who sends no Accept-Encoding takes every one (RFC 9110 §12.5.3), and each browser takes gzip.
        file = open(path + ".gz", "rb")
        path = None
    with file:
        size = file.seek(-8, 2) + 8
        if not path:
            # A gzip file ends with the CRC and the size of its content: a tag without a clock.
            tag = '"%s"' % file.read().hex()
            headers += "Content-Encoding: gzip\r\nETag: %s\r\n" % tag
            if tag.encode() in exchange.headers.get("if-none-match", b""):
                return await exchange.start(304, kind, headers)
        file.seek(0)
        await exchange.start(200, kind, headers + "Content-Length: %d\r\n" % size)
        await exchange.flush()
        while True:
            exchange.end = file.readinto(exchange.buffer)
            if not exchange.end:
                break
            await exchange.flush()
