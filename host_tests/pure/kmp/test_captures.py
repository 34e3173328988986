# Every KMP line of host_tests/data/captures.jsonl: real meters read by this code, digit for digit.
# The expected values were worked out apart from it; runs on CPython and on MicroPython alike.

import json

from kmp.command import GET_REGISTER, GET_SERIAL, GET_TYPE, read_registers, read_serial, read_type
from kmp.dates import RTC, date_text
from kmp.decimal import compare
from kmp.frame import (
    ACKNOWLEDGE,
    BAD_CRC,
    FRAME,
    FROM_METER,
    METER,
    TO_METER,
    Reader,
    build,
)
from kmp.log import is_log, read_log
from kmp.meter import log_reply, read_request, register_reply
from kmp.names import unit_name
from kmp.value import text
from kmp_wire import counted, events, wire

CAPTURES = "host_tests/data/captures.jsonl"

# Units as the captures write them, where it is not our sign.
SIGNS = {"C": "°C", "m3": "m³", "number": "", "hh:mm:ss": "", "yy:mm:dd": ""}

# Frames that are wrong as published (the notes say why), and excerpts that are no whole frame.
WRONG_REQUESTS = ("doc-setclock", "k382-req-1054-badcrc", "k382-req-2-badcrc", "k382-req-2-badcrc2")
WRONG_REPLIES = ("doc-getreg-128",)
EXCERPTS = {
    "golles324-head": (True, {}),
    "golles324-middle": (False, {"stray": 13}),
    "golles257-partial": (False, {"stray": 12}),
}


def captures():
    with open(CAPTURES, encoding="utf-8") as lines:
        for line in lines:
            capture = json.loads(line)
            if capture["protocol"] == "KMP":
                yield capture


def reply_of(capture):
    """Application of the reply, the echo left out; None where there is none in one piece."""
    for event in events(Reader(), wire(capture.get("response_hex", ""))):
        if event[0] == FRAME and event[1] == FROM_METER:
            return event[3]
    return None


def shown(unit, mantissa, exponent):
    """[digits, unit] as the captures write it."""
    if unit == RTC:
        return [date_text(unit, mantissa).replace("T", " "), "RTC"]
    return [text(mantissa, exponent), unit_name(unit)]


def expected(value):
    return [value[0], SIGNS.get(value[1], value[1])]


def test_there_are_captures():
    seen = [capture["id"] for capture in captures()]
    assert len(seen) == len(set(seen)) >= 79


def test_every_request_is_a_good_frame_that_a_meter_can_read():
    for capture in captures():
        if "request_hex" not in capture:
            continue
        name = capture["id"]
        got = events(Reader(), wire(capture["request_hex"]))
        if name in WRONG_REQUESTS:
            assert got == [(BAD_CRC,)] and capture["crc_ok"] is False, name
            continue
        ((event, start, address, application),) = got
        assert (event, start) == (FRAME, TO_METER), name
        assert address == (0x3A if name == "pykmp-serial-3a" else METER), name
        read_request(application)
        assert build(TO_METER, address, application) == wire(capture["request_hex"]), name


def test_every_reply_is_a_good_frame_and_is_built_the_same():
    for capture in captures():
        if "response_hex" not in capture or capture["id"] in EXCERPTS:
            continue
        name = capture["id"]
        stream = wire(capture["response_hex"])
        got = events(Reader(), stream)
        assert events(Reader(), stream, (1,)) == got, name
        if capture["echo_included"]:
            echo = wire(capture["request_hex"])
            assert stream[: len(echo)] == echo and got.pop(0)[:2] == (FRAME, TO_METER), name
            stream = stream[len(echo) :]
        if name in WRONG_REPLIES:
            assert got == [(BAD_CRC,)] and capture["crc_ok"] is False, name
        elif stream == b"\x06":
            assert got == [(ACKNOWLEDGE,)], name
        elif stream:
            ((event, start, address, application),) = got
            assert (event, start) == (FRAME, FROM_METER), name
            assert build(start, address, application) == stream, name
        else:
            assert got == [] and name == "flowiq-log-refused"


def test_excerpts_give_no_frame():
    for capture in captures():
        if capture["id"] in EXCERPTS:
            reader = Reader()
            assert events(reader, wire(capture["response_hex"])) == []
            assert (reader.inside(), counted(reader)) == EXCERPTS[capture["id"]], capture["id"]


def test_registers_are_the_meters_own_digits():
    read = 0
    for capture in captures():
        application = reply_of(capture)
        if application is None or application[0] != GET_REGISTER:
            continue
        registers = read_registers(application)
        got = {str(register): shown(*value) for register, *value in registers}
        assert len(got) == len(registers)
        assert got == {key: expected(value) for key, value in capture.get("computed", {}).items()}, capture[
            "id"
        ]
        read += len(registers)
    assert read >= 106


def test_registers_are_what_the_publishers_say():
    for capture in captures():
        application = reply_of(capture)
        if application is None or application[0] != GET_REGISTER:
            continue
        got = {str(register): value for register, *value in read_registers(application)}
        for key, (digits, unit) in capture.get("decoded", {}).items():
            whole, _, decimals = digits.partition(".")
            read_unit, mantissa, exponent = got[key]
            assert unit_name(read_unit) == SIGNS.get(unit, unit), capture["id"]
            assert compare(int(whole + decimals), -len(decimals), mantissa, exponent) == 0, capture["id"]


def test_types_and_serial_numbers():
    read = 0
    for capture in captures():
        application = reply_of(capture)
        if application is None or application[0] not in (GET_TYPE, GET_SERIAL):
            continue
        if application[0] == GET_TYPE:
            kind, revision = read_type(application)
            assert capture["computed"] == {"type": ["%04X" % kind, ""], "sw": [revision, ""]}, capture["id"]
        else:
            assert capture["computed"] == {"serial": [str(read_serial(application)), ""]}, capture["id"]
        read += 1
    assert read >= 4


def test_logs_are_the_meters_own_digits():
    read = 0
    for capture in captures():
        application = reply_of(capture)
        if application is None or not is_log(application[0]):
            continue
        log, records, last, newest, info = read_log(application)
        computed = capture["computed"]
        head = (computed["log"], computed["last"], computed["newest"], computed["info"])
        assert (log, last, newest, info) == head, capture["id"]
        assert len(records) == len(computed["records"]), capture["id"]
        for (record, registers), wanted in zip(records, computed["records"]):
            got = {str(register): shown(*value) for register, *value in registers}
            assert record == wanted["id"], capture["id"]
            assert got == {key: expected(value) for key, value in wanted["values"].items()}, capture["id"]
            read += len(registers)
    assert read >= 80


def lengths(application, pos, count):
    """NoB of count registers that stand from pos on, each with its format."""
    out = []
    for _ in range(count):
        out.append(application[pos + 3])
        pos += 5 + out[-1]
    return out


def test_the_meters_side_builds_the_same_replies():
    for capture in captures():
        application = reply_of(capture)
        if application is None:
            continue
        if application[0] == GET_REGISTER:
            registers = read_registers(application)
            nobs = lengths(application, 1, len(registers))
            again = register_reply([one + (nob,) for one, nob in zip(registers, nobs)])
            assert again == application, capture["id"]
        elif is_log(application[0]):
            log, records, last, newest, info = read_log(application)
            nobs = lengths(application, 5, application[2])
            records = [
                (record, [one + (nob,) for one, nob in zip(values, nobs)]) for record, values in records
            ]
            assert log_reply(application[0], log, records, last, newest, info) == application, capture["id"]
