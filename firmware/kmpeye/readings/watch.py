# A watch for water that never stops, for meters whose info code has no bit for it: an hour that passes without flow
# is what a tight house has every day. No clock and no I/O; imports the guard's arithmetic of time.
# Promises: a time nobody saw neither raises the flag nor takes it away.

from micropython import const

from kmpeye.readings.guard import elapsed_s

FLAG = "continuous_flow"

_DRY_S = const(3600)  # this long without flow and the water does stop
_WATCHED_S = const(86400)  # this much seen without such an hour and it does not
_HOUR_S = const(4500)  # readings this far apart still tell hour from hour: one an hour, and some retries


class FlowWatch:
    """Takes the volume of each reading. active: the flag. state: what state() gave before the restart, or with
    same_run since then; anything else starts anew. The meter's last digit is what it can see: a leak smaller than that
    in an hour is not."""

    def __init__(self, state=None, same_run=False):
        self._last = None  # (unit, mantissa, exponent) of the volume
        self._uptime_s = None
        self._unix = None
        self._start()
        try:
            *last, unix, self._seen_s, self._unseen_s, self._dry_s, active, uptime_s = state
            self.active = bool(active)
            whole = all(isinstance(number, int) for number in last + state[4:7])
        except (TypeError, ValueError):
            whole = False
        if whole and len(last) == 3 and (unix is None or isinstance(unix, int)):
            self._last, self._unix = tuple(last), unix
            if same_run:
                self._uptime_s = uptime_s
        else:  # not a state
            self._start()

    def _start(self):
        self.active = False
        self._seen_s = 0  # watched since the last hour without flow
        self._unseen_s = 0  # the part of that time nobody can judge
        self._dry_s = 0  # without flow up to the last reading

    def state(self):
        """All that has to survive a restart, for JSON; None before the first reading."""
        if not self._last:
            return None
        counted = [self._unix, self._seen_s, self._unseen_s, self._dry_s, self.active, self._uptime_s]
        return list(self._last) + counted

    def feed(self, unit, mantissa, exponent, uptime_s, unix=None):
        """The volume of a reading that passed the guard. Returns active."""
        last, self._last = self._last, (unit, mantissa, exponent)
        seconds = elapsed_s(self._uptime_s, self._unix, uptime_s, unix)
        self._uptime_s, self._unix = uptime_s, unix
        if not last:
            return self.active
        if (unit, exponent) != (last[0], last[2]):
            return self._unseen(seconds)  # digits that differ in size do not tell whether anything flowed
        rise = mantissa - last[1]
        if rise < 0:
            self._start()  # another meter
        elif not rise:
            # The same total: nothing flowed, however long that was.
            self._dry_s += seconds or 0
            self._seen_s += seconds or 0
            if self._dry_s >= _DRY_S:
                self._seen_s = self._unseen_s = 0
                self.active = False
        elif seconds is None or seconds > _HOUR_S:
            return self._unseen(seconds)
        else:
            self._dry_s = 0
            self._seen_s += seconds
        if self._seen_s >= _WATCHED_S:
            self.active = True
        return self.active

    def _unseen(self, seconds):
        """An hour without flow may have been in this time, or not. What was seen before is too old to count once
        more than a day went by unseen."""
        self._dry_s = 0
        self._unseen_s += _WATCHED_S if seconds is None else seconds
        if self._unseen_s >= _WATCHED_S:
            self._seen_s = self._unseen_s = 0
        return self.active
