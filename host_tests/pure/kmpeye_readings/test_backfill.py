# kmpeye.readings.backfill and moment: the meter's clock as a number, a log page by page, and which of its values may
# enter the history. Every reply is built as a meter builds it. Runs on CPython and on MicroPython alike.

from kmp.calendar import RTC_SUMMER_TIME, RTC_VALID, rtc_number
from kmp.log import (
    CUT_OFF,
    EMPTY,
    END,
    GET_LOG_ID_PRESENT,
    GET_LOG_LAST_PRESENT,
    GET_LOG_TIME_PAST,
    GET_LOG_TIME_PRESENT,
    OUTSIDE,
    from_last,
    from_record,
    time_bytes,
)
from kmp.meter import log_reply, read_request
from kmpeye.readings.backfill import BAD_CONTENT, EMPTY_LOG, Log, chosen, fitting, not_above
from kmpeye.readings.moment import seconds_of, unix_on, zone_of
from virtual_line import drive

WH, KWH, MWH, GJ, M3, HOURS = 1, 2, 3, 8, 40, 46
CLOCK, DATE, DATE4, RTC = 47, 48, 49, 53
NOON = 849225600 + 12 * 3600  # 2026-11-29 12:00, in seconds since 2000
HOUR = 3600


def date(number, unit=DATE):
    return (1003, unit, number, 0)


def clock(number):
    return (1002, CLOCK, number, 0)


def rtc(*fields, status=RTC_VALID):
    return (1047, RTC, rtc_number(*fields, status=status), 0)


MOMENTS = (
    ([date(261129), clock(120000)], NOON, "YYMMDD and hhmmss"),
    ([clock(120000), (60, MWH, 5, 0), date(261129)], NOON, "in any order, among others"),
    ([date(20261129, DATE4), clock(120000)], NOON, "a date of eight digits"),
    ([date(261128), clock(240000)], NOON - 12 * HOUR, "the end of a day, as a 402 writes it"),
    ([rtc(2026, 11, 29, 12, 0, 0)], NOON, "the RTC of an electricity meter"),
    ([rtc(2026, 11, 29, 12, 0, 0, status=0x80)], NOON, "as a K382 marks its records"),
    ([rtc(2026, 11, 29, 12, 0, 0, status=RTC_SUMMER_TIME)], NOON - HOUR, "summer time is taken off"),
    ([date(0), clock(120000)], None, "no date was ever set"),
    ([(1047, RTC, 0, 0)], None, "an RTC of zeros, as a K382 sends where there is nothing"),
    ([date(260230), clock(120000)], None, "30 February"),
    ([date(261129), clock(246000)], None, "past the end of the day"),
    ([date(261129), clock(126000)], None, "60 minutes"),
    ([date(261129)], None, "no clock"),
    ([clock(120000)], None, "no date"),
    ([date(1261129), clock(120000)], None, "seven digits"),
    ([(1003, DATE, 261129, -2), clock(120000)], None, "a date with decimals"),
    ([(1003, KWH, 261129, 0), clock(120000)], None, "another unit: no date"),
    ([(1003, DATE, -261129, 0), clock(120000)], None, "negative"),
    ([(1047, RTC, 1 << 64, 0)], None, "an RTC of nine bytes"),
    ([], None, "nothing"),
)

UNIX = unix_on(NOON)

ZONES = (
    (NOON, UNIX, 0, "UTC"),
    (NOON + HOUR, UNIX, HOUR, "central Europe"),
    (NOON + HOUR + 449, UNIX, HOUR, "seven minutes fast are an error of the clock"),
    (NOON + HOUR - 450, UNIX, HOUR, "and slow"),
    (NOON - 12600, UNIX, -12600, "Newfoundland"),
    (NOON + 20700, UNIX, 20700, "Nepal"),
    (NOON + 14 * HOUR, UNIX, 14 * HOUR, "the Line Islands"),
    (NOON + 16 * HOUR, UNIX, None, "no zone is that far"),
    (0, UNIX, None, "a clock that was reset"),
)

FITTING = (
    ([1003, 1002, 60, 68], 128, 5, "a module of a MULTICAL 601: 22 + 16 bytes, then 18 each"),
    ([1047, 1, 2], 255, 12, "an electricity meter"),
    ([1047, 1, 2, 3, 4], 255, 8, "as the real K382 that sent 241 bytes"),
    ([60], 255, 40, "one register"),
    ([1, 2, 3, 4, 5, 6, 7, 8], 20, 1, "never none"),
)


