"""Any bytes give events, any application gives a value or ProtocolError: no other exception, no larger buffer.

Real captures and built frames, mutated 200,000 times from fixed seeds, and what hypothesis thinks of; fed whole, byte
by byte and in random chunks, which must make no difference. Oracles: binascii.crc_hqx, decimal, fractions, datetime.
"""

import binascii
import datetime
import decimal
import fractions
import json
import pathlib
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kmp import calendar, command, dates, log, meter, service, value
from kmp import decimal as decimals
from kmp.encode import encode
from kmp.frame import (
    ACKNOWLEDGE,
    BAD_BYTE,
    BAD_CRC,
    CUT,
    FRAME,
    FROM_METER,
    MAX_FRAME,
    OVERRUN,
    SHORT,
    TO_METER,
    ProtocolError,
    Reader,
    build,
    crc16,
)
from kmp_wire import COUNTERS, events

CAPTURES = pathlib.Path(__file__).parents[1] / "data" / "captures.jsonl"
MUTATIONS = 200_000
PARTS = 8  # so that two cores share them
RESERVED = b"\x80\x40\x0d\x06\x1b"

# The same examples on every run (no database of earlier ones): a red run here is a red run everywhere.
settings.register_profile("frames", deadline=None, derandomize=True, database=None, max_examples=300)
PROPERTY = settings.get_profile("frames")

WHEN = log.time_bytes(2026, 11, 22, 6, 40, 0)
REGISTERS = [(68, 40, 314131, -3, 4), (74, 41, -6, 0, 2), (1047, 53, 0x82012102100A090C, 0, 8)]
TO_BUILD = (
    command.get_type(),
    service.set_clock(261122, 64000),
    command.get_register(range(64, 72)),
    service.put_register(0x1B06, 68, 40, -5, -2, 4),
    service.clear_event_status(0x40800D06, 0x1B1B1B1B),
    log.from_time(1, [68, 74], 12, WHEN),
    log.from_last(1, [68], 1),
    log.from_record(1, [68], 1, 0x1B40),
    log.back_from_time(1, [68], 1, WHEN, 2),
    meter.type_reply(0x5A00, 6, 27),
    meter.serial_reply(0x1B80400D),
    meter.register_reply(REGISTERS),
    meter.register_reply([]),
    meter.event_reply(6),
    meter.log_reply(0xA0, 1, [(n, REGISTERS) for n in range(6)], 5, 9, 8),
    bytes(range(1, 256)),
)


def published():
    """Every frame and excerpt of a KMP meter in the captures, as bytes on the wire."""
    for line in CAPTURES.read_text(encoding="utf-8").splitlines():
        capture = json.loads(line)
        for key in ("request_hex", "response_hex"):
            if capture["protocol"] == "KMP" and capture.get(key):
                yield bytes.fromhex(capture[key])


STREAMS = [*published(), *(build(start, 0x3F, one) for one in TO_BUILD for start in (TO_METER, FROM_METER))]
APPLICATIONS = [event[3] for stream in STREAMS for event in events(Reader(), stream) if event[0] == FRAME]


def flip(rng, data, _):
    where = rng.randrange(len(data))
    data[where] ^= 1 << rng.randrange(8)


def overwrite(rng, data, _):
    data[rng.randrange(len(data))] = rng.choice(RESERVED + b"\x00\xff")


def delete(rng, data, _):
    where = rng.randrange(len(data))
    del data[where : where + rng.randint(1, 4)]


def insert(rng, data, _):
    where = rng.randrange(len(data) + 1)
    data[where:where] = bytes(
        rng.choice(RESERVED) if rng.random() < 0.5 else rng.randrange(256) for _ in range(3)
    )


def duplicate(rng, data, _):
    where = rng.randrange(len(data))
    data[where:where] = data[where : where + rng.randint(1, 40)]


def truncate(rng, data, _):
    del data[rng.randrange(1, len(data) + 1) :]


def splice(rng, data, others):
    data[rng.randrange(len(data) + 1) :] = rng.choice(others)


MUTATORS = (flip, overwrite, delete, insert, duplicate, truncate, splice)


def mutated(rng, originals):
    """One of the originals with one to four accidents."""
    data = bytearray(rng.choice(originals))
    for _ in range(rng.randint(1, 4)):
        if data:
            rng.choice(MUTATORS)(rng, data, originals)
    return bytes(data)


READERS = (
    command.read_type,
    command.read_serial,
    command.read_registers,
    service.read_event_status,
    log.read_log,
    meter.read_request,
)


def decode(application):
    """Hand the application to everything that reads one. What is not ProtocolError goes through to the test."""
    for read in READERS:
        try:
            got = read(application)
        except ProtocolError as error:
            assert str(error)
            continue
        if read is command.read_registers:
            show(got)
        elif read is log.read_log:
            for _, values in got[1]:
                show(values)


def show(registers):
    for register, unit, mantissa, exponent in registers:
        assert 0 <= register <= 0xFFFF
        token = json.loads(value.token(unit, mantissa, exponent), parse_float=decimal.Decimal)
        if not isinstance(token, str):
            assert fractions.Fraction(token) == mantissa * fractions.Fraction(10) ** exponent


def all_counters(reader):
    return [getattr(reader, name) for name in COUNTERS]


