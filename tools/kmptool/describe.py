# What a KMP application says, in words and exact numbers: the content of one frame as a dict for JSON.
# Imports the protocol package. Promise: a dict, or ProtocolError where the content breaks the rules.

from kmp.calendar import is_date, iso
from kmp.command import GET_REGISTER, GET_SERIAL, GET_TYPE, read_registers, read_serial, read_type
from kmp.dates import CLOCK, DATE, date_text
from kmp.frame import TO_METER
from kmp.log import CUT_OFF, EMPTY, END, OUTSIDE, is_log, read_log
from kmp.meter import read_request
from kmp.names import unit_name
from kmp.registers import register_key
from kmp.service import CLEAR_EVENT_STATUS, GET_EVENT_STATUS, read_event_status
from kmp.value import token
from kmptool import loggers
from kmptool.jsonline import Exact

_INFO = (
    (EMPTY, "the log is empty"),
    (OUTSIDE, "the asked time or record is not in the log"),
    (CUT_OFF, "more records would not have fitted into the asked length"),
    (END, "no more records in this direction"),
)


def describe(start, application):
    """The fields of a frame's content; start is the frame's start byte."""
    return _request(application) if start == TO_METER else _reply(application)


def named(register):
    """A register without a value: id and stable name."""
    return {"id": register, "name": register_key(register)}


def valued(register, unit, mantissa, exponent):
    """A register as every command prints it: id, name, value (exact), unit."""
    line = named(register)
    line["value"] = Exact(token(unit, mantissa, exponent))
    line["unit"] = unit_name(unit)
    return line


def _reply(application):
    cid = application[0]
    if cid == GET_TYPE:
        type_id, revision = read_type(application)
        return {"type": "%04X" % type_id, "revision": revision}
    if cid == GET_SERIAL:
        return {"serial": read_serial(application)}
    if cid == GET_REGISTER:
        return {"registers": [valued(*one) for one in read_registers(application)]}
    if cid in (GET_EVENT_STATUS, CLEAR_EVENT_STATUS):
        return {"event_status": read_event_status(application, cid)}
    if is_log(cid):
        log, records, last, newest, info = read_log(application)
        return {
            "log": log,
            "records": [
                {"record": number, "registers": [valued(*one) for one in values]}
                for number, values in records
            ],
            "last": last,
            "newest": newest,
            "info": info,
            "info_text": [words for bit, words in _INFO if info & bit],
        }
    if cid == loggers.LOGGER:
        return loggers.reply(application, named, valued)
    return {"data": bytes(application[1:]).hex()}


def _request(application):
    if application[0] == loggers.LOGGER:
        return loggers.request(application, named)
    _, fields = read_request(application)
    out = {}
    for key, value in fields.items():
        if key == "ids":
            out["registers"] = [named(register) for register in value]
        elif key == "register":
            out["registers"] = [
                valued(value, fields["unit"], fields["mantissa"], fields["exponent"]),
            ]
        elif key in ("unit", "mantissa", "exponent", "nob"):
            continue  # in the register
        elif key == "date":
            out["date"] = date_text(DATE, value) or value
        elif key == "clock":
            out["clock"] = date_text(CLOCK, value) or value
        elif key == "when":
            out["when"] = _log_time(value)
            out["when_bytes"] = value.hex()
        elif key == "data":
            out["data"] = value.hex()
        else:
            out[key] = value
    return out


def _log_time(raw):
    """The 8 time bytes of a logger request: in the order of 447 4.3, or reversed as in its examples."""
    for year, month, day, hour, minute, second in (raw[:6], raw[:1:-1]):
        if is_date(2000 + year, month, day) and hour < 24 and minute < 60 and second < 60:
            return iso(2000 + year, month, day, hour, minute, second)
    return None