class Meter:
    """A log of hourly records; `replies` of (records to send, info) are used up before it answers by itself."""

    def __init__(self, turned=False, replies=(), ids=(1003, 1002, 60), refuses=None):
        self.turned = turned
        self.replies = list(replies)
        self.ids = ids
        self.refuses = refuses
        self.asked = []  # (command, fields)
        self.records = [(n, NOON + n * HOUR, 5000 + n) for n in range(40)]

    async def ask(self, address, application):
        assert address == 0x7F
        cid, fields = read_request(application)
        self.asked.append((cid, fields))
        if self.refuses:
            return None, self.refuses
        if self.replies:
            reply = self.replies.pop(0)
            if isinstance(reply, bytes):
                return reply, None
            count, info = reply
            return self.reply(cid, fields, self.records[:count], info), None
        found = self.records
        if "when" in fields:
            when = fields["when"]
            if self.turned:
                when = bytes(reversed(when))
            year, month, day, hour, minute, second = when[:6]
            asked = seconds_of(
                [date(year * 10000 + month * 100 + day), clock(hour * 10000 + minute * 100 + second)]
            )
            if asked is None:
                found = []
            elif cid == GET_LOG_TIME_PAST:
                found = [one for one in reversed(found) if one[1] <= asked][fields["offset"] :]
            else:
                found = [one for one in found if one[1] >= asked]
        elif "record" in fields:
            found = found[fields["record"] :]
        info = 0 if found else OUTSIDE
        return self.reply(cid, fields, found[: fields["records"]], info), None

    def reply(self, cid, fields, records, info):
        rows = []
        for number, seconds, energy in records:
            hour = (seconds - NOON) // HOUR + 12
            values = {
                1003: (1003, DATE, 261129 + hour // 24, 0, 4),
                1002: (1002, CLOCK, hour % 24 * 10000, 0, 4),
                60: (60, MWH, energy, -3, 4),
            }
            rows.append((number, [values[one] for one in fields["ids"] if one in values]))
        return log_reply(cid, fields["log"], rows, rows[-1][0] if rows else 0, 39, info)


def page(meter, seconds=NOON, count=5, turned=None, past=None):
    log = Log(meter.ask, 0x7F, 1, meter.ids, turned)
    if past is None:
        return log, drive(log.from_time(seconds, count))
    return log, drive(log.back_from_time(seconds, count, past))


def numbers(records):
    return [number for number, _ in records]


def test_the_meters_clock_is_a_moment_or_none():
    for values, expected, why in MOMENTS:
        assert seconds_of(values) == expected, why


def test_the_zone_is_told_from_the_error_of_the_clock():
    for meter_s, unix, expected, why in ZONES:
        assert zone_of(meter_s, unix) == expected, why


def test_as_many_records_are_asked_for_as_surely_fit():
    for ids, length, expected, why in FITTING:
        assert fitting(ids, length) == expected, why


def test_the_time_is_sent_as_the_text_says_and_the_answer_proves_it():
    meter = Meter()
    log, (records, reason) = page(meter, NOON + 3 * HOUR)
    assert (numbers(records), reason, log.turned) == ([3, 4, 5, 6, 7], None, False)
    assert (log.newest, log.info) == (39, 0)
    [(cid, fields)] = meter.asked
    assert (cid, fields["log"], fields["ids"]) == (GET_LOG_TIME_PRESENT, 1, [1003, 1002, 60])
    assert (fields["when"], fields["length"]) == (time_bytes(2026, 11, 29, 15, 0, 0), 128)


def test_out_of_range_makes_it_try_the_other_order_and_keep_to_it():
    meter = Meter(turned=True)
    log, (records, _) = page(meter)
    assert (numbers(records), log.turned) == ([0, 1, 2, 3, 4], True)
    assert len(meter.asked) == 2
    assert meter.asked[1][1]["when"] == bytes(reversed(time_bytes(2026, 11, 29, 12, 0, 0)))
    drive(log.from_time(NOON + HOUR, 5))
    assert len(meter.asked) == 3, "what worked is used at once"
    log, (records, _) = page(meter, turned=True)
    assert numbers(records) == [0, 1, 2, 3, 4] and len(meter.asked) == 4


def test_records_from_before_the_asked_time_are_the_sign_of_the_wrong_order_too():
    meter = Meter(turned=True, replies=[(3, 0)])
    log, (records, _) = page(meter, NOON + 10 * HOUR)
    assert (numbers(records)[0], log.turned) == (10, True)


def test_out_of_range_in_both_orders_is_no_record_and_proves_nothing():
    log, (records, reason) = page(Meter(), NOON + 99 * HOUR)
    assert (records, reason, log.turned, log.info) == ((), None, None, OUTSIDE)


def test_into_the_past_with_those_left_out_that_were_read():
    meter = Meter()
    _, (records, _) = page(meter, NOON + 9 * HOUR, past=2)
    assert numbers(records) == [7, 6, 5, 4, 3]
    assert (meter.asked[0][0], meter.asked[0][1]["offset"]) == (GET_LOG_TIME_PAST, 2)


# What the meter says first, how many records are asked for in turn, what comes of it, why.
MISSING = (
    ([(0, CUT_OFF)], [5, 3], 3, "too many did not fit: fewer"),
    ([(0, CUT_OFF), (0, CUT_OFF), (0, CUT_OFF)], [5, 3, 2, 1], 1, "down to one"),
    ([(0, END)], [5, 3], 3, "the end is said instead of the records: fewer, so that it is not the end"),
    ([(2, END)], [5], 2, "records and the end of the log: both are good"),
    ([(2, CUT_OFF)], [5], 2, "records, and more would not fit"),
    ([bytes((0xA0, CUT_OFF))], [5, 3], 3, "nothing but the info byte"),
)


def test_records_that_an_info_bit_drops_are_asked_for_again_in_smaller_pages():
    for replies, counts, expected, why in MISSING:
        meter = Meter(replies=replies)
        _, (records, reason) = page(meter, turned=False)
        assert (len(records), reason) == (expected, None), why
        assert [fields["records"] for _, fields in meter.asked] == counts, why


def test_what_is_no_page_is_a_word():
    for replies, refuses, expected, why in (
        ((), "no_light", "no_light", "silence is not tried in the other order"),
        (((0, EMPTY),), None, EMPTY_LOG, "an empty log"),
        ((b"\xa0\x01\x01\x00\x01\x00\x3c\x03\x04\x43\x00\x00\x00\x09\x00",), None, BAD_CONTENT, "cut off"),
    ):
        meter = Meter(replies=replies, refuses=refuses)
        _, found = page(meter)
        assert found == ((), expected) and len(meter.asked) == 1, why


def test_by_number_and_after_the_last_one_read():
    meter = Meter()
    log = Log(meter.ask, 0x7F, 1, meter.ids)
    assert numbers(drive(log.page(from_record, 2, 7))[0]) == [7, 8]
    assert numbers(drive(log.page(from_last, 3))[0]) == [0, 1, 2]
    meter.replies = [(0, END)]
    assert drive(log.page(from_last, 3)) == ((), None), "nothing new is no reason to ask for less"
    assert [cid for cid, _ in meter.asked] == [GET_LOG_ID_PRESENT, GET_LOG_LAST_PRESENT, GET_LOG_LAST_PRESENT]


ORDERED = (
    ((MWH, 55006, -3), (MWH, 55006, -3), True, "equal"),
    ((MWH, 55007, -3), (MWH, 55006, -3), True, "by its last digit, which may not be shown yet"),
    ((MWH, 55008, -3), (MWH, 55006, -3), False, "by two"),
    ((MWH, 55007, -3), (KWH, 55006, 0), True, "in another unit"),
    ((MWH, 55008, -3), (WH, 55006000, 0), False, "the coarser digit counts"),
    ((WH, 55006999, 0), (MWH, 55006, -3), True, "the coarser digit, on the other side"),
    ((WH, 55007001, 0), (MWH, 55006, -3), False, "and no more"),
    ((GJ, 36, -1), (KWH, 1000, 0), True, "joules, exactly"),
    ((GJ, 361, -2), (KWH, 1000, 0), True, "one digit of 0.01 GJ more"),
    ((GJ, 363, -2), (KWH, 1000, 0), False, "three"),
    ((HOURS, 10, 0), (HOURS, 12, 0), True, "a unit without another"),
    ((HOURS, 14, 0), (HOURS, 12, 0), False, "and above"),
    ((HOURS, 14, 0), (M3, 12, 0), True, "cannot be compared"),
    ((MWH, 1 << 70, -3), (MWH, 55006, -3), False, "past every word size"),
)


def test_two_totals_are_in_order_up_to_their_last_digit():
    for low, high, expected, why in ORDERED:
        assert not_above(low, high) == expected, why


def test_only_what_lies_between_the_ends_of_the_hole_is_chosen():
    keys = {60: "heat_energy", 68: "volume"}
    before = {"heat_energy": (MWH, 100, 0), "volume": (M3, 10, 0)}
    after = {"heat_energy": (MWH, 110, 0), "volume": (M3, 20, 0)}
    for record, names, why in (
        ([(60, MWH, 105, 0), (68, M3, 15, 0), (74, 41, 9, 0)], ["heat_energy", "volume"], "both"),
        ([(60, MWH, 90, 0), (68, M3, 15, 0)], ["volume"], "an energy from before the hole"),
        ([(60, MWH, 120, 0), (68, M3, 15, 0)], ["volume"], "and from after it"),
        ([(60, MWH, 0, 0), (68, M3, 0, 0)], [], "zeros of a logger that was reset"),
        ([(1003, DATE, 261129, 0)], [], "no register of the history"),
    ):
        assert sorted(chosen(record, keys, before, after)) == names, why
    ahead = {"heat_energy": (MWH, 90, 0), "volume": (M3, 20, 0)}
    assert sorted(chosen([(60, MWH, 105, 0), (68, M3, 25, 0)], keys, before, ahead)) == ["heat_energy"], (
        "a record behind the hole that is below the one before it bounds nothing"
    )
    assert sorted(chosen([(60, MWH, 95, 0)], keys, before, ahead)) == [], "nor does it let anything in"
    assert chosen([(60, MWH, 5, 0)], keys, {}, {}) == {"heat_energy": (MWH, 5, 0)}, (
        "nothing to hold it against"
    )
