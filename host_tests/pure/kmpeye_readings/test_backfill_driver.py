# kmpeye.backfill: holes of a real history are filled from a logger, in few requests, and what does not fit stays out.
# The logger is built from the protocol's own replies; time is virtual. Runs on CPython and on MicroPython alike.

from kmp.frame import METER
from kmp.log import EMPTY
from kmpeye_readings.night import BASE, DATE, DAY, HOUR, M3, MWH, START, TOP, House


def span(first, last):
    return list(range(first, last + 1))


def outage(house):
    """Ten hours of readings, forty without, and one more."""
    house.read(0, 9)
    house.read(50, 50)


def test_after_an_outage_of_forty_hours_no_hole_is_left():
    with House() as house:
        outage(house)
        assert house.look() == {METER: 1, TOP: 8}, "forty records, five in a reply"
        assert house.hours() == (span(0, 9) + [50], span(10, 49))
        assert (house.backfill.filled, house.backfill.error, house.backfill.next_s) == (40, None, 0)
        house.read(51, 53)
        assert house.look() == {}, "nothing is asked for when nothing is missing"
        house.again()
        assert house.look() == {}


def test_holes_that_are_not_worth_a_request_stay():
    with House() as house:
        house.read(0, 3)
        house.read(5, 6)
        assert house.look() == {}, "one hour"
        house.read(9, 9)
        assert house.look() == {METER: 1, TOP: 1}, "two"
        assert house.hours()[1] == [7, 8]
        house.reader.interval_s = 6 * HOUR
        house.read(15, 15)
        house.read(21, 21)
        assert house.look() == {}, "a reader that is meant to read every six hours"


def test_every_hole_is_found_and_nothing_before_the_first_record():
    with House() as house:
        house.read(20, 21)
        house.read(30, 30)
        house.read(31, 31)
        house.read(40, 40)
        assert house.look() == {METER: 2, TOP: 4}
        assert house.hours() == ([20, 21, 30, 31, 40], span(22, 29) + span(32, 39))


def test_a_first_start_asks_nothing():
    with House() as house:
        assert house.look() == {}
        house.read(3, 3)
        assert house.look() == {}


def test_a_spent_budget_ends_it_for_an_hour_and_it_goes_on_where_it_was():
    with House() as house:
        outage(house)
        house.logger.says = ["", "", "", "", "budget_spent"]
        assert house.look() == {METER: 1, TOP: 4}
        assert house.hours()[1] == span(10, 24)
        assert "budget_spent" in house.backfill.error
        assert house.look() == {}, "not before an hour has passed"
        house.again()
        assert house.look() == {METER: 1, TOP: 5}, "and not from the beginning"
        assert house.hours() == (span(0, 9) + [50], span(10, 49))


def test_a_reply_that_got_lost_is_no_refusal():
    for word in ("no_light", "bad_crc", "garbled", "other_device"):
        with House() as house:
            outage(house)
            house.logger.says = [word, word, "", word, word]
            house.look()
            assert house.hours()[1] == span(10, 49), word


def test_a_meter_that_does_not_answer_itself_is_no_refusal_of_the_logger():
    with House() as house:
        outage(house)
        house.logger.says = ["no_light"] * 3
        assert house.look() == {METER: 3}
        assert "no_meter" in house.backfill.error
        house.clock.pass_ms(HOUR * 1000)
        house.look()
        assert house.hours()[1] == span(10, 49)


def test_loggers_that_refuse_are_asked_once_a_week_whatever_restarts():
    with House(logger=None) as house:
        outage(house)
        assert house.look() == {METER: 2, TOP: 3, BASE: 3}
        assert "address 191 refuses (no_light)" in house.backfill.error
        for _ in range(3):
            house.again()
            assert house.look() == {}
            assert "a week" in house.backfill.error and house.backfill.next_s > 6 * DAY
        hour = 51
        while hour < 50 + 7 * 24:
            house.read(hour, hour)
            assert house.look() == {}, hour
            hour += 5
        house.logger.logger = BASE  # somebody fitted a module
        house.read(hour, hour)
        house.look()
        assert house.hours()[1][:40] == span(10, 49)
        assert house.backfill.error is None


def test_an_empty_log_is_a_refusal():
    with House() as house:
        outage(house)
        house.logger.info = EMPTY
        assert house.look() == {METER: 2, TOP: 1, BASE: 3}
        assert min(house.load("backfill.json")[3]) > START, "both, with the time"


def test_the_module_that_is_there_is_found_behind_one_that_is_not():
    with House(logger=BASE) as house:
        outage(house)
        assert house.look() == {METER: 2, TOP: 3, BASE: 8}
        assert house.hours()[1] == span(10, 49)
        house.read(60, 60)
        assert house.look() == {METER: 1, BASE: 2}, "the other one rests for a week"


def test_what_the_log_does_not_hold_stays_a_hole_and_is_not_asked_for_again():
    with House() as house:
        outage(house)
        house.logger.first = 30
        house.look()
        assert house.hours()[1] == span(30, 49)
        house.again()
        house.read(51, 51)
        assert house.look() == {}


