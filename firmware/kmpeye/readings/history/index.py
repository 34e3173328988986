# The folder of the history: which segments there are, which hours each holds, which one gives way when the space
# is used up. Imports segment. Promises about 600 bytes of memory for all of it, and never to remove a daily one.
#
# A name is a letter and five digits: h and d hold own readings, i and j what came from the meter's logger;
# d and j hold the first record of each day, h and i the other hours. Numbers ascend in order of writing.
# On littlefs a segment takes two blocks of 4096 bytes (all but 4 of them hold data). With six registers it holds
# 332 records of 24 bytes: 14 days of hours, 332 days of days. A year is 8760 records, 216 kB with the headers.
# 400 KiB are 48 segments and 16 KiB for the folder itself and the block that is being rewritten: 10 years of days
# take 12; of the other 36 the one in use and one of the logger's count nothing, the rest hold 490 days.

from array import array

from micropython import const

from kmpeye.readings.history.segment import DATED, EPOCH, Damaged, Reader, read_layout

SEGMENT_BYTES = const(8188)
OVERHEAD_BYTES = const(16384)

OWN_HOUR = const(0)
OWN_DAY = const(1)
FILLED_HOUR = const(2)
FILLED_DAY = const(3)
_LETTERS = const("hdij")

_SLOT_S = const(3600)
_HOURLY = (OWN_HOUR, FILLED_HOUR)


