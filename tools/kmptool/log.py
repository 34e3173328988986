# `kmp log`: read a meter's own logger with the firmware's own head and logger code. One JSON line on stdout for each
# record, words on stderr. Imports the protocol, the firmware's head, and its way through the pages of a log.

import argparse
import asyncio
import re
import sys

from kmp.calendar import day_number, is_date, iso_of_seconds
from kmp.command import MAX_REGISTERS
from kmp.frame import LOGGER_BASE, LOGGER_TOP, METER, ProtocolError
from kmp.log import EMPTY, OUTSIDE, from_last, from_record
from kmp.service import (
    CLEAR_EVENT_STATUS,
    GET_EVENT_STATUS,
    clear_event_status,
    get_event_status,
    read_event_status,
)
from kmpeye.head.line import Line
from kmpeye.head.transaction import RETRIES, Head, NoAnswer
from kmpeye.readings.backfill import BAD_CONTENT, EMPTY_LOG, Log
from kmpeye.readings.moment import IDS, seconds_of
from kmpeye.system.clock import Clock
from kmptool import newer_log
from kmptool.describe import valued
from kmptool.jsonline import dumps
from kmptool.read import BAUDS, number, port, register_id_or_key, unique

_ADDRESSES = (METER, LOGGER_TOP, LOGGER_BASE)
_NUMBERS = 1 << 16  # record numbers have two bytes and begin anew

_HELP = """Reads records of a log and prints one JSON line each:
  {"log": 1, "record": 65480, "time": "2026-11-01T00:00:00", "registers": [{"id", "name", "value", "unit"}]}
time is what the meter's clock showed, in its standard time; null where the log keeps no date. The registers date, clock
and RTC are asked for beside those that are named: a meter leaves out what its log does not keep.

examples:
  kmp log --port /dev/ttyUSB0 --address 127 --log 1 --register 60 --register 68 --from 2026-11-01
  kmp log --port /dev/ttyUSB0 --address 127 --register volume --to 2026-11-01T12:00:00 --count 24
  kmp log --port /dev/ttyUSB0 --baud 9600 --log 6 --register 1 --record 18482
  kmp log --port /dev/ttyUSB0 --newer --log 5 --register 60 --register 68 --count 48
  kmp log --port /dev/ttyUSB0 --address 127 --events

Without --from the records come from --to, or from the newest, into the past. --newer is for the logs of MULTICAL 303
and 603: 2 years, 3 months, 4 days, 5 hours, 6 and 7 minutes; it was written after frames of theirs and never tried.
Exit status: 0 read, 1 no answer, no such log or no record there, 2 typed wrong."""


def _moment(text):
    match = re.fullmatch(r"(20\d\d)-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d))?)?", text, re.ASCII)
    fields = [int(one or 0) for one in match.groups()] if match else None
    if not fields or not is_date(*fields[:3]) or fields[3] > 23 or fields[4] > 59 or fields[5] > 59:
        right = "a time like 2026-11-01 or 2026-11-01T12:00:00, as the meter's clock shows it"
        raise argparse.ArgumentTypeError("%r is no time: %s" % (text, right))
    return day_number(*fields[:3]) * 86400 + fields[3] * 3600 + fields[4] * 60 + fields[5]


def _between(low, high):
    def check(text):
        try:
            found = number(text)
        except ValueError:
            found = -1
        if not low <= found <= high:
            raise argparse.ArgumentTypeError("%r is no number from %d to %d" % (text, low, high))
        return found

    return check


