# The registers of Modbus: where each value stands, how it is coded, what stands for what is missing, and its age.
# Runs on every interpreter; the scene has a snapshot of a MULTICAL 403.

import gc

from kmpeye.expose.modbus import rows
from kmpeye.readings.ieee import single
from modbus_scene import MISSING, NAN, ROWS, VALUES, App, Bus, Profile


def scene(**published):
    app = App()
    app.publish(**published)
    return app, Bus(app)


def row(key, own=0):
    at = rows.place(rows.KEYS, key)
    return ROWS + 8 * (at if at >= 0 else rows.KEYS.count(" ") + own)


# address, mantissa, exponent, why: Kamstrup's rows, in the meter's own units
COMPATIBLE = (
    (0, 86, 0, "flow V1 in l/h, as this meter has it"),
    (4, 53, -1, "power in kW"),
    (6, 7210, -2, "t1"),
    (8, -125, -2, "t2, below zero"),
    (20, 55006, -3, "E1 in MWh: no conversion in this view"),
    (52, 187556, -2, "V1"),
)


def test_kamstrups_rows_stand_at_their_own_addresses():
    _, bus = scene()
    for address, mantissa, exponent, why in COMPATIBLE:
        assert bus.number(address) == single(mantissa, exponent), why


def test_everything_else_in_kamstrups_range_is_nan():
    _, bus = scene()
    data = bus.read(0, 125) + bus.read(125, 29)
    known = [one[0] for one in COMPATIBLE]
    for address in range(0, 154, 2):
        if address not in known:
            assert int.from_bytes(data[2 * address : 2 * address + 4], "big") == NAN, address


# key, float as (mantissa, exponent) in the common unit, mantissa, exponent, unit code, why
ROW_TABLE = (
    ("heat_energy", (55006, 0), 55006, -3, 3, "MWh become kWh in the float and stay in the exact count"),
    ("volume", (187556, -2), 187556, -2, 40, "m3"),
    ("flow", (86, -3), 86, 0, 41, "l/h become m3/h"),
    ("return_temperature", (-125, -2), -125, -2, 37, "a negative count"),
    ("info", (5, 0), 5, 0, 51, "an info code is a number"),
    ("target_date", None, 261231, 0, 0x30, "a date is no quantity: only its digits"),
    ("own_key", (5 * 10**9, 0), None, 0, 40, "beyond 32 bits the float is all there is"),
    ("temperature_difference", None, None, None, None, "of the profile, but the meter did not give it"),
    ("water_temperature", None, None, None, None, "not of this profile"),
)


def test_a_row_has_the_float_the_exact_count_the_exponent_and_the_unit():
    _, bus = scene()
    for key, number, mantissa, exponent, unit, why in ROW_TABLE:
        data = bus.read(row(key), 6)
        assert int.from_bytes(data[:4], "big") == (NAN if number is None else single(*number)), why
        assert int.from_bytes(data[4:8], "big") == (MISSING if mantissa is None else mantissa & 0xFFFFFFFF), (
            why
        )
        assert int.from_bytes(data[8:10], "big") == (0x8000 if exponent is None else exponent & 0xFFFF), why
        assert int.from_bytes(data[10:], "big") == (0x8000 if unit is None else unit), why


def test_each_value_has_its_own_age_and_it_grows():
    app, bus = scene(taken=[100] * 8 + [40])
    for passed_s in (0, 1, 70000):
        app.clock.now_s = 100 + passed_s
        assert bus.number(1002) == passed_s
        assert bus.number(row("volume") + 6) == passed_s
        assert bus.number(row("own_key") + 6) == passed_s + 60, "a slow register is older than the reading"
        assert bus.number(row("own_key") + 7, 1) == (passed_s + 60) & 0xFFFF, "half of it is the low half"
        assert bus.number(row("temperature_difference") + 6) == MISSING


def test_nothing_is_zero_before_the_first_reading():
    app = App()
    bus = Bus(app)
    assert bus.number(1000, 1) == 1
    assert bus.number(1001, 1) == 0, "the state: starting"
    assert bus.number(1002) == MISSING
    assert bus.number(1004) == MISSING, "the serial number"
    assert bus.number(1006, 4) == 1 << 63, "the flags"
    assert bus.number(1010, 1) == 0x8000, "their number"
    assert bus.number(0) == NAN
    assert bus.read(row("volume"), 8) == b"\x7f\xc0\0\0\x80\0\0\0\x80\0\x80\0\x80\0\0\0"


