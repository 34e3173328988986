# What goes wrong in a soak, and when: windows and moments drawn from a seed. Imports nothing of ours.
# Promise: the same seed and length give the same troubles on every interpreter.

HOUR_MS = 3600000
DAY_MS = 24 * HOUR_MS

# Windows: (what, how often in 64 days, least and most minutes).
WINDOWS = (
    ("silent", 48, 5, 480),  # the head fell off, or the meter is asleep
    ("unplugged", 12, 1, 60),  # the port is gone
    ("weak", 24, 30, 360),  # half of the replies are damaged, and stray light comes in between
)
# Moments: (what, how often in 64 days).
MOMENTS = (
    ("power", 16),  # cut, and back after a while
    ("jump", 24),  # the name server of the time is wrong, for an hour
    ("memory", 96),  # none left, at one of the places of soak.shortage
)
# Windows that have no part in the others' numbers, so that a seed keeps its troubles of old; one of a name ends long
# before the next begins.
APART_WINDOWS = (
    ("wifi", 96, 1, 40),  # an hour of it is followed by a restart
    ("refusing", 32, 1, 600),  # the broker is not there, and the connection with it ends
    ("mute", 32, 1, 600),  # the same, but nobody says so
)
_APART_MS = HOUR_MS // 2
_SPREAD_DAYS = 64


class Troubles:
    """windows: [(begin ms, end ms, what)]; moments: [(ms, what, number)], both in the order of time."""

    def __init__(self, chance, days):
        self.windows = []
        self.moments = []
        span = days * DAY_MS // 60000
        self._draw(WINDOWS, chance, days)
        for what, often in MOMENTS:
            for _ in range((often * days + _SPREAD_DAYS - 1) // _SPREAD_DAYS):
                self.moments.append(
                    (chance.below(span) * 60000 + chance.below(60000), what, chance.below(1 << 20))
                )
        self._draw(APART_WINDOWS, chance, days)
        self.windows.sort()
        apart = {one[0]: -_APART_MS for one in APART_WINDOWS}  # end of its last window
        for window in self.windows[:]:
            begin, end, what = window
            if what in apart:
                if begin - apart[what] < _APART_MS:
                    self.windows.remove(window)
                else:
                    apart[what] = end
        self.moments.sort()
        self.met = set()  # what somebody was in the way of
        # What has passed stays, so that a test's own memory stands still.
        self._next = 0  # of the moments
        self._first = 0  # of the windows that have not passed

    def _draw(self, table, chance, days):
        span = days * DAY_MS // 60000
        for what, often, least, most in table:
            for _ in range((often * days + _SPREAD_DAYS - 1) // _SPREAD_DAYS):
                begin = chance.below(span) * 60000 + chance.below(60000)
                self.windows.append((begin, begin + chance.between(least, most) * 60000, what))

    def active(self, what, ms):
        windows = self.windows
        while self._first < len(windows) and windows[self._first][1] <= ms:
            self._first += 1
        for i in range(self._first, len(windows)):
            begin, end, one = windows[i]
            if begin > ms:
                return False
            if one == what and ms < end:
                self.met.add(what)
                return True
        return False

    def take(self, ms):
        """(what, number) of the next moment that has come, or None."""
        if self._next == len(self.moments) or self.moments[self._next][0] > ms:
            return None
        self._next += 1
        return self.moments[self._next - 1][1:]

    def next_edge(self, ms):
        """When the next window begins or ends, or a moment comes."""
        edge = ms + DAY_MS
        if self._next < len(self.moments):
            edge = min(edge, self.moments[self._next][0])
        for i in range(self._first, len(self.windows)):
            begin, end, _ = self.windows[i]
            if begin > ms:
                return min(edge, begin)
            if end > ms:
                edge = min(edge, end)
        return edge
