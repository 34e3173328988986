# One segment of the history: a file of a header and records of one size, only ever appended to. Bytes and one
# open file; folders are index.py's, times of day query.py's. Imports kmp. Promises: a record is read as it was
# written or not at all, and what is damaged costs itself only.
#
# Header: "KH1", its length (2), serial (1 + text), number of registers (1), for each: key (1 + text), unit (1),
#   exponent + 64 (1), bytes a value takes in a record (1), base + 2^71 (9); CRC-32 (4). What it says holds for
#   every record behind it; a change of any of it starts a new segment.
# Record: time (4), values, CRC (2). A value is kept as its distance from the base, + 1/8 of what its bytes can
#   hold, so 3 bytes cover -2,097,151 to +14,680,063 steps of the meter and 9 any distance; 0 says "missing".
#   The CRC is half a CRC-32 that starts from the header's and counts with the place: a record that stands in
#   the wrong segment or place is damaged. So the place is the sequence number and costs no byte.
# Time: 0 and 31 bits: seconds since 2020 (until 2088).
#       10 and 30 bits: seconds of uptime: the clock was not known yet.
#       11: a fix-up, 14 bits unused, 16 bits: first place it holds for. In the value bytes stands what has to be
#       added to the uptimes from there to here to make them seconds since 2020 (4). One place of each segment is
#       kept free for it, so a segment that is full can still get its own.

from binascii import crc32

from micropython import const

from kmp.value import unsigned

EPOCH = const(1577836800)  # 2020-01-01 in Unix seconds
LATEST = const(3725320447)  # the 31 bits end in 2088
LONGEST_UPTIME_S = const(0x3FFFFFFF)  # 34 years

UNKNOWN_UNIT = const(255)  # a register that no reading of this segment's time had
USUAL_WIDTH = const(3)
MAX_REGISTERS = const(6)  # what the layout's arithmetic was made for
MAX_NAME = const(40)  # characters of a key or serial; a header stays under 400 bytes

_MAGIC = const(b"KH1")
_TIME = const(4)
_OFFSET = const(4)  # of a fix-up: values take at least this
_CRC = const(2)
_BASE_BYTES = const(9)
_BASE_BIAS = 1 << 71
_MAX_HEADER = const(400)
_SLOT_S = const(3600)

DATED = const(0)
RELATIVE = const(2)
FIXUP = const(3)


class Damaged(Exception):
    """A segment whose header cannot be believed; the message is the reason."""


def width_for(distance):
    """The least bytes that hold this distance from a base."""
    width = 1
    while not -(1 << 8 * width - 3) < distance < 7 << 8 * width - 3:
        width += 1
    return width


class Layout:
    """What the header of a segment says. columns: (key, unit, exponent, width, base, place in the record)."""

    def __init__(self, serial, columns):
        """columns: (key, unit, exponent, width, base)."""
        self.serial = serial
        self.columns = []
        place = _TIME
        for column in columns:
            self.columns.append(column + (place,))
            place += column[3]
        self.record_bytes = max(place, _TIME + _OFFSET) + _CRC
        self.start = 0  # length of the header, and its CRC: both are known once it was packed or read
        self.seed = 0

    def pack(self):
        """The header as bytes."""
        out = bytearray(_MAGIC + b"\0\0")
        _add_text(out, self.serial)
        out.append(len(self.columns))
        for key, unit, exponent, width, base, _ in self.columns:
            _add_text(out, key)
            out.extend(bytes((unit, exponent + 64, width)))
            out.extend((base + _BASE_BIAS).to_bytes(_BASE_BYTES, "big"))
        self.start = len(out) + 4
        out[3:5] = self.start.to_bytes(2, "big")
        self.seed = crc32(out)
        out.extend(self.seed.to_bytes(4, "big"))
        return out

    def column(self, key):
        """Its number, or -1."""
        for i in range(len(self.columns)):
            if self.columns[i][0] == key:
                return i
        return -1

    def holds(self, column, mantissa):
        """True when the bytes of a value reach that far from the base."""
        width = self.columns[column][3]
        return 0 < mantissa - self.columns[column][4] + (1 << 8 * width - 3) < 1 << 8 * width

    def value(self, record, column):
        """The mantissa in a record, or None."""
        _, _, _, width, base, place = self.columns[column]
        stored = unsigned(record, place, width)
        return base + stored - (1 << 8 * width - 3) if stored else None

    def record(self, place, kind, time, mantissas):
        """A record as bytes: the time in seconds since 2020 (DATED) or of uptime (RELATIVE)."""
        out = bytearray(self.record_bytes)
        out[:_TIME] = (time | kind << 30).to_bytes(_TIME, "big")
        for i in range(len(mantissas)):
            if mantissas[i] is not None:
                _, _, _, width, base, at = self.columns[i]
                out[at : at + width] = (mantissas[i] - base + (1 << 8 * width - 3)).to_bytes(width, "big")
        return self._sealed(out, place)

    def fixup(self, place, first, offset):
        """The record that dates those of uptime from `first` up to this place."""
        out = bytearray(self.record_bytes)
        out[0] = FIXUP << 6
        out[2:_TIME] = first.to_bytes(2, "big")
        out[_TIME : _TIME + _OFFSET] = offset.to_bytes(_OFFSET, "big")
        return self._sealed(out, place)

    def _sealed(self, record, place):
        crc = crc32(memoryview(record)[:-_CRC], self.seed + place) & 0xFFFF
        record[-_CRC:] = crc.to_bytes(_CRC, "big")
        return record


