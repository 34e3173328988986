# The state of the reader as JSON, in small pieces: what /api/status answers. Knows what the app shows it.

from json import dumps

from kmpeye.system.memory import as_json


def status_chunks(app):
    """Yields pieces of text; the keys are described in docs/http.md."""
    reader = app.reader
    snapshot = app.snapshot
    head = reader.head
    line = head.line
    plan = reader.plan
    clock = app.clock
    now = clock.uptime_s()
    yield '{"state":"%s","text":%s,"advice":%s,"name":%s,"version":"%s","uptime_s":%d,' % (
        snapshot.state,
        dumps(snapshot.text),
        dumps(reader.advice),
        dumps(app.config["name"]),
        app.version,
        now,
    )
    yield '"interval_s":%d,"next_reading_s":%d,"held":%s,' % (
        reader.interval_s,
        max(0, reader.next_s - now),
        dumps(plan.held),
    )
    yield (
        '"profile":"%s","alike":%s,"wake":"%s","port":{"url":%s,"ok":%s,"error":%s,"opened":%d,"baud":%d},'
        % (
            reader.profile.name,
            dumps(reader.learning.alike),
            reader.wake,
            dumps(line.where),
            dumps(not line.error),
            dumps(line.error),
            line.opened,
            line.baud,
        )
    )
    budget = plan.budget
    limits = budget.limits
    yield (
        '"budget":{"replies":%d,"replies_limit":%d,"awake_s":%d,"awake_s_limit":%d,"free_in_s":%d,"alignments":%d},'
        % (
            budget.replies,
            limits["replies"],
            budget.awake_s,
            limits["awake_s"],
            budget.left_s(now),
            reader.aligned,
        )
    )
    throttle = plan.throttle
    if throttle:
        yield '"throttle":{"bears":%d,"given":%d,"tries":%d},' % (
            throttle.bears,
            throttle.given,
            throttle.tries,
        )
    yield '"flags":%s,"flag_hours":%s,"flag_texts":{' % (
        dumps(snapshot.flags),
        dumps(reader.known["hours"]),
    )
    for piece in _flag_texts(snapshot.flags):
        yield piece
    yield '},"held_back":['
    for piece in _held_texts(reader.known["guard"]):
        yield piece
    yield '],"events":['
    comma = ""
    for number, uptime_s, unix, what, key in snapshot.events:
        if unix is None and clock.unix() is not None:
            unix = clock.unix() - (now - uptime_s)
        yield '%s{"number":%d,"at":%s,"age_s":%d,"what":"%s","key":"%s"}' % (
            comma,
            number,
            dumps(unix and clock.iso(unix)),
            now - uptime_s,
            what,
            key,
        )
        comma = ","
    yield "],"
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
    yield '"ways":{'
    comma = ""
    for setting, way in app.ways.items():
        yield '%s"%s":%s' % (comma, setting, dumps(way.status()))
        comma = ","
    recorder = app.recorder
    yield '},"history":{"notes":%s,"damaged":%s},' % (dumps(recorder.notes), dumps(recorder.damaged))
    yield '"chores":%s,"ntp":%s,' % (dumps(app.chores.status()), dumps(app.ntp and app.ntp.status()))
    yield '"wifi":%s,"heap":' % dumps(app.wifi and app.wifi.status())
    yield as_json()
    supervisor = app.supervisor
    boots = app.boots
    yield ',"tasks":%s,"out_of_memory":%d,"last_end":%s,"safe":%s,' % (
        dumps(supervisor.status()),
        supervisor.out_of_memory,
        dumps(boots and boots.reason),
        dumps(bool(boots and boots.safe)),
    )
    yield '"readings":{"ok":%d,"failed":%d,"last_error":%s,"reasons":%s},"not_offered":%s,"warnings":%s}' % (
        reader.readings,
        reader.failures,
        dumps(reader.last_error),
        dumps(reader.reasons),
        dumps(sorted(set(reader.not_offered) | set(reader.learning.left_out))),
        dumps(app.config.warnings),
    )


def _flag_texts(flags):
    if flags:
        from kmpeye.readings.texts import describe

        comma = ""
        for flag in flags:
            yield '%s"%s":%s' % (comma, flag, dumps(describe(flag)))
            comma = ","


def _held_texts(known):
    if known["held"]:
        from kmpeye.readings.texts import held_sentence

        comma = ""
        for key in known["held"]:
            yield comma + dumps(held_sentence(known, key))
            comma = ","
