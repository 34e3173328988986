# kmp.log: requests to the meter's own loggers and what comes back, whole, cut off or empty.
# Layouts of 447 6.3 and real replies of a K382; runs on CPython and on MicroPython alike.

from kmp.calendar import rtc_number
from kmp.frame import METER, TO_METER, ProtocolError, UsageError, build
from kmp.log import (
    CUT_OFF,
    EMPTY,
    END,
    MAX_LENGTH,
    OUTSIDE,
    back_from_time,
    from_last,
    from_record,
    from_time,
    is_log,
    read_log,
    time_bytes,
)
from kmp_wire import refusal, wire

WHEN = time_bytes(2023, 5, 9, 23, 45, 0)

REQUESTS = (
    (
        from_time(1, [68], 12, WHEN),
        "A0 01 01 00 44 0C 80 17 05 09 17 2D 00 00 00",
        "as heads in the field send it",
    ),
    (from_last(0x10, [1, 0x1234], 2, 64), "A1 10 02 00 01 12 34 02 40", "no time, no record"),
    (from_record(1, [1047, 1], 20, 4, 200), "A2 01 02 04 17 00 01 14 C8 00 04", "from a record on"),
    (
        back_from_time(6, [1], 255, WHEN, 3, 255),
        "A3 06 01 00 01 FF FF 17 05 09 17 2D 00 00 00 00 03",
        "to the past, three left out",
    ),
    (
        back_from_time(6, [1], 1, WHEN),
        "A3 06 01 00 01 01 80 17 05 09 17 2D 00 00 00 00 00",
        "none left out",
    ),
)

REFUSED = (
    (from_last, (1, [], 1), "1 to 8 registers, not 0", "no register"),
    (from_last, (1, range(9), 1), "1 to 8 registers, not 9", "too many"),
    (from_last, (1, [1], 0), "1 to 255, not 0 and 128", "no record"),
    (from_last, (1, [1], 256), "1 to 255, not 256 and 128", "too many records"),
    (from_last, (1, [1], 1, 0), "1 to 255, not 1 and 0", "no length"),
    (from_last, (256, [1], 1), "0 to 255, not 256", "a log of 9 bits"),
    (from_record, (1, [1], 1, 65536), "of 16 bits", "a record of 17 bits"),
    (from_time, (1, [1], 1, b"\x17\x05\x09"), "8 bytes (time_bytes makes them), not 3", "a time cut off"),
    (back_from_time, (1, [1], 1, b""), "8 bytes (time_bytes makes them), not 0", "no time"),
    (back_from_time, (1, [1], 1, WHEN, -1), "of 16 bits", "a negative offset"),
    (time_bytes, (1999, 12, 31, 0, 0, 0), "2000 to 2255, not 1999", "before the first year"),
    (time_bytes, (2256, 1, 1, 0, 0, 0), "2000 to 2255, not 2256", "after the last"),
    (time_bytes, (2023, 5, 9, 300, 0, 0), "0 to 255, not 300", "no such hour"),
)

# One register of 4 bytes in three records: the formats stand in the first one only.
LAYOUT = wire("A0 01 01 0001 003C 03 04 43 0000D6DE 0002 0000D6DF 0003 0000D6E0 0003 0009 08")
RECORDS = [(record, [(60, 3, 55005 + record, -3)]) for record in (1, 2, 3)]

# K382, GetLogIDPresent, log 1: captures k382-aimir-9 and k382-aimir-b-9.
MAXIMA = wire(
    "A2 01 03 0004 0419 35 08 00 8005002D0B1D0A0A 0027 16 04 43 000008EE 002B 16 04 43 00000AA0"
    "0005 8004002D13040B0A 000000A0 00000B40 0006 8002002D0D150C0A 000000CC 00000C0C"
    "0007 0000000000000000 00000000 00000C0C 0007 0007 00"
)
ONE_RECORD = wire(
    "A2 07 03 0005 0419 35 08 00 8003000F17120B0B 0027 16 04 43 000000DE 002B 16 04 43 000004D2 0005 0005 10"
)


def maximum(record, status, weekday, day, month, year, hour, power, accumulated):
    when = rtc_number(year, month, day, hour, 45 if hour else 0, 0, status, weekday)
    return (record, [(1049, 53, when, 0), (39, 22, power, -3), (43, 22, accumulated, -3)])


