# The commands of KMP as the head sees them: build the request, read the reply. The meter's side of the same
# commands is kmp.meter; the logger commands are in kmp.log.
# An application is the bytes between address and CRC: the command and its data. (447 6.1-6.2)

from micropython import const

from kmp.frame import ProtocolError, UsageError
from kmp.value import encode, octets, take_format, take_mantissa, unsigned, unsigned_bytes

GET_TYPE = const(0x01)
GET_SERIAL = const(0x02)
SET_CLOCK = const(0x09)
GET_REGISTER = const(0x10)
PUT_REGISTER = const(0x11)
GET_EVENT_STATUS = const(0x9B)
CLEAR_EVENT_STATUS = const(0x9C)
GET_LOG_TIME_PRESENT = const(0xA0)
GET_LOG_LAST_PRESENT = const(0xA1)
GET_LOG_ID_PRESENT = const(0xA2)
GET_LOG_TIME_PAST = const(0xA3)

MAX_REGISTERS = const(8)  # in one request (447 6.2.4)

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
}


def name(cid):
    """Kamstrup's name of a command, or None."""
    return _NAMES.get(cid)


def check_reply(application, cid, length):
    """Refuse an application that is not the reply to cid or not exactly length bytes long."""
    if not len(application) or application[0] != cid:
        raise ProtocolError("a reply to another command than %02X" % cid)
    if len(application) != length:
        raise ProtocolError(
            "a reply of %d bytes to %s; %d are right" % (len(application), _NAMES[cid], length)
        )


def get_type():
    """Request: which type of meter is it?"""
    return bytes((GET_TYPE,))


def read_type(application):
    """(type, revision): (0x0004, "F1")."""
    check_reply(application, GET_TYPE, 5)
    letter = application[3]
    if not 1 <= letter <= 26:  # 01 is A
        return unsigned(application, 1, 2), "%d.%d" % (letter, application[4])
    return unsigned(application, 1, 2), "%s%d" % (chr(64 + letter), application[4])


def get_serial():
    """Request: the serial number."""
    return bytes((GET_SERIAL,))


def read_serial(application):
    """The serial number, an integer of 32 bits."""
    check_reply(application, GET_SERIAL, 5)
    return unsigned(application, 1, 4)


def set_clock(date, clock):
    """Request: set date (YYMMDD) and clock (hhmmss). The reply is a bare acknowledge."""
    return bytes((SET_CLOCK,)) + unsigned_bytes(date, 4) + unsigned_bytes(clock, 4)


def id_list(ids):
    """The count and ids of registers as they stand in a request. 1 to 8 ids of 16 bits."""
    if not 1 <= len(ids) <= MAX_REGISTERS:
        raise UsageError("one request asks for 1 to %d registers, not %d" % (MAX_REGISTERS, len(ids)))
    out = bytearray(1 + 2 * len(ids))
    out[0] = len(ids)
    pos = 1
    for register in ids:
        if not 0 <= register <= 0xFFFF:
            raise UsageError("a register id is 0 to 65535, not %d" % register)
        out[pos] = register >> 8
        out[pos + 1] = register & 0xFF
        pos += 2
    return out


def get_register(ids):
    """Request: the values of 1 to 8 registers."""
    return bytes((GET_REGISTER,)) + id_list(ids)


def read_registers(application):
    """Reply to GetRegister: a list of (id, unit, mantissa, exponent), in the meter's order.

    Registers the meter does not know are not in it; the list may be empty.
    """
    if not len(application) or application[0] != GET_REGISTER:
        raise ProtocolError("a reply to another command than 10")
    out = []
    pos = 1
    end = len(application)
    while pos < end:
        if pos + 5 > end:
            raise ProtocolError("the reply ends inside a register: %d bytes left over" % (end - pos))
        nob, sign, exponent = take_format(application, pos + 3)
        mantissa = take_mantissa(application, pos + 5, nob, sign)
        out.append((unsigned(application, pos, 2), application[pos + 2], mantissa, exponent))
        pos += 5 + nob
    return out


def answers(request, reply):
    """True when a reply's application answers a request's: the same command, and for registers none that was
    not asked for (a late reply to an earlier question), for logs the same log. Allocates nothing."""
    end = len(reply)
    if not end or reply[0] != request[0]:
        return False
    if reply[0] >= GET_LOG_TIME_PRESENT and reply[0] <= GET_LOG_TIME_PAST:
        return end < 3 or reply[1] == request[1]
    if reply[0] != GET_REGISTER:
        return True
    pos = 1
    while pos < end:
        if pos + 5 > end:
            return False
        asked = 2
        while reply[pos] != request[asked] or reply[pos + 1] != request[asked + 1]:
            asked += 2
            if asked + 1 >= len(request):
                return False
        pos += 5 + reply[pos + 3]
    return pos == end


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
