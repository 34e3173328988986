# The registers of Modbus as one block of bytes, built anew when the snapshot has changed; a read only copies from it.
# Imports kmp's values and the readings. docs/modbus.md is generated from the tables here. Promises: what is not
# there is NaN or 0x80000000 (0x8000 in one register), never 0; reading allocates nothing.

from micropython import const

from kmp.value import is_number
from kmpeye.readings.ieee import single
from kmpeye.readings.units import to_common

_MAP_VERSION = const(1)  # counts up when an address changes its meaning; a key added at the end changes none

# Kamstrup's datagram xx-yy-300, as far as its rows are documented or were seen in use: key and address. Its other
# rows read as NaN, as those do in the maker's module that the meter does not have.
COMPATIBLE = """
flow 0
flow_2 2
power 4
flow_temperature 6
return_temperature 8
temperature_3 10
temperature_4 12
temperature_difference 14
pressure 16
heat_energy 20
volume 52
mass 78
"""
_COMPATIBLE_END = const(154)  # readers in the field take 0 to 152, in blocks
_STORED = const(80)  # of these registers; behind them is no row that we know
# That view has no age beside its values: it ends when so many readings are missing.
_STALE_INTERVALS = const(3)
_STALE_MORE_S = const(60)

_HEADER = const(1000)  # address of version, state, age, serial number and flags
_ROWS = const(1020)  # address of the first row; the header and thirteen rows are one request
_ROW = const(8)  # registers: float32 (2), int32 (2), exponent, unit code, age (2)
_PLACES = const(96)  # rows, of which the last are for keys that only a profile of one's own has
_END = const(1788)  # _ROWS + _ROW * _PLACES

# What stands in which row: the first thirteen are what most people want. New keys are added at the end.
KEYS = (
    "heat_energy cooling_energy volume power flow flow_temperature return_temperature temperature_difference info "
    "operating_hours water_temperature ambient_temperature reverse_volume "
    "heat_energy_high_resolution cooling_energy_high_resolution volume_high_resolution volume_2 flow_2 temperature_3 "
    "flow_energy return_energy volume_times_flow_temperature volume_times_return_temperature input_a input_b "
    "error_hours info_events battery_days max_flow_this_month max_power_this_month max_flow_this_year "
    "max_power_this_year min_flow_this_month min_flow_this_year max_flow_date_this_month min_flow_date_this_month "
    "average_flow_temperature_this_month average_return_temperature_this_month target_date "
    "energy_in energy_out power_in power_out voltage_l1 voltage_l2 voltage_l3 current_l1 current_l2 current_l3 "
    "power_in_l1 power_in_l2 power_in_l3 power_factor reactive_energy_in reactive_energy_out "
    "energy_in_high_resolution energy_out_high_resolution energy_in_tariff_1 energy_in_tariff_2 energy_in_tariff_3 "
    "energy_in_tariff_4 max_power_in "
    "software config_number_1 config_number_2 program_number top_module base_module type_number meter_number_1 "
    "config_1 config_2 config_3 "
)

# The number of a state is its place here; one that is not here is 255.
STATES = (
    "starting ok asleep no_light echo_only garbled bad_crc other_device throttled refused budget_spent port_error "
    "out_of_memory "
)
_OTHER_STATE = const(255)

# The bytes: the compatible view, the header, a row of missing values for all that is not offered, then the others.
_AT_HEADER = const(160)  # 2 * _STORED
_AT_ROWS = const(200)  # _AT_HEADER + 2 * (_ROWS - _HEADER)
_ROW_BYTES = const(16)  # in the place of the age stands the uptime when the value was taken
_MISSING = const(b"\x7f\xc0\0\0\x80\0\0\0\x80\0\x80\0\x80\0\0\0")
_NAN = const(b"\x7f\xc0\0\0")
_NO_FLAGS = const(b"\x80\0\0\0\0\0\0\0")  # bit 63 alone: no info code was read
_MISSING_16 = const(b"\x80\0")


def place(words, word):
    """How many words stand before this one; -1 when it is not there."""
    start = (" " + words).find(" %s " % word)
    return words[:start].count(" ") if start >= 0 else -1


