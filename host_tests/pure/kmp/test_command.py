# kmp.command and kmp.service: every request as bytes, every reply read, what is not allowed refused.
# The frames are those of facts and of 447, byte for byte; runs on CPython and on MicroPython alike.

from kmp.command import (
    MAX_REGISTERS,
    get_register,
    get_serial,
    get_type,
    id_list,
    read_registers,
    read_serial,
    read_type,
)
from kmp.frame import METER, TO_METER, ProtocolError, UsageError, build
from kmp.service import (
    CLEAR_EVENT_STATUS,
    GET_EVENT_STATUS,
    clear_event_status,
    get_event_status,
    name,
    put_register,
    read_event_status,
    set_clock,
)
from kmp_wire import refusal, wire

REQUESTS = (
    (get_type(), "80 3F 01 05 8A 0D", "447 6.2.1"),
    (get_serial(), "80 3F 02 35 E9 0D", "447 6.2.2"),
    (set_clock(70730, 161557), "80 3F 09 00 01 14 4A 00 02 77 15 77 4E 0D", "447 6.2.3 with the right CRC"),
    (get_register((128,)), "80 3F 10 01 00 1B 7F D4 08 0D", "447 6.2.4: 0080 is stuffed"),
    (get_register([60]), "80 3F 10 01 00 3C B2 5F 0D", "heat energy of a real meter"),
    (get_register([68]), "80 3F 10 01 00 44 4D C0 0D", "volume of a real MULTICAL 21"),
    (get_register([1030]), "80 3F 10 01 04 1B F9 E9 82 0D", "register 0406"),
    (get_register([74, 68, 123]), "80 3F 10 03 00 4A 00 44 00 7B D0 37 0D", "three registers"),
    (
        get_register([60, 63, 80, 86, 87, 89, 74, 68]),
        "80 3F 10 08 00 3C 00 3F 00 50 00 56 00 57 00 59 00 4A 00 44 C1 38 0D",
        "eight registers",
    ),
)

APPLICATIONS = (
    (get_event_status(), "9B", "no data"),
    (clear_event_status(0x00000100, 0xFFFFFFFF), "9C 00 00 01 00 FF FF FF FF", "two masks"),
    (put_register(0x1234, 58, 40, 98765, -2, 4), "11 12 34 00 3A 28 04 42 00 01 81 CD", "a pulse input"),
    (put_register(0, 0xFFFF, 0, -1, 0, 1), "11 00 00 FF FF 00 01 80 01", "one byte, negative"),
)

TYPES = (
    ("01 00 04 06 01", (0x0004, "F1"), "447 6.2.1"),
    ("01 5A 00 01 0A", (0x5A00, "A10"), "an OMNIPOWER; A is 1"),
    ("01 00 01 1A FF", (0x0001, "Z255"), "Z is 26"),
    ("01 00 01 00 02", (0x0001, "0.2"), "no letter: shown as numbers"),
    ("01 00 01 1B 02", (0x0001, "27.2"), "no letter either"),
    ("01 00 01 00 00", (0x0001, None), "a meter that does not say it"),
)

REGISTERS = (
    ("10", [], "nothing known"),
    ("10 00 3C 03 04 43 00 00 D6 DE", [(60, 3, 55006, -3)], "55.006 MWh"),
    ("10 00 50 16 02 41 00 00", [(80, 22, 0, -1)], "two bytes"),
    ("10 00 80 16 04 11 01 2A F0 24", [(128, 22, 19591204, 17)], "447 6.2.4"),
    (
        "10 00 4A 29 02 00 00 05 00 56 25 02 C2 00 64",
        [(74, 41, 5, 0), (86, 37, -100, -2)],
        "two registers, one below zero",
    ),
    ("10 04 17 35 08 00 82 01 21 02 10 0A 09 0C", [(1047, 53, 0x82012102100A090C, 0)], "an RTC"),
    ("10 03 F2 33 0A 00 00 00 00 00 00 00 00 E4 BA DD", [(1010, 51, 14990045, 0)], "ten bytes"),
    ("10 00 44 28 01 00 07 00 44 28 01 00 08", [(68, 40, 7, 0), (68, 40, 8, 0)], "twice, as it was sent"),
)

