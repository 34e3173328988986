# The history as an answer: what was used in each hour, day or month, as JSON or CSV. For expose.history; imports the
# history's query, kmp's calendar and values. Promises every digit of the totals, one row in memory at a time whatever
# was asked for, and refusals that say what there is.

from json import dumps

from micropython import const

from kmp.calendar import iso_of_seconds
from kmp.names import unit_name
from kmp.value import text
from kmpeye.expose.http import Refusal
from kmpeye.readings.history.query import STEPS, query, registers, span

_2000 = const(946684800)  # 2000-01-01 in Unix seconds
_DAY_S = const(86400)
_DEFAULT_DAYS = const((1, 31, 396))  # without `from`: a day of hours, a month of days, 13 months
_COLUMNS = const("begin_utc,end_utc,begin_local,end_local,consumption,total,unit,state,filled\r\n")


async def rows_of(asked, exchange, kept, clock):
    """Answer with the rows of a register; asked: of history.asked."""
    register, first, last, step, is_csv = asked
    if last is None:
        last = clock.unix() or (span(kept.index) or (0, 0))[1]  # without a date: up to the last record
    if first is None:
        first = last - _DEFAULT_DAYS[STEPS.index(step)] * _DAY_S
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


async def contents(exchange, kept):
    """Answer with what there is, when no register is named."""
    await exchange.start(200, "application/json")
    await exchange.write(_contents(kept))


def _contents(kept):
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


def unnamed(kept):
    """The refusal of a request that needs a register and names none."""
    known = ", ".join(registers(kept))
    return Refusal(400, "say which register: register=KEY; there is history of " + known)


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