def _add_text(out, text):
    raw = text.encode()
    out.append(len(raw))
    out.extend(raw)


def read_layout(file):
    """The Layout of an open file, which then stands at its first record."""
    head = file.read(5)
    if len(head) < 5 or head[:3] != _MAGIC:
        raise Damaged("does not begin with %s" % _MAGIC.decode())
    length = unsigned(head, 3, 2)
    if not 16 < length <= _MAX_HEADER:
        raise Damaged("a header of %d bytes; 17 to %d are possible" % (length, _MAX_HEADER))
    head += file.read(length - 5)
    seed = crc32(head[:-4])
    if len(head) < length or unsigned(head, length - 4, 4) != seed:
        raise Damaged("the CRC of the header is wrong")
    end = 6 + head[5]
    serial = head[6:end].decode()
    columns = []
    pos = end + 1
    for _ in range(head[end]):
        end = pos + 1 + head[pos]
        key = head[pos + 1 : end].decode()
        base = unsigned(head, end + 3, _BASE_BYTES) - _BASE_BIAS
        columns.append((key, head[end], head[end + 1] - 64, head[end + 2], base))
        pos = end + 3 + _BASE_BYTES
    layout = Layout(serial, columns)
    layout.start = length
    layout.seed = seed
    return layout


class Reader:
    """The dated records of an open segment, in order of time, each hour once. After a step that returned True
    `unix`, `slot` (the hour, counted from 1970) and `buffer` are the record's, until the next step."""

    def __init__(self, file):
        self.file = file
        self.layout = read_layout(file)
        self.buffer = bytearray(self.layout.record_bytes)
        self._body = memoryview(self.buffer)[:-_CRC]
        self.place = -1
        self.unix = 0
        self.slot = -1
        self.bad = 0  # damaged records passed
        self.undated = 0  # records passed whose power went before the clock was known
        self._fix = -1  # place of the next fix-up, where it begins to hold, and what it adds
        self._fix_first = 0
        self._fix_offset = 0

    def step(self, first=0):
        """Goes to the next record that is not before `first`; False at the end."""
        while self._read():
            kind = self.buffer[0] >> 6
            if kind < RELATIVE:
                unix = EPOCH + unsigned(self.buffer, 0, _TIME)
                if unix < first:
                    continue  # not worth its CRC
            if not self._whole():
                self.bad += 1
                continue
            if kind == FIXUP:
                continue
            if kind == RELATIVE:
                unix = self._dated()
                if not unix:
                    self.undated += 1
                    continue
            slot = unix // _SLOT_S
            if unix >= first and slot > self.slot:
                self.unix = unix
                self.slot = slot
                return True
        return False

    def values(self):
        """{key: (unit, mantissa, exponent)} of the record."""
        found = {}
        for i in range(len(self.layout.columns)):
            value = self.value(i)
            if value:
                found[self.layout.columns[i][0]] = value
        return found

    def value(self, column):
        """(unit, mantissa, exponent), or None where missing."""
        mantissa = self.layout.value(self.buffer, column)
        if mantissa is None:
            return None
        return self.layout.columns[column][1], mantissa, self.layout.columns[column][2]

    def go(self, place):
        """The next step looks at the record at this place."""
        self.place = place - 1
        self.file.seek(self.layout.start + place * self.layout.record_bytes)

    def kind_at(self, place):
        """(kind, seconds) of the record at a place; (None, 0) for a damaged one. The next step goes on behind it."""
        self.go(place)
        if not self._read() or not self._whole():
            return None, 0
        kind = self.buffer[0] >> 6
        if kind < RELATIVE:
            return DATED, unsigned(self.buffer, 0, _TIME)
        return kind, unsigned(self.buffer, 0, _TIME) & LONGEST_UPTIME_S

    def _read(self):
        self.place += 1
        return self.file.readinto(self.buffer) == self.layout.record_bytes

    def _whole(self):
        crc = crc32(self._body, self.layout.seed + self.place) & 0xFFFF
        return crc == unsigned(self.buffer, self.layout.record_bytes - _CRC, _CRC)

    def _dated(self):
        """Unix seconds of the record of uptime in the buffer; 0 when nothing dates it."""
        place = self.place
        uptime_s = unsigned(self.buffer, 0, _TIME) & LONGEST_UPTIME_S
        if place > self._fix:
            self._find_fix()
            self.kind_at(place)
        return EPOCH + self._fix_offset + uptime_s if place >= self._fix_first else 0

    def _find_fix(self):
        while self._read():
            if self.buffer[0] >> 6 == FIXUP and self._whole():
                self._fix = self.place
                self._fix_first = unsigned(self.buffer, 2, 2)
                self._fix_offset = unsigned(self.buffer, _TIME, _OFFSET)
                return
        self._fix = self._fix_first = self.place  # none: nothing up to the end has a date
