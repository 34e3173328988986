# From records to rows: what was used in each hour, day or month of local time. Imports merge, kmp's values and
# units. Promises: differences of totals, exact; a hole stays one row with its difference; nothing is invented, so
# the consumptions of one meter's rows add up to its last total less its first, whatever is missing between.

from micropython import const

from kmp.calendar import iso_of_seconds
from kmp.decimal import rescale
from kmpeye.readings.history.merge import merge
from kmpeye.readings.units import ninths

STEPS = ("hour", "day", "month")

# States of a row.
_WHOLE = const("")  # one whole hour, day or month
_HOLE = const("hole")  # several: at the boundaries between them nothing was recorded
OPEN = "open"  # from the first record, or up to the last one, of a meter: part of a period, or more
_NEW_METER = const("new meter")  # another serial number: no difference across it
_NEW_UNIT = const("new unit")  # another unit that the old one cannot be turned into without a rest: the same

_2000 = const(946684800)
_SLOT_S = const(3600)
_LATE_S = const(3600)  # the first record within the hour after a boundary is the total at the boundary
_LONG_DAY_S = const(93600)  # a day of 25 hours, and its record may be late: more than this misses a midnight
_BREATH = const(32)  # records between two chances for others to run
_LOOKS = const(3)  # into the past, for the boundary where the first row begins


class Periods:
    """Hours, days or months of a zone. Hours are cut at full hours of its standard time."""

    def __init__(self, zone, step):
        self.zone = zone
        self.step = step
        self.begin = self.end = 0  # of the period looked at last

    def floor(self, unix):
        """The begin of the period that holds this moment; `end` is its end then."""
        if not self.begin <= unix < self.end:
            if self.step == "hour":
                self.begin = unix - (unix + self.zone.standard) % _SLOT_S
                self.end = self.begin + _SLOT_S
            else:
                self.begin = self._midnight(unix)
                # Surely in the next period: 12 hours after its begin, or half a month.
                self.end = self._midnight(self.begin + (36 * 3600 if self.step == "day" else 45 * 86400))
        return self.begin

    def _midnight(self, unix):
        year, month, day = self.zone.local(unix)[:3]
        return self.zone.unix_of_local(year, month, day if self.step == "day" else 1)


def query(history, register, first, last, step, zone):
    """Generator of rows from the one that holds `first` to `last` (Unix seconds), in order of time:
    (begin, end, consumption, total at the end, exponent of both, unit, state, filled)
    or None: nothing yet, let others run. The first may begin earlier: a hole is one row, wherever it is asked from.
    Begin and end are boundaries of periods; where the state is OPEN
    or a break, the time of a record. consumption is None at a break. filled: the meter's logger gave one of
    the totals. ValueError: what was asked makes no sense; LookupError: it does, but there is no such register
    or no record in that time. Both say what there is."""
    if step not in STEPS:
        raise ValueError("step %r is not possible; %s are" % (step, ", ".join(STEPS)))
    if last <= first:
        raise ValueError("from has to be before to")
    if register not in history.registers:
        known = registers(history)
        if register not in known:
            raise LookupError("there is no history of %r; there is of %s" % (register, ", ".join(known)))
    recorded = span(history.index)
    if not recorded:
        raise LookupError("nothing was recorded yet")
    if last <= recorded[0] or recorded[1] <= first:
        text = "nothing was recorded in that time; the history goes from %sZ to %sZ"
        raise LookupError(text % (iso_of_seconds(recorded[0] - _2000), iso_of_seconds(recorded[1] - _2000)))
    return _answer(history.index, register, first, last, Periods(zone, step))


def registers(history):
    """Keys a query may name: those recorded now, and those of old segments."""
    found = list(history.registers)
    for i in range(len(history.index.numbers)):
        for key in history.index.keys(i):
            if key not in found:
                found.append(key)
    return found


def span(index):
    """(begin of the first hour, end of the last one) of all dated records in Unix seconds, or None."""
    first = last = 0
    for i in range(len(index.numbers)):
        if index.firsts[i]:
            first = min(first or index.firsts[i], index.firsts[i])
            last = max(last, index.lasts[i])
    return (first * _SLOT_S, last * _SLOT_S + _SLOT_S) if first else None


def _answer(index, register, first, last, periods):
    """The generator: rows that end after the begin of the period that holds `first`."""
    wanted = begin = periods.floor(first)
    for _ in range(_LOOKS):
        before = yield from _before(index, register, begin)
        if before is None:
            break
        begin = periods.floor(before)
    for row in _rows(register, _records(index, begin, last, periods), periods):
        if not row or row[1] > wanted:
            yield row


