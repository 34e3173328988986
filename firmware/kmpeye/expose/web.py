# What a browser sees: the page and the two JSON answers it lives on. Routes for http.py.
# Imports nothing: readings and status come in as callables that give an iterator of str pieces of JSON,
# so that no answer is ever held in memory whole.


def routes(reading_chunks, status_chunks, www_dir):
    """Routes for http.Server; www_dir holds the page, plain or gzipped as name.gz."""
    read = "GET, HEAD"
    return {
        "/": (read, _file, www_dir, "text/html"),
        "/app.js": (read, _file, www_dir, "text/javascript"),
        "/style.css": (read, _file, www_dir, "text/css"),
        "/api/reading": (read, _json, reading_chunks),
        "/api/status": (read, _json, status_chunks),
    }


async def _json(exchange, data):
    await exchange.start(200, "application/json")
    await exchange.write(data())


async def _file(exchange, path, type):
    # The path of a request comes this far only when it is one of the three above.
    path += "/" + (exchange.path[1:] or "index.html")
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
