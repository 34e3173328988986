# The page and the JSON that it lives on: its files, its texts, the reading, the status. Handlers for http.py.
# Imports nothing of ours; what the app offers comes in with it. Promises that no answer is held in memory whole.

from os import listdir


async def reading(exchange, app):
    await exchange.start(200, "application/json")
    await exchange.write(app.reading_chunks())


async def status(exchange, app):
    await exchange.start(200, "application/json")
    await exchange.write(app.status_chunks())


async def texts(exchange, app):
    """The languages there are, or the texts of the one that is asked for: /texts?da. Adding one is adding a file."""
    folder = app.root + "www/texts"
    languages = [name.partition(".")[0] for name in listdir(folder)]
    language = exchange.query
    if language in languages:
        return await _send(exchange, "%s/%s.json" % (folder, language), "application/json")
    await exchange.start(200, "application/json", "Cache-Control: no-cache\r\n")
    await exchange.write(('["%s"]' % '","'.join(sorted(languages)),))


async def file(exchange, app):
    # The path of a request comes this far only when the table of web.py has it.
    name = exchange.path[1:] or "index.html"
    kind = name.partition(".")[2]
    await _send(exchange, "%swww/%s" % (app.root, name), "text/" + ("javascript" if kind == "js" else kind))


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
