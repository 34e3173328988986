# Records of several segments as one series in order of time, each hour once. Segments may overlap: the logger's
# records came later than the hours they fill, and a clock that was put back begins a segment in the past.
# Imports index and segment. Promises memory for the segments that overlap right there, two or three, not for all.

from micropython import const

from kmpeye.readings.history.index import FILLED_HOUR, OWN_DAY
from kmpeye.readings.history.segment import Damaged, Reader

_SLOT_S = const(3600)


def merge(index, first, last, daily_only=False):
    """Generator of Readers, each standing at a record from `first` to `last` (Unix seconds, both included); the
    reader is the record until the next is asked for. Of two records of one hour an own reading comes before a filled
    one, a daily one before another, and what was written first before what was written later."""
    waiting = []
    for i in range(len(index.numbers)):
        stream = index.streams[i]
        if daily_only and stream & OWN_DAY == 0:
            continue
        if index.firsts[i] <= last // _SLOT_S and index.lasts[i] >= first // _SLOT_S:
            waiting.append((index.firsts[i], stream, index.numbers[i]))
    waiting.sort(reverse=True)
    active = []
    try:
        slot = -1
        while True:
            best = _earliest(active)
            while waiting and (best is None or waiting[-1][0] <= best.slot):
                source = _open(index, *waiting.pop()[1:])
                if source and _step(index, source, first):
                    active.append(source)
                    best = _earliest(active)
            if best is None or best.slot > last // _SLOT_S:
                return
            if best.slot > slot and best.unix <= last:
                slot = best.slot
                yield best
            if not _step(index, best, first):
                active.remove(best)
    finally:
        for source in active:
            source.file.close()


def _earliest(active):
    best = None
    for source in active:
        if best is None or (source.slot, source.rank) < (best.slot, best.rank):
            best = source
    return best


class _Source(Reader):
    """A segment that takes part, with its rank among records of the same hour."""

    def __init__(self, index, stream, number):
        self.stream = stream
        self.number = number
        self.filled = stream >= FILLED_HOUR
        self.rank = (stream ^ OWN_DAY) << 16 | number
        file = open(index.path(stream, number), "rb")
        try:
            super().__init__(file)
        except (Damaged, ValueError):
            file.close()
            raise


def _open(index, stream, number):
    """None for a segment that is gone or damaged."""
    if index.find(stream, number) < 0:
        return None  # it gave way while others were read
    try:
        return _Source(index, stream, number)
    except (Damaged, ValueError) as error:
        index.note_damage(index.name(stream, number), str(error))
        return None


def _step(index, source, first):
    """Goes on; at the end closes the file and says what was damaged in it."""
    if source.step(first):
        return True
    source.file.close()
    if source.bad and index.find(source.stream, source.number) >= 0:
        index.note_damage(index.name(source.stream, source.number), "%d damaged records" % source.bad)
    return False
