# What the objects say of a meter: values and their units, what is old or missing, and that nothing is named twice.
# Runs on CPython and MicroPython.

from bacnet_app import VALUES, App, device
from kmpeye.expose.bacnet import properties
from kmpeye.expose.bacnet.codec import Writer
from kmpeye.meter.profile import names
from kmpeye.readings.ieee import double, single

ANALOG_INPUT, BINARY_INPUT, DEVICE, MULTISTATE_INPUT, TEXT_VALUE, LARGE_VALUE = 0, 3, 8, 13, 40, 46
AGE = 100000
PRESENT, FLAGS, EVENT, RELIABILITY, UNITS, DESCRIPTION = 85, 111, 36, 103, 117, 28
NAN = b"\x44\x7f\xc0\0\0"
NAN_LARGE = b"\x55\x08\x7f\xf8\0\0\0\0\0\0"
NO_FAULT = b"\x82\x04\x00"
FAULT = b"\x82\x04\x40"


def objects_of(app):
    one = device(app).objects
    one.refresh()
    return one


def written(objects, property):
    writer = Writer(b"", 1024)
    start = len(writer.data)
    properties.write(objects, writer, property)
    return bytes(writer.data[start:])


def read(objects, type, number, property):
    assert objects.select(type, number), (type, number)
    return written(objects, property)


def real(mantissa, exponent):
    return b"\x44" + single(mantissa, exponent).to_bytes(4, "big")


def large(mantissa, exponent):
    return b"\x55\x08" + double(mantissa, exponent).to_bytes(8, "big")


# key, id, unit, mantissa, exponent; Analog Input: unit, mantissa, exponent; Large Analog Value: the same, or None
CONVERTED = (
    ("heat_energy", 60, 2, 187556, -2, (19, 187556, -2), (19, 187556, -2), "kWh as it is"),
    ("heat_energy", 60, 3, 187556, -2, (19, 1875560, 0), (19, 1875560, 0), "MWh: the point moves"),
    ("heat_energy", 60, 1, 5, 0, (19, 5, -3), (19, 5, -3), "Wh"),
    ("heat_energy", 60, 8, 1234, -2, (19, 3428, 0), (126, 12340, 0), "GJ: kWh to its step, and exactly as MJ"),
    ("heat_energy", 60, 57, 1234, 0, (19, 3428, 3), (126, 12340000, 0), "GJ times 10"),
    ("heat_energy", 60, 12, 1, 0, (19, 1163, 0), (95, 1, 0), "Gcal has no unit in BACnet"),
    ("heat_energy", 60, 2, 99999999, 0, (19, 99999999, 0), (19, 99999999, 0), "eight digits"),
    ("volume", 68, 40, 314131, -3, (80, 314131, -3), (80, 314131, -3), "m3"),
    ("volume", 68, 39, 314131, 0, (80, 314131, -3), (80, 314131, -3), "litres"),
    ("flow", 74, 41, 1250, 0, (135, 1250, -3), None, "l/h; no total"),
    ("flow", 74, 42, 125, -2, (135, 125, -2), None, "m3/h"),
    ("power", 80, 21, 21500, 0, (48, 215, -1), None, "W"),
    ("flow_temperature", 86, 37, -310, -2, (62, -310, -2), None, "below zero"),
    ("temperature_difference", 89, 38, 3093, -2, (121, 3093, -2), None, "a difference"),
    ("temperature_difference", 89, 37, 3093, -2, (121, 3093, -2), None, "a difference that says °C"),
    ("operating_hours", 1004, 46, 44321, 0, (71, 44321, 0), (71, 44321, 0), "hours"),
    ("volume_times_flow_temperature", 97, 43, 77, 0, (95, 77, 0), (95, 77, 0), "no unit in BACnet"),
    ("input_a", 84, 40, 12, -2, (80, 12, -2), (80, 12, -2), "a count whose unit the meter knows"),
    ("info", 99, 0, 1 << 31, 0, (95, 1 << 31, 0), (95, 1 << 31, 0), "a number without unit"),
)  # fmt: skip


def test_values_come_in_bacnets_units():
    app = App()
    for key, register, unit, mantissa, exponent, analog, exact, why in CONVERTED:
        app.publish([(key, register, unit, mantissa, exponent)])
        objects = objects_of(app)
        assert read(objects, ANALOG_INPUT, register, PRESENT) == real(*analog[1:]), why
        assert read(objects, ANALOG_INPUT, register, UNITS) == bytes((0x91, analog[0])), why
        assert objects.select(LARGE_VALUE, register) == (exact is not None), why
        if exact:
            assert read(objects, LARGE_VALUE, register, PRESENT) == large(*exact[1:]), why
            assert read(objects, LARGE_VALUE, register, UNITS) == bytes((0x91, exact[0])), why