def _before(index, register, boundary):
    """Generator without rows; its result is the time of the register's last record before a boundary, None where one
    stands at the boundary or there is none."""
    end = boundary
    found = None
    for reader in merge(index, boundary, boundary + _LATE_S - 1):
        if _value(reader, register):
            return None
    while not found:
        slot = 0  # the newest hour before the end that the index knows of
        for i in range(len(index.numbers)):
            for hour in (index.firsts[i], index.lasts[i]):
                if slot < hour and hour * _SLOT_S < end:
                    slot = hour
        if not slot:
            return None
        breath = 0
        for reader in merge(index, slot * _SLOT_S, end - 1):
            breath += 1
            if breath % _BREATH == 0:
                yield None
            if _value(reader, register):
                found = reader.unix
        end = slot * _SLOT_S
    return found


def _value(reader, register):
    """(unit, mantissa, exponent) in the record at which a reader stands, or None."""
    column = reader.layout.column(register)
    return reader.value(column) if column >= 0 else None


def _up_to(last, periods, source):
    """Of these records those up to `last`, and the one that closes the last period."""
    for reader in source:
        if reader.unix > last and periods.floor(reader.unix) != last:
            return
        yield reader


def _records(index, first, last, periods):
    """Readers at the records that rows are made of. Days and months take the daily ones, and all between two of
    them where a midnight is missing or the meter was exchanged, and at both ends."""
    until = last + _LATE_S - 1
    if periods.step == "hour":
        yield from _up_to(last, periods, merge(index, first, until))
        return
    days = Periods(periods.zone, "day")
    since = first
    serial = None
    for reader in _up_to(last, periods, merge(index, first, until, True)):
        unix = reader.unix
        hour = unix - unix % _SLOT_S
        late = unix - days.floor(unix) >= _LATE_S or unix - since > _LONG_DAY_S
        if late or serial != reader.layout.serial:
            yield from merge(index, since, hour - 1)
        since = hour + _SLOT_S
        serial = reader.layout.serial
        if reader.filled:  # there may be an own one of that hour, which had no date when it was written
            yield from merge(index, max(first, hour), since - 1)
        else:
            yield reader
    yield from merge(index, since, last)


def _rows(register, source, periods):
    start = old = None  # where the next row begins, and the record before this one: _Total
    breath = 0
    for reader in source:
        breath += 1
        if breath % _BREATH == 0:
            yield None
        value = _value(reader, register)
        if not value:
            continue
        now = _Total(reader, value)
        begin = periods.floor(now.unix)
        # One record stands at a boundary, the first; where hours are cut at half past a second may be near it.
        at_boundary = now.unix - begin < _LATE_S and not (start and begin <= start.begin)
        now.begins(begin if at_boundary else now.unix, periods.end if at_boundary else 0)
        if old:
            now.serial = now.serial or old.serial  # not told yet is not another one
            broken = _NEW_METER if old.serial not in ("", now.serial) else _WHOLE
            if not broken and now.unit != old.unit:
                if start.turn_into(now.unit):
                    old.turn_into(now.unit)
                else:
                    broken = _NEW_UNIT
            if broken:
                since = start.begin
                if old.unix > start.unix:
                    since = old.unix
                    yield _row(start, old, since, OPEN)
                yield since, now.begin, None, now.mantissa, now.exponent, now.unit, broken, now.filled
                start = None
        if start is None:
            start = now
        elif at_boundary:
            yield _row(
                start, now, begin, OPEN if not start.next else _WHOLE if begin == start.next else _HOLE
            )
            start = now
        old = now
    if old and old.unix > start.unix:
        yield _row(start, old, old.unix, OPEN)


class _Total:
    """What the meter had counted when it was asked."""

    def __init__(self, reader, value):
        self.unix = reader.unix
        self.unit, self.mantissa, self.exponent = value
        self.serial = reader.layout.serial
        self.filled = reader.filled
        self.begin = self.next = 0

    def begins(self, begin, following):
        """It is where a row begins; following: the next boundary, 0 when it stands at none itself."""
        self.begin = begin
        self.next = following

    def turn_into(self, unit):
        """The same in another unit, if that needs no division: MWh in kWh and back, cal in kWh, not GJ in kWh."""
        mine = ninths(self.unit, 1, 0)
        theirs = ninths(unit, 1, 0)
        if not mine or not theirs or mine[0] != theirs[0] or mine[1] % theirs[1]:
            return False
        self.mantissa *= mine[1] // theirs[1]
        self.exponent += mine[2] - theirs[2]
        self.unit = unit
        return True


def _row(start, end, until, state):
    exponent = min(start.exponent, end.exponent)
    total = rescale(end.mantissa, end.exponent, exponent)
    used = total - rescale(start.mantissa, start.exponent, exponent)
    return start.begin, until, used, total, exponent, end.unit, state, start.filled or end.filled
