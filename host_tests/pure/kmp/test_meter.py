# kmp.meter, the meter's side: it reads what kmp.command and kmp.log ask, and they read what it answers.
# Runs on CPython and on MicroPython alike.

from kmp.command import (
    GET_REGISTER,
    GET_SERIAL,
    GET_TYPE,
    get_register,
    get_serial,
    get_type,
    read_registers,
    read_serial,
    read_type,
)
from kmp.frame import FROM_METER, METER, ProtocolError, UsageError, build
from kmp.log import (
    GET_LOG_ID_PRESENT,
    GET_LOG_LAST_PRESENT,
    GET_LOG_TIME_PAST,
    GET_LOG_TIME_PRESENT,
    back_from_time,
    from_last,
    from_record,
    from_time,
    read_log,
    time_bytes,
)
from kmp.meter import event_reply, log_reply, read_request, register_reply, serial_reply, type_reply
from kmp.service import (
    CLEAR_EVENT_STATUS,
    GET_EVENT_STATUS,
    PUT_REGISTER,
    SET_CLOCK,
    clear_event_status,
    get_event_status,
    put_register,
    read_event_status,
    set_clock,
)
from kmp_wire import refusal, wire

WHEN = time_bytes(2023, 5, 9, 23, 45, 0)

REQUESTS = (
    (get_type(), GET_TYPE, {}),
    (get_serial(), GET_SERIAL, {}),
    (get_event_status(), GET_EVENT_STATUS, {}),
    (set_clock(70730, 161557), SET_CLOCK, {"date": 70730, "clock": 161557}),
    (get_register([68]), GET_REGISTER, {"ids": [68]}),
    (get_register(range(65528, 65536)), GET_REGISTER, {"ids": list(range(65528, 65536))}),
    (clear_event_status(1, 2**32 - 1), CLEAR_EVENT_STATUS, {"conditional": 1, "unconditional": 2**32 - 1}),
    (
        put_register(0x1234, 58, 40, -98765, -2, 4),
        PUT_REGISTER,
        {"password": 0x1234, "register": 58, "unit": 40, "mantissa": -98765, "exponent": -2, "nob": 4},
    ),
    (
        from_time(1, [68], 12, WHEN),
        GET_LOG_TIME_PRESENT,
        {"log": 1, "ids": [68], "records": 12, "length": 128, "when": WHEN},
    ),
    (
        from_last(7, [1, 2], 3, 99),
        GET_LOG_LAST_PRESENT,
        {"log": 7, "ids": [1, 2], "records": 3, "length": 99},
    ),
    (
        from_record(1, [1047, 1], 20, 4),
        GET_LOG_ID_PRESENT,
        {"log": 1, "ids": [1047, 1], "records": 20, "length": 128, "record": 4},
    ),
    (
        back_from_time(6, [1], 5, WHEN, 3),
        GET_LOG_TIME_PAST,
        {"log": 6, "ids": [1], "records": 5, "length": 128, "when": WHEN, "offset": 3},
    ),
    (
        back_from_time(6, [1], 5, WHEN)[:-2],
        GET_LOG_TIME_PAST,
        {"log": 6, "ids": [1], "records": 5, "length": 128, "when": WHEN},
    ),
    (wire("AA 0F 0F"), 0xAA, {"data": wire("0F 0F")}),
    (wire("92"), 0x92, {"data": b""}),
)

BROKEN = (
    ("", "a request without a command", "nothing"),
    ("01 00", "GetType of 2 bytes; 1 are right", "data where there is none"),
    ("9B 00", "GetEventStatus of 2 bytes; 1 are right", "the same"),
    ("10", "the number of registers was expected", "no number"),
    ("10 00", "0 registers asked for; 1 to 8", "none"),
    ("10 09", "9 registers asked for; 1 to 8", "too many"),
    ("10 02 00 44", "2 registers announced, 2 bytes are there", "one missing"),
    ("10 01 00 44 00", "GetRegister of 5 bytes; 4 are right", "a byte too many"),
    ("09 00 00 00 00", "SetClock of 5 bytes; 9 are right", "a date only"),
    ("9C 00 00 00 00", "ClearEventStatus of 5 bytes; 9 are right", "one mask"),
    ("11 12 34 00 3A 28", "the length of a value was expected", "no value"),
    ("11 12 34 00 3A 28 00 00", "a value of 0 bytes", "an empty value"),
    ("11 12 34 00 3A 28 04 42 00 01 81", "PutRegister of 11 bytes; 12 are right", "a value cut off"),
    ("A0", "without the number of the log", "no log"),
    ("A1 01", "the number of registers was expected", "no register"),
    ("A1 01 01 00 44 0C", "GetLogLastPresent of 6 bytes; 7 are right", "no length"),
    ("A1 01 01 00 44 0C 80 00", "GetLogLastPresent of 8 bytes; 7 are right", "a byte too many"),
    ("A2 01 01 00 44 0C 80 00", "GetLogIDPresent of 8 bytes; 9 are right", "half a record"),
    (
        "A0 01 01 00 44 0C 80 17 05 09 17 2D 00 00",
        "GetLogTimePresent of 14 bytes; 15 are right",
        "half a time",
    ),
    ("A3 01 01 00 44 0C 80 17 05 09 17 2D 00 00 00 00", "GetLogTimePast of 16 bytes; 17", "half an offset"),
)

