# Whether what a plan kept over a restart can be used. Imports nothing of ours; loaded once, at the start, and dropped.
# Promises the two lists as the budget and the throttle wrote them, or a ValueError that says what was wrong.

from micropython import const

_LONGEST_S = const(100000)  # no throttle learns a longer rest


def check(profile, state):
    """(state of the budget, state of the throttle or None)."""
    try:
        if state["profile"] != profile.name:
            raise ValueError("what was learned is of %s, not of %s" % (state["profile"], profile.name))
        budget = state["budget"]
        throttle = state["throttle"]
        good = _numbers(budget, 3) and (
            throttle is None or (_numbers(throttle, 10) and throttle[2] <= _LONGEST_S)
        )
    except (KeyError, TypeError):
        good = False
    if not good:
        raise ValueError("what was learned of the meter is damaged: %s" % str(state)[:80])
    return budget, throttle


def _numbers(value, count):
    """That many integers, from 0 to 32 bits."""
    return len(value) == count and all(isinstance(one, int) and one >> 32 == 0 for one in value)
