# GET /api/history: what was used in each hour, day or month, as JSON or CSV. A handler for http; imports the history's
# query, kmp's calendar and values. Promises every digit of the totals, one row in memory at a time whatever was asked
# for, and refusals that say what there is; nothing stays in memory once this module is let go of.

from json import dumps

from micropython import const

from kmp.calendar import day_number, is_date, iso_of_seconds
from kmp.names import unit_name
from kmp.value import text
from kmpeye.expose.http import Refusal
from kmpeye.readings.history.query import STEPS, query, registers, span

_2000 = const(946684800)  # 2000-01-01 in Unix seconds
_DAY_S = const(86400)
_DEFAULT_DAYS = const((1, 31, 396))  # without `from`: a day of hours, a month of days, 13 months
_KNOWN = const(("register", "from", "to", "step"))
_COLUMNS = const("begin_utc,end_utc,begin_local,end_local,consumption,total,unit,state,filled\r\n")


async def history(exchange, app):
    """Handler for http.Server: GET and HEAD. A path that ends in .csv, or Accept with text/csv, asks for CSV."""
    kept = app.history
    if not kept:
        raise Refusal(404, "this reader keeps no history yet")
    asked = _parameters(exchange.query)
    is_csv = exchange.path.endswith(".csv") or b"text/csv" in exchange.headers.get("accept", b"")
    if "register" in asked:
        await _rows(exchange, kept, asked, app.clock, is_csv)
    elif is_csv or asked:
        raise Refusal(400, "say which register: register=KEY; there is history of " + _known(kept))
    else:
        await exchange.start(200, "application/json")
        await exchange.write(_contents(kept))


async def _rows(exchange, kept, asked, clock, is_csv):
    """Answer with the rows of a register."""
    register, first, last, step = _checked(asked, kept, clock)
    try:
        rows = query(kept, register, first, last, step, kept.zone)
    except ValueError as error:
        raise Refusal(400, str(error))
    except LookupError as error:
        raise Refusal(404, str(error))
    row = await _next(rows, clock)
    if not row:
        raise Refusal(
            404,
            "no two totals of %s were recorded in that time; there are records from %s to %s"
            % ((register,) + _recorded(kept)),
        )
    if is_csv:
        name = "Content-Disposition: attachment; filename=%s-%s.csv\r\n" % (register, step)
        await exchange.start(
            200, "text/csv; charset=utf-8; header=present", "Cache-Control: no-store\r\n" + name
        )
        await exchange.write((_COLUMNS,))
    else:
        await exchange.start(200, "application/json")
        await exchange.write(('{"register":"%s","step":"%s","rows":[' % (register, step),))
    comma = ""
    while row and not exchange.mute:
        if is_csv:
            await exchange.write((_line(row, kept.zone),))
        else:
            await exchange.write((comma, _object(row, kept.zone)))
        comma = ","
        row = await _next(rows, clock)
    if not is_csv:
        await exchange.write(("]}",))


async def _next(rows, clock):
    """The next row, None at the end; while there is nothing yet the others run."""
    for row in rows:
        if row:
            return row
        await clock.sleep_ms(0)


def _contents(kept):
    """What there is, when no register is named."""
    first, last = _recorded(kept, dumps)
    yield '{"registers":%s,"from":%s,"to":%s,' % (dumps(registers(kept)), first, last)
    yield '"steps":%s,"timezone":%s,' % (dumps(list(STEPS)), dumps(kept.zone.text))
    yield '"notes":%s,"damaged":[' % dumps(kept.notes)
    comma = ""
    for name, reason in kept.damaged:
        yield '%s{"segment":%s,"reason":%s}' % (comma, dumps(name), dumps(reason))
        comma = ","
    yield "]}"


def _recorded(kept, shown=str):
    """Begin of the first and end of the last hour that is recorded, in local time; None where there is none."""
    found = span(kept.index) or (None, None)
    return tuple([shown(unix and _local(unix, kept.zone)) for unix in found])


def _known(kept):
    return ", ".join(registers(kept))


def _checked(asked, kept, clock):
    """(register, first, last, step) in Unix seconds."""
    register = asked["register"]
    step = asked.get("step", STEPS[0])
    if step not in STEPS:
        raise Refusal(400, "step has to be one of " + ", ".join(STEPS))
    last = _moment("to", asked.get("to"), kept.zone)
    if last is None:
        last = clock.unix() or (span(kept.index) or (0, 0))[1]  # without a date: up to the last record
    first = _moment("from", asked.get("from"), kept.zone)
    if first is None:
        first = last - _DEFAULT_DAYS[STEPS.index(step)] * _DAY_S
    return register, first, last, step


