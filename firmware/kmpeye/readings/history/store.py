# The history on flash: takes a reading, keeps one of each hour for over a year and one of each day for over ten.
# Imports the other files of this folder. Promises one file append an hour, which holds exactly one record; nothing
# old is rewritten; a reading is kept under the hour it was taken in, once, whatever the clock does.

import os

from micropython import const

from kmpeye.readings.history.fit import FITS, FORMAT, TOO_FAR, fit, next_layout
from kmpeye.readings.history.index import (
    FILLED_DAY,
    FILLED_HOUR,
    OVERHEAD_BYTES,
    OWN_DAY,
    OWN_HOUR,
    SEGMENT_BYTES,
    Index,
)
from kmpeye.readings.history.segment import (
    DATED,
    EPOCH,
    FIXUP,
    LATEST,
    LONGEST_UPTIME_S,
    MAX_NAME,
    MAX_REGISTERS,
    RELATIVE,
    Damaged,
    Reader,
)

_SLOT_S = const(3600)
_DAY_S = const(86400)
_BLOCK = const(4096)
_SHORT = const(24)  # records; two segments in a row that are shorter: something changes too often to follow
_ENOSPC = const(28)  # on littlefs, newlib and Linux alike; MicroPython's errno has no name for it
_MAX_NOTES = const(8)
_BACK_TOO_OFTEN = const(
    "records go back in time too often, as if the clock jumped: they are not kept until it stays"
)
_UNIT_TOO_OFTEN = const("a register changes its unit too often: it is not recorded until it stays")
_LEAST_SEGMENTS = const(4)  # one in use and a full one, of hours and of days