REPLIES = (
    (LAYOUT, (1, RECORDS, 3, 9, CUT_OFF), "447 6.3: three records, more would not have fitted"),
    (wire("A1 01 01 0000 0000 01"), (1, [], 0, 0, EMPTY), "an empty log"),
    (wire("A0 01 00 0003 0009 04"), (1, [], 3, 9, OUTSIDE), "the asked time is not in the log"),
    (wire("A2 01 01 0003 0009 00"), (1, [], 3, 9, 0), "no record, and nothing wrong with that"),
    (wire("A0 04"), (None, [], None, None, OUTSIDE), "nothing but info"),
    (wire("A0 01 04"), (1, [], None, None, OUTSIDE), "the middle missing"),
    (wire("A3 01 01 00 00 10"), (1, [], None, None, END), "half the middle missing"),
    (
        wire("A0 01 01 0001 003C 03 04 43 0000D6 0003 0009 04"),
        (1, [], None, None, OUTSIDE),
        "records broken, and info says why: neither they nor what follows can be trusted",
    ),
    (
        MAXIMA,
        (
            1,
            [
                maximum(4, 0x80, 5, 29, 10, 2010, 11, 2286, 2720),
                maximum(5, 0x80, 4, 4, 11, 2010, 19, 160, 2880),
                maximum(6, 0x80, 2, 21, 12, 2010, 13, 204, 3084),
                (7, [(1049, 53, 0, 0), (39, 22, 0, -3), (43, 22, 3084, -3)]),
            ],
            7,
            7,
            0,
        ),
        "a real K382: the maxima of four months",
    ),
    (
        ONE_RECORD,
        (
            7,
            [
                (
                    5,
                    [
                        (1049, 53, rtc_number(2011, 11, 18, 23, 15, 0, 0x80, 3), 0),
                        (39, 22, 222, -3),
                        (43, 22, 1234, -3),
                    ],
                )
            ],
            5,
            5,
            END,
        ),
        "a real K382: the last record of another log",
    ),
)

BROKEN = (
    ("", "not a reply to a logger command", "nothing"),
    ("A0", "not a reply to a logger command", "a command only"),
    ("10 00 44", "not a reply to a logger command", "a register reply"),
    ("9F 00 00", "not a reply to a logger command", "the command before"),
    ("A4 00 00", "not a reply to a logger command", "the command after"),
    ("A0 00", "2 bytes that claims to be complete", "no middle, and info says all is well"),
    ("A0 01 01 0003 00 00", "7 bytes that claims to be complete", "one byte short of the empty reply"),
    ("A0 01 01 00 0003 0009 00", "inside a record id", "half a record id"),
    ("A0 01 01 0001 003C 03 04 0003 0009 00", "inside its first record", "half a format"),
    ("A0 01 01 0001 003C 03 04 43 0000D6 0003 0009 00", "inside register 60", "half a value"),
    ("A0 01 01 0001 003C 03 00 43 0003 0009 00", "a value of 0 bytes", "an impossible format"),
    ("A0 01 02 0001 003C 03 01 43 05 0003 0009 00", "inside its first record", "a register missing"),
    (
        "A0 01 01 0001 003C 03 02 43 0005 0002 00 0003 0009 00",
        "inside register 60",
        "the second record cut off",
    ),
)


def test_requests():
    for application, data, why in REQUESTS:
        assert application == wire(data), why


def test_a_request_as_a_real_head_sent_it():
    frame = wire("80 3F A0 01 01 00 44 0C 1B 7F 17 05 09 17 2D 00 00 00 00 F1 0D")
    assert build(TO_METER, METER, from_time(1, [68], 12, WHEN, MAX_LENGTH)) == frame


def test_requests_that_no_logger_understands_are_refused_in_words():
    for make, arguments, said, why in REFUSED:
        assert said in refusal(UsageError, make, *arguments), why


def test_times_stand_year_first():
    assert time_bytes(2007, 5, 24, 10, 30, 5) == wire("07 05 18 0A 1E 05 00 00")
    assert time_bytes(2255, 12, 31, 24, 0, 0)[0] == 255


def test_replies():
    for application, expected, why in REPLIES:
        assert read_log(application) == expected, why
        assert read_log(memoryview(application)) == expected, why


def test_broken_replies_are_refused_in_words():
    for data, said, why in BROKEN:
        assert said in refusal(ProtocolError, read_log, wire(data)), why


def test_a_reply_cut_anywhere_is_an_error_or_says_that_something_is_missing():
    for application, _, why in REPLIES:
        for end in range(len(application)):
            try:
                log, records, last, newest, info = read_log(application[:end])
            except ProtocolError:
                continue
            assert info == application[end - 1], (why, end)
            # What stands before the cut may look like a whole reply that is shorter: nothing in it is made up.
            for record, values in records:
                assert record <= 0xFFFF and len(values) == application[2], (why, end)


def test_any_info_bit_makes_a_broken_middle_an_answer():
    middle = "A0 01 01 0001 003C 03 04 43 00 0003 0009 "
    for bit in (EMPTY, 2, OUTSIDE, CUT_OFF, END, 32, 64, 128):
        assert read_log(wire(middle) + bytes((bit,))) == (1, [], None, None, bit)
    assert "inside register 60" in refusal(ProtocolError, read_log, wire(middle) + b"\0")


def test_the_logger_commands():
    assert [cid for cid in range(256) if is_log(cid)] == [0xA0, 0xA1, 0xA2, 0xA3]