def test_the_units_before_the_first_reading_are_those_after_it():
    app = App()
    objects = objects_of(app)
    before = [read(objects, ANALOG_INPUT, row[1], UNITS) for row in VALUES]
    app.publish()
    objects.refresh()
    assert [read(objects, ANALOG_INPUT, row[1], UNITS) for row in VALUES] == before


def test_what_has_no_unit_in_bacnet_says_it_in_its_description():
    app = App()
    app.publish([("volume_times_flow_temperature", 97, 43, 77, 0), ("heat_energy", 60, 12, 1, 0)])
    objects = objects_of(app)
    assert read(objects, ANALOG_INPUT, 97, DESCRIPTION)[3:] == "Volume times flow temperature, m³·°C".encode()
    assert read(objects, LARGE_VALUE, 60, DESCRIPTION)[3:] == b"Heat energy, Gcal"
    assert read(objects, ANALOG_INPUT, 60, DESCRIPTION)[3:] == b"Heat energy"


def state(objects, type, number):
    """present-value, status-flags, reliability; event-state follows the flags."""
    flags = read(objects, type, number, FLAGS)
    assert read(objects, type, number, EVENT) == (b"\x91\x01" if flags == FAULT else b"\x91\x00")
    return read(objects, type, number, PRESENT), flags, read(objects, type, number, RELIABILITY)[1]


def test_before_the_first_reading_nothing_has_a_value():
    objects = objects_of(App())
    assert state(objects, ANALOG_INPUT, 68) == (NAN, FAULT, 12)
    assert state(objects, LARGE_VALUE, 68) == (NAN_LARGE, FAULT, 12)
    assert state(objects, ANALOG_INPUT, AGE) == (NAN, FAULT, 1)
    assert state(objects, BINARY_INPUT, 2) == (b"\x91\x00", FAULT, 12)
    assert state(objects, MULTISTATE_INPUT, 1) == (b"\x21\x02", NO_FAULT, 0)
    objects.serial = None
    assert state(objects, TEXT_VALUE, 1) == (b"\x71\x00", FAULT, 12)


def test_a_reading_gives_values_without_fault():
    app = App()
    app.publish()
    objects = objects_of(app)
    app.clock.now_s += 42
    assert state(objects, ANALOG_INPUT, 86) == (real(7203, -2), NO_FAULT, 0)
    assert state(objects, LARGE_VALUE, 68) == (large(3141310, -2), NO_FAULT, 0)
    assert state(objects, ANALOG_INPUT, AGE) == (real(42, 0), NO_FAULT, 0)
    assert state(objects, BINARY_INPUT, 2) == (b"\x91\x01", NO_FAULT, 0)
    assert state(objects, BINARY_INPUT, 3) == (b"\x91\x00", NO_FAULT, 0)
    assert state(objects, MULTISTATE_INPUT, 1) == (b"\x21\x01", NO_FAULT, 0)
    assert state(objects, TEXT_VALUE, 1) == (b"\x75\x09\x0012345678", NO_FAULT, 0)


def test_a_register_the_meter_does_not_have_is_not_a_number():
    app = App()
    app.publish()
    objects = objects_of(app)
    assert state(objects, ANALOG_INPUT, 63) == (NAN, FAULT, 1)
    assert state(objects, LARGE_VALUE, 63) == (NAN_LARGE, FAULT, 1)


def test_a_silent_meter_keeps_its_values_with_a_fault_until_it_speaks():
    app = App()
    app.publish()
    objects = objects_of(app)
    app.silent()
    objects.refresh()
    for type, number in ((ANALOG_INPUT, 86), (LARGE_VALUE, 68), (BINARY_INPUT, 2)):
        before = objects.select(type, number) and objects.value()
        value, flags, reliability = state(objects, type, number)
        assert (flags, reliability) == (FAULT, 12)
        app.publish()
        objects.refresh()
        assert state(objects, type, number) == (value, NO_FAULT, 0)
        assert objects.value() == before
        app.silent()
        objects.refresh()
    assert state(objects, MULTISTATE_INPUT, 1) == (b"\x21\x04", NO_FAULT, 0)
    assert state(objects, TEXT_VALUE, 1)[1] == NO_FAULT


