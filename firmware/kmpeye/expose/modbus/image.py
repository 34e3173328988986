# The registers of Modbus as one block of bytes, which rows writes anew when the snapshot has changed; a read only
# copies from it. Imports rows for that moment. Promises that reading allocates nothing.

from micropython import const

_COMPATIBLE_END = const(154)  # readers in the field take 0 to 152, in blocks
_STORED = const(80)  # of these registers; behind them is no row that we know
_STALE_MORE_S = const(60)  # that view has no age beside its values: it ends so long after a reading was valid

_HEADER = const(1000)  # address of version, state, age, serial number and flags
_ROWS = const(1020)  # address of the first row; the header and thirteen rows are one request
_ROW = const(8)  # registers: float32 (2), int32 (2), exponent, unit code, age (2)
_END = const(1788)  # 96 rows

# The bytes: the compatible view, the header, a row of missing values for all that is not offered, then the others.
_AT_HEADER = const(160)  # 2 * _STORED
_AT_ROWS = const(200)  # _AT_HEADER + 2 * (_ROWS - _HEADER)
_ROW_BYTES = const(16)  # in the place of the age stands the uptime when the value was taken

# Needed only while the bytes are written.
_WRITING = const("expose.modbus.rows readings.ieee")


class Image:
    def __init__(self, app):
        self.app = app
        self._number = None  # of the snapshot that the bytes show
        self._profile = self._registers = None
        self._places = self._bytes = None

    def refresh(self):
        """Write the bytes anew if anything has changed. Call it before copy()."""
        app = self.app
        profile = app.reader.profile
        same = profile is self._profile and profile.registers is self._registers
        if same and app.snapshot.number == self._number:
            return
        from kmpeye.expose.modbus.rows import fill, layout

        if not same:  # another meter, or it turned out not to offer some registers
            self._places, self._bytes = layout(profile.registers)
            self._profile = profile
            self._registers = profile.registers
        fill(self._bytes, profile, app.snapshot)
        self._number = app.snapshot.number
        app.forget(*_WRITING.split())

    def copy(self, address, count, out, pos):
        """Put the registers into out[pos:], high byte first: True; False when one of them is not in the map.
        Allocates nothing."""
        end = address + count
        if end > _COMPATIBLE_END and (address < _HEADER or end > _END):
            return False
        data = self._bytes
        now_s = self.app.clock.uptime_s()
        stale_s = self.app.reader.valid_s + _STALE_MORE_S
        stale = not 0 <= self._age(_AT_HEADER + 4, now_s) <= stale_s
        while address < end:
            age = -1
            if address < _COMPATIBLE_END:
                at = 2 * address
                if stale or address >= _STORED:
                    at = _AT_ROWS + (at & 3)
            elif address < _ROWS:
                at = _AT_HEADER + 2 * (address - _HEADER)
                if at & ~3 == _AT_HEADER + 4:
                    age = self._age(at & ~3, now_s)
            else:
                at = address - _ROWS
                at = _AT_ROWS + _ROW_BYTES * self._places[at >> 3] + 2 * (at & 7)
                if (address - _ROWS) & 6 == 6:
                    age = self._age(at & ~3, now_s)
            if age < 0:
                out[pos] = data[at]
                out[pos + 1] = data[at + 1]
            else:
                if not at & 2:
                    age >>= 16
                out[pos] = age >> 8 & 0xFF
                out[pos + 1] = age & 0xFF
            address += 1
            pos += 2
        return True

    def _age(self, at, now_s):
        """Seconds since the uptime that stands in the bytes; -1 when none does. Uptimes stay below 2^30 s."""
        data = self._bytes
        if data[at] >= 0x80:
            return -1
        return max(0, now_s - (data[at] << 24 | data[at + 1] << 16 | data[at + 2] << 8 | data[at + 3]))