def judge(stream, chunk_sizes):
    """The one sentence: the same events and counters however the stream is cut, and nothing but events."""
    whole = Reader()
    buffer = whole.buffer
    expected = events(whole, stream)
    for sizes in ((1,), chunk_sizes):
        piecewise = Reader()
        assert events(piecewise, stream, sizes) == expected
        assert all_counters(piecewise) == all_counters(whole)
        assert piecewise.inside() == whole.inside() and piecewise.abandoned() == whole.abandoned()
    assert whole.buffer is buffer and len(buffer) == MAX_FRAME
    assert whole.bytes == len(stream)
    assert sum(all_counters(whole)[2:]) == len(expected)
    for event in expected:
        if event[0] == FRAME:
            assert event[1] in (TO_METER, FROM_METER)
            decode(event[3])
        else:
            assert event[0] in (ACKNOWLEDGE, BAD_CRC, BAD_BYTE, OVERRUN, SHORT, CUT)
    return expected


@pytest.mark.parametrize("part", range(PARTS))
def test_mutated_frames_give_events_and_nothing_else(part):
    rng = random.Random(part)
    frames = 0
    for n in range(MUTATIONS // PARTS):
        if n % 2:
            stream = mutated(rng, STREAMS)
        else:  # damaged before the CRC was made: the frame is good and its content is not
            stream = build(FROM_METER, 0x3F, mutated(rng, APPLICATIONS)[:255] or b"\x10")
        got = judge(stream, (rng.randint(1, 9), rng.randint(1, 60)))
        frames += sum(event[0] == FRAME for event in got)
        assert crc16(stream, len(stream)) == binascii.crc_hqx(stream, 0)
    assert frames > MUTATIONS // PARTS // 2  # so the content was read, not only refused


@PROPERTY
@given(
    st.lists(
        st.one_of(
            st.sampled_from(STREAMS), st.binary(max_size=20), st.sampled_from([b"\x1b", b"\x06", b"\x40"])
        )
    ),
    st.lists(st.integers(1, 300), min_size=1, max_size=8),
)
def test_streams_of_frames_and_noise_give_events_and_nothing_else(pieces, sizes):
    judge(b"".join(pieces), sizes)


@PROPERTY
@given(st.binary(max_size=600), st.lists(st.integers(1, 300), min_size=1, max_size=8))
def test_arbitrary_bytes_give_events_and_nothing_else(stream, sizes):
    judge(stream, sizes)


@PROPERTY
@given(st.sampled_from((TO_METER, FROM_METER)), st.integers(0, 255), st.binary(min_size=1, max_size=255))
def test_what_is_built_comes_back(start, address, application):
    frame = build(start, address, application)
    assert len(frame) <= 2 * (len(application) + 3) + 2
    assert judge(frame, (2, 5)) == [(FRAME, start, address, application)]


@PROPERTY
@given(st.binary(max_size=300))
def test_applications_give_a_value_or_the_protocol_error(application):
    decode(application)


@PROPERTY
@given(st.sampled_from(range(0xA0, 0xA4)), st.binary(max_size=255))
def test_log_replies_give_a_value_or_the_protocol_error(cid, rest):
    decode(bytes((cid,)) + rest)


@PROPERTY
@given(st.binary(max_size=600))
def test_crc_is_the_one_of_binascii(data):
    assert crc16(data, len(data)) == binascii.crc_hqx(data, 0)


MANTISSAS = st.integers(-(2**80) + 1, 2**80 - 1)
EXPONENTS = st.integers(-63, 63)


def fraction(mantissa, exponent):
    return mantissa * fractions.Fraction(10) ** exponent


@PROPERTY
@given(MANTISSAS, EXPONENTS)
def test_text_is_exact_and_bytes_come_back(mantissa, exponent):
    assert fractions.Fraction(value.text(mantissa, exponent)) == fraction(mantissa, exponent)
    data = encode(mantissa, exponent, 10)
    nob, sign, again = value.take_format(data, 0)
    assert (value.take_mantissa(data, 2, nob, sign), again) == (mantissa, exponent)


@PROPERTY
@given(MANTISSAS, EXPONENTS, EXPONENTS)
def test_rescale_rounds_as_decimal_does(mantissa, exponent, to_exponent):
    exact = fraction(mantissa, exponent - to_exponent)
    assert decimals.rescale(mantissa, exponent, to_exponent) == round(exact)  # Fraction rounds half to even


@PROPERTY
@given(MANTISSAS, EXPONENTS, MANTISSAS, EXPONENTS)
def test_compare_is_the_one_of_fractions(mantissa_a, exponent_a, mantissa_b, exponent_b):
    a = fraction(mantissa_a, exponent_a)
    b = fraction(mantissa_b, exponent_b)
    assert decimals.compare(mantissa_a, exponent_a, mantissa_b, exponent_b) == (a > b) - (a < b)


@PROPERTY
@given(st.dates())
def test_day_numbers_are_those_of_datetime(date):
    number = (date - datetime.date(2000, 1, 1)).days
    assert calendar.day_number(date.year, date.month, date.day) == number
    assert calendar.date_of_day(number) == (date.year, date.month, date.day)
    assert calendar.is_date(date.year, date.month, date.day)


@PROPERTY
@given(st.integers(0, 255), st.integers(-(2**90), 2**90))
def test_texts_of_dates_never_raise(unit, number):
    shown = dates.date_text(unit, number)
    assert shown is None or json.loads(value.token(unit, number, 0)) in (shown, number)