class Image:
    def __init__(self, app):
        self.app = app
        self._number = None  # of the snapshot that the bytes show
        self._profile = None
        self._rows = bytearray(_PLACES)  # by place: the row in the bytes; 0 is the missing one
        self._bytes = bytearray()

    def refresh(self):
        """Build the bytes anew if anything has changed. Call it before copy()."""
        profile = self.app.reader.profile
        snapshot = self.app.snapshot
        if profile is not self._profile:
            self._rows = bytearray(_PLACES)
            own = KEYS.count(" ")
            row = 0
            for _, key in profile.registers:
                row += 1
                at = place(KEYS, key)
                if at < 0 and key != "serial":  # that one is in the header
                    at = own
                    own += 1
                if 0 <= at < _PLACES:
                    self._rows[at] = row
            self._bytes = bytearray(_AT_ROWS + _ROW_BYTES * (row + 1))
            self._profile = profile
            self._number = None
        if snapshot.number != self._number:
            self._number = snapshot.number
            data = self._bytes
            for at in range(0, _AT_HEADER, 4):
                data[at : at + 4] = _NAN
            for at in range(_AT_HEADER, _AT_ROWS, 2):
                data[at : at + 2] = _MISSING_16
            for at in range(_AT_ROWS, len(data), _ROW_BYTES):
                data[at : at + _ROW_BYTES] = _MISSING
            self._head(snapshot)
            if snapshot.reading:
                self._values(snapshot.reading)

    def _put(self, at, count, number):
        self._bytes[at : at + count] = number.to_bytes(count, "big")

    def _head(self, snapshot):
        self._put(_AT_HEADER, 2, _MAP_VERSION)
        state = place(STATES, snapshot.state)
        self._put(_AT_HEADER + 2, 2, _OTHER_STATE if state < 0 else state)
        self._put(_AT_HEADER + 4, 4, snapshot.reading.uptime_s if snapshot.reading else 1 << 31)
        serial = snapshot.meter.serial or ""
        serial = int(serial) if serial.isdigit() else 1 << 32
        self._put(_AT_HEADER + 8, 4, 1 << 31 if serial >> 32 else serial)
        flags = snapshot.flags
        if flags is None:
            self._bytes[_AT_HEADER + 12 : _AT_HEADER + 20] = _NO_FLAGS
            return
        found = 0
        for bit, flag in self._profile.info:
            if flag in flags:
                found |= 1 << bit
        for flag in flags:
            if flag[:4] == "bit_":  # one without a name
                found |= 1 << int(flag[4:])
        self._put(_AT_HEADER + 12, 8, found & (1 << 63) - 1)
        self._put(_AT_HEADER + 20, 2, len(flags))

    def _values(self, reading):
        for number, (key, _, unit, mantissa, exponent) in enumerate(reading.values):
            at = _AT_ROWS
            for _, name in self._profile.registers:
                at += _ROW_BYTES
                if name == key:
                    break
            else:
                continue  # of the profile before this one
            if is_number(unit):
                self._put(at, 4, single(*(to_common(unit, mantissa, exponent) or (mantissa, exponent))))
                start = COMPATIBLE.find("\n%s " % key)
                if start >= 0:
                    address = int(COMPATIBLE[start:].split(None, 2)[1])
                    self._put(2 * address, 4, single(mantissa, exponent))
            if -(1 << 31) < mantissa < 1 << 31:  # else the float is all there is
                self._put(at + 4, 4, mantissa & 0xFFFFFFFF)
            self._put(at + 8, 2, exponent & 0xFFFF)
            self._put(at + 10, 2, unit)
            self._put(at + 12, 4, reading.taken[number])

    def copy(self, address, count, out, pos):
        """Put the registers into out[pos:], high byte first: True; False when one of them is not in the map.
        Allocates nothing."""
        end = address + count
        if end > _COMPATIBLE_END and (address < _HEADER or end > _END):
            return False
        data = self._bytes
        now_s = self.app.clock.uptime_s()
        stale_s = _STALE_INTERVALS * self.app.reader.interval_s + _STALE_MORE_S
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
                at = _AT_ROWS + _ROW_BYTES * self._rows[at >> 3] + 2 * (at & 7)
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