class History:
    """`notes`: sentences for the status, the latest last."""

    def __init__(self, folder, registers, serial, limit_bytes, zone, fs=os, segment_bytes=SEGMENT_BYTES):
        """registers: up to 6 keys; serial: text of up to 40 bytes, to be set again when it is read, or None while
        the meter has not told it (then it is the one that was recorded last); zone: system.timezone.Zone, its
        days are the daily records'; fs: os, or what offers its listdir, mkdir, remove and stat."""
        self.registers = tuple(registers)
        self.serial = serial
        self.zone = zone
        self.notes = []
        self._segment_bytes = segment_bytes
        blocks_bytes = (segment_bytes + _BLOCK - 1) // _BLOCK * _BLOCK
        self._most = (limit_bytes - OVERHEAD_BYTES) // blocks_bytes  # segments
        self._check(OVERHEAD_BYTES + _LEAST_SEGMENTS * blocks_bytes)
        self.index = Index(folder.rstrip("/"), fs)
        if self.index.undated:
            self._note("%d records have no date: the power went too early" % self.index.undated)
        self._slot = -1  # the hour that needs no second look
        self._uptime_slot = -1  # the same while the clock is not known
        # Of the whole run: whoever opens a History anew for each reading sets them.
        self.uptime_s = 0
        self.forced_s = 0  # uptime when a segment was last begun that _SHORT speaks against
        self._pending = []  # (number, first place): where records of this start wait for their date
        newest = self.index.newest(OWN_DAY)
        # The end of that hour: in zones of half hours the day begins inside it.
        self._day = self._day_of(self.index.lasts[newest] * _SLOT_S + _SLOT_S - 1) if newest >= 0 else -1
        if self._started_in_vain():
            self._uptime_slot = 0

    def _check(self, least_bytes):
        if not 0 < len(self.registers) <= MAX_REGISTERS:
            raise ValueError("%d registers; 1 to %d are possible" % (len(self.registers), MAX_REGISTERS))
        for text in self.registers + (self.serial or "",):
            if len(text.encode()) > MAX_NAME:
                raise ValueError("%r has more than %d bytes" % (text, MAX_NAME))
        if self._most < _LEAST_SEGMENTS:
            raise ValueError("a history needs %d bytes of flash at least" % least_bytes)

    @property
    def damaged(self):
        """[(name, reason)] of segments that are skipped, or have damaged records."""
        return self.index.damaged

    def append(self, unix, uptime_s, values):
        """Keep a reading: {key: (unit, mantissa, exponent)}, taken at unix (None: the clock is not known).
        True when it was written; False when its hour has one already (nearly always) or it cannot be kept,
        which is a note then."""
        self.uptime_s = uptime_s
        if unix is None:
            return self._append_undated(uptime_s, values)
        slot = unix // _SLOT_S
        if slot == self._slot:
            return False
        kept = self._append_dated(unix, slot, uptime_s, values)
        self._slot = slot  # behind it: what memory ran out for is tried again
        return kept

    def _append_dated(self, unix, slot, uptime_s, values):
        self.clock_known(unix, uptime_s)
        if not EPOCH <= unix <= LATEST:
            self._note("the clock says a year before 2020 or after 2087: nothing is recorded")
            return False
        index = self.index
        for stream in (OWN_HOUR, OWN_DAY):
            newest = index.newest(stream)
            if newest >= 0 and index.lasts[newest] == slot:
                return False
        for i in range(len(index.numbers)):
            if index.streams[i] <= OWN_DAY and index.firsts[i] <= slot <= index.lasts[i]:
                if slot in [one // _SLOT_S for one in self._own(unix, False)]:
                    self._note("the clock went back: hours that have a record get no second one")
                    return False
                break
        day = self._day_of(unix)
        if day != self._day and day not in [self._day_of(one) for one in self._own(unix, True)]:
            if self._keep(OWN_DAY, DATED, unix, values):
                self._day = day
                return True
        return self._keep(OWN_HOUR, DATED, unix, values)

    def _own(self, unix, daily_only):
        """Times of own records within a day of unix, as far as the flash gives them."""
        from kmpeye.readings.history.merge import merge

        times = []
        try:
            for reader in merge(self.index, unix - _DAY_S, unix + _DAY_S, daily_only):
                if not reader.filled:
                    times.append(reader.unix)
        except OSError as error:
            self._note("the flash refuses to be read: %s" % error)
        return times

    def _append_undated(self, uptime_s, values):
        slot = uptime_s // _SLOT_S
        if slot <= self._uptime_slot or uptime_s > LONGEST_UPTIME_S:
            return False
        kept = self._keep(OWN_HOUR, RELATIVE, uptime_s, values)
        self._uptime_slot = slot
        return kept

    def insert(self, unix, values):
        """Keep a reading that the meter's logger gave: marked as filled, and where there is an own reading of
        that hour, never shown. Batches ascend; one that begins in the past begins a segment. True when written."""
        if not EPOCH <= unix <= LATEST:
            return False
        midnight = self.zone.local(unix)[3] == 0
        return self._keep(FILLED_DAY if midnight else FILLED_HOUR, DATED, unix, values)

    def clock_known(self, unix, uptime_s):
        """The date is unix at that uptime: the records of this start that wait for theirs get it, by one small
        record behind them. Without such records nothing happens; call it as often as you like. True when no record
        waits any more."""
        if not EPOCH <= unix - uptime_s <= LATEST:
            return False
        waiting = []  # what the flash refuses: the next hour tries again
        while self._pending:
            number, first = self._pending[-1]
            i = self.index.find(OWN_HOUR, number)
            if i >= 0:  # else it gave way
                try:
                    with self.index.open(i, "r+b") as file:
                        layout, places = self.index.at_end(file)
                        file.write(layout.fixup(places, first, unix - uptime_s - EPOCH))
                    with self.index.open(i, "rb") as file:
                        self.index.date(i, file)
                except OSError as error:
                    self._note("the flash refuses the date of some records: %s" % error)
                    waiting.append((number, first))
                except (Damaged, ValueError) as error:
                    self.index.note_damage(self.index.name(OWN_HOUR, number), str(error))
            self._pending.pop()  # behind it: a MemoryError leaves it
        self._pending = waiting
        return not waiting

    def records(self, kind, first, last):
        """Generator of (unix, filled, {key: (unit, mantissa, exponent)}) from first to last in Unix seconds:
        kind "hour" has all records, "day" the first of each day."""
        from kmpeye.readings.history.merge import merge

        for reader in merge(self.index, first, last, kind == "day"):
            yield reader.unix, reader.filled, reader.values()

    def query(self, register, first, last, step, zone=None):
        """Generator of rows; query.py says what they are and what is refused."""
        from kmpeye.readings.history.query import query

        return query(self, register, first, last, step, zone or self.zone)

    def _keep(self, stream, kind, seconds, values):
        """Write a record; a second time when the flash was full of other things and an old segment gave way."""
        for _ in range(2):
            try:
                return self._write(stream, kind, seconds, values)
            except OSError as error:
                if error.errno != _ENOSPC:
                    self._note("the flash refuses a record: %s" % error)
                    return False
                if not self._give_way():
                    return False
        return False

    def _write(self, stream, kind, seconds, values):
        """seconds: Unix or, kind RELATIVE, uptime. OSError when the flash says no."""
        index = self.index
        i = index.newest(stream)
        slot = index.lasts[i] if i >= 0 else 0
        back = kind == DATED and seconds // _SLOT_S <= slot
        if kind == DATED:
            slot = seconds // _SLOT_S
            seconds -= EPOCH
        layout = None
        fits = grow = False
        if i >= 0:
            try:
                with index.open(i, "r+b") as file:
                    layout, place = index.at_end(file)
                    room = (self._segment_bytes - layout.start) // layout.record_bytes - 1  # one for a fix-up
                    found, mantissas = fit(layout, self.registers, self.serial, values)
                    often = (back or found == FORMAT) and self._too_often(i, place)
                    if often:
                        self._note(_BACK_TOO_OFTEN if back else _UNIT_TOO_OFTEN)
                        if back:
                            return False
                    fits = place < room and not back and (found == FITS or often)
                    if fits:
                        file.write(layout.record(place, kind, seconds, mantissas))
                    grow = found == TOO_FAR and 16 * place < 15 * room  # a byte more costs less than the rest
            except (Damaged, ValueError) as error:
                index.note_damage(index.name(stream, index.numbers[i]), str(error))
        if fits:
            index.lasts[i] = slot
            return self._written(kind, index.numbers[i], place)
        if index.count() >= self._most and not self._give_way():
            return False
        layout = next_layout(layout, self.registers, self.serial, values, grow)
        data = layout.pack()
        data.extend(layout.record(0, kind, seconds, fit(layout, self.registers, self.serial, values)[1]))
        number = index.next_numbers[stream]
        index.create(stream, number, data, slot)  # with its first record: both or nothing
        return self._written(kind, number, 0)

    def _written(self, kind, number, place):
        if kind == RELATIVE and (not self._pending or self._pending[-1][0] != number):
            self._pending.append((number, place))
        return True

    def _too_often(self, i, places):
        """True when this segment and the one before it are short, and one was begun so in the last day."""
        if places >= _SHORT or not 0 <= self.index.places_before(i) < _SHORT:
            return False
        if self.uptime_s - self.forced_s < _DAY_S:
            return True
        self.forced_s = self.uptime_s
        return False

    def _give_way(self):
        if self.index.give_way(self.index.newest(OWN_HOUR)):
            self._note("the space for history is used up: the oldest hours give way, days stay")
            return True
        self._note("the space for history is used up by daily records: nothing more is recorded")
        return False

    def _started_in_vain(self):
        """True when the last record is the first of a start whose clock was not known: a chip that starts over and
        over must not push out the past with such records, so the next one waits for an hour or the clock."""
        i = self.index.newest(OWN_HOUR)
        if i < 0:
            return False
        with self.index.open(i, "rb") as file:
            reader = Reader(file)
            for place in range(self.index.places(file, reader.layout) - 1, -1, -1):
                kind, seconds = reader.kind_at(place)
                if kind != FIXUP:
                    return kind == RELATIVE and seconds < _SLOT_S
        return False

    def _day_of(self, unix):
        return (unix + self.zone.offset(unix)) // _DAY_S

    def _note(self, text):
        if text in self.notes:
            self.notes.remove(text)
        self.notes.append(text)
        if len(self.notes) > _MAX_NOTES:
            self.notes.pop(0)
