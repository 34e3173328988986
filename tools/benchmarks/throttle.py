# Sixty days on a water meter that bears only so much, in invented time: our plan against polling without one.
# Imports the firmware's plan and profiles and the simulator's eyes. Promise: each counts on an eye of its own, with the
# same seed; the eye alone decides what is answered.

import pathlib
import random
import sys
from dataclasses import dataclass, field

from benchmarks.figure import Figure
from firmware_tree import FIRMWARE, ROOT

# kind of the issue: kind of kmpsim.eye
KINDS = {"free": "magnet", "dropout": "dropout", "replies12": "replies12", "five12h": "five12h"}
NAIVE_S = (30, 60, 300)

FIGURES = tuple(
    figure
    for kind in KINDS
    for figure in (
        Figure("throttle_%s_ours" % kind, "readings a day, hourly plan, servo"),
        Figure("throttle_%s_hours_ours" % kind, "hours of a day with a reading, the same"),
        *(Figure("throttle_%s_naive_%ds" % (kind, one), "readings a day, fixed magnet") for one in NAIVE_S),
        Figure("throttle_%s_hours_naive_60s" % kind, "hours of a day with a reading, the same"),
    )
)

DAYS = 60
DAY_S = 86_400
HOUR_S = 3600
START_UNIX = 1_795_330_980  # 2026-11-22 09:03 UTC
WEEK_S = 7 * DAY_S
_SILENCE_MS = 1600  # waited for the first byte of a reply (447 2.1)
_QUIET_MS = 1700  # and then before the next try
_REPLY_MS = 800  # request and reply of 8 registers
_AWAY_S = 120  # for so long the owner lifts the head
_LOOK_S = 10  # and then waits before asking


def firmware():
    """(profile.load, Plan, Eye), found as on the chip."""
    for folder in (FIRMWARE, ROOT / "tools" / "cpython"):
        if str(folder) not in sys.path:
            sys.path.append(str(folder))
    from kmpeye.meter.plan import Plan
    from kmpeye.meter.profile import load
    from kmpsim.eye import Eye

    return load, Plan, Eye


@dataclass
class Tally:
    """What came of it; times are seconds from the start."""

    readings: list = field(default_factory=list)
    replies: list = field(default_factory=list)
    silences: int = 0  # requests that were not answered
    plan: object = None

    def a_day(self):
        return len(self.readings) / DAYS

    def hours_a_day(self):
        return len({(START_UNIX + one) // HOUR_S for one in self.readings}) / DAYS

    def days(self, times):
        """{day of the calendar: how many of the times}."""
        found = {}
        for one in times:
            day = (START_UNIX + one) // DAY_S
            found[day] = found.get(day, 0) + 1
        return found


class Owner:
    """With a fixed magnet somebody lifts the head once a week, puts it back and asks for a reading."""

    def __init__(self, eye, comes):
        self._eye = eye
        self.next_s = WEEK_S if comes else None

    def visit(self):
        """The head is lifted and put back; returns when the reading is asked for."""
        at = self.next_s
        self._eye.magnet(False, at * 1000)
        self._eye.magnet(True, (at + _AWAY_S) * 1000)
        self.next_s += WEEK_S
        return at + _AWAY_S + _LOOK_S


def session(eye, profile, servo, at_s, tries, tally, lost=None):
    """One reading as the head makes it: (heard, ms until it was over). lost() says whether a reply goes astray."""
    at = at_s * 1000
    if servo:
        eye.magnet(True, at)
        at += profile.wake["settle_ms"]
    heard = False
    while tries and not heard:
        tries -= 1
        if eye.off(at) is None:
            eye.replied(at)
            tally.replies.append(at // 1000)
            heard = not (lost and lost())
        if heard:
            at += _REPLY_MS
        else:
            tally.silences += 1
            at += _SILENCE_MS + (_QUIET_MS if tries else 0)
    if servo:
        eye.magnet(False, at)
    return heard, at - at_s * 1000


def ours(meter, kind, servo, seed=0, owner=False, interval_s=None, restarts=(), loss=0):
    """The Tally of our plan. restarts: seconds at which the power goes; what the plan kept is given back, the date is
    known again half a minute later. loss: how probably a reply is not heard."""
    load, Plan, Eye = firmware()
    profile = load(meter, str(pathlib.Path(FIRMWARE) / "meters"))
    eye = Eye(KINDS[kind], seed)
    if not servo:
        eye.magnet(True, -5000)
    tally = Tally(plan=Plan(profile, interval_s, servo))
    plan = tally.plan
    person = Owner(eye, owner)
    restarts = list(restarts)
    rng = random.Random("loss %d" % seed)
    booted = now = asked = 0
    while now < DAYS * DAY_S:
        if person.next_s is not None and now >= person.next_s:
            now = asked = person.visit()
        if restarts and now >= restarts[0]:
            booted = now = max(now, restarts.pop(0))
            plan = tally.plan = Plan(profile, interval_s, servo, plan.state())
        if asked:
            refused = plan.ask_now(now - booted)
            asked = asked if refused else 0
        unix = None if booted and now - booted < 30 else START_UNIX + now
        due = plan.due(now - booted, unix)
        if due:
            heard, took_ms = session(
                eye, profile, servo, now, 1 + plan.retries, tally, lambda: rng.random() < loss
            )
            awake_s = (took_ms + 999) // 1000
            if heard:
                tally.readings.append(now)
            now += awake_s
            plan.result(now - booted, START_UNIX + now, int(heard), awake_s, None if heard else "no_light")
        step = max(1, plan.wait_s(now - booted))
        if asked or unix is None:
            step = min(step, 10)
        marks = [mark for mark in (person.next_s, *restarts[:1]) if mark is not None and mark > now]
        now = min([now + step, *marks])
    return tally


def possible(meter, kind, servo, seed=0, owner=False):
    """The Tally of somebody who knows the eye's rule: asks on the hour and when the owner does, and only if it would
    answer."""
    load, _, Eye = firmware()
    profile = load(meter, str(pathlib.Path(FIRMWARE) / "meters"))
    eye = Eye(KINDS[kind], seed)
    if not servo:
        eye.magnet(True, -5000)
    tally = Tally()
    person = Owner(eye, owner)
    first = HOUR_S - START_UNIX % HOUR_S
    slots = [0, *range(first, DAYS * DAY_S, HOUR_S)]
    while slots:
        now = slots.pop(0)
        if person.next_s is not None and now >= person.next_s:
            slots.insert(0, now)
            now = person.visit()
        if session(eye, profile, servo, now, 1, tally)[0]:
            tally.readings.append(now)
    return tally


def naive(kind, every_s, seed=0):
    """The Tally of a reader that asks every so many seconds, its magnet always there."""
    _, _, Eye = firmware()
    eye = Eye(KINDS[kind], seed)
    eye.magnet(True, -5000)
    tally = Tally()
    for now in range(0, DAYS * DAY_S, every_s):
        if session(eye, None, False, now, 1, tally)[0]:
            tally.readings.append(now)
    return tally


def measure():
    values = {}
    for kind in KINDS:
        tally = ours("multical21", kind, servo=True)
        values["throttle_%s_ours" % kind] = tally.a_day()
        values["throttle_%s_hours_ours" % kind] = tally.hours_a_day()
        for every_s in NAIVE_S:
            polled = naive(kind, every_s)
            values["throttle_%s_naive_%ds" % (kind, every_s)] = polled.a_day()
            if every_s == 60:
                values["throttle_%s_hours_naive_60s" % kind] = polled.hours_a_day()
    return values