def add_parser(subparsers):
    parser = subparsers.add_parser(
        "log",
        help="read records of a meter's own logger",
        description=_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--port", required=True, type=port, help="a serial device, or socket://HOST:PORT")
    parser.add_argument(
        "--address",
        type=number,
        choices=_ADDRESSES,
        default=METER,
        help="63 meter, 127 logger in the top module or of a MULTICAL 801, 191 logger in the base module",
    )
    parser.add_argument("--log", type=_between(0, 255), default=1, help="number of the log; otherwise 1")
    parser.add_argument(
        "--register",
        action="append",
        nargs="+",
        type=register_id_or_key,
        metavar="ID",
        help="name or id; may be repeated",
    )
    parser.add_argument("--from", dest="since", type=_moment, metavar="TIME", help="ascending from here")
    parser.add_argument("--to", dest="until", type=_moment, metavar="TIME", help="the last moment wanted")
    parser.add_argument(
        "--record", type=_between(0, 0xFFFFFFFF), metavar="N", help="ascending from this number"
    )
    parser.add_argument("--next", action="store_true", help="those after the last one read, ascending")
    parser.add_argument("--count", type=_between(1, _NUMBERS), metavar="N", help="at most so many records")
    parser.add_argument(
        "--length", type=_between(1, 255), help="longest reply; otherwise 128, for address 63 255"
    )
    parser.add_argument(
        "--newer",
        action="store_true",
        help="a log of a MULTICAL 303 or 603 (B8): into the past from --record",
    )
    parser.add_argument("--events", action="store_true", help="what happened in the loggers (9B), no records")
    parser.add_argument(
        "--clear-events",
        nargs=2,
        type=_between(0, 0xFFFFFFFF),
        metavar=("IF_SET", "ALWAYS"),
        help="clear the events of two masks in the meter (9C)",
    )
    parser.add_argument("--baud", type=int, default=1200, choices=BAUDS, help="1200; electricity meters 9600")
    parser.add_argument(
        "--retries", type=int, default=RETRIES, choices=range(10), help="tries after the first"
    )
    parser.set_defaults(func=run, parser=parser)


def run(args):
    """Returns the exit status: 0 read, 1 no answer, no port or no record."""
    events = args.events or args.clear_events
    if bool(events) == bool(args.register):
        args.parser.error("name a --register of the log, or --events")
    if sum(one not in (None, False) for one in (args.since, args.record, args.next)) > 1:
        args.parser.error("--from, --record and --next are three ways to begin: take one")
    if args.newer and (events or args.since or args.until or args.next or args.length):
        args.parser.error("--newer goes with --log, --record, --count and --register alone")
    if not args.newer and args.record is not None and args.record >= _NUMBERS:
        args.parser.error("--record: %d is no number from 0 to %d" % (args.record, _NUMBERS - 1))
    ids = unique(args.register)
    if len(ids) > MAX_REGISTERS:
        args.parser.error("one request asks for 1 to %d registers, not %d" % (MAX_REGISTERS, len(ids)))
    return asyncio.run(_run(args, None if events else ids))


async def _run(args, ids):
    line = Line(args.port, args.baud, Clock())
    head = Head(line, args.address)
    try:
        if ids is None:
            await _events(args, head)
            return 0
        return await (_newer if args.newer else _records)(args, head, ids)
    except NoAnswer as error:
        print("kmp log: %s" % error, file=sys.stderr)
    except ProtocolError as error:
        print("kmp log: the reply breaks the rules of KMP: %s" % error, file=sys.stderr)
    finally:
        line.close()
    return 1


async def _events(args, head):
    request, cid = get_event_status(), GET_EVENT_STATUS
    if args.clear_events:
        request, cid = clear_event_status(*args.clear_events), CLEAR_EVENT_STATUS
    status = read_event_status(await head.ask(request, args.retries), cid)
    print(dumps({"address": args.address, "event_status": status, "hex": "%08x" % status}))


async def _records(args, head, ids):
    async def ask(address, application):
        return await head.ask(application, args.retries), None

    if not set(ids) & set(IDS):
        ids = (list(IDS) + ids) if len(ids) + len(IDS) <= MAX_REGISTERS else ids
    log = Log(ask, args.address, args.log, ids)
    log.length = args.length or log.length
    printed = 0
    async for record, values in _pages(args, log):
        print(dumps(line_of(args.log, record, values)))
        printed += 1
    words = "%d records" % printed
    if not printed and log.info & (EMPTY | OUTSIDE):
        words = "the log is empty" if log.info & EMPTY else "the asked time or record is not in the log"
    print("kmp log: " + words, file=sys.stderr)
    return 0 if printed or args.next else 1


async def _newer(args, head, ids):
    ids = newer_log.with_time(ids, MAX_REGISTERS)
    printed = 0
    words = None
    pages = newer_log.records(head, args.log, args.record, args.count or _NUMBERS, ids, args.retries)
    async for record, registers, info in pages:
        if record is None:
            words = "the log is empty" if info & EMPTY else "the asked record is not in the log"
            break
        time = newer_log.time_of(registers)
        print(dumps({"log": args.log, "record": record, "time": time, "registers": registers}))
        printed += 1
    print("kmp log: " + (words if words and not printed else "%d records" % printed), file=sys.stderr)
    return 0 if printed else 1


def line_of(log, record, values):
    """A record as a dict for jsonline.dumps; values as kmp.log reads them."""
    seconds = seconds_of(values)
    return {
        "log": log,
        "record": record,
        "time": None if seconds is None else iso_of_seconds(seconds),
        "registers": [valued(*one) for one in values],
    }


async def _pages(args, log):
    """The records that are wanted, page by page."""
    left = args.count or _NUMBERS
    done = 0
    following = args.record
    past = args.since is None and args.record is None and not args.next
    while left > 0:
        if past:
            until = _moment("2099-12-31") if args.until is None else args.until
            page = await log.back_from_time(until, left, done)
        elif args.next:
            page = await log.page(from_last, left)
        elif following is None:
            page = await log.from_time(args.since, left)
        else:
            page = await log.page(from_record, left, following)
        records, reason = page
        if reason == BAD_CONTENT:
            raise ProtocolError("its records cannot be taken apart")
        if reason == EMPTY_LOG or not records:
            return
        for record, values in records:
            if args.until is not None and not past:
                seconds = seconds_of(values)
                if seconds is None:
                    raise ProtocolError("its records have no date, so --to means nothing here")
                if seconds > args.until:
                    return
            yield record, values
        done += len(records)
        left -= len(records)
        following = (records[-1][0] + 1) % _NUMBERS
        if records[-1][0] == log.newest and not past:
            return
