# kmp.frame, building: CRC, stuffing, and what a frame can carry; kmp.frame.Reader takes it apart again.
# Tables of (input, expected, why); runs on CPython and on MicroPython alike.

from kmp.frame import (
    ACK,
    FRAME,
    FROM_METER,
    LOGGER_BASE,
    METER,
    TO_METER,
    Reader,
    UsageError,
    build,
    crc16,
)
from kmp_wire import events, refusal, wire

CRCS = (
    (b"", 0x0000, "the start value"),
    (b"123456789", 0x31C3, "the check value of CRC-16/XMODEM"),
    (wire("3F 01"), 0x058A, "GetType, 447 6.2.1"),
    (wire("3F 02 01 23 45 67"), 0xE956, "a serial number, 447 6.2.2"),
    (wire("3F 09 00 01 14 4A 00 02 77 15"), 0x774E, "SetClock: 447 6.2.3 prints C34A"),
    (wire("3F 10 00 80 16 04 11 01 2A F0 24"), 0x6303, "447 6.2.4 prints F38A in the physical frame"),
    (wire("3F 10"), 0x079A, "a reply without a register"),
)

STUFFED = (
    (wire("10 1B F9"), "40 3F 10 1B E4 F9 1A DB 0D", "two passes would make 06 of it"),
    (wire("10 1B BF"), "40 3F 10 1B E4 BF 32 D9 0D", "two passes would make 40 of it"),
    (wire("10 1B 7F"), "40 3F 10 1B E4 7F EB 95 0D", "two passes would make 80 of it"),
    (wire("10 1B F2"), "40 3F 10 1B E4 F2 AB B0 0D", "two passes would make 0D of it"),
    (wire("10 1B E4"), "40 3F 10 1B E4 E4 D9 47 0D", "1B and its own complement"),
    (wire("10 80 40 0D 06 1B"), None, "all five in a row"),
    (wire("10 9E 5C"), "40 3F 10 9E 5C 1B E4 F9 0D", "a CRC of 1B F9"),
    (wire("10 E9 DC"), "40 3F 10 E9 DC 1B E4 BF 0D", "a CRC of 1B BF"),
    (wire("10 F0 93"), "40 3F 10 F0 93 1B E4 7F 0D", "a CRC of 1B 7F"),
    (wire("10 82 E2"), "40 3F 10 82 E2 1B E4 F2 0D", "a CRC of 1B F2"),
    (wire("10 BB 9E"), "40 3F 10 BB 9E 1B E4 E4 0D", "a CRC of 1B E4"),
    (wire("10 87 4F"), "40 3F 10 87 4F 1B 7F 1B BF 0D", "a CRC of 80 40"),
    (wire("10 DF 1A"), "40 3F 10 DF 1A 1B F2 1B F9 0D", "a CRC of 0D 06, escaped before the stop byte"),
    (wire("10 97 65"), "40 3F 10 97 65 1B F9 1B E4 0D", "a CRC of 06 1B"),
    (wire("10 21 A2"), "40 3F 10 21 A2 1B E4 1B E4 0D", "a CRC of 1B 1B"),
)

REFUSED = (
    ((TO_METER, METER, b""), "1 to 255 application bytes; not 80, 63 and 0", "no command"),
    (
        (TO_METER, METER, bytes(256)),
        "1 to 255 application bytes; not 80, 63 and 256",
        "longer than the buffer of a reader",
    ),
    ((TO_METER, 256, b"\x01"), "not 80, 256 and 1", "an address of two bytes"),
    ((TO_METER, -1, b"\x01"), "not 80, -1 and 1", "a negative address"),
    ((ACK, METER, b"\x01"), "not 06, 63 and 1", "no start byte"),
)


def test_crc_of_known_bytes():
    for data, crc, why in CRCS:
        assert crc16(data, len(data)) == crc, why


def test_crc_over_bytes_and_their_crc_is_zero():
    for data, crc, why in CRCS:
        whole = data + bytes((crc >> 8, crc & 0xFF))
        assert crc16(whole, len(whole)) == 0, why


def test_crc_takes_no_byte_past_the_length():
    assert crc16(bytearray(b"123456789..."), 9) == 0x31C3


def test_reserved_bytes_are_stuffed_and_come_back():
    for application, on_the_wire, why in STUFFED:
        frame = build(FROM_METER, METER, application)
        if on_the_wire:
            assert frame == wire(on_the_wire), why
        assert not set(frame[1:-1]) & {0x80, 0x40, 0x0D, 0x06}, why
        assert events(Reader(), frame) == [(FRAME, FROM_METER, METER, application)], why


def test_all_pairs_of_bytes_come_back():
    reader = Reader()
    application = bytearray(255)
    for first in range(256):
        second = 0
        while second < 256:
            filled = 1
            while filled < 255 and second < 256:
                application[filled] = first
                application[filled + 1] = second
                filled += 2
                second += 1
            frame = build(FROM_METER, METER, memoryview(application)[:filled])
            assert reader.feed(frame, 0, len(frame)) == len(frame)
            assert reader.event == FRAME, (first, second)
            assert reader.application() == memoryview(application)[:filled], (first, second)


def test_every_address_and_the_longest_application_come_back():
    for address in (0, 0x0D, METER, 0x7F, LOGGER_BASE, 0x80, 255):
        for start in (TO_METER, FROM_METER):
            application = bytes(range(1, 256))
            frame = build(start, address, application)
            assert events(Reader(), frame) == [(FRAME, start, address, application)], address


def test_what_no_frame_can_carry_is_refused():
    for arguments, said, why in REFUSED:
        assert said in refusal(UsageError, build, *arguments), why
