# The state of the reader as JSON, in small pieces: what /api/status answers. Knows what the app shows it.

import gc

from kmpeye.readings.as_json import quoted

_LINE = ("bytes", "stray", "echoes", "frames", "bad_crc", "bad_escapes", "overruns", "short", "cut")


def status_chunks(app):
    """Yields pieces of text; the keys are described in docs/http.md."""
    reader = app.reader
    line = app.line
    now = app.clock.uptime_s()
    yield '{"state":%s,"text":%s,"name":%s,"version":%s,"uptime_s":%d,"interval_s":%d,"next_reading_s":%d,' % (
        quoted(reader.state),
        quoted(reader.text),
        quoted(app.config["name"]),
        quoted(app.version),
        now,
        reader.interval_s,
        max(0, reader.next_s - now),
    )
    yield '"profile":%s,"port":{"url":%s,"ok":%s,"error":%s,"opened":%d,"baud":%d},"line":{' % (
        quoted(app.profile.name),
        quoted(line.where),
        "false" if line.error else "true",
        quoted(line.error),
        line.opened,
        line.baud,
    )
    for key in _LINE:
        yield '"%s":%d,' % (key, getattr(line.reader, key))
    yield '"requests":%d,"answers":%d,"stale":%d},' % (app.head.requests, app.head.answers, app.head.stale)
    yield '"readings":{"ok":%d,"failed":%d,"last_error":%s},"not_offered":[%s],' % (
        reader.readings,
        reader.failures,
        quoted(reader.last_error),
        ",".join(quoted(key) for key in reader.not_offered),
    )
    if hasattr(gc, "mem_alloc"):
        yield '"heap":{"alloc":%d,"free":%d},' % (gc.mem_alloc(), gc.mem_free())
    yield '"warnings":[%s]}' % ",".join(quoted(text) for text in app.config.warnings)
