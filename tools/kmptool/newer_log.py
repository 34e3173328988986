# `kmp log --newer`: records of the loggers that MULTICAL 303 and 603 have (command B8), from the newest or a given one
# into the past. Imports the command's layout; the head is lent.

from kmp.frame import ProtocolError
from kmptool import loggers
from kmptool.describe import named, valued

_DATE_TIME = 348  # date and clock of a record
_REPLY = 230  # bytes of records in a reply, so that it fits into a frame
_HEADER = 5  # id, unit, NoB and SiEx of a register
_VALUE = 8  # the longest value of a quantity or time that a meter is known to send


async def records(head, log, record, count, ids, retries):
    """Yields (record id, [register as a dict], info) as kmp log prints them, newest first; (None, [], info) where there
    is none. NoAnswer and ProtocolError go through."""
    page = max(1, (_REPLY - _HEADER * len(ids)) // (_VALUE * len(ids)))
    while count > 0:
        application = await head.ask(loggers.ask(log, record, min(page, count), ids), retries)
        told = loggers.reply(application, named, valued)
        found = told.get("records")
        if found is None:
            raise ProtocolError("the reply is no part of a log")
        info = told["info"]
        if info & (loggers.EMPTY | loggers.OUTSIDE) or not found:
            yield None, [], info
            return
        for one in found:
            yield one["record"], one["registers"], info
        count -= len(found)
        if info & loggers.OLDEST or told["last"] <= 0:
            return
        record = told["last"] - 1


def with_time(ids, most):
    """The ids with that of the record's date and time before them, where it still fits."""
    return ids if _DATE_TIME in ids or len(ids) == most else [_DATE_TIME, *ids]


def time_of(registers):
    """The date and time of a record, as JSON; None where it was not asked for."""
    return next((one["value"] for one in registers if one["id"] == _DATE_TIME), None)
