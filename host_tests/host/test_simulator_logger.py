"""The logs of the simulated meters over A0-A3: what is in them, which way they are read, and what the info byte says.

Uses sim_head and the protocol's own log requests; in invented time.
"""

import itertools

import pytest

from kmp import log
from kmp.calendar import date_of_day, rtc_fields
from kmp.command import get_serial
from kmp.encode import octets
from kmp.frame import FRAME, METER, TO_METER, Reader, build
from kmp.log import GET_LOG_TIME_PRESENT
from sim_head import QUIET_MS, START_S, ask, sim

TOP = 0x7F
HOURLY = [1003, 1002, 60, 68]
DEPTH = 1392
NEWEST = 65500  # the record of START_S itself, a whole hour


class Asking:
    """A head that asks the log of one meter again and again."""

    def __init__(self, name="multical601-67-0b", address=TOP):
        self.meter = sim(name)
        self.address = address
        self.now = 0

    def __call__(self, request):
        """(records, last, newest, info)"""
        self.now += QUIET_MS
        data = ask(self.meter, build(TO_METER, self.address, request), self.now, QUIET_MS - 1)
        reader = Reader()
        assert reader.feed(data, 0, len(data)) == len(data)
        assert reader.event == FRAME and reader.address == self.address
        application = bytes(reader.application())
        assert len(application) <= request[-1 - rest(request)] or not log.read_log(application)[1]
        return log.read_log(application)[1:]


def rest(request):
    """Bytes after the longest length in a logger request."""
    return {0xA0: 8, 0xA1: 0, 0xA2: 2, 0xA3: 10}[request[0]]


