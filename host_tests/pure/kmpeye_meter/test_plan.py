# The plan: which registers when, the clock, failures, the budget, requests in between, restarts.

from kmpeye.meter.plan import Plan
from kmpeye.meter.profile import load

DAY = 86400
HOUR = 3600
MIDNIGHT = 20779 * DAY  # 2026-11-22 00:00 UTC
NINE = MIDNIGHT + 9 * HOUR


def profile(name="multical21"):
    one = load(name, "firmware/meters")
    one.live, one.slow, one.once = list(one.live), list(one.slow), list(one.once)
    return one


def keys(asked):
    return [key for _, key in asked]


def waited(plan, at, shift_s):
    """When a reading planned for `at` comes, on a clock that is shift_s from uptime."""
    return at if plan.due(at, at + shift_s) else plan.next_s


def read(plan, at, unix=None, reason=None, replies=1, awake_s=6):
    """One reading; what was asked for."""
    asked = plan.due(at, unix)
    assert asked, (at, plan.next_s)
    plan.result(at, unix, replies, awake_s, reason)
    return asked


def test_where_the_meter_counts_replies_a_reading_is_one_request_and_the_rest_follows():
    one = profile()
    plan = Plan(one)
    asked = [read(plan, at * HOUR) for at in range(4)]
    assert [len(row) for row in asked[:3]] == [8, 8, 6]
    assert all(row[:5] == one.live for row in asked)
    assert [register for row in asked for register in row[5:]] == one.once + one.slow
    assert keys(asked[3]) == keys(one.live)


def test_other_meters_are_asked_everything_at_once():
    one = profile("multical601")
    plan = Plan(one)
    assert read(plan, 0) == one.live + one.once + one.slow
    assert read(plan, HOUR) == one.live
    assert plan.throttle is None


