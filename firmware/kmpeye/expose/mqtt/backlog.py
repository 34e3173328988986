# Which hourly records the broker has not acknowledged, oldest first, and what is remembered of that on flash. Imports
# the history's files. Promises: each record comes until it is acknowledged, also one that was written later than one
# of an hour after it (filled in by the meter's logger, dated late, or after a clock that was ahead); after a restart at
# most the last hour's come again, with the same id; one flash write an hour at most.

from json import dumps

from micropython import const

_SLOT_S = const(3600)
_FILE = const("mqtt.json")
_STREAMS = const(4)  # of the history: hours and days, own and filled in


class Backlog:
    def __init__(self, app, state=None, dirty=None):
        """state, dirty: as an earlier one left them."""
        self._app = app
        if state is None:
            host = app.config["mqtt_host"]
            state = app.keep.load(_FILE)
            if not isinstance(state, dict) or state.get("host") != host:
                state = {"host": host}  # another broker has nothing yet
        # serial: of the meter that was published last; old: of the one before; base: of the topics; gone: what those
        # of before began with, while they are cleared; acked: Unix time of the last record
        # the broker has; seen: how far each stream of the history was (_fresh); saved: Unix time of the last write.
        self.state = state
        self.dirty = dirty  # Unix time since which there is something to be saved
        self._records = self._mark = self.record = None
        self._due = False

    def again(self):
        """A new connection: what was on its way on the last one is due again."""
        self.close()
        self._due = True

    def wake(self):
        """There is a new reading: look for a record of this hour, unless it has gone out."""
        unix = self._app.clock.unix()
        if unix is not None and unix // _SLOT_S != self.state.get("acked", 0) // _SLOT_S:
            self._due = True

    def next(self):
        """True when `record` stands at the record that is to be sent (readings.history.segment.Reader)."""
        while not self.record:
            if not self._records and not self._open():
                if self.dirty is not None:
                    self._save_hourly()
                return False
            for record in self._records:
                if not self._mark or self._is_new(record):
                    self.record = record
                    return True
            if self._mark:
                self.state["seen"] = self._mark
            self.close()
        return True

    def _is_new(self, record):
        number, last = _seen(self.state.get("seen"), record.stream)
        return record.number > number or (record.number == number and record.slot > last)

    def close(self):
        """Nothing is open any more; what was not acknowledged comes again."""
        if self._records:
            self._records.close()
            self._records = self.record = None

    def acknowledged(self):
        """The broker has `record`."""
        if not self._mark:
            self.state["acked"] = self.record.unix
        self.record = None
        unix = self._app.clock.unix() or 0
        if self.dirty is None:
            self.dirty = unix
        elif unix - self.dirty >= _SLOT_S:  # else once all are through
            self._save_hourly()

    def _save_hourly(self):
        unix = self._app.clock.unix() or 0
        if unix // _SLOT_S != self.state.get("saved", 0) // _SLOT_S:
            self.state["saved"] = unix
            self.save()

    def save(self):
        self.dirty = None
        try:
            self._app.keep.save(_FILE, self.state)
        except OSError as e:
            self._app.log("mqtt: %s cannot be kept: %s" % (_FILE, e))

    def _open(self):
        # Begin to go through what is not acknowledged; False when there is nothing to look for.
        history = self._app.history if self._due else None
        if not history:
            return False
        from kmpeye.readings.history.merge import merge
        from kmpeye.readings.history.segment import LATEST

        index = history.index
        acked = self.state.get("acked", 0)
        unix = self._app.clock.unix()
        latest = LATEST if unix is None else unix + _SLOT_S
        if acked > latest:  # the date was wrong; what was recorded under it came then
            acked = self.state["acked"] = unix // _SLOT_S * _SLOT_S - 1
        first, last, mark = _fresh(index, self.state.get("seen"))
        if acked and first * _SLOT_S <= acked:
            # There are new ones of hours that lie before what is acknowledged: those first, then on from there.
            self._mark = mark
            self._records = merge(index, first * _SLOT_S, min(acked, last * _SLOT_S + _SLOT_S - 1))
        else:
            self._mark = None
            self._due = False
            self.state["seen"] = mark
            self._records = merge(index, acked + 1, latest)
        return True


def _seen(mark, stream):
    """(number of the segment that was the newest of a stream at the mark, last hour in it)."""
    return mark[2 * stream : 2 * stream + 2] if mark else (0, 0)


def _fresh(index, mark):
    """(first hour, last hour, new mark) of what the history's streams got since the mark. The first hour is after the
    last when there is nothing."""
    first = 1 << 29
    last = 0
    new = []
    for stream in range(_STREAMS):
        number, seen = _seen(mark, stream)
        newest = index.newest(stream)
        for i in range(len(index.numbers)):
            if index.streams[i] == stream and index.numbers[i] >= number:
                begin = index.firsts[i]
                if index.numbers[i] == number:
                    if index.lasts[i] <= seen:
                        continue
                    begin = seen + 1
                first = min(first, begin)
                last = max(last, index.lasts[i])
        new += [index.numbers[newest], index.lasts[newest]] if newest >= 0 else [0, 0]
    return first, last, new


def record_chunks(record, serial, iso):
    """Yields a record as JSON: id, taken_at, filled, registers {key: {value, unit}}."""
    from kmp.names import unit_name
    from kmp.value import token

    yield '{"id":"%s-%d","taken_at":"%s","filled":%s,"registers":{' % (
        serial,
        record.unix,
        iso(record.unix),
        dumps(bool(record.filled)),
    )
    comma = ""
    values = record.values()
    for key in values:
        unit, mantissa, exponent = values[key]
        yield '%s"%s":{"value":%s,"unit":"%s"}' % (
            comma,
            key,
            token(unit, mantissa, exponent),
            unit_name(unit),
        )
        comma = ","
    yield "}}"