# serial, register, why
SERIALS = (
    ("81234567", 81234567, "eight digits"),
    ("4294967295", 4294967295, "all 32 bits"),
    ("4294967296", MISSING, "one too many"),
    (None, MISSING, "not known yet"),
    ("K-12", MISSING, "no number"),
)


def test_the_serial_number_is_an_integer_or_missing():
    app, bus = scene()
    for serial, number, why in SERIALS:
        app.publish(serial=serial)
        assert bus.number(1004) == number, why


# flags, register, why
FLAGS = (
    ([], 0, "an info code without a flag"),
    (["external_alarm", "no_supply"], 5, "by the bit of the info code"),
    (["air"], 1 << 31, "the highest bit that a profile names"),
    (["bit_40"], 1 << 40, "one without a name"),
    (["bit_70"], 0, "one there is no room for, which is counted all the same"),
)


def test_the_flags_are_the_bits_of_the_info_code():
    app, bus = scene()
    for flags, number, why in FLAGS:
        app.publish(flags=flags)
        assert bus.number(1006, 4) == number, why
        assert bus.number(1010, 1) == len(flags), why


def test_every_state_has_its_number():
    app, bus = scene()
    for number, state in enumerate(rows.STATES.split()):
        app.publish(None, state=state)
        assert bus.number(1001, 1) == number
    app.publish(None, state="a new one")
    assert bus.number(1001, 1) == 255


def test_a_silent_meter_leaves_its_values_with_their_age_and_ends_the_view_that_has_none():
    app, bus = scene()
    app.publish(None, state="no_light")
    for passed_s, number in ((3 * 3600 + 60, single(86, 0)), (3 * 3600 + 61, NAN)):
        app.clock.now_s = 100 + passed_s
        assert bus.number(0) == number
        assert bus.number(row("flow")) == single(86, -3)
        assert bus.number(row("flow") + 6) == passed_s
    app.reader.valid_s = 14 * 3600
    assert bus.number(0) == single(86, 0), "the meter rests for 12 h, and is not silent"
    app.publish()
    assert bus.number(0) == single(86, 0), "it is back with the next reading"


def test_a_register_that_is_gone_from_the_next_reading_is_missing():
    app, bus = scene()
    app.publish(VALUES[1:])
    assert bus.number(row("heat_energy")) == NAN
    assert bus.number(row("heat_energy") + 2) == MISSING
    assert bus.number(20) == NAN
    assert bus.number(row("volume") + 2) == 187556


def test_another_profile_gives_another_map_at_once():
    app, bus = scene()
    assert bus.number(row("own_key")) != NAN

    class Water:
        name = "multical21"
        info = []
        registers = ((68, "volume"), (292, "water_temperature"))

    app.reader.profile = Water
    assert bus.number(row("own_key")) == NAN
    assert bus.number(row("volume") + 2) == 187556


def test_what_the_meter_turned_out_not_to_offer_moves_no_other_row():
    app, bus = scene()
    profile = app.reader.profile = Profile()
    before = [bus.number(row(key)) for key in ("heat_energy", "volume", "power", "flow_temperature")]
    profile.registers = tuple([one for one in profile.registers if one[1] != "volume"])
    after = [bus.number(row(key)) for key in ("heat_energy", "volume", "power", "flow_temperature")]
    assert after == [before[0], NAN] + before[2:]


def test_own_keys_beyond_the_last_row_are_left_out():
    app = App()

    class Large:
        name = "large"
        info = []
        registers = [(i, "own_%d" % i) for i in range(200)]

    app.reader.profile = Large
    app.publish([("own_%d" % i, i, 40, i, 0) for i in range(200)])
    bus = Bus(app)
    room = 96 - rows.KEYS.count(" ")
    assert bus.number(row("", room - 1) + 2) == room - 1
    assert 1788 == row("", room)


def test_a_read_allocates_nothing():
    if not hasattr(gc, "mem_alloc"):
        return
    from kmpeye.expose.modbus.pdu import answer

    app, bus = scene()
    requests = []
    for address, count in ((0, 125), (1000, 125), (1100, 2)):
        bus.number(address, count)
        requests.append(bytes(bus.requests.buffer))
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    i = 0
    while i < 30:
        answer(requests[i % 3], 12, bus.image, bus.reply)
        i += 1
    after = gc.mem_alloc()
    gc.enable()
    assert after == before, "%d bytes in 30 reads" % (after - before)
