# When the meter is asked, and for what: the registers of the profile at their intervals, on the round times of the
# owner's clock once the date is known, inside the day's budget, and no oftener than the meter bears. Pure: seconds of
# uptime and Unix seconds (or None) come in. Imports its neighbours; throttle only where a meter needs it.

import sys

from micropython import const

from kmpeye.meter.budget import Budget

_MAX_REGISTERS = const(8)  # in one request (447 6.2.4)
_RETRIES = const(2)
_RETRY_S = const(60)  # after the first failure; doubled each time, up to the interval
_NOW_S = const(10)  # readings on request are at least this far apart
_OWNER_S = const(300)  # the owner of a fixed magnet may have a silent meter tried so often
_KEPT_S = const(3600)  # of the budget, one reading in this time is kept from requests for the plan
_SOON = const(8)  # a time is about to come when it is no more than 1 / this of an interval away
_RARE = const(3)  # from this try of a silence on they are 12 h apart: not for one reply that got lost
_PATIENCE = const(5)  # failures, half an hour of them, before the rest of the budget is spread over the day


class Plan:
    """What the reader asks before and tells after each reading.

    held: why it waits longer than its interval ("throttled", "budget_spent"), or None.
    retries: how often each request of the reading that is due may be repeated.
    slow_s: uptime at which the slow registers are due again; 0 while they are, until result() is told.
    east_s: seconds that the owner's clock is ahead of UTC, which whoever reads may set before result().
    extra_s: seconds that the budget or a rest put the reading after the last good one off, beyond the interval.
    """

    def __init__(self, profile, interval_s=None, can_replace_magnet=False, state=None):
        """can_replace_magnet: the hardware takes the magnet away between readings, so nobody else has to.
        state: what state() gave; ValueError when it is damaged or another meter's."""
        budget = throttle = None
        if state:
            from kmpeye.meter.plan_check import check

            budget, throttle = check(profile, state)
            # Nobody needs it again.
            del sys.modules["kmpeye.meter.plan_check"], sys.modules["kmpeye.meter"].plan_check
        self.profile = profile
        self.interval_s = interval_s or profile.interval_s
        self.can_replace_magnet = can_replace_magnet
        self.budget = Budget(profile.budget, budget)
        self.throttle = None
        if profile.kind == "water" and profile.wake["needs"] == "magnet":
            from kmpeye.meter.throttle import Throttle

            self.throttle = Throttle(throttle)
        self.next_s = 0  # uptime of the next reading
        self.held = None
        self.retries = _RETRIES
        self._asked = ()
        self._pending = list(profile.once)  # registers beside the live ones that are to be read
        self.slow_s = self.east_s = self.extra_s = 0
        self._failures = 0
        self._lacks = False  # memory, at the last failure
        # What a reading usually costs.
        self._replies = _requests(profile.live)
        self._awake_s = profile.wake["settle_ms"] // 1000 + 1
        self._now_s = 0  # uptime from which a reading may be asked for
        self._round = False  # whether next_s was a round time when it was chosen

    def wait_s(self, uptime_s):
        """Seconds until something is due."""
        return max(0, self.next_s - uptime_s)

    def due(self, uptime_s, unix):
        """The registers to be asked for now, as [(id, key)], or None."""
        if uptime_s < self.next_s:
            return None
        if self._round and unix is not None:
            self._round = False
            early_s = _to_round(self.interval_s, unix + self.east_s) - self.interval_s
            if early_s > 0:  # the clock was put back meanwhile: the hour before has its reading
                self.next_s = uptime_s + early_s
                return None
        throttle = self.throttle
        if throttle and throttle.restored:
            resumed = throttle.resume(uptime_s, unix)
            if not resumed or throttle.until_s() > uptime_s:
                self.held = "throttled"
                self.next_s = throttle.until_s() if resumed else uptime_s + _RETRY_S
                return None
        budget = self.budget
        budget.today(uptime_s, unix)
        room = budget.readings(1, self._awake_s)
        if not room:
            self.held = "budget_spent"
            self.next_s = uptime_s + budget.left_s(uptime_s)
            return None
        # A reading that comes a little early, as the clock was corrected, takes them with it.
        if uptime_s + self.interval_s // _SOON >= self.slow_s:
            self.slow_s = 0
            for one in self.profile.slow:
                if one not in self._pending:
                    self._pending.append(one)
        # Where replies are counted by the meter, a reading is one request; what does not fit comes next time.
        asked = (list(self.profile.live) + self._pending)[: (1 if throttle else room) * _MAX_REGISTERS]
        self._asked = asked
        # Damaged replies are spent too: no retry that could take more than there is.
        self.retries = min(_RETRIES, room // _requests(asked) - 1)
        if throttle and throttle.tries:
            self.retries = min(self.retries, 1 if throttle.tries >= _RARE else 0)
        return asked

    def result(self, uptime_s, unix, replies, awake_s, reason=None, retry_s=0):
        """How the reading went: replies the meter gave, good or damaged; seconds it was held awake; why it failed
        (head.transaction) or None; retry_s: uptime from which a port that cannot be used may be tried again."""
        budget = self.budget
        throttle = self.throttle
        budget.today(uptime_s, unix)
        budget.replies += replies
        budget.awake_s += awake_s
        self._awake_s = (3 * self._awake_s + awake_s + 3) // 4  # one that needed all retries is not the rule
        self._now_s = uptime_s + _NOW_S
        if throttle and replies:
            throttle.answered(uptime_s, replies, unix)
        local = unix and unix + self.east_s
        if not self.slow_s:
            self.slow_s = uptime_s + _to_round(self.profile.slow_s, local)
        pause = _to_round(self.interval_s, local)
        round_s = uptime_s + pause
        if reason is None:
            self._failures = 0
            self._pending = [one for one in self._pending if one not in self._asked]
        else:
            # That says nothing of the meter: what it did before does not make us wait.
            lacks = reason == "out_of_memory"
            if lacks != self._lacks:
                self._lacks = lacks
                self._failures = 0
            pause = min(pause, _RETRY_S << min(self._failures, 10))
            self._failures += 1
        if reason == "port_error":
            pause = retry_s - uptime_s
            self._failures = 0
        elif reason is None or self._failures > _PATIENCE:
            readings = budget.readings(self._replies, self._awake_s)
            pause = max(pause, budget.left_s(uptime_s) // max(1, readings))
        self.next_s = uptime_s + pause
        self.held = None
        if throttle:
            if reason == "no_light" or reason == "echo_only":
                throttle.silent(uptime_s)
                if throttle.tries:
                    self.next_s = 0
            until_s = throttle.until_s()
            if until_s > self.next_s:
                self.next_s = until_s
                if throttle.tries or throttle.resting():
                    self.held = "throttled"
        if reason is None:
            self.extra_s = self.next_s - round_s
        self._round = reason is None and self.next_s == round_s

    def ask_now(self, uptime_s):
        """Somebody wants a reading now. None: it is due, or under way; two who ask share it. Else why not, as a
        sentence, and in how many seconds."""
        throttle = self.throttle
        if uptime_s >= self.next_s and not (throttle and throttle.restored):
            return None
        if uptime_s < self._now_s:
            return "the meter was read less than %d s ago" % _NOW_S, self._now_s - uptime_s
        if throttle:
            free_s = throttle.until_s()
            if free_s > uptime_s and not self.can_replace_magnet:
                # Only the owner knows whether the magnet was just put back.
                free_s = min(free_s, max(throttle.tried_s, throttle.answered_s) + _OWNER_S)
            if free_s > uptime_s:
                return "the meter has gone silent or would, and needs a rest", free_s - uptime_s
            throttle.restored = False
        left_s = self.budget.left_s(uptime_s)
        # While it fails, whoever works on the head comes before the plan.
        kept = 0 if self._failures else left_s // max(self.interval_s, _KEPT_S)
        if self.budget.readings(self._replies, self._awake_s) <= kept:
            return "the replies or seconds awake of this day are spent or needed for the plan", left_s
        self.next_s = uptime_s
        self._round = False
        return None

    def state(self):
        """What a restart must not forget, for JSON."""
        throttle = self.throttle
        return {
            "profile": self.profile.name,
            "budget": self.budget.state(),
            "throttle": throttle.state() if throttle else None,
        }


def _requests(registers):
    """How many requests ask for so many registers."""
    return (len(registers) + _MAX_REGISTERS - 1) // _MAX_REGISTERS


def _to_round(interval_s, local):
    """Seconds from now to the next multiple of the interval on the owner's clock, but not an eighth of one: a clock
    that was corrected, or a start just before, would cost a reading."""
    if local is None:
        return interval_s
    pause = interval_s - local % interval_s
    return pause if pause > interval_s // _SOON else pause + interval_s
