"""Sixty days on every water meter with every throttle seen: nearly all that the meter allows is read, in its budget.

Virtual time; runs the scenarios of tools/benchmarks/throttle.py: the firmware's plan on the simulator's eyes.
"""

import functools
import json
from collections import Counter

import pytest

from benchmarks.throttle import DAY_S, DAYS, KINDS, NAIVE_S, START_UNIX, naive, ours, possible
from firmware_tree import FIRMWARE

METERS = ("multical21", "flowiq2101", "flowiq2200", "flowiq3100")
# A fixed magnet alone on a meter that wants it moved gives what one placing gives; the owner comes once a week.
HANDS = {"servo": (True, False), "fixed": (False, False), "fixed and an owner": (False, True)}
REBOOTS = tuple(range(50_000, DAYS * DAY_S, 40 * 3600 + 77))  # no two at the same time of day
WHOLE_DAYS = range(START_UNIX // DAY_S + 1, START_UNIX // DAY_S + DAYS)

best = functools.cache(possible)
planned = functools.cache(ours)


def budget(meter):
    return json.loads((FIRMWARE / "meters" / ("%s.json" % meter)).read_text())["budget"]["replies"]


@pytest.mark.parametrize("hand", HANDS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("meter", METERS)
def test_what_the_meter_allows_is_read(meter, kind, hand):
    servo, owner = HANDS[hand]
    for seed in range(3):
        tally = planned(meter, kind, servo, seed, owner)
        limit = best(meter, kind, servo, seed, owner)
        assert len(tally.readings) >= 0.95 * len(limit.readings)
        assert max(tally.days(tally.replies).values()) <= budget(meter)
        days, allowed = tally.days(tally.readings), limit.days(limit.readings)
        assert not [day for day in WHOLE_DAYS if day in allowed and day not in days]


@pytest.mark.parametrize("kind", KINDS)
def test_power_cuts_cost_no_more_than_the_reading_they_hit(kind):
    tally = ours("flowiq2200", kind, True, restarts=REBOOTS)
    limit = best("flowiq2200", kind, True, 0, False)
    assert len(tally.readings) >= 0.95 * len(limit.readings)
    assert max(tally.days(tally.replies).values()) <= budget("flowiq2200")


# Where the meter counts its replies, one that gets lost is gone, and the silence begins before it is expected.
WEAK = (("free", 0.1, 0.99), ("dropout", 0.1, 0.99), ("replies12", 0.1, 0.99), ("five12h", 0.02, 0.98 * 0.95))


@pytest.mark.parametrize("kind, loss, least", WEAK)
def test_weak_light_is_not_taken_for_a_throttle(kind, loss, least):
    for seed in range(5):
        tally = ours("multical21", kind, True, seed, loss=loss)
        limit = best("multical21", kind, True, 0, False)
        assert len(tally.readings) >= least * len(limit.readings)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("interval_s", (60, 300))
def test_an_interval_beyond_the_budget_is_spread_over_the_day(kind, interval_s):
    tally = ours("multical21", kind, True, interval_s=interval_s)
    assert max(tally.days(tally.replies).values()) <= budget("multical21")
    assert set(WHOLE_DAYS) <= set(tally.days(tally.readings))
    if kind == "free":
        assert len({one // 3600 for one in tally.readings}) >= 23 * DAYS


def test_what_a_meter_bears_is_learned_and_it_is_rarely_asked_in_vain():
    tally = planned("multical21", "five12h", True, 0, False)
    throttle = tally.plan.throttle
    assert throttle.bears == 5
    assert 12 * 3600 - 300 <= throttle.most_s <= 12 * 3600 + 300
    assert tally.silences < DAYS  # naive: 720 a day
    early = Counter((one // (10 * DAY_S)) for one in tally.replies)
    assert early[5] >= early[0]  # it got better, or was as good from the start


def test_a_meter_that_stays_silent_is_tried_twice_a_day():
    tally = planned("multical21", "dropout", False, 0, False)
    assert len(tally.readings) == 1
    # Each try repeats its request once: a reply may have been lost.
    assert tally.silences <= 2 * (2 * DAYS + 5)
    assert tally.plan.held == "throttled"


def test_ours_never_needs_what_polling_wastes():
    for kind in KINDS:
        mine = planned("multical21", kind, True, 0, False)
        for every_s in NAIVE_S:
            polled = naive(kind, every_s)
            assert mine.hours_a_day() >= polled.hours_a_day()
            if kind != "free":
                assert polled.silences > 100 * mine.silences
