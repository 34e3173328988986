# Joins a high-resolution register to its total: the register has more digits but not the leading ones, and rolls
# over. No clock and no I/O; imports the units. Promises: a joined value is an exact integer that agrees with the
# total within one last digit of it and never falls while the total does not; where the two cannot be brought
# together with certainty there is none, and the plain total stands.

from micropython import const

from kmpeye.readings.units import ninths

# A round number is believed to be where the register rolled over only if it is this many times rarer than the
# places the total leaves open: a coincidence is then one in thirty, and costs less than one digit of the total.
_RARE = const(30)


class Joined:
    """One pair of registers. state: what state() gave before; anything else starts anew."""

    def __init__(self, state=None):
        self.reset()
        try:
            _, _, offset, high, last, trial = state
            if all(isinstance(number, int) for number in state[:5]) and (
                trial is None or isinstance(trial, int)
            ):
                self._format = state[0], state[1]
                self._offset, self._high, self._last, self._trial = offset, high, last, trial
        except (TypeError, ValueError):  # not a state
            pass

    def reset(self):
        """The meter was exchanged: nothing is known any more."""
        self._format = None  # (unit, exponent) of the high-resolution register; all below is in its steps
        self._offset = None  # joined = register + offset
        self._trial = None  # an offset that has to fit the next reading too
        self._high = 0  # the register as last seen
        self._last = None  # the joined value as last given

    def state(self):
        """All that has to survive a restart, for JSON; None before the first join."""
        return self._format and list(self._format) + [self._offset, self._high, self._last, self._trial]

    def join(self, total, high):
        """total and high: (unit, mantissa, exponent) of one reading, or None where the meter did not give it.
        (unit, mantissa, exponent) of the joined value, in the high-resolution register's format, or None."""
        window = total and high and _window(total, high)
        if not window:
            return None
        low, start, end = window
        unit, mantissa, exponent = high
        if self._format != (unit, exponent) or (self._last is not None and self._last >= end):
            self.reset()  # set up anew, or another meter: a total that fell has passed the guard
            self._format = unit, exponent
        if self._offset is None or not low <= mantissa + self._offset < end:
            offset = self._rolled_over(mantissa, low, end)
            if offset is None and self._trial is not None and low <= mantissa + self._trial < end:
                offset = self._trial
            if offset is None:
                # The register runs on its own: from here joined and total go on as the same number. Not at once
                # if there was an offset: a single wrong value must not cost what is known.
                self._trial = start - mantissa
                if self._offset is not None:
                    return None
                offset = self._trial
            self._offset = offset
        self._trial = None
        self._high = mantissa
        value = mantissa + self._offset
        if self._last is not None and value < self._last:
            return None
        self._last = value
        return unit, value, exponent

    def _rolled_over(self, high, low, end):
        """The offset by which the register has rolled over since it was last seen, or since the total was zero;
        None when there is no such."""
        modulus = 1  # a power of ten above everything the register has shown
        while modulus <= max(high, self._high) or modulus < _RARE * (end - low):
            modulus *= 10
        value = low + (high + (self._offset or 0) - low) % modulus
        return value - high if value < end else None


def _window(total, high):
    """(low, start, end) in steps of the high-resolution register: the total is start, and the joined value lies
    from low to below end: one last digit of the total more on each side, as the two are not counted in the same
    instant. None when they are different quantities or the register is no finer than the total."""
    exact = ninths(*total)
    fine = ninths(*high)
    if not exact or not fine or exact[0] != fine[0] or fine[1] < 0:
        return None
    digit = ninths(total[0], 1, total[2])[1]
    step = ninths(high[0], 1, high[2])[1]
    least = min(exact[2], fine[2])
    scale = 10 ** (exact[2] - least)
    step *= 10 ** (fine[2] - least)
    digit *= scale
    if step >= digit:
        return None
    value = exact[1] * scale
    return max(0, -((digit - value) // step)), -(-value // step), -((-value - 2 * digit) // step)
