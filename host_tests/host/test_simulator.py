"""The simulated meter on its line: the pace of the wire, and the rules of 447 2.1. All in invented time.

Uses sim_head; its faults, values and ports are tested in files of their own.
"""

import pytest

from kmp import command, service
from kmp.frame import ACKNOWLEDGE, FRAME, FROM_METER, METER, TO_METER, build
from kmpsim import line
from sim_head import (
    BYTE_MS,
    QUIET_MS,
    SERIAL,
    VOLUME,
    application,
    ask,
    events,
    heard,
    registers,
    sim,
)


def test_bytes_come_eleven_bit_times_apart_after_the_request_and_the_latency():
    meter = sim()
    meter.receive(VOLUME, 1000)
    times = [at for at, _ in heard(meter, QUIET_MS)]
    first = 1000 + len(VOLUME) * BYTE_MS + 100 + BYTE_MS
    assert times == pytest.approx([first + i * BYTE_MS for i in range(len(times))])
    assert len(times) == 15


def test_nothing_is_due_before_its_time():
    meter = sim()
    meter.receive(VOLUME, 0)
    end_of_request = len(VOLUME) * BYTE_MS
    assert meter.due(end_of_request + 100) == []
    assert len(meter.due(end_of_request + 100 + 3.5 * BYTE_MS)) == 3


def test_a_request_in_one_burst_and_byte_by_byte_is_answered_at_the_same_time():
    burst, paced = sim(), sim()
    burst.receive(VOLUME, 0)
    for i, byte in enumerate(VOLUME):
        paced.receive(bytes((byte,)), i * BYTE_MS)
    assert [at for at, _ in heard(burst, QUIET_MS)] == pytest.approx([at for at, _ in heard(paced, QUIET_MS)])


def test_latency_is_drawn_from_the_models_range():
    latencies = set()
    meter = sim(latency_ms=None)
    for i in range(50):
        meter.receive(SERIAL, i * QUIET_MS)
        first = heard(meter, (i + 1) * QUIET_MS - 1)[0][0]
        latencies.add(round(first - i * QUIET_MS - (len(SERIAL) + 1) * BYTE_MS))
    low, high = meter.model.latency_ms
    assert low <= min(latencies) < low + 15
    assert high - 15 < max(latencies) <= high


def test_fast_answers_at_once():
    meter = sim(fast=True, latency_ms=None)
    meter.receive(VOLUME, 5)
    assert application(bytes(byte for _, byte in meter.due(5)))[:3] == b"\x10\x00\x44"


def test_echo_brings_the_request_back_at_its_own_pace_before_the_reply():
    meter = sim(echo=True)
    meter.receive(VOLUME, 0)
    out = heard(meter, QUIET_MS)
    echo = out[: len(VOLUME)]
    assert bytes(byte for _, byte in echo) == VOLUME
    assert [at for at, _ in echo] == pytest.approx([(i + 1) * BYTE_MS for i in range(len(VOLUME))])
    assert events(bytes(byte for _, byte in out[len(VOLUME) :]))[0][0] == FRAME


def test_a_client_that_floods_loses_what_is_beyond_the_cap():
    meter = sim()
    meter.receive(b"\xff" * 10_000, 0)
    assert meter.line.dropped == 10_000 - 4096


def test_bytes_at_the_right_speed_are_themselves():
    data = bytes(range(256))
    assert line.garble(data, 1200, 1200) == data
    assert line.garble(data, 1200, 1200, stop_bits=1) == data
    assert line.garble(data, 1200, 1190) == data  # a real UART bears one percent


@pytest.mark.parametrize(
    ("data", "from_baud", "to_baud", "received"),
    [
        # 1200 heard at 2400: each bit counts twice. 00 is 9 low bits: 18, of which the first byte takes 10.
        (b"\x00", 1200, 2400, b"\x00"),
        # FF: one low bit is a start bit and a 0: FE.
        (b"\xff", 1200, 2400, b"\xfe"),
        # 2400 heard at 1200: every second bit.
        (b"\xff", 2400, 1200, b""),
        (b"\xaa", 2400, 1200, b"\xf8"),
        (b"", 1200, 9600, b""),
    ],
)
def test_bytes_at_the_wrong_speed_are_what_a_uart_samples(data, from_baud, to_baud, received):
    assert line.garble(data, from_baud, to_baud) == received


def test_a_head_at_the_wrong_speed_is_not_understood():
    meter = sim()
    meter.line.head_baud = 2400
    assert events(ask(meter, VOLUME)) == []
    assert meter.counters.answered == 0


def test_a_head_that_changes_its_speed_before_the_reply_hears_rubbish():
    meter = sim()
    meter.receive(VOLUME, 0)
    meter.line.head_baud = 9600
    out = bytes(byte for _, byte in heard(meter, QUIET_MS))
    assert meter.counters.answered == 1
    assert out
    assert FRAME not in [event for event, _ in events(out)]


def test_registers_that_it_does_not_know_are_left_out():
    meter = sim()
    assert list(registers(meter, [60, 68, 9999, 74])) == [68, 74]
    assert ask(meter, build(TO_METER, METER, command.get_register([60])), QUIET_MS).hex() == "403f10079a0d"


