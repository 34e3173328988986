# Records of the meter's own logger: asks one log page by page, and says which of its values fit into a hole of the
# history. Imports kmp and its neighbours; who asks comes in as `ask`. Loaded while a hole is filled, and by `kmp log`.
# Promises at most one request more for each thing that 447 leaves open: the order of the time's bytes, and records
# that are left out as soon as the info byte says anything.

from micropython import const

from kmp.calendar import date_of_day
from kmp.frame import METER, ProtocolError
from kmp.log import (
    CUT_OFF,
    EMPTY,
    END,
    GET_LOG_LAST_PRESENT,
    MAX_LENGTH,
    back_from_time,
    from_time,
    read_log,
    time_bytes,
)
from kmpeye.readings.moment import RTC_ID, seconds_of
from kmpeye.readings.units import ninths

_DAY_S = const(86400)
# Electricity meters, whose loggers are at the meter's address, were seen to send 249 bytes; modules stop at 128.
_METER_LENGTH = const(255)
_AROUND = const(8)  # command, log, number of registers, last, newest, info
_MOST_RECORDS = const(255)

BAD_CONTENT = "bad_content"  # a reply with a right CRC that breaks the rules
EMPTY_LOG = "empty_log"


def fitting(ids, length):
    """Records that surely fit into a reply: 4 bytes a value, the RTC 8 (447 6.3)."""
    each = 2
    for register in ids:
        each += 8 if register == RTC_ID else 4
    return max(1, min(_MOST_RECORDS, (length - _AROUND - 5 * len(ids)) // each))


class Log:
    """One log of a meter. `turned` is True where the bytes of a time are wanted in the reverse order, False where as
    447 4.3 says, None while no answer has shown it. `info` is the info byte of the last reply, `newest` the number of
    the newest record in the log, if it was told."""

    def __init__(self, ask, address, log, ids, turned=None):
        """ask(address, application): awaitable of (the reply's application, None) or (None, a word why not)."""
        self._ask = ask
        self._address = address
        self._log = log
        self.ids = ids
        self.turned = turned
        self.info = 0
        self.newest = None
        self.length = _METER_LENGTH if address == METER else MAX_LENGTH

    async def page(self, make, count, *rest):
        """(records, None), perhaps none, or ((), a word why not). make: the builder of kmp.log; rest: what it wants
        after the number of records. Records are as kmp.log reads them."""
        count = min(count, fitting(self.ids, self.length))
        while True:
            request = make(self._log, self.ids, count, *rest, length=self.length)
            reply, reason = await self._ask(self._address, request)
            if reason:
                return (), reason
            try:
                _, records, _, self.newest, self.info = read_log(reply)
            except ProtocolError:
                return (), BAD_CONTENT
            if records:
                return records, None
            if self.info & EMPTY:
                return (), EMPTY_LOG
            # With an info bit set the records may be missing: none is set when fewer are asked for.
            more = self.info & CUT_OFF or (self.info & END and request[0] != GET_LOG_LAST_PRESENT)
            if count == 1 or not more:
                return (), None
            count = (count + 1) // 2

    async def from_time(self, meter_s, count):
        """Records from a moment of the meter's clock (seconds since 2000) on, ascending."""
        return await self._timed(from_time, meter_s, count)

    async def back_from_time(self, meter_s, count, offset):
        """Records from a moment to the past, descending, leaving out the first `offset`."""
        return await self._timed(back_from_time, meter_s, count, offset)

    async def _timed(self, make, meter_s, count, *rest):
        year, month, day = date_of_day(meter_s // _DAY_S)
        clock = meter_s % _DAY_S
        when = time_bytes(year, month, day, clock // 3600, clock // 60 % 60, clock % 60)
        known = self.turned
        for turned in (False, True) if known is None else (known,):
            records, reason = await self.page(make, count, bytes(reversed(when)) if turned else when, *rest)
            if reason:
                return (), reason
            if records and _as_asked(make, meter_s, records):
                self.turned = turned
                return records, None
        return (), None


def _as_asked(make, meter_s, records):
    """False when no record is on the asked side of the moment: then its bytes were taken for another one."""
    for _, values in records:
        found = seconds_of(values)
        if found is None or (found <= meter_s if make is back_from_time else found >= meter_s):
            return True
    return False


def not_above(low, high):
    """False when the first of two values (unit, mantissa, exponent) is surely greater: by more than the last digit of
    the coarser one, which is what it counts and does not show. Values that cannot be compared are let through."""
    unit, a, exponent, a_step = _comparable(*low)
    other, b, b_exponent, b_step = _comparable(*high)
    if unit != other:
        return True
    least = min(exponent, b_exponent)
    a_scale = 10 ** (exponent - least)
    b_scale = 10 ** (b_exponent - least)
    return a * a_scale <= b * b_scale + max(a_step * a_scale, b_step * b_scale)


def _comparable(unit, mantissa, exponent):
    step = ninths(unit, 1, exponent)
    if step:
        return step[0], mantissa * step[1], step[2], step[1]
    return -unit, mantissa, exponent, 1


def chosen(record, keys, before, after):
    """What of a record may enter the history: {key: (unit, mantissa, exponent)} of the registers in keys
    ({id: key}), left out what lies not between the values before and after the hole. Where those contradict each
    other the one after it is of another hour: it was recorded while the clock was ahead."""
    values = {}
    for register, unit, mantissa, exponent in record:
        key = keys.get(register)
        if key is None:
            continue
        value = (unit, mantissa, exponent)
        least = before.get(key, value)
        if not not_above(least, value):
            continue
        most = after.get(key, value)
        if not_above(least, most) and not not_above(value, most):
            continue
        values[key] = value
    return values