def time(seconds):
    days, second = divmod(seconds, 86400)
    return log.time_bytes(*date_of_day(days), second // 3600, second // 60 % 60, second % 60)


def hours(records):
    """Each record's hour, by its clock."""
    return [values[1][2] // 10000 for _, values in records]


def test_from_a_time_on_ascending_to_the_present():
    records, last, newest, info = Asking()(log.from_time(1, HOURLY, 3, time(START_S - 5 * 3600)))
    assert hours(records) == [1, 2, 3]
    assert [number for number, _ in records] == [NEWEST - 5, NEWEST - 4, NEWEST - 3]
    assert (last, newest, info) == (NEWEST - 3, NEWEST, 0)
    assert [one[0] for one in records[0][1]] == HOURLY


def test_a_time_between_two_records_gives_the_next():
    records, _, _, info = Asking()(log.from_time(1, HOURLY, 9, time(START_S - 5 * 3600 + 1)))
    assert hours(records)[0] == 2


def test_the_end_of_the_log_is_said_when_more_was_asked_for_than_there_is():
    records, last, newest, info = Asking()(log.from_time(1, [68], 9, time(START_S - 2 * 3600)))
    assert len(records) == 3
    assert (last, newest, info) == (NEWEST, NEWEST, log.END)
    records, _, _, info = Asking()(log.from_time(1, [68], 3, time(START_S - 2 * 3600)))
    assert (len(records), info) == (3, 0)


def test_back_from_a_time_descending_leaving_out_the_first():
    asking = Asking()
    records, last, _, info = asking(log.back_from_time(1, HOURLY, 3, time(START_S + 999), 0))
    assert hours(records) == [6, 5, 4]
    assert (last, info) == (NEWEST - 2, 0)
    records, _, _, _ = asking(log.back_from_time(1, HOURLY, 3, time(START_S + 999), 3))
    assert hours(records) == [3, 2, 1]


def test_the_beginning_of_the_log_is_an_end_too():
    oldest = START_S - (DEPTH - 1) * 3600
    records, last, _, info = Asking()(log.back_from_time(1, [68], 5, time(oldest + 3600), 0))
    assert (len(records), last, info) == (2, NEWEST - DEPTH + 1, log.END)


@pytest.mark.parametrize(
    "request_bytes",
    [
        log.from_time(1, HOURLY, 3, time(START_S + 86400)),
        log.back_from_time(1, HOURLY, 3, time(START_S - DEPTH * 3600), 0),
        log.from_record(1, HOURLY, 3, 7),
        log.from_time(1, HOURLY, 3, bytes(reversed(time(START_S - 3600)))),  # as 447's examples print it
    ],
)
def test_what_is_not_in_the_log_is_outside(request_bytes):
    records, _, _, info = Asking()(request_bytes)
    assert (records, info) == ([], log.OUTSIDE)


def test_a_log_that_the_meter_does_not_have_is_empty():
    records, _, _, info = Asking()(log.from_last(2, HOURLY, 3))
    assert (records, info) == ([], log.EMPTY)


def test_from_a_record_on_and_numbers_begin_anew_after_65535():
    asking = Asking()
    asking.now = 40 * 3_600_000
    records, last, newest, info = asking(log.from_record(1, [68], 4, 65534))
    assert [number for number, _ in records] == [65534, 65535, 0, 1]
    assert (last, newest, info) == (1, (NEWEST + 40) % 65536, 0)


def test_from_the_last_one_read_goes_on_where_the_last_reply_ended():
    asking = Asking()
    asking(log.from_time(1, HOURLY, 3, time(START_S - 5 * 3600)))
    assert hours(asking(log.from_last(1, HOURLY, 2))[0]) == [4, 5]
    assert hours(asking(log.from_last(1, HOURLY, 2))[0]) == [6]
    assert asking(log.from_last(1, HOURLY, 2)) == ([], NEWEST, NEWEST, log.END)
    asking.now += 3_600_000
    assert hours(asking(log.from_last(1, HOURLY, 2))[0]) == [7]


@pytest.mark.parametrize("length", [1, 20, 60, 100, 128, 255])
def test_a_reply_is_no_longer_than_was_asked_or_than_the_module_sends(length):
    records, _, _, info = Asking()(log.from_time(1, HOURLY, 9, time(START_S - 20 * 3600), length))
    assert info == log.CUT_OFF
    # 8 bytes around, 22 + 16 for the first record of four registers with four bytes, 18 for each further one
    most = min(length, 128)
    assert len(records) == (0 if most < 46 else 1 + (most - 46) // 18)


def test_registers_that_are_not_in_the_log_are_left_out():
    records, _, _, _ = Asking()(log.from_time(1, [86, 60], 1, time(START_S)))
    assert [[one[0] for one in values] for _, values in records] == [[60]]


def test_what_was_logged_grows_and_joins_the_present_total():
    asking = Asking()
    asking.now = 30 * 3_600_000
    heat = []
    when = START_S - 30 * 3600
    while when <= START_S + 30 * 3600:
        records, _, _, _ = asking(log.from_time(1, HOURLY, 5, time(when)))
        heat += [values[2][2] for _, values in records]
        when += 5 * 3600
    assert len(heat) == 61
    assert heat == sorted(heat)
    assert max(b - a for a, b in itertools.pairwise(heat)) < 200  # kWh in an hour
    assert heat[30] == sim("multical601").state.values()[60][0]
    assert heat[60] <= asking.meter.state.values()[60][0] < heat[60] + 200


def test_an_electricity_meter_keeps_months_and_quarters_of_an_hour_at_its_own_address():
    asking = Asking("kamstrup382", METER)
    records, last, newest, info = asking(log.from_record(1, [1047, 1, 19, 23, 31], 4, 38, 255))
    assert [rtc_fields(values[0][2])[:5] for _, values in records] == [
        (2026, m, 1, 0, 0) for m in (8, 9, 10, 11)
    ]
    assert (last, newest, info) == (41, 41, 0)  # as k382-aimir-8: exactly what was asked for is no end
    records, _, _, info = asking(log.from_record(6, [1047, 1, 2, 3, 4], 8, 18475, 255))
    assert [rtc_fields(values[0][2])[3:5] for _, values in records][:5] == [
        (4, 15),
        (4, 30),
        (4, 45),
        (5, 0),
        (5, 15),
    ]
    assert info == 0


def test_a_log_is_full_from_the_start_and_loses_its_oldest_record():
    asking = Asking("kamstrup382", METER)
    assert all(one.full() for one in asking.meter.state.logs.values())
    oldest = 18482 - 960 + 1
    assert asking(log.from_record(6, [1], 1, oldest - 1, 255))[3] == log.OUTSIDE
    assert asking(log.from_record(6, [1], 1, oldest, 255))[3] == 0
    asking.now = 900_000
    assert asking(log.from_record(6, [1], 1, oldest, 255))[3] == log.OUTSIDE


def test_a_meter_without_a_logger_does_not_answer():
    for name, address, application in (
        ("multical601", TOP, log.from_last(1, HOURLY, 3)),
        ("multical601", METER, log.from_last(1, HOURLY, 3)),
        ("flowiq2200", METER, log.from_time(1, [68], 12, time(START_S))),  # flowiq-log-refused
        ("multical601-67-0b", TOP, get_serial()),  # the module's own commands are not simulated
        ("multical601-67-0b", METER, log.from_last(1, HOURLY, 3)),
    ):
        assert ask(sim(name), build(TO_METER, address, application)) == b""


def test_a_malformed_log_request_is_not_answered():
    meter = sim("multical801")
    assert ask(meter, build(TO_METER, TOP, octets(GET_LOG_TIME_PRESENT, 1, 1, 0, 60, 3, 128))) == b""
    assert meter.counters.ignored == {"malformed": 1}