def test_type_and_serial_are_what_the_model_says():
    meter = sim("multical601", serial=6906867)
    assert command.read_type(application(ask(meter, build(TO_METER, METER, command.get_type())))) == (1, "F1")
    assert command.read_serial(application(ask(meter, SERIAL, QUIET_MS))) == 6906867
    assert registers(meter, [1001], 2 * QUIET_MS) == {1001: (6906867, 0)}


@pytest.mark.parametrize(
    ("request_frame", "reason"),
    [
        (build(TO_METER, METER, command.get_type()), "unsupported"),  # this model does not tell its type
        (build(TO_METER, METER, service.get_event_status()), "unsupported"),
        (build(TO_METER, METER, b"\x42"), "unsupported"),
        (build(TO_METER, 0x7F, command.get_serial()), "address"),
        (build(TO_METER, METER, bytes((0x10, 9)) + bytes(18)), "malformed"),
        (build(TO_METER, METER, bytes((0x10, 0))), "malformed"),
        (build(TO_METER, METER, bytes((0x10, 2, 0, 68))), "malformed"),
        (build(TO_METER, METER, service.set_clock(260230, 120000)), "malformed"),
        (build(TO_METER, METER, service.set_clock(260227, 250000)), "malformed"),
        (build(FROM_METER, METER, command.get_serial()), "reply"),
        (VOLUME[:-2] + b"\xc1\x0d", "broken"),  # CRC
        (b"\x80\x3f\x1b\x00\x0d", "broken"),  # stuffing
        (b"\x80\x3f\x06\x0d", "broken"),
        (b"\x80\x3f\x0d", "broken"),
    ],
)
def test_what_it_may_not_answer_it_does_not_answer(request_frame, reason):
    meter = sim()
    assert ask(meter, request_frame) == b""
    assert meter.counters.ignored == {reason: 1}


def test_set_clock_is_acknowledged_with_one_byte_and_moves_clock_and_date():
    meter = sim("multical601", time_factor=0)
    assert registers(meter, [1003, 1002]) == {1003: (261122, 0), 1002: (60000, 0)}
    reply = ask(meter, build(TO_METER, METER, service.set_clock(270101, 235958)), QUIET_MS)
    assert events(reply) == [(ACKNOWLEDGE, None)]
    assert registers(meter, [1003, 1002], 2 * QUIET_MS) == {1003: (270101, 0), 1002: (235958, 0)}


@pytest.mark.parametrize(
    "broken", [VOLUME[:-2] + b"\xc1\x0d", VOLUME[:4], VOLUME[:4] + VOLUME[:4], b"\x80\x3f\x1b\x00\x0d"]
)
def test_after_a_broken_request_it_is_deaf_for_1600_ms(broken):
    early, late = sim(), sim()
    end = len(broken) * BYTE_MS + 27  # a request that stops is noticed after the longest gap
    early.receive(broken, 0)
    late.receive(broken, 0)
    assert ask(early, SERIAL, end + 1500) == b""
    assert early.counters.ignored["early"] == 1
    assert ask(late, SERIAL, end + 1601) != b""


def test_a_request_ignored_for_being_early_does_not_make_it_deaf_again():
    meter = sim()
    ask(meter, b"\x80\x3f\x1b\x00\x0d", 0, wait=1000)
    assert ask(meter, SERIAL, 1000, wait=800) == b""
    assert ask(meter, SERIAL, 1800) != b""


def test_a_pause_inside_a_request_breaks_it():
    for pause, answered in ((26, 1), (28, 0)):
        meter = sim()
        meter.receive(VOLUME[:4], 0)
        heard(meter, 4 * BYTE_MS)
        meter.receive(VOLUME[4:], 4 * BYTE_MS + pause)
        heard(meter, QUIET_MS)
        assert meter.counters.answered == answered


def test_a_request_during_the_reply_or_less_than_a_byte_time_after_it_is_lost():
    end_of_reply = (len(VOLUME) + 15) * BYTE_MS + 100
    for at, answered in (
        (len(VOLUME) * BYTE_MS + 50, 1),  # while it thinks
        (end_of_reply - 50, 1),
        (end_of_reply + BYTE_MS - 1, 1),
        (end_of_reply + BYTE_MS + 1, 2),
    ):
        meter = sim()
        meter.receive(VOLUME, 0)
        first = heard(meter, at)
        meter.receive(SERIAL, at)
        assert len(events(bytes(byte for _, byte in first + heard(meter, QUIET_MS)))) == answered
        assert meter.counters.ignored["busy"] == 2 - answered


def test_it_counts_how_often_it_was_woken():
    meter = sim()
    heard_at = 0
    for at in (
        0,
        1000,
        2000,
        10_000,
    ):  # the third comes more than 1.6 s after the second's first byte? no: 1.0 s
        meter.receive(SERIAL, at)
        heard_at += len(heard(meter, at + 900))
    assert meter.counters.answered == 4
    assert meter.counters.wakes == 2