REFUSED_REPLIES = (
    (read_type, "", "another command than 01", "nothing"),
    (read_type, "02 00 04 06 01", "another command than 01", "a serial number"),
    (read_type, "01 00 04 06", "4 bytes to 01; 5 are right", "too short"),
    (read_type, "01 00 04 06 01 00", "6 bytes to 01; 5 are right", "too long"),
    (read_serial, "02 01 23 45", "4 bytes to 02; 5 are right", "too short"),
    (read_serial, "10", "another command than 02", "a register reply"),
    (read_event_status, "9B 00 00 01", "4 bytes to 9B", "too short"),
    (read_event_status, "9C 00 00 01 00", "another command than 9B", "the other command"),
    (read_registers, "", "another command than 10", "nothing"),
    (read_registers, "11 00 44", "another command than 10", "another command"),
    (read_registers, "10 00", "inside a register: 1 bytes left", "half an id"),
    (read_registers, "10 00 44 28 04", "inside a register: 4 bytes left", "no SiEx"),
    (read_registers, "10 00 44 28 04 43 00 04 CB", "4 bytes was announced, 3 are there", "a value cut off"),
    (read_registers, "10 00 44 28 00 43", "a value of 0 bytes", "no value"),
    (read_registers, "10 00 44 28 01 00 07 00", "1 bytes left", "a good one, then half an id"),
)

REFUSED_REQUESTS = (
    (get_register, ([],), "1 to 8 registers, not 0", "none"),
    (get_register, (range(9),), "1 to 8 registers, not 9", "too many"),
    (get_register, ([0x10000],), "0 to 65535, not 65536", "an id of 17 bits"),
    (get_register, ([-1],), "0 to 65535, not -1", "a negative id"),
    (set_clock, (-1, 0), "-1 is not an unsigned integer of 32 bits", "a negative date"),
    (set_clock, (0, 2**32), "of 32 bits", "a clock too long"),
    (put_register, (0x10000, 1, 0, 0, 0, 1), "of 16 bits", "a password of 17 bits"),
    (put_register, (0, 1, 256, 0, 0, 1), "0 to 255, not 256", "a unit of 9 bits"),
    (put_register, (0, 1, 0, 256, 0, 1), "of 8 bits", "a value that does not fit"),
    (clear_event_status, (0, 2**32), "of 32 bits", "a mask of 33 bits"),
)


def test_requests_are_the_frames_of_documents_and_real_heads():
    for application, frame, why in REQUESTS:
        assert build(TO_METER, METER, application) == wire(frame), why


def test_requests_without_a_published_frame():
    for application, data, why in APPLICATIONS:
        assert application == wire(data), why


def test_types():
    for data, expected, why in TYPES:
        assert read_type(wire(data)) == expected, why


def test_serial_numbers():
    assert read_serial(wire("02 01 23 45 67")) == 19088743
    assert read_serial(wire("02 FF FF FF FF")) == 4294967295


def test_event_status():
    assert read_event_status(wire("9B 00 00 01 02")) == 0x0102
    assert read_event_status(wire("9C FF 00 00 00"), CLEAR_EVENT_STATUS) == 0xFF000000


def test_registers():
    for data, expected, why in REGISTERS:
        assert read_registers(wire(data)) == expected, why
        assert read_registers(memoryview(wire(data))) == expected, why


def test_a_register_reply_cut_anywhere_is_shorter_or_an_error():
    for data, expected, why in REGISTERS:
        whole = wire(data)
        for end in range(1, len(whole)):
            try:
                got = read_registers(whole[:end])
            except ProtocolError:
                continue
            assert got == expected[: len(got)] and len(got) < len(expected), (why, end)


def test_replies_that_are_not_the_asked_one_are_refused_in_words():
    for read, data, said, why in REFUSED_REPLIES:
        assert said in refusal(ProtocolError, read, wire(data)), why


def test_requests_that_kmp_cannot_carry_are_refused_in_words():
    for make, arguments, said, why in REFUSED_REQUESTS:
        assert said in refusal(UsageError, make, *arguments), why


def test_id_lists():
    assert id_list((1, 0x8040)) == wire("02 00 01 80 40")
    assert len(id_list(range(MAX_REGISTERS))) == 17


def test_names_are_kamstrups():
    assert name(GET_EVENT_STATUS) == "GetEventStatus"
    assert [name(cid) is not None for cid in (1, 2, 9, 0x10, 0x11, 0x9B, 0x9C, 0xA0, 0xA1, 0xA2, 0xA3)] == [
        True
    ] * 11
    assert name(0xAA) is None
