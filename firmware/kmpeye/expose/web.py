# What a browser sees: the page and the two JSON answers it lives on. Routes for http.py.
# Imports nothing: readings and status come in as callables that give an iterator of str pieces of JSON,
# so that no answer is ever held in memory whole.

_READ = ("GET",)


def routes(reading_chunks, status_chunks, www_dir):
    """Rows for http.Server; www_dir holds the page, plain or gzipped as name.gz."""
    # Only what stands here is ever read from flash: the name in a request never becomes a path.
    return (
        ("/", _READ, _file(www_dir + "/index.html", "text/html")),
        ("/app.js", _READ, _file(www_dir + "/app.js", "text/javascript")),
        ("/style.css", _READ, _file(www_dir + "/style.css", "text/css")),
        ("/api/reading", _READ, _json(reading_chunks)),
        ("/api/status", _READ, _json(status_chunks)),
    )


def _json(chunks):
    async def handler(request, response):
        await response.start(200, "application/json")
        await response.stream(chunks())

    return handler


def _file(path, content_type):
    async def handler(request, response):
        await response.file(path, content_type)

    return handler