REGISTERS = [
    (60, 3, 55006, -3, 4),
    (74, 41, -6, 0, 2),
    (1047, 53, 0x82012102100A090C, 0, 8),
    (1010, 51, 14990045, 0, 10),
    (99, 51, 0, 0, 1),
    (128, 22, 19591204, 17, 4),
]

UNSENDABLE = (
    (type_reply, (0x10000, 6, 1), "of 16 bits", "a type of 17 bits"),
    (type_reply, (4, 256, 1), "0 to 255, not 256", "a letter of 9 bits"),
    (serial_reply, (2**32,), "of 32 bits", "a serial number of 33 bits"),
    (register_reply, ([(65536, 0, 0, 0, 1)],), "of 16 bits", "an id of 17 bits"),
    (register_reply, ([(1, 256, 0, 0, 1)],), "0 to 255, not 256", "a unit of 9 bits"),
    (register_reply, ([(1, 0, 256, 0, 1)],), "of 8 bits", "a value that does not fit"),
    (event_reply, (-1,), "of 32 bits", "a negative status"),
    (log_reply, (0xA0, 1, [], 0, 0, 256), "0 to 255, not 256", "an info byte of 9 bits"),
    (
        log_reply,
        (0xA0, 1, [(1, [(60, 3, 1, 0, 4)]), (2, [(60, 3, 1, -1, 4)])], 2, 2, 0),
        "record 2 has other registers or formats than the first one",
        "another exponent in the second record: nothing on the wire could say so",
    ),
    (
        log_reply,
        (0xA0, 1, [(1, [(60, 3, 1, 0, 4)]), (2, [])], 2, 2, 0),
        "record 2 has other registers",
        "a register missing in the second record",
    ),
    (
        log_reply,
        (0xA0, 1, [(1, []), (2, [(60, 3, 1, 0, 4)])], 2, 2, 0),
        "record 2 has other registers",
        "one more in the second record",
    ),
)


def test_requests_are_read_as_they_were_asked():
    for application, cid, fields in REQUESTS:
        assert read_request(application) == (cid, fields)
        assert read_request(memoryview(application)) == (cid, fields)


def test_broken_requests_are_refused_in_words():
    for data, said, why in BROKEN:
        assert said in refusal(ProtocolError, read_request, wire(data)), why


def test_a_request_cut_anywhere_is_refused():
    for application, cid, _ in REQUESTS[:12]:
        for end in range(len(application)):
            # A3 without its offset is a request too.
            if not (cid == GET_LOG_TIME_PAST and end == len(application) - 2):
                refusal(ProtocolError, read_request, application[:end])


def test_type_and_serial_replies_are_the_documents_frames():
    assert build(FROM_METER, METER, type_reply(4, 6, 1)) == wire("40 3F 01 00 04 1B F9 01 26 99 0D")
    assert build(FROM_METER, METER, serial_reply(0x01234567)) == wire("40 3F 02 01 23 45 67 E9 56 0D")
    assert read_type(type_reply(0x5A00, 1, 10)) == (0x5A00, "A10")
    assert read_serial(serial_reply(14990045)) == 14990045


def test_register_replies_are_those_of_real_meters():
    reply = register_reply([(60, 3, 55006, -3, 4)])
    assert build(FROM_METER, METER, reply) == wire("40 3F 10 00 3C 03 04 43 00 00 D6 DE 03 22 0D")
    reply = register_reply([(68, 40, 314131, -3, 4)])
    assert build(FROM_METER, METER, reply) == wire("40 3F 10 00 44 28 04 43 00 04 CB 13 29 23 0D")
    assert build(FROM_METER, METER, register_reply([])) == wire("40 3F 10 07 9A 0D")


def test_registers_come_back():
    expected = [(register, unit, mantissa, exponent) for register, unit, mantissa, exponent, _ in REGISTERS]
    assert read_registers(register_reply(REGISTERS)) == expected


def test_event_replies_come_back():
    assert read_event_status(event_reply(0x0102)) == 0x0102
    assert read_event_status(event_reply(0, CLEAR_EVENT_STATUS), CLEAR_EVENT_STATUS) == 0


def test_log_replies_come_back():
    for count in (0, 1, 2, 9):
        for registers in ([], REGISTERS[:1], REGISTERS):
            records = [(65535 - n, registers) for n in range(count)]
            expected = [(record, [one[:4] for one in registers]) for record, registers in records]
            reply = log_reply(GET_LOG_TIME_PAST, 6, records, 3, 65535, 16)
            assert read_log(reply) == (6, expected, 3, 65535, 16), (count, len(registers))


def test_a_log_reply_is_the_one_of_a_real_k382():
    values = [(1049, 53, 0x8003000F17120B0B, 0, 8), (39, 22, 222, -3, 4), (43, 22, 1234, -3, 4)]
    assert log_reply(GET_LOG_ID_PRESENT, 7, [(5, values)], 5, 5, 16) == wire(
        "A2 07 03 0005 0419 35 08 00 8003000F17120B0B 0027 16 04 43 000000DE 002B 16 04 43 000004D2 0005 0005 10"
    )


def test_what_no_meter_can_send_is_refused_in_words():
    for make, arguments, said, why in UNSENDABLE:
        assert said in refusal(UsageError, make, *arguments), why
