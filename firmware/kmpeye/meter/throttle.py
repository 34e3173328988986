# What a water meter bears: some fall silent when asked too often (5 replies, then 12 h of silence, were seen).
# Imports nothing of ours; seconds of uptime come in. Loaded only for meters whose eye a magnet wakes.
#
# In a silence: tries of one request after 5 min, 1 h, then every 12 h, and afterwards back to the plan's interval in
# steps. The same number of replies before two silences running is what this meter bears: from then on it is left
# alone after that many, for a time that is narrowed down to 5 minutes. Now and then one more is asked for.

from micropython import const

_FIRST_S = const(300)
_SECOND_S = const(3600)
_THIRD_S = const(43200)
_LATE_S = const(10800)
# A silence that outlasted two tries 12 h apart ended because somebody moved the magnet, not by itself.
_LONGEST_S = const(100000)
_STATE = const(10)  # numbers in a state
_TRUST = const(2)  # rests until one more reply is asked for; doubled each time it was indeed not given
_MOST_TRUST = const(32)  # about once in three weeks
_SAME = const(2)  # silences running after the same number of replies: that is no accident
_SAME_LESS = const(3)  # the same for a number below what is known, which may be replies that got lost


class Throttle:
    def __init__(self, state=None):
        """state: what state() gave before a restart."""
        (
            self.bears,  # replies this meter gives until it falls silent; 0: not known
            self.least_s,  # so long after its last reply it was still silent
            self.most_s,  # so long after its last reply it answered again; 0: not known
            self.given,  # replies since its last silence or rest
            self._before,  # replies before the silence before this one
            self._same,  # silences running after that number of replies
            self._rests,  # until one more reply is asked for
            self._trust,  # how many rests there were in between the last time
            tries,
            self.unix,  # of the last reply; 0: not known
        ) = state or (0,) * _STATE
        # Uptime of the last reply, from which everything is counted; None: it never gave one. After a restart it is
        # at least as long ago as the start, until resume() knows better.
        self.answered_s = 0 if self.given else None
        # Without a reply, since the last one. After a restart one try at once: somebody may be working on the head.
        self.tries = min(tries, 1)
        self.tried_s = -_FIRST_S  # uptime of the last try without a reply
        self._pause_s = 0  # between readings on the way back from a silence
        self.restored = self.resting()

    def resume(self, uptime_s, unix):
        """After a restart, until it returns True: now the date is known and with it the age of the last reply, or
        there is nothing to wait for."""
        if unix and self.unix:
            self.answered_s = uptime_s - max(0, unix - self.unix)
        elif self.until_s() > uptime_s:
            return False
        self.restored = False
        return True

    def answered(self, uptime_s, replies, unix=None):
        """The meter gave that many replies."""
        if self.answered_s is not None:
            waited_s = uptime_s - self.answered_s
            if self.tries > 1 or (self.tries and self.resting()):
                self._learn(waited_s)
                self.given = 0
                self._pause_s = _SECOND_S
            else:  # one try in vain is a reply that got lost
                self._pause_s //= 2
                if self.resting():
                    if waited_s >= self._rest_s():  # left alone as planned
                        self.given = 0
                        self._rests -= 1
                        self._same = 0  # it bore that many once more
                        self.most_s = min(self.most_s, waited_s)
                elif self.bears and self.given >= self.bears:  # one more than it bore, and it bears it
                    self.bears = self.most_s = self._same = 0
        self.given += replies
        self.answered_s = uptime_s
        self.unix = unix or 0
        self.tries = 0

    def silent(self, uptime_s):
        """A try, and no reply. Not a throttle, and nothing is noted, while this meter has never answered."""
        if self.answered_s is None:
            return
        if self.bears and self.given >= self.bears:
            self.least_s = max(self.least_s, uptime_s - self.answered_s)
            if self.least_s >= self.most_s:
                self.most_s = 0
        self.tried_s = uptime_s
        self.tries += 1

    def until_s(self):
        """Uptime before which the meter is better left alone."""
        if self.answered_s is None:
            return 0
        if self.resting():
            return self.answered_s + self._rest_s()
        if not self.tries:
            return self.answered_s + self._pause_s
        if self.tries == 1:
            return self.tried_s + _FIRST_S
        if self.tries == 2:
            return self.tried_s + _SECOND_S
        # A silence that began otherwise than learned ends as learned, or a little later: its last reply got lost.
        learned_s = self.answered_s + self.most_s
        if learned_s > self.tried_s:
            return learned_s
        return self.tried_s + (_SECOND_S if self.tried_s < learned_s + _LATE_S and self.most_s else _THIRD_S)

    def state(self):
        return [
            self.bears,
            self.least_s,
            self.most_s,
            self.given,
            self._before,
            self._same,
            self._rests,
            self._trust,
            self.tries,
            self.unix,
        ]

    def resting(self):
        """It has given what it bears, and how long it is silent then is known."""
        if not self.most_s or self.given < self.bears:
            return False
        return self.tries > 0 or self._rests > 0

    def _rest_s(self):
        """Half way between what was too short and what was enough, until these are 5 minutes apart."""
        if self.most_s - self.least_s <= _FIRST_S:
            return self.most_s
        return (self.least_s + self.most_s) // 2

    def _learn(self, waited_s):
        """A silence is over, waited_s after the last reply before it."""
        given = self.given
        self._same = self._same + 1 if given == self._before else 1
        self._before = given
        if self.bears and given >= self.bears:  # one more was asked for, and not given
            self._trust = min(2 * self._trust, _MOST_TRUST)
        elif self._same >= (_SAME_LESS if self.bears else _SAME):
            self.bears = given
            self._trust = _TRUST
            self.least_s = self.tried_s - self.answered_s
        else:
            return
        self._rests = self._trust
        self.most_s = waited_s
        if waited_s > _LONGEST_S:
            self.least_s = self.most_s = 0
