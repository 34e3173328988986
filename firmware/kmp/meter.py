# The meter's side of KMP: read requests, build replies. The simulator is this file with a state behind it.
# Imports all of kmp that knows commands. What a head sends wrong is a ProtocolError here.

from kmp.command import GET_REGISTER, GET_SERIAL, GET_TYPE, MAX_REGISTERS
from kmp.encode import encode, octets, unsigned_bytes
from kmp.frame import ProtocolError, UsageError
from kmp.log import GET_LOG_ID_PRESENT, GET_LOG_LAST_PRESENT, GET_LOG_TIME_PRESENT, is_log
from kmp.service import CLEAR_EVENT_STATUS, GET_EVENT_STATUS, PUT_REGISTER, SET_CLOCK, name
from kmp.value import take_format, take_mantissa, unsigned


def _exactly(application, length):
    if len(application) != length:
        raise ProtocolError("%s of %d bytes; %d are right" % (name(application[0]), len(application), length))


def _ids(application, pos):
    if pos >= len(application):
        raise ProtocolError("the request ends where the number of registers was expected")
    count = application[pos]
    if not 1 <= count <= MAX_REGISTERS:
        raise ProtocolError("%d registers asked for; 1 to %d are possible" % (count, MAX_REGISTERS))
    pos += 1
    if pos + 2 * count > len(application):
        raise ProtocolError("%d registers announced, %d bytes are there" % (count, len(application) - pos))
    return [unsigned(application, pos + 2 * i, 2) for i in range(count)], pos + 2 * count


def read_request(application):
    """(cid, fields) of a request. fields is a dict of the names used in command, service and log:

    GetRegister: ids; SetClock: date, clock; PutRegister: password, register, unit, mantissa, exponent, nob;
    ClearEventStatus: conditional, unconditional; A0-A3: log, ids, records, length and when (A0, A3),
    record (A2), offset (A3). A command that is not known has the field `data`.
    """
    if not len(application):
        raise ProtocolError("a request without a command")
    cid = application[0]
    fields = {}
    if cid in (GET_TYPE, GET_SERIAL, GET_EVENT_STATUS):
        _exactly(application, 1)
    elif cid == GET_REGISTER:
        ids, end = _ids(application, 1)
        _exactly(application, end)
        fields["ids"] = ids
    elif cid == SET_CLOCK:
        _exactly(application, 9)
        fields["date"] = unsigned(application, 1, 4)
        fields["clock"] = unsigned(application, 5, 4)
    elif cid == CLEAR_EVENT_STATUS:
        _exactly(application, 9)
        fields["conditional"] = unsigned(application, 1, 4)
        fields["unconditional"] = unsigned(application, 5, 4)
    elif cid == PUT_REGISTER:
        nob, sign, exponent = take_format(application, 6)
        _exactly(application, 8 + nob)
        fields["password"] = unsigned(application, 1, 2)
        fields["register"] = unsigned(application, 3, 2)
        fields["unit"] = application[5]
        fields["mantissa"] = take_mantissa(application, 8, nob, sign)
        fields["exponent"] = exponent
        fields["nob"] = nob
    elif is_log(cid):
        _log_fields(application, fields)
    else:
        fields["data"] = bytes(application[1:])
    return cid, fields


def _log_fields(application, fields):
    cid = application[0]
    if len(application) < 2:
        raise ProtocolError("a logger request without the number of the log")
    fields["log"] = application[1]
    ids, pos = _ids(application, 2)
    fields["ids"] = ids
    rest = 0 if cid == GET_LOG_LAST_PRESENT else 2 if cid == GET_LOG_ID_PRESENT else None
    # Heads in the field send A3 with and without the offset; 447 6.3.4 has it.
    rests = (rest,) if rest is not None else (8,) if cid == GET_LOG_TIME_PRESENT else (10, 8)
    if len(application) - pos - 2 not in rests:
        raise ProtocolError(
            "%s of %d bytes; %d are right" % (name(cid), len(application), pos + 2 + rests[0])
        )
    fields["records"] = application[pos]
    fields["length"] = application[pos + 1]
    pos += 2
    if cid == GET_LOG_ID_PRESENT:
        fields["record"] = unsigned(application, pos, 2)
    elif cid != GET_LOG_LAST_PRESENT:
        fields["when"] = bytes(application[pos : pos + 8])
        if len(application) - pos == 10:
            fields["offset"] = unsigned(application, pos + 8, 2)


def type_reply(type_id, letter, number):
    """GetType: type of 16 bits, revision letter (1 is A) and number."""
    return bytes((GET_TYPE,)) + unsigned_bytes(type_id, 2) + octets(letter, number)


def serial_reply(serial):
    """GetSerialNo: 32 bits."""
    return bytes((GET_SERIAL,)) + unsigned_bytes(serial, 4)


def register_reply(registers):
    """GetRegister: registers are (id, unit, mantissa, exponent, nob); those not known are left out."""
    out = bytes((GET_REGISTER,))
    for register, unit, mantissa, exponent, nob in registers:
        out += unsigned_bytes(register, 2) + octets(unit) + encode(mantissa, exponent, nob)
    return out


def event_reply(status, cid=GET_EVENT_STATUS):
    """GetEventStatus and ClearEventStatus: 32 event bits."""
    return bytes((cid,)) + unsigned_bytes(status, 4)


def log_reply(cid, log, records, last, newest, info):
    """A0-A3: records are (record id, [(id, unit, mantissa, exponent, nob), ...]); ids and formats are sent
    with the first one only, so all must have the same."""
    out = octets(cid, log, len(records[0][1]) if records else 0)
    announced = None
    for record, registers in records:
        out += unsigned_bytes(record, 2)
        formats = []
        for register, unit, mantissa, exponent, nob in registers:
            packed = encode(mantissa, exponent, nob)
            form = unsigned_bytes(register, 2) + octets(unit) + packed[:2]
            formats.append(form)
            out += form + packed[2:] if announced is None else packed[2:]
        if announced is None:
            announced = formats
        if formats != announced:
            raise UsageError("record %d has other registers or formats than the first one" % record)
    return out + unsigned_bytes(last, 2) + unsigned_bytes(newest, 2) + octets(info)
