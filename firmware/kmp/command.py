# The questions of a reading: build the request, read the reply. What changes a meter, the events and the commands'
# names are in kmp.service, the logger commands in kmp.log, the meter's side of them all in kmp.meter.
# An application is the bytes between address and CRC: the command and its data. (447 6.1-6.2)

from micropython import const

from kmp.frame import ProtocolError, UsageError
from kmp.value import take_format, take_mantissa, unsigned

GET_TYPE = const(0x01)
GET_SERIAL = const(0x02)
GET_REGISTER = const(0x10)
_LOGS = const(0x28)  # A0 to A3, the logger commands, without their last two bits

MAX_REGISTERS = const(8)  # in one request (447 6.2.4)


def check_reply(application, cid, length=None):
    """Refuse an application that is not the reply to cid, or not exactly length bytes long."""
    if not len(application) or application[0] != cid:
        raise ProtocolError("a reply to another command than %02X" % cid)
    if length and len(application) != length:
        raise ProtocolError("a reply of %d bytes to %02X; %d are right" % (len(application), cid, length))


def get_type():
    """Request: which type of meter is it?"""
    return b"\x01"


def read_type(application):
    """(type, revision): (0x0004, "F1"); the revision is None where the meter says 00 00."""
    check_reply(application, GET_TYPE, 5)
    letter, number = application[3], application[4]
    revision = None
    if letter or number:  # 01 is A; what is no letter is shown as a number
        revision = "%s%d" % (chr(64 + letter) if 1 <= letter <= 26 else "%d." % letter, number)
    return unsigned(application, 1, 2), revision


def get_serial():
    """Request: the serial number."""
    return b"\x02"


def read_serial(application):
    """The serial number, an integer of 32 bits."""
    check_reply(application, GET_SERIAL, 5)
    return unsigned(application, 1, 4)


def id_list(ids):
    """The count and ids of registers as they stand in a request. 1 to 8 ids of 16 bits."""
    if not 1 <= len(ids) <= MAX_REGISTERS:
        raise UsageError("one request asks for 1 to %d registers, not %d" % (MAX_REGISTERS, len(ids)))
    out = bytearray((len(ids),))
    for register in ids:
        if not 0 <= register <= 0xFFFF:
            raise UsageError("a register id is 0 to 65535, not %d" % register)
        out.extend(register.to_bytes(2, "big"))
    return out


def get_register(ids):
    """Request: the values of 1 to 8 registers."""
    return b"\x10" + id_list(ids)


def read_registers(application):
    """Reply to GetRegister: a list of (id, unit, mantissa, exponent), in the meter's order.

    Registers the meter does not know are not in it; the list may be empty.
    """
    check_reply(application, GET_REGISTER)
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
    if reply[0] >> 2 == _LOGS:
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
