# What a request for the history asks for: the part of its address behind the "?". For expose.history, which lets go of
# this before it looks at records. Imports kmp's calendar. Promises a Refusal that says what would be right.

from micropython import const

from kmp.calendar import day_number, is_date
from kmpeye.expose.http import Refusal

_2000 = const(946684800)  # 2000-01-01 in Unix seconds
_DAY_S = const(86400)
_KNOWN = const(("register", "from", "to", "step"))
_STEPS = const(("hour", "day", "month"))


def asked(query, zone):
    """(register, first, last, step): Unix seconds and texts; None for what is not said, but for the step."""
    found = _parameters(query)
    step = found.get("step", _STEPS[0])
    if step not in _STEPS:
        raise Refusal(400, "step has to be one of " + ", ".join(_STEPS))
    last = _moment("to", found.get("to"), zone)
    first = _moment("from", found.get("from"), zone)
    return found.get("register"), first, last, step


def _parameters(query):
    """What stands behind the "?" as a dict."""
    found = {}
    for pair in query.split("&") if query else ():
        name, _, value = pair.partition("=")
        if name not in _KNOWN:
            raise Refusal(400, "what can be asked with is " + ", ".join(_KNOWN))
        if name in found:
            raise Refusal(400, "say %s once" % name)
        try:
            found[name] = _decoded(value)
        except ValueError:
            raise Refusal(
                400, "%s: behind a percent sign two hexadecimal digits of UTF-8 are expected" % name
            )
    return found


def _decoded(value):
    """Of percent signs and pluses (application/x-www-form-urlencoded)."""
    first, *parts = value.replace("+", " ").split("%")
    out = bytearray(first.encode())
    for part in parts:
        if part[:2].strip("0123456789abcdefABCDEF"):
            raise ValueError
        out.append(int(part[:2], 16))
        out.extend(part[2:].encode())
    return bytes(out).decode()


def _moment(name, given, zone):
    """Unix seconds of a parameter, None where it is not there."""
    try:
        return None if given is None else _unix(given, zone)
    except ValueError:
        wanted = "a day (2026-11-01), a local time (2026-11-01T06:00), one with Z or +01:00 behind it, or Unix seconds"
        raise Refusal(400, "%s has to be %s" % (name, wanted))


def _unix(given, zone):
    if len(given) in (9, 10) and given.isdigit():
        return int(given)
    day = _numbers(given[:10], "-", 4, 3)
    if day[0] < 2000 or not is_date(*day) or given[10:11] not in ("", "T", "t", " ") or len(given) == 11:
        raise ValueError
    clock = given[11:]
    offset = None
    if clock[-1:] in ("Z", "z"):
        offset = 0
        clock = clock[:-1]
    for sign in "+- ":  # a plus that was not encoded has become a space
        before, found, east = clock.partition(sign)
        if found:
            hours, minutes = _numbers(east, ":", 2, 2)
            offset = (3600 * hours + 60 * minutes) * (-1 if sign == "-" else 1)
            clock = before
    hour = minute = second = 0
    if len(given) > 10:
        clock, _, fraction = clock.partition(".")
        if fraction.strip("0123456789"):
            raise ValueError
        hour, minute, second = _numbers(clock + (":00" if len(clock) == 5 else ""), ":", 2, 3)
    if offset is None:
        return zone.unix_of_local(day[0], day[1], day[2], hour, minute, second)
    return _2000 + day_number(*day) * _DAY_S + 3600 * hour + 60 * minute + second - offset


def _numbers(given, separator, first_digits, count):
    """Of two digits each, but for the first; those of a time of day are no greater than there are."""
    parts = given.split(separator)
    if len(parts) != count:
        raise ValueError
    for i in range(count):
        if len(parts[i]) != (2 if i else first_digits) or parts[i].strip("0123456789"):
            raise ValueError
        if separator == ":" and int(parts[i]) > (59 if i else 23):
            raise ValueError
    return [int(part) for part in parts]
