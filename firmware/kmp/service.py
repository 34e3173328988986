# The commands of a service technician: what sets a meter's clock or writes its registers, and its events; and what
# Kamstrup calls each command. Imported where a person works with a meter, never by the reading. (447 6.2)

from micropython import const

from kmp.command import GET_REGISTER, GET_SERIAL, GET_TYPE, check_reply
from kmp.encode import encode, octets, unsigned_bytes
from kmp.log import (
    GET_LOG_ID_PRESENT,
    GET_LOG_LAST_PRESENT,
    GET_LOG_TIME_PAST,
    GET_LOG_TIME_PRESENT,
)
from kmp.value import unsigned

SET_CLOCK = const(0x09)
PUT_REGISTER = const(0x11)
GET_EVENT_STATUS = const(0x9B)
CLEAR_EVENT_STATUS = const(0x9C)
_LOGGER = const(0xB8)  # the loggers of the newer meters; what it says: tools/kmptool/loggers

_NAMES = {
    GET_TYPE: "GetType",
    GET_SERIAL: "GetSerialNo",
    SET_CLOCK: "SetClock",
    GET_REGISTER: "GetRegister",
    PUT_REGISTER: "PutRegister",
    GET_EVENT_STATUS: "GetEventStatus",
    CLEAR_EVENT_STATUS: "ClearEventStatus",
    GET_LOG_TIME_PRESENT: "GetLogTimePresent",
    GET_LOG_LAST_PRESENT: "GetLogLastPresent",
    GET_LOG_ID_PRESENT: "GetLogIDPresent",
    GET_LOG_TIME_PAST: "GetLogTimePast",
    _LOGGER: "Logger",
}


def name(cid):
    """Kamstrup's name of a command, or None."""
    return _NAMES.get(cid)


def set_clock(date, clock):
    """Request: set date (YYMMDD) and clock (hhmmss). The reply is a bare acknowledge."""
    return bytes((SET_CLOCK,)) + unsigned_bytes(date, 4) + unsigned_bytes(clock, 4)


def put_register(password, register, unit, mantissa, exponent, nob):
    """Request: write one register. The reply is a bare acknowledge, or nothing."""
    return (
        bytes((PUT_REGISTER,))
        + unsigned_bytes(password, 2)
        + unsigned_bytes(register, 2)
        + octets(unit)
        + encode(mantissa, exponent, nob)
    )


def get_event_status():
    """Request: what happened in the loggers."""
    return bytes((GET_EVENT_STATUS,))


def clear_event_status(conditional, unconditional):
    """Request: clear event bits. Two masks of 32 bits."""
    return bytes((CLEAR_EVENT_STATUS,)) + unsigned_bytes(conditional, 4) + unsigned_bytes(unconditional, 4)


def read_event_status(application, cid=GET_EVENT_STATUS):
    """The four event bytes as one integer. Byte 2: bit 0 interval log has unread records, bit 1 RTC log."""
    check_reply(application, cid, 5)
    return unsigned(application, 1, 4)
