# What stands where in the registers of Modbus, and the bytes of all of it for one snapshot; loaded when that has
# changed. Imports kmp's values and the readings. docs/modbus.md is generated from the tables here. Promises: what is
# not there is NaN or 0x80000000 (0x8000 in one register), never 0.

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
_PLACES = const(96)  # rows, of which the last are for keys that only a profile of one's own has

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

# The bytes, as image has them: the compatible view, the header, a row of missing values for all that is not offered,
# then the others.
_AT_HEADER = const(160)
_AT_ROWS = const(200)
_ROW_BYTES = const(16)  # in the place of the age stands the uptime when the value was taken
_MISSING = const(b"\x7f\xc0\0\0\x80\0\0\0\x80\0\x80\0\x80\0\0\0")
_NAN = const(b"\x7f\xc0\0\0")
_NO_FLAGS = const(b"\x80\0\0\0\0\0\0\0")  # bit 63 alone: no info code was read
_MISSING_16 = const(b"\x80\0")


def place(words, word):
    """How many words stand before this one; -1 when it is not there."""
    start = (" " + words).find(" %s " % word)
    return words[:start].count(" ") if start >= 0 else -1


def layout(registers):
    """(which row of the bytes each place shows, 0 for the missing one; room for the bytes)."""
    places = bytearray(_PLACES)
    own = KEYS.count(" ")
    row = 0
    for _, key in registers:
        row += 1
        at = place(KEYS, key)
        if at < 0 and key != "serial":  # that one is in the header
            at = own
            own += 1
        if 0 <= at < _PLACES:
            places[at] = row
    return places, bytearray(_AT_ROWS + _ROW_BYTES * (row + 1))


def fill(data, profile, snapshot):
    """Write the snapshot into the bytes, which layout() made for the registers of this profile."""

    def put(at, count, number):
        data[at : at + count] = number.to_bytes(count, "big")

    for at in range(0, _AT_HEADER, 4):
        data[at : at + 4] = _NAN
    for at in range(_AT_HEADER, _AT_ROWS, 2):
        data[at : at + 2] = _MISSING_16
    for at in range(_AT_ROWS, len(data), _ROW_BYTES):
        data[at : at + _ROW_BYTES] = _MISSING
    reading = snapshot.reading
    put(_AT_HEADER, 2, _MAP_VERSION)
    state = place(STATES, snapshot.state)
    put(_AT_HEADER + 2, 2, _OTHER_STATE if state < 0 else state)
    put(_AT_HEADER + 4, 4, reading.uptime_s if reading else 1 << 31)
    serial = snapshot.meter.serial or ""
    serial = int(serial) if serial.isdigit() else 1 << 32
    put(_AT_HEADER + 8, 4, 1 << 31 if serial >> 32 else serial)
    flags = snapshot.flags
    if flags is None:
        data[_AT_HEADER + 12 : _AT_HEADER + 20] = _NO_FLAGS
    else:
        found = 0
        for bit, flag in profile.info:
            if flag in flags:
                found |= 1 << bit
        for flag in flags:
            if flag[:4] == "bit_":  # one without a name
                found |= 1 << int(flag[4:])
        put(_AT_HEADER + 12, 8, found & (1 << 63) - 1)
        put(_AT_HEADER + 20, 2, len(flags))
    keys = [key for _, key in profile.registers]
    for number, (key, _, unit, mantissa, exponent) in enumerate(reading.values if reading else ()):
        if key not in keys:
            continue  # of the profile before this one
        at = _AT_ROWS + _ROW_BYTES * (keys.index(key) + 1)
        if is_number(unit):
            put(at, 4, single(*(to_common(unit, mantissa, exponent) or (mantissa, exponent))))
            start = COMPATIBLE.find("\n%s " % key)
            if start >= 0:
                address = int(COMPATIBLE[start:].split(None, 2)[1])
                put(2 * address, 4, single(mantissa, exponent))
        if -(1 << 31) < mantissa < 1 << 31:  # else the float is all there is
            put(at + 4, 4, mantissa & 0xFFFFFFFF)
        put(at + 8, 2, exponent & 0xFFFF)
        put(at + 10, 2, unit)
        put(at + 12, 4, reading.taken[number])
