# The meter's own loggers over KMP: build the requests A0-A3, read their replies. (447 6.3)
# Imported only where logs are read. A record is (record id, [(register id, unit, mantissa, exponent), ...]).

from micropython import const

from kmp.command import id_list
from kmp.encode import octets, unsigned_bytes
from kmp.frame import ProtocolError, UsageError
from kmp.value import take_format, take_mantissa, unsigned

GET_LOG_TIME_PRESENT = const(0xA0)
GET_LOG_LAST_PRESENT = const(0xA1)
GET_LOG_ID_PRESENT = const(0xA2)
GET_LOG_TIME_PAST = const(0xA3)

MAX_LENGTH = const(128)  # application bytes of a reply that every logger can send (447 6.3)

# Bits of the info byte; with any of them set the records may be missing.
EMPTY = const(1)
OUTSIDE = const(4)  # the asked time or record is not in the log
CUT_OFF = const(8)  # more records would not have fitted into the asked length
END = const(16)  # no more records in this direction


def time_bytes(year, month, day, hour, minute, second):
    """The 8 time bytes of A0 and A3, in the order of 447 4.3: YY MM DD hh mm ss 00 00. The document's examples
    show them reversed (`bytes(reversed(...))`): try that when the reply says OUTSIDE."""
    if not 2000 <= year <= 2255:
        raise UsageError("a logger's time has a year from 2000 to 2255, not %d" % year)
    return octets(year - 2000, month, day, hour, minute, second, 0, 0)


def _time(when):
    if len(when) != 8:
        raise UsageError("a logger's time has 8 bytes (time_bytes makes them), not %d" % len(when))
    return when


def _request(cid, log, ids, records, length, rest):
    if not 1 <= records <= 255 or not 1 <= length <= 255:
        raise UsageError("records and length are 1 to 255, not %d and %d" % (records, length))
    return octets(cid, log) + id_list(ids) + octets(records, length) + rest


def from_time(log, ids, records, when, length=MAX_LENGTH):
    """A0: up to `records` records from the time `when` (8 bytes, see time_bytes) to now, ascending."""
    return _request(GET_LOG_TIME_PRESENT, log, ids, records, length, _time(when))


def from_last(log, ids, records, length=MAX_LENGTH):
    """A1: records after the last one read, ascending."""
    return _request(GET_LOG_LAST_PRESENT, log, ids, records, length, b"")


def from_record(log, ids, records, record, length=MAX_LENGTH):
    """A2: records from a record id on, ascending."""
    return _request(GET_LOG_ID_PRESENT, log, ids, records, length, unsigned_bytes(record, 2))


def back_from_time(log, ids, records, when, offset=0, length=MAX_LENGTH):
    """A3: records from the time `when` to the past, descending, leaving out the first `offset`."""
    return _request(GET_LOG_TIME_PAST, log, ids, records, length, _time(when) + unsigned_bytes(offset, 2))


def is_log(cid):
    """True for the four logger commands."""
    return GET_LOG_TIME_PRESENT <= cid <= GET_LOG_TIME_PAST


def read_log(application):
    """Reply to A0-A3: (log, records, last, newest, info).

    last, newest: record ids of the last one sent and of the newest in the log, None when info says that
    something is missing and only info can be trusted. records: as at the top of this file, in the meter's order.
    """
    end = len(application)
    if end < 2 or not is_log(application[0]):
        raise ProtocolError("not a reply to a logger command")
    info = application[end - 1]
    log = application[1] if end > 2 else None
    if end < 8:  # command, log, count, last, newest, info
        if not info:
            raise ProtocolError("a logger reply of %d bytes that claims to be complete" % end)
        return log, [], None, None, info
    count = application[2]
    last = unsigned(application, end - 5, 2)
    newest = unsigned(application, end - 3, 2)
    try:
        records = _records(application, 3, end - 5, count)
    except ProtocolError:
        if not info:
            raise
        return log, [], None, None, info  # 447: with an info bit set only command and info are certain
    return log, records, last, newest, info


def _records(data, pos, end, count):
    records = []
    formats = None
    while pos < end:
        if pos + 2 > end:
            raise ProtocolError("the log reply ends inside a record id")
        record = unsigned(data, pos, 2)
        pos += 2
        values = []
        if formats is None:  # ids and formats stand only in the first record
            formats = []
            for _ in range(count):
                if pos + 5 > end:
                    raise ProtocolError("the log reply ends inside its first record")
                nob, sign, exponent = take_format(data, pos + 3)
                register = unsigned(data, pos, 2)
                formats.append((register, data[pos + 2], nob, sign, exponent))
                pos = _value(data, pos + 5, end, formats[-1], values)
        else:
            for one in formats:
                pos = _value(data, pos, end, one, values)
        records.append((record, values))
    return records


def _value(data, pos, end, form, values):
    register, unit, nob, sign, exponent = form
    if pos + nob > end:
        raise ProtocolError("the log reply ends inside register %d" % register)
    values.append((register, unit, take_mantissa(data, pos, nob, sign), exponent))
    return pos + nob