def _line(row, zone):
    """A row as a line of CSV (RFC 4180); no field can hold a comma or a quote."""
    begin, end, used, total, exponent, unit, state, filled = row
    return "%s,%s,%s,%s,%s,%s,%s,%s,%d\r\n" % (
        _utc(begin),
        _utc(end),
        _local(begin, zone),
        _local(end, zone),
        "" if used is None else text(used, exponent),
        text(total, exponent),
        unit_name(unit),
        state,
        filled,
    )


def _object(row, zone):
    """A row as JSON."""
    begin, end, used, total, exponent, unit, state, filled = row
    return '{"begin":"%s","end":"%s","consumption":%s,"total":%s,"unit":"%s","state":"%s","filled":%s}' % (
        _local(begin, zone),
        _local(end, zone),
        "null" if used is None else text(used, exponent),
        text(total, exponent),
        unit_name(unit),
        state,
        "true" if filled else "false",
    )


def _utc(unix):
    return iso_of_seconds(unix - _2000) + "Z"


def _local(unix, zone):
    """ "2026-11-22T07:40:00+01:00" """
    offset = zone.offset(unix)
    sign = "-" if offset < 0 else "+"
    minutes = abs(offset) // 60
    return "%s%s%02d:%02d" % (iso_of_seconds(unix + offset - _2000), sign, minutes // 60, minutes % 60)


def _parameters(asked):
    """What stands behind the "?" as a dict."""
    found = {}
    for pair in asked.split("&") if asked else ():
        name, _, value = pair.partition("=")
        if name not in _KNOWN:
            raise Refusal(400, "what can be asked with is " + ", ".join(_KNOWN))
        if name in found:
            raise Refusal(400, "say %s once" % name)
        try:
            found[name] = _decoded(value)
        except ValueError:
            raise Refusal(
                400, "%s: behind a percent sign two hexadecimal digits of UTF-8 are expected" % name
            )
    return found


def _decoded(value):
    """Of percent signs and pluses (application/x-www-form-urlencoded)."""
    first, *parts = value.replace("+", " ").split("%")
    out = bytearray(first.encode())
    for part in parts:
        if part[:2].strip("0123456789abcdefABCDEF"):
            raise ValueError
        out.append(int(part[:2], 16))
        out.extend(part[2:].encode())
    return bytes(out).decode()


def _moment(name, given, zone):
    """Unix seconds of a parameter, None where it is not there."""
    try:
        return None if given is None else _unix(given, zone)
    except ValueError:
        wanted = "a day (2026-11-01), a local time (2026-11-01T06:00), one with Z or +01:00 behind it, or Unix seconds"
        raise Refusal(400, "%s has to be %s" % (name, wanted))


def _unix(given, zone):
    if len(given) in (9, 10) and given.isdigit():
        return int(given)
    day = _numbers(given[:10], "-", 4, 3)
    if day[0] < 2000 or not is_date(*day) or given[10:11] not in ("", "T", "t", " ") or len(given) == 11:
        raise ValueError
    clock = given[11:]
    offset = None
    if clock[-1:] in ("Z", "z"):
        offset = 0
        clock = clock[:-1]
    for sign in "+- ":  # a plus that was not encoded has become a space
        before, found, east = clock.partition(sign)
        if found:
            hours, minutes = _numbers(east, ":", 2, 2)
            offset = (3600 * hours + 60 * minutes) * (-1 if sign == "-" else 1)
            clock = before
    hour = minute = second = 0
    if len(given) > 10:
        clock, _, fraction = clock.partition(".")
        if fraction.strip("0123456789"):
            raise ValueError
        hour, minute, second = _numbers(clock + (":00" if len(clock) == 5 else ""), ":", 2, 3)
    if offset is None:
        return zone.unix_of_local(day[0], day[1], day[2], hour, minute, second)
    return _2000 + day_number(*day) * _DAY_S + 3600 * hour + 60 * minute + second - offset


def _numbers(given, separator, first_digits, count):
    """Of two digits each, but for the first; those of a time of day are no greater than there are."""
    parts = given.split(separator)
    if len(parts) != count:
        raise ValueError
    for i in range(count):
        if len(parts[i]) != (2 if i else first_digits) or parts[i].strip("0123456789"):
            raise ValueError
        if separator == ":" and int(parts[i]) > (59 if i else 23):
            raise ValueError
    return [int(part) for part in parts]
