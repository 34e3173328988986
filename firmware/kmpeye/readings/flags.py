# The meter's info code as flags with stable keys, the hours it counted them, and what changed between two readings.
# No clock and no I/O; imports nothing. Promises: a bit that is set and has no name is shown by its number, so
# nothing the meter reports is hidden. The sentences for people are in texts.

from micropython import const

_MOST_BITS = const(80)  # the longest integer of KMP has ten bytes
_HOURS_BITS = const(3)  # bits of one counter of hours
_HOURS_MASK = const(7)

# What the counters say of the last 30 days (wmbusmeters, driver kamwater; the scale 1 to 7 is Kamstrup's).
_HOURS = const(("0 h", "1-8 h", "9-24 h", "2-3 days", "4-7 days", "8-14 days", "15-21 days", "22-31 days"))


def active(info, bits, hours=()):
    """The keys of the flags that are set, sorted. info: the integer of the info register; bits: the profile's
    [[bit, key], ...]; hours: its [[first bit, key], ...] of counters, whose bits are no flags. A bit without a
    name is "bit_17"; None when info cannot be an info code."""
    if not 0 <= info < 1 << _MOST_BITS:
        return None
    for first, _ in hours:
        info &= ~(_HOURS_MASK << first)
    found = []
    for bit, key in bits:
        if info >> bit & 1 and key not in found:
            found.append(key)
        info &= ~(1 << bit)
    bit = 0
    while info:
        if info & 1:
            found.append("bit_%d" % bit)
        info >>= 1
        bit += 1
    return sorted(found)


def hours_active(info, hours):
    """{key: text} of the counters that are not zero: how long a flag was active in the last 30 days."""
    found = {}
    for first, key in hours:
        code = info >> first & _HOURS_MASK
        if code:
            found[key] = _HOURS[code]
    return found


def changes(before, now, since, until):
    """[(key, appeared, since, until)], sorted: appeared is True for a flag that came, False for one that went, at some
    moment after the reading at since and not after the one at until. before and now: the keys of these two
    readings; before is None at the very first, which says what is, not that anything changed."""
    if before is None:
        return []
    keys = [key for key in now if key not in before] + [key for key in before if key not in now]
    return [(key, key in now, since, until) for key in sorted(keys)]