def test_a_register_that_was_held_back_keeps_its_last_value_with_a_fault():
    app = App()
    app.publish()
    objects = objects_of(app)
    rest = [row for row in VALUES if row[1] != 68]
    app.publish(rest, [("volume", "total_fell")])
    for _ in range(3):  # however long
        objects.refresh()
        assert state(objects, ANALOG_INPUT, 68) == (real(3141310, -2), FAULT, 7)
        assert state(objects, LARGE_VALUE, 68) == (large(3141310, -2), FAULT, 7)
        assert state(objects, ANALOG_INPUT, 86) == (real(7203, -2), NO_FAULT, 0)
        app.publish(rest, [("volume", "total_fell")])
    app.publish(rest)  # the meter stopped to give it
    objects.refresh()
    assert state(objects, ANALOG_INPUT, 68) == (real(3141310, -2), FAULT, 1)
    app.publish([("volume", 68, 40, 3141400, -2)])
    objects.refresh()
    assert state(objects, ANALOG_INPUT, 68) == (real(3141400, -2), NO_FAULT, 0)
    assert state(objects, ANALOG_INPUT, 86) == (real(7203, -2), FAULT, 1)


def test_a_register_that_turns_out_to_be_a_date_has_no_value():
    app = App()
    app.publish([("info_events", 113, 48, 261122, 0)])
    assert state(objects_of(app), ANALOG_INPUT, 113) == (NAN, FAULT, 1)


def test_every_state_of_the_diagnosis_has_its_number_and_a_new_one_is_the_last():
    app = App()
    objects = objects_of(app)
    for word, number in (("ok", 1), ("starting", 2), ("asleep", 3), ("port_error", 12), ("out_of_memory", 13),
                         ("something new", 14)):  # fmt: skip
        app.silent(word)
        assert read(objects, MULTISTATE_INPUT, 1, PRESENT) == bytes((0x21, number)), word
    assert read(objects, MULTISTATE_INPUT, 1, 74) == b"\x21\x0e"


def test_of_every_profile_each_object_has_its_own_name_and_all_its_properties():
    for meter in names("firmware/meters"):
        app = App(meter)
        app.publish([])
        objects = objects_of(app)
        seen = set()
        listed = list(objects.ids())
        assert len(set(listed)) == len(listed)
        assert len(listed) <= 200, "the list of objects has to fit into 1024 bytes"
        for type, number in listed:
            assert objects.select(type, number)
            assert properties.name(objects) not in seen, (meter, properties.name(objects))
            seen.add(properties.name(objects))
            for property in properties.numbers(objects, 8):
                assert written(objects, property) or property in (30, 152)
        assert objects.select(DEVICE, 4194303) and objects.number == 260001
        for type, number in ((1, 60), (ANALOG_INPUT, 9999), (BINARY_INPUT, 77), (MULTISTATE_INPUT, 2), (TEXT_VALUE, 0),
                             (DEVICE, 1), (LARGE_VALUE, AGE)):  # fmt: skip
            assert not objects.select(type, number)


def test_dates_and_names_of_the_meter_are_no_measurements():
    objects = objects_of(App())
    shown = [number for type, number in objects.ids() if type == ANALOG_INPUT]
    for number in (98, 1001, 152, 153, 168, 1005, 157, 158):
        assert number not in shown
    for number in (60, 68, 97, 1004, 124, AGE):
        assert number in shown


def test_a_register_that_the_meter_turned_out_not_to_offer_has_no_object_any_more():
    app = App()
    app.publish([row for row in VALUES if row[1] != 68], [("volume", "total_fell")])
    objects = objects_of(app)
    app.publish()
    objects.refresh()
    revision = read(objects, DEVICE, 260001, 155)
    profile = app.reader.profile
    profile.registers = tuple(
        [row for row in profile.registers if row[1] not in ("cooling_energy", "serial")]
    )
    app.publish([row for row in VALUES if row[1] != 68], [("volume", "total_fell")])
    objects.refresh()
    assert not objects.select(ANALOG_INPUT, 63) and not objects.select(LARGE_VALUE, 63)
    assert read(objects, DEVICE, 260001, 155) != revision
    assert state(objects, ANALOG_INPUT, 68) == (real(3141310, -2), FAULT, 7), "the others keep what they have"
    assert state(objects, ANALOG_INPUT, 60)[1] == NO_FAULT


def test_while_nobody_knows_which_meter_it_is_there_is_a_device_without_readings():
    app = App()
    app.snapshot.meter.model = None
    app.reader.profile.registers = app.reader.profile.info = ()
    objects = objects_of(app)
    assert list(objects.ids()) == [
        (DEVICE, 260001),
        (ANALOG_INPUT, AGE),
        (MULTISTATE_INPUT, 1),
        (TEXT_VALUE, 1),
    ]
    for property in objects.select(DEVICE, 260001) and properties.numbers(objects, 8):
        assert written(objects, property) or property in (30, 152)


def test_another_profile_is_another_revision_of_the_database():
    app = App()
    objects = objects_of(app)
    before = read(objects, DEVICE, 260001, 155)
    assert before == read(objects, DEVICE, 260001, 155)
    app.reader.profile = App("multical21").reader.profile
    objects.refresh()
    assert read(objects, DEVICE, 260001, 155) != before
    assert not objects.select(ANALOG_INPUT, 60)