def wrong_date(hour, row):
    """Every other record has no date."""
    return [(1003, DATE, 0, 0, 4)] + row[1:] if hour & 1 else row


def another_year(hour, row):
    return [(1003, DATE, 160000 + row[0][2] % 10000, 0, 4)] + row[1:] if hour % 3 == 0 else row


def reset(hour, row):
    return row[:2] + [(60, MWH, 0, -3, 4), (68, M3, 0, -2, 4)] if hour % 4 == 0 else row


def too_much(hour, row):
    return row[:2] + [(60, MWH, 99999, -3, 4)] + row[3:] if hour % 4 == 0 else row


def test_records_that_make_no_sense_do_not_enter():
    for spoil, kept, why in (
        (wrong_date, lambda hour: not hour & 1, "no date"),
        (another_year, lambda hour: hour % 3, "a date far from what was asked for"),
        (reset, lambda hour: hour % 4, "totals below those before the hole"),
    ):
        with House() as house:
            outage(house)
            house.logger.spoil = spoil
            house.look()
            assert house.hours()[1] == [hour for hour in span(10, 49) if kept(hour)], why


def test_one_value_that_cannot_be_does_not_cost_the_others():
    with House() as house:
        outage(house)
        house.logger.spoil = too_much
        house.look()
        assert house.hours()[1] == span(10, 49)
        for unix, filled, values in house.history.records("hour", 0, 1 << 32):
            spoilt = filled and (unix - START) // HOUR % 4 == 0
            assert ("heat_energy" in values) == (not spoilt), unix


def test_the_meters_clock_may_be_wrong_by_minutes_and_not_by_days():
    for fast_s, filled, why in (
        (200, span(10, 49), "three minutes fast: its hours are our hours"),
        (-200, span(10, 49), "and slow"),
        (40 * DAY, [], "reset: its dates mean nothing"),
    ):
        with House() as house:
            outage(house)
            house.logger.fast_s = fast_s
            asked = house.look()
            assert house.hours()[1] == filled, why
            assert filled or asked == {METER: 2}, why


def test_while_our_date_is_wrong_nothing_is_filled_and_then_the_right_hours_are():
    for wrong_s, taught, why in (
        (34764, True, "ahead: the last records would stand in hours to come, below what is read then"),
        (-36000, True, "behind: the hole would get the totals of ten hours later"),
        (HOUR, True, "by a time zone"),
        (34764, False, "before anything was filled: the clock is in none of the owner's times"),
        (-36000, False, "the same"),
    ):
        with House() as house:
            house.read(0, 3)
            filled = []
            if taught:
                house.read(9, 9)
                house.look()
                filled = span(4, 8)
            house.again()
            house.snapshot.reading = None
            house.clock.now = (50 * HOUR + 60) * 1000
            house.clock.wrong_s = wrong_s
            assert house.look() == {METER: 1}, why
            assert "date" in house.backfill.error, why
            assert house.hours()[1] == filled, why
            house.clock.wrong_s = 0
            house.clock.pass_ms(HOUR * 1000)
            house.read(52, 52)
            house.look()
            assert house.hours()[1] == filled + span(10 if taught else 4, 51), why
            assert house.backfill.error is None


def test_ten_minutes_of_a_wrong_date_are_none_of_the_meters():
    for wrong_s in (600, -600):
        with House() as house:
            outage(house)
            house.clock.pass_ms(HOUR // 2 * 1000)
            house.clock.wrong_s = wrong_s
            house.look()
            assert house.hours()[1] == span(10, 49), wrong_s


def test_a_meters_clock_that_was_set_to_another_time_is_believed_after_two_days():
    for taught, fast_s in ((True, HOUR), (True, -5 * HOUR), (False, 4 * HOUR)):
        with House() as house:
            house.read(0, 3)
            if taught:
                house.read(9, 9)
                house.look()
            house.logger.fast_s = fast_s
            house.read(20, 20)
            for hour in (21, 30, 67):
                house.again()
                house.read(hour, hour)
                assert house.look() == {METER: 1}, hour
            house.again()
            house.read(70, 70)
            house.look()
            assert house.hours()[1][-38:] == span(31, 66) + span(68, 69), fast_s


def test_a_state_file_that_is_damaged_or_another_meters_is_not_believed():
    for state in (
        [],
        ["multical601", 1],
        ["multical601", 498648, [None, None], [0, 0]],
        ["multical601", 498648, [None, None], [0, 0], [3600, 0]],
        ["multical601", 498648, [None, None], [0, 0], [3600, "x", 0]],
        ["multical801", 498648, [None, None], [0, 0], [3600, 0, 0]],
        ["multical601", "x", [None, None], [0, 0], [3600, 0, 0]],
        ["multical601", 1, [None], [0], [3600, 0, 0]],
        {"a": 1},
    ):
        with House() as house:
            outage(house)
            house.save("backfill.json", state)
            house.again()
            assert house.look() == {METER: 1, TOP: 8}, state
