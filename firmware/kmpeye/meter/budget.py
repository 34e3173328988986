# What the meter's battery may be asked for in a day: replies and seconds awake. Imports nothing of ours; seconds of
# uptime and the date (or None) come in. Promises: the counts outlive a restart, and a day begins once, at midnight
# UTC when the date is known, else 24 h after the last one began.

from micropython import const

_DAY_S = const(86400)


class Budget:
    def __init__(self, limits, state=None):
        """limits: the profile's {"replies", "awake_s"}; state: what state() gave before a restart."""
        self.limits = limits
        self._day, self.replies, self.awake_s = state or (0, 0, 0)  # days since 1970, what this one has cost
        self._end_s = _DAY_S  # uptime at which the day ends

    def today(self, uptime_s, unix):
        """Begin a new day if it is time."""
        if unix is None:
            if uptime_s < self._end_s:
                return
            self._end_s = uptime_s + _DAY_S
        else:
            self._end_s = uptime_s + _DAY_S - unix % _DAY_S
            day = self._day
            self._day = unix // _DAY_S
            # 0: the date has only now become known. A date set back is no new day either.
            if not day or self._day <= day:
                return
        self.replies = self.awake_s = 0

    def readings(self, replies, awake_s):
        """How many more readings of that cost this day has room for."""
        limits = self.limits
        return max(
            0,
            min(
                (limits["replies"] - self.replies) // max(1, replies),
                (limits["awake_s"] - self.awake_s) // max(1, awake_s),
            ),
        )

    def left_s(self, uptime_s):
        """Seconds until the next day; at least one."""
        return max(1, self._end_s - uptime_s)

    def state(self):
        return [self._day, self.replies, self.awake_s]