class Index:
    """Segments in no order: stream, number, first and last hour (counted from 1970) of each."""

    def __init__(self, folder, fs):
        self.folder = folder
        self._fs = fs
        self.streams = array("B")
        self.numbers = array("H")
        self.firsts = array("I")
        self.lasts = array("I")
        self.next_numbers = array("H", (1, 1, 1, 1))
        self.damaged = []  # (name, reason); there are no more names than segments
        self.undated = 0  # records found at the start whose time will never be known
        self._make_folder()
        for name in sorted(fs.listdir(folder)):
            stream = _LETTERS.find(name[:1])
            if stream >= 0 and len(name) == 6 and not name[1:].strip("0123456789"):
                self._load(stream, int(name[1:]))

    def _make_folder(self):
        try:
            self._fs.listdir(self.folder)
        except OSError:
            self._fs.mkdir(self.folder)

    def _load(self, stream, number):
        self.next_numbers[stream] = number + 1
        path = self.path(stream, number)
        if not self._fs.stat(path)[6]:  # the power went before the first record was in it
            self._fs.remove(path)
            return
        try:
            with open(path, "rb") as file:
                first, last, undated = self._span(file, self.newest(stream))
        except (OSError, Damaged, ValueError) as error:
            self.note_damage(self.name(stream, number), str(error))
            return
        self.undated += undated
        self.add(stream, number, first, last)

    def _span(self, file, before):
        """(first hour, last hour, records without a date). A segment without any stands where the one before ends."""
        reader = Reader(file)
        count = self.places(file, reader.layout)
        first, first_s = reader.kind_at(0)
        last, last_s = reader.kind_at(count - 1) if count else (None, 0)
        if first == DATED and last == DATED:
            return (EPOCH + first_s) // _SLOT_S, (EPOCH + last_s) // _SLOT_S, 0
        reader.go(0)
        first = 0
        while reader.step():
            first = first or reader.slot
        last = reader.slot
        if not first:
            first = last = self.lasts[before] if before >= 0 else 0
        return first, last, reader.undated

    def places(self, file, layout):
        """Records in an open segment, damaged ones included."""
        return (file.seek(0, 2) - layout.start) // layout.record_bytes

    def at_end(self, file):
        """(Layout, number of records) of an open segment, which then stands where the next one goes."""
        layout = read_layout(file)
        used = file.seek(0, 2) - layout.start
        if used % layout.record_bytes:
            raise Damaged("ends inside a record")
        return layout, used // layout.record_bytes

    def places_before(self, i):
        """Records in the segment of the same stream that was begun before this one; -1 where none can be read."""
        i = self.find(self.streams[i], self.numbers[i] - 1)
        if i < 0:
            return -1
        try:
            with self.open(i, "rb") as file:
                return self.places(file, read_layout(file))
        except Damaged:
            return -1

    def keys(self, i):
        """The registers of a segment; none of one that cannot be read."""
        try:
            with self.open(i, "rb") as file:
                return [column[0] for column in read_layout(file).columns]
        except Damaged:
            return []

    def open(self, i, mode):
        return open(self.path(self.streams[i], self.numbers[i]), mode)

    def create(self, stream, number, data, slot):
        """Write a new segment; it stays only as a whole."""
        path = self.path(stream, number)
        try:
            with open(path, "wb") as file:
                file.write(data)
        except OSError:
            try:
                self._fs.remove(path)
            except OSError:
                pass  # it was not even begun
            raise
        self.add(stream, number, slot, slot)

    def name(self, stream, number):
        return "%s%05d" % (_LETTERS[stream], number)

    def path(self, stream, number):
        return "%s/%s" % (self.folder, self.name(stream, number))

    def count(self):
        """Segments on flash, those that cannot be read included."""
        return len(self.numbers) + sum(self.find(*self._parts(name)) < 0 for name, _ in self.damaged)

    def _parts(self, name):
        return _LETTERS.find(name[0]), int(name[1:])

    def newest(self, stream):
        """The segment of a stream that was begun last, or -1."""
        found = -1
        for i in range(len(self.numbers)):
            if self.streams[i] == stream and (found < 0 or self.numbers[i] > self.numbers[found]):
                found = i
        return found

    def find(self, stream, number):
        """A segment by its name's parts, or -1: it may have given way."""
        for i in range(len(self.numbers)):
            if self.streams[i] == stream and self.numbers[i] == number:
                return i
        return -1

    def add(self, stream, number, first, last):
        self.next_numbers[stream] = number + 1
        self.streams.append(stream)
        self.numbers.append(number)
        self.firsts.append(first)
        self.lasts.append(last)

    def date(self, i, file):
        """Find first and last hour of a segment anew: a fix-up came to it."""
        first, last, _ = self._span(file, i)
        self.firsts[i] = first
        self.lasts[i] = max(self.lasts[i], last)

    def note_damage(self, name, reason):
        """Keep what is wrong with a segment; the latest word on it counts."""
        for i in range(len(self.damaged)):
            if self.damaged[i][0] == name:
                self.damaged[i] = (name, reason)
                return
        self.damaged.append((name, reason))

    def give_way(self, keep):
        """Remove the hourly segment whose hours are the oldest, an unreadable one before all others; never the one
        that is being written (keep: its place in this index). Its name, or None when only daily ones are left."""
        name = None
        for damaged, _ in self.damaged:
            stream, number = self._parts(damaged)
            if stream in _HOURLY and self.find(stream, number) < 0:
                name = damaged
        if name is None:
            oldest = -1
            for i in range(len(self.numbers)):
                if (
                    i != keep
                    and self.streams[i] in _HOURLY
                    and (oldest < 0 or self.lasts[i] < self.lasts[oldest])
                ):
                    oldest = i
            if oldest < 0:
                return None
            name = self.name(self.streams[oldest], self.numbers[oldest])
            self._fs.remove("%s/%s" % (self.folder, name))
            self.streams = _without(self.streams, oldest)
            self.numbers = _without(self.numbers, oldest)
            self.firsts = _without(self.firsts, oldest)
            self.lasts = _without(self.lasts, oldest)
        else:
            self._fs.remove("%s/%s" % (self.folder, name))
        for i in range(len(self.damaged) - 1, -1, -1):
            if self.damaged[i][0] == name:
                self.damaged.pop(i)
        return name


def _without(numbers, i):
    return numbers[:i] + numbers[i + 1 :]