def test_slow_ones_come_with_the_first_reading_of_the_owners_day():
    one = profile("multical601")
    for east_s, drift_s in ((3600, 0), (3600, 2), (3600, -2), (7200, 0), (-18000, 1), (19800, -1)):
        plan = Plan(one)
        at = 5 * HOUR
        for reading in range(60):
            plan.east_s = east_s
            at = waited(plan, at, NINE + drift_s * (at // DAY))  # the chip's clock is corrected once a day
            unix = NINE + at + drift_s * (at // DAY)
            asked = keys(read(plan, at, unix))
            local = (unix + east_s) % DAY
            if reading:
                assert (len(asked) > 8) == (local < 60 or local > DAY - 60), (east_s, drift_s, reading)
            at = plan.next_s


def test_what_was_not_answered_is_asked_again():
    plan = Plan(profile())
    first = read(plan, 0, reason="no_light", replies=0)
    assert read(plan, plan.next_s) == first


def test_the_slow_ones_come_once_a_day_and_once_means_once():
    one = profile("multical601")
    plan = Plan(one)
    days = [[keys(read(plan, day * DAY + hour * HOUR)) for hour in range(24)] for day in range(3)]
    for day in (1, 2):
        assert days[day][0] == keys(one.live + one.slow)
        assert days[day][1:] == [keys(one.live)] * 23


ALIGNED = (
    # interval, Unix time of a reading, seconds to the next, why
    (HOUR, None, HOUR, "no date"),
    (HOUR, NINE, HOUR, "on the hour"),
    (HOUR, NINE + 6, HOUR - 6, "just after"),
    (HOUR, NINE + 1800, 1800, "half past"),
    (HOUR, NINE - 2, HOUR + 2, "a clock set back by two seconds"),
    (HOUR, NINE - 450, HOUR + 450, "too near"),
    (HOUR, NINE - 451, 451, "not too near"),
    (DAY, NINE, 15 * HOUR, "at midnight"),
    (300, NINE + 70, 230, "five minutes"),
)


def test_readings_are_on_the_round_times_of_the_clock():
    for interval_s, unix, pause, why in ALIGNED:
        plan = Plan(profile("multical601"), interval_s)
        plan.budget.limits = {"replies": 100000, "awake_s": 100000}
        read(plan, 77, unix)
        assert plan.wait_s(77) == pause, why
        assert plan.due(77 + pause - 1, None) is None


PUT_BACK = (
    # interval, seconds that the clock is put back after a reading on the hour, seconds to the next, why
    (HOUR, 0, HOUR, "as planned"),
    (HOUR, 1, HOUR + 1, "not in the hour that has its reading"),
    (HOUR, 450, HOUR + 450, "the most"),
    (HOUR, 451, HOUR, "there is time for one more"),
    (HOUR, -2, HOUR, "put forward"),
    (DAY, 60, 15 * HOUR + 60, "midnight"),
    (300, 20, 320, "five minutes"),
)


def test_a_clock_put_back_a_little_does_not_cost_the_reading_of_an_hour():
    for interval_s, back_s, pause, why in PUT_BACK:
        plan = Plan(profile("multical601"), interval_s)
        plan.budget.limits = {"replies": 100000, "awake_s": 100000}
        read(plan, 0, NINE)
        assert waited(plan, plan.next_s, NINE - back_s) == pause, why
        assert plan.due(plan.next_s, NINE - back_s + plan.next_s), "waits no second time"
    plan = Plan(profile("multical601"))
    read(plan, 0, NINE)
    assert plan.ask_now(HOUR - 60) is None
    assert plan.due(HOUR - 60, NINE + HOUR - 60), "asked for: at once"
    read(plan, HOUR - 60, NINE + HOUR - 60, "bad_crc")
    at = plan.next_s
    assert plan.due(at, NINE + HOUR - 10), "a retry: at once"


def test_mains_meters_are_read_at_their_pace():
    plan = Plan(profile("multical801"))
    asked = read(plan, 0, NINE, awake_s=2)
    read(plan, 10, NINE + 10, replies=(len(asked) + 7) // 8, awake_s=2)
    assert plan.wait_s(10) == 10


def test_failures_are_tried_again_at_growing_pauses():
    plan = Plan(profile("multical601"))
    at = 0
    pauses = []
    for _ in range(5):
        read(plan, at, None, "bad_crc", awake_s=1)
        pauses.append(plan.wait_s(at))
        at = plan.next_s
    assert pauses == [60, 120, 240, 480, 960]
    assert plan.held is None
    read(plan, at)
    assert plan.wait_s(at) == HOUR


def test_a_meter_that_never_answers_does_not_eat_the_budget_of_its_day():
    plan = Plan(profile())
    at = tries = 0
    while at < DAY:
        read(plan, at, None, "no_light", 0, 10)
        tries += 1
        at = plan.next_s
        assert plan.held is None
    assert 20 <= tries <= 24


def test_a_missing_port_is_tried_again_when_the_line_may_and_costs_nothing():
    plan = Plan(profile())
    at = 0
    for pause_s in (2, 4, 8, 256, 300, 300):
        assert plan.due(at, None)
        plan.result(at, None, 0, 0, "port_error", at + pause_s)
        assert plan.wait_s(at) == pause_s
        at = plan.next_s
    assert plan.budget.readings(1, 1) == 60
    read(plan, at, None, "no_light", 0)
    assert plan.wait_s(at) == 60, "a meter that does not answer then is a new matter"


def test_a_rare_try_does_not_fail_for_one_reply_that_got_lost():
    plan = Plan(profile())
    read(plan, 0)
    at = HOUR
    retries = []
    for _ in range(5):
        read(plan, at, None, "no_light", 0)
        retries.append((plan.wait_s(at), plan.retries))
        at = plan.next_s
    assert retries == [(300, 2), (HOUR, 0), (12 * HOUR, 0), (12 * HOUR, 1), (12 * HOUR, 1)]


def test_memory_that_is_short_says_nothing_of_the_meter_and_waits_anew():
    plan = Plan(profile())
    at = 0
    for _ in range(6):
        read(plan, at, None, "no_light", 0)
        at = plan.next_s
    for pause_s in (60, 120):
        read(plan, at, None, "out_of_memory", 0)
        assert plan.wait_s(at) == pause_s
        at = plan.next_s
    read(plan, at, None, "no_light", 0)
    assert plan.wait_s(at) == 60


def test_a_silent_water_meter_is_throttled_and_tried_with_one_request():
    plan = Plan(profile())
    read(plan, 0)
    read(plan, HOUR, None, "no_light", 0)
    assert (plan.held, plan.wait_s(HOUR), plan.retries) == ("throttled", 300, 2)
    read(plan, HOUR + 300, None, "echo_only", 0)
    assert (plan.held, plan.wait_s(HOUR + 300), plan.retries) == ("throttled", HOUR, 0)
    read(plan, 2 * HOUR + 300)
    assert (plan.held, plan.retries) == (None, 0)
    read(plan, 3 * HOUR + 300)
    assert plan.retries == 2


def test_retries_stay_within_the_budget():
    for spent, retries in ((0, 2), (57, 2), (58, 1), (59, 0)):
        plan = Plan(profile())
        plan.budget.replies = spent
        assert plan.due(0, None) and plan.retries == retries
    plan = Plan(profile("multical601"))
    plan.budget.replies = 59
    assert len(plan.due(0, None)) == 8 and plan.retries == 0


def test_damaged_replies_are_no_silence():
    plan = Plan(profile())
    read(plan, 0)
    read(plan, HOUR, None, "bad_crc", 3)
    assert plan.held is None and plan.wait_s(HOUR) == 60
    assert plan.throttle.given == 4  # the meter gave them


def test_other_meters_are_never_throttled():
    plan = Plan(profile("multical403"))
    read(plan, 0)
    read(plan, HOUR, None, "no_light", 0)
    assert plan.held is None and plan.wait_s(HOUR) == 60


def test_an_interval_beyond_the_budget_is_stretched():
    plan = Plan(profile(), 60)
    at = count = 0
    while at < DAY:
        read(plan, at, MIDNIGHT + at, awake_s=6)
        count += 1
        at = plan.next_s
    assert 38 <= count <= 40  # 240 s of 6
    assert plan.budget.awake_s <= 240 or count == 40


def test_a_spent_budget_waits_for_the_next_day():
    plan = Plan(profile())
    plan.budget.today(0, NINE)
    plan.budget.replies = 60
    assert plan.due(0, NINE) is None
    assert (plan.held, plan.wait_s(0)) == ("budget_spent", 15 * HOUR)
    assert plan.ask_now(100)[1] == 15 * HOUR - 100
    assert read(plan, 15 * HOUR, MIDNIGHT + DAY)
    assert plan.held is None


def test_a_reading_on_request_is_due_at_once_and_shared():
    plan = Plan(profile())
    assert plan.ask_now(0) is None  # the first is due
    read(plan, 0)
    assert plan.ask_now(100) is None
    assert plan.ask_now(101) is None  # under way
    read(plan, 100)
    assert plan.ask_now(110) is None


def test_readings_on_request_are_ten_seconds_apart():
    plan = Plan(profile())
    read(plan, 0)
    why, free_s = plan.ask_now(3)
    assert "10 s" in why and free_s == 7


def test_requests_leave_the_plan_its_readings():
    plan = Plan(profile())
    hours = []
    for at in range(0, DAY, 30):  # somebody asks all the time
        if plan.ask_now(at) is None:
            assert plan.due(at, MIDNIGHT + at), at
            plan.result(at, MIDNIGHT + at, 1, 1)
            hours.append(at // HOUR)
    assert len(hours) == 60 and len(set(hours)) == 24


def test_whoever_works_on_a_failing_head_comes_before_the_plan():
    plan = Plan(profile())
    read(plan, 0, None, "no_light", 0, 10)
    plan.budget.awake_s = 200  # too little for the hours to come
    assert plan.ask_now(30) is None
    read(plan, 30)
    assert plan.ask_now(60)[1] == DAY - 60


def test_a_silent_meter_is_tried_on_request_only_where_a_hand_may_have_helped():
    for can_replace, free_at in ((True, HOUR + 300 + HOUR), (False, HOUR + 600)):
        plan = Plan(profile(), None, can_replace)
        read(plan, 0)
        read(plan, HOUR, None, "no_light", 0)
        read(plan, HOUR + 300, None, "no_light", 0)
        why, free_s = plan.ask_now(HOUR + 400)
        assert "rest" in why and HOUR + 400 + free_s == free_at
        assert plan.ask_now(free_at) is None


def test_a_restart_keeps_the_budget_and_what_was_learned():
    plan = Plan(profile())
    read(plan, 0, NINE)
    read(plan, HOUR, NINE + HOUR, "no_light", 0)
    again = Plan(profile(), None, False, plan.state())
    assert again.due(0, None) and again.retries == 0
    again.result(8, NINE + 4000, 1, 6)
    assert again.budget.state() == [20779, 2, 18]
    assert again.throttle.given == 2


RESTING = {
    "profile": "multical21",
    "budget": [0, 0, 0],
    "throttle": [5, 43000, 43200, 5, 5, 0, 3, 4, 0, NINE],
}


def test_a_rest_after_a_restart_ends_when_the_owner_of_a_fixed_magnet_asks():
    plan = Plan(profile(), None, False, RESTING)
    assert plan.due(0, None) is None
    assert plan.ask_now(100)[1] == 200
    assert plan.ask_now(300) is None
    assert plan.due(300, None)


def test_a_rest_is_kept_over_a_restart():
    plan = Plan(profile(), None, True, RESTING)
    assert plan.due(0, None) is None and plan.held == "throttled"
    assert plan.due(59, NINE + HOUR) is None
    assert plan.due(60, NINE + HOUR) is None
    assert plan.wait_s(60) == 43200 - HOUR
    assert plan.due(60 + 43200 - HOUR, NINE + 43200)


PUT_OFF = (
    # profile, interval, state, Unix time of a reading, put off beyond its interval, why
    ("multical601", HOUR, None, NINE, False, "as planned"),
    ("multical601", HOUR, None, NINE - 450, False, "the next full hour is too near"),
    ("multical21", 60, None, NINE, True, "the budget stretches it"),
    (
        "multical21",
        HOUR,
        dict(RESTING, throttle=[5, 43000, 43200, 4, 5, 0, 3, 4, 0, NINE]),
        NINE,
        True,
        "a rest",
    ),
)


def test_it_is_told_by_how_much_a_reading_was_put_off_on_purpose():
    for name, interval_s, state, unix, put_off, why in PUT_OFF:
        plan = Plan(profile(name), interval_s, True, state)
        read(plan, 77, unix)
        extra_s = plan.extra_s
        assert extra_s >= 0 and (extra_s > 2 * interval_s) is put_off, (why, extra_s)
        assert extra_s in (0, plan.wait_s(77) - interval_s), why
        read(plan, plan.next_s, unix + plan.wait_s(77), "bad_crc")
        assert plan.extra_s == extra_s, "a failure is not on purpose"


GOOD = {"profile": "multical21", "budget": [1, 2, 3], "throttle": [0] * 10}
DAMAGED = (
    ({"profile": "flowiq2200", "budget": [1, 2, 3], "throttle": None}, "another meter"),
    ({"profile": "multical21", "budget": [1, 2]}, "no throttle"),
    ({"profile": "multical21", "budget": [1, 2], "throttle": None}, "too short"),
    ({"profile": "multical21", "budget": [1, 2, "3"], "throttle": None}, "a text"),
    ({"profile": "multical21", "budget": [1, 2, -3], "throttle": None}, "negative"),
    ({"profile": "multical21", "budget": [1, 2, 3], "throttle": [0] * 11}, "too long"),
    ({"profile": "multical21", "budget": [1, 2, 3], "throttle": [1 << 40] * 10}, "too large"),
    (
        {"profile": "multical21", "budget": [1, 2, 3], "throttle": [5, 0, 1 << 30, 5, 5, 0, 3, 4, 0, 1]},
        "rests for years",
    ),
    ({"profile": "multical21", "budget": 7, "throttle": None}, "no list"),
    ([1], "no object"),
    ("x", "a text"),
)


def test_a_state_that_is_damaged_or_another_meters_is_refused():
    Plan(profile(), None, False, GOOD)
    for state, why in DAMAGED:
        try:
            Plan(profile(), None, False, state)
        except ValueError as e:
            assert "learned" in str(e), why
        else:
            raise AssertionError(why)
