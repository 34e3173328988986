# GET /api/history: a handler for http, in two parts that are never in memory both: what is asked for (asked),
# and the answer (rows). Imports those. Promises that nothing stays in memory once it is answered.

from kmpeye.expose.http import Refusal


async def history(exchange, app):
    """Handler for http.Server: GET and HEAD. A path that ends in .csv, or Accept with text/csv, asks for CSV."""
    kept = app.past
    if not kept:
        raise Refusal(404, "this reader keeps no history yet")
    try:
        asked = _asked(exchange, kept.zone)
        app.forget("expose.history.asked")
        from kmpeye.expose.history.rows import contents, rows_of, unnamed

        if asked[0] is not None:
            await rows_of(asked, exchange, kept, app.clock)
        elif asked[-1] or exchange.query:
            raise unnamed(kept)
        else:
            await contents(exchange, kept)
    finally:
        app.forget("expose.history.asked", "expose.history.rows")


def _asked(exchange, zone):
    from kmpeye.expose.history.asked import asked

    is_csv = exchange.path.endswith(".csv") or b"text/csv" in exchange.headers.get("accept", b"")
    return asked(exchange.query, zone) + (is_csv,)
