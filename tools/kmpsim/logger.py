# One log of a simulated meter: its records, and the answers to A0-A3 (447 6.3). Imports the protocol.
# Promise: a reply is never longer than was asked or than the device sends; what was left out is said in the
# info byte. What 447 leaves open is chosen here: a time or record with nothing in the asked direction is OUTSIDE.

from collections import deque

from kmp.calendar import date_of_day, day_number, is_date
from kmp.log import (
    CUT_OFF,
    EMPTY,
    END,
    GET_LOG_ID_PRESENT,
    GET_LOG_LAST_PRESENT,
    GET_LOG_TIME_PAST,
    GET_LOG_TIME_PRESENT,
    OUTSIDE,
)
from kmp.meter import log_reply

_DAY_S = 86_400
_SECONDS = {"quarter": 900, "hour": 3600, "day": _DAY_S}
_NUMBERS = 1 << 16  # record numbers have two bytes and begin anew


def empty_reply(cid, log):
    """What a logger says of a log that it does not have."""
    return log_reply(cid, log, [], 0, 0, EMPTY)


class Log:
    """model: a model.Logger."""

    def __init__(self, model):
        self.model = model
        self._records = deque(maxlen=model.depth)  # (seconds since 2000, {id: register}), oldest first
        self._newest = model.newest
        self._last = None  # number of the last record sent on the way to the present: where A1 goes on
        self._period = None

    def full(self):
        return len(self._records) == self.model.depth

    def begins(self, seconds):
        """True when a new quarter, hour, day or month begins at this moment."""
        return self._period_of(seconds) != self._period_of(seconds - 1)

    def start(self, seconds):
        """The simulation begins: the next record comes with the next period."""
        self._period = self._period_of(seconds)

    def remember(self, seconds, read):
        """A record older than those there are. read(id): the register then, as kmp.meter.register_reply takes it."""
        self._records.appendleft((seconds, {one: read(one) for one in self.model.registers}))

    def pass_to(self, seconds, read):
        """The meter's clock shows this; a new period gets a record."""
        period = self._period_of(seconds)
        if period != self._period:
            self._period = period
            self._newest = (self._newest + 1) % _NUMBERS
            self._records.append((seconds, {one: read(one) for one in self.model.registers}))

    def answer(self, cid, fields):
        """The application of the reply to a request that kmp.meter.read_request took apart."""
        log = self.model.log
        oldest = self._newest - len(self._records) + 1
        records = [((oldest + i) % _NUMBERS, *one) for i, one in enumerate(self._records)]
        if not records:
            return log_reply(cid, log, [], 0, self._newest, EMPTY)
        found = self._select(cid, fields, records)
        if not found:
            info = END if cid == GET_LOG_LAST_PRESENT else OUTSIDE
            return log_reply(cid, log, [], self._last or 0, self._newest, info)
        info = END if len(found) < fields["records"] else 0
        ids = [one for one in fields["ids"] if one in self.model.registers]
        asked = [(number, [values[one] for one in ids]) for number, _, values in found[: fields["records"]]]
        longest = min(fields["length"], self.model.longest)
        count = len(asked)
        while True:
            last = asked[count - 1][0] if count else self._last or 0
            reply = log_reply(cid, log, asked[:count], last, self._newest, info)
            if len(reply) <= longest or not count:
                break
            count -= 1
            info = CUT_OFF
        if count and cid != GET_LOG_TIME_PAST:
            self._last = last
        return reply

    def _select(self, cid, fields, records):
        """All records that the request could mean, in its order."""
        if cid == GET_LOG_LAST_PRESENT:
            return self._from(records, self._last)[1:] if self._last is not None else records
        if cid == GET_LOG_ID_PRESENT:
            return self._from(records, fields["record"])
        when = _seconds_of(fields["when"])
        if when is None:
            return []
        if cid == GET_LOG_TIME_PRESENT:
            return [one for one in records if one[1] >= when]
        return [one for one in reversed(records) if one[1] <= when][fields.get("offset", 0) :]

    @staticmethod
    def _from(records, number):
        for i, one in enumerate(records):
            if one[0] == number:
                return records[i:]
        return []

    def _period_of(self, seconds):
        if self.model.every == "month":
            return date_of_day(seconds // _DAY_S)[:2]
        return seconds // _SECONDS[self.model.every]


def _seconds_of(when):
    """Seconds since 2000 of the eight time bytes in the order of 447 4.3; None when they are no time."""
    year, month, day, hour, minute, second = when[:6]
    if not is_date(2000 + year, month, day) or hour > 23 or minute > 59 or second > 59:
        return None
    return day_number(2000 + year, month, day) * _DAY_S + hour * 3600 + minute * 60 + second
