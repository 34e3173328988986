# Why there is no reading, as one state with a code: from what the head says of its last try, what the line counted
# during all of them, and whether this meter ever answered. Imports nothing of ours; the sentences are in advice.
#
# ok, asleep, no_light, echo_only, garbled, bad_crc, other_device, throttled, refused, budget_spent, port_error

from micropython import const

_FEW = const(3)  # bytes in a reading: a lone 00 before each try means nothing (447 2)


class Diagnosis:
    def __init__(self, needs, throttles, answered=False):
        """needs: the profile's wake["needs"]; throttles: whether the plan has a throttle for this meter; answered:
        whether it answered before."""
        self.state = None
        self._needs = needs
        self._throttles = throttles
        self._answered = answered  # in a reading before this one
        self._before = (0,) * 5

    def begin(self, head):
        """A reading begins."""
        self._before = _counted(head)

    def end(self, head, reason=None):
        """It is over: reason is NoAnswer's or None. True when the state is another than before."""
        old = self.state
        self.state = self._judge(head, reason)
        if reason is None:
            self._answered = True
        return self.state != old

    def _judge(self, head, reason):
        if reason is None:
            return "ok"
        if reason not in ("no_light", "echo_only", "garbled"):
            return reason
        # The reason is the last try's; an earlier one may have heard more.
        tries, echoes, bad, broken, stray = [now - then for now, then in zip(_counted(head), self._before)]
        # Where the head hears itself, as many bad frames as echoes are missing may be our own, spoiled by noise.
        if bad > (tries - echoes if head.line.reader.echoes else 0):
            return "bad_crc"
        if reason == "garbled" or bad or broken or stray > _FEW:
            return "garbled"
        if self._answered and self._needs != "none":
            return "throttled" if self._throttles else "asleep"
        return "echo_only" if echoes else "no_light"


def _counted(head):
    """(tries, echoes, frames with a wrong CRC, frames broken otherwise, stray bytes)."""
    reader = head.line.reader
    broken = reader.bad_escapes + reader.overruns + reader.short + reader.cut
    return head.requests, reader.echoes, reader.bad_crc, broken, reader.stray
