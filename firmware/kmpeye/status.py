# The state of the reader as JSON, in small pieces: what /api/status answers. Knows what the app shows it.

import gc
from json import dumps


def status_chunks(app):
    """Yields pieces of text; the keys are described in docs/http.md."""
    reader = app.reader
    head = reader.head
    line = head.line
    now = app.clock.uptime_s()
    yield (
        '{"state":%s,"text":%s,"name":%s,"version":"%s","uptime_s":%d,"interval_s":%d,"next_reading_s":%d,'
        % (
            dumps(reader.state),
            dumps(reader.text),
            dumps(app.config["name"]),
            app.version,
            now,
            reader.interval_s,
            max(0, reader.next_s - now),
        )
    )
    yield '"profile":"%s","port":{"url":%s,"ok":%s,"error":%s,"opened":%d,"baud":%d},' % (
        reader.profile.name,
        dumps(line.where),
        dumps(not line.error),
        dumps(line.error),
        line.opened,
        line.baud,
    )
    heard = line.reader
    yield (
        '"line":{"bytes":%d,"stray":%d,"echoes":%d,"frames":%d,"bad_crc":%d,"bad_escapes":%d,"overruns":%d,'
        '"short":%d,"cut":%d,"requests":%d,"answers":%d,"stale":%d},'
    ) % (
        heard.bytes,
        heard.stray,
        heard.echoes,
        heard.frames,
        heard.bad_crc,
        heard.bad_escapes,
        heard.overruns,
        heard.short,
        heard.cut,
        head.requests,
        head.answers,
        head.stale,
    )
    if hasattr(gc, "mem_alloc"):
        yield '"heap":{"alloc":%d,"free":%d},' % (gc.mem_alloc(), gc.mem_free())
    yield '"readings":{"ok":%d,"failed":%d,"last_error":%s},"not_offered":%s,"warnings":%s}' % (
        reader.readings,
        reader.failures,
        dumps(reader.last_error),
        dumps(reader.not_offered),
        dumps(app.config.warnings),
    )
