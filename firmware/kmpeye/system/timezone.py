# Local time by a POSIX TZ string ("CET-1CEST,M3.5.0,M10.5.0/3"): Unix seconds to a local date and back, with
# summer time. Integers only; imports kmp.calendar alone. Promises the same on every interpreter, whatever the
# platform's own zone and epoch; rules as POSIX.1-2024 8.3 states them (RFC 8536 3.3.1 for hours beyond 24).

from micropython import const

from kmp.calendar import date_of_day, day_number

_2000 = const(946684800)  # 2000-01-01 in Unix seconds; it was a Saturday
_DAY_S = const(86400)
_LONGEST = const(64)  # characters; the longest string in use has 48
_USUAL_RULE = const("M3.2.0,M11.1.0")  # what "EST5EDT" without a rule means everywhere
_WANTED = const("a POSIX TZ string such as CET-1CEST,M3.5.0,M10.5.0/3 or UTC0 is expected")


class _Text:
    """A cursor over the string; what does not fit is refused with the place and what would be right."""

    def __init__(self, text):
        self.text = text
        self.pos = 0

    def wrong(self, expected):
        return ValueError(
            "%r: %s is expected at character %d; %s" % (self.text, expected, self.pos + 1, _WANTED)
        )

    def peek(self):
        return self.text[self.pos : self.pos + 1]

    def take(self, sign):
        """True when the next character is the sign; it is behind us then."""
        if self.peek() != sign:
            return False
        self.pos += 1
        return True

    def name(self):
        """An abbreviation: three letters or more, or anything between < and >."""
        start = self.pos
        if self.take("<"):
            while self.peek() not in ("", ">"):
                self.pos += 1
            if self.pos - start < 2 or not self.take(">"):
                raise self.wrong("a name between < and >")
            return
        while "a" <= self.peek().lower() <= "z":
            self.pos += 1
        if self.pos - start < 3:
            raise self.wrong("a name of at least 3 letters")

    def number(self, least, most):
        start = self.pos
        while "0" <= self.peek() <= "9" and self.pos - start < 3:
            self.pos += 1
        value = int(self.text[start : self.pos] or -1)
        if not least <= value <= most:
            self.pos = start
            raise self.wrong("a number from %d to %d" % (least, most))
        return value

    def seconds(self, most_hours):
        """[+-]hh[:mm[:ss]]"""
        sign = -1 if self.take("-") else 1
        if sign == 1:
            self.take("+")
        total = 3600 * self.number(0, most_hours)
        if self.take(":"):
            total += 60 * self.number(0, 59)
            if self.take(":"):
                total += self.number(0, 59)
        return sign * total

    def rule(self):
        """(kind, a, b, c, seconds after that day's midnight) of one jump."""
        if self.take("M"):
            a = self.number(1, 12)
            b = c = 0
            if self.take("."):
                b = self.number(1, 5)
            if not b or not self.take("."):
                raise self.wrong("Mm.w.d: month, week (5 is the last), day (0 is Sunday)")
            c = self.number(0, 6)
            found = ("M", a, b, c)
        elif self.take("J"):
            found = ("J", self.number(1, 365), 0, 0)
        else:
            found = ("n", self.number(0, 365), 0, 0)
        return found + ((self.seconds(167) if self.take("/") else 7200),)


def _day_of_rule(rule, year):
    """The day number on which a rule strikes."""
    kind, a, b, c, _ = rule
    if kind == "M":
        first = day_number(year, a, 1)
        day = first + (c - first - 6) % 7 + 7 * (b - 1)
        if b == 5 and day >= (day_number(year, a + 1, 1) if a < 12 else day_number(year + 1, 1, 1)):
            day -= 7
        return day
    first = day_number(year, 1, 1)
    if kind == "J":  # 1 to 365: 29 February has no number
        return first + a - 1 + (a > 59 and day_number(year + 1, 1, 1) - first == 366)
    return first + a


class Zone:
    """A time zone. `text` is the string it was made from, `standard` its offset in winter, in seconds east."""

    def __init__(self, text):
        """ValueError says where the string is wrong."""
        if len(text) > _LONGEST:
            raise ValueError("a TZ string of %d characters; at most %d are possible" % (len(text), _LONGEST))
        self.text = text
        cursor = _Text(text)
        cursor.name()
        self.standard = -cursor.seconds(24)
        self._summer = self.standard
        self._rules = None
        if cursor.peek():
            cursor.name()
            self._summer = self.standard + 3600
            if cursor.peek() not in ("", ","):
                self._summer = -cursor.seconds(24)
            if not cursor.peek():
                cursor = _Text("," + _USUAL_RULE)
            if not cursor.take(","):
                raise cursor.wrong("a comma")
            start = cursor.rule()
            if not cursor.take(","):
                raise cursor.wrong("a comma and the end of summer time")
            self._rules = (start, cursor.rule())
            if cursor.peek():
                raise cursor.wrong("the end")
        self._year = None  # of which the two jumps are known
        self._start = self._end = 0

    def _find_jumps(self, seconds):
        """The two jumps, in Unix seconds, of the year that holds these local seconds since 2000."""
        year = date_of_day(seconds // _DAY_S)[0]
        if year != self._year:
            start, end = self._rules
            self._start = _day_of_rule(start, year) * _DAY_S + start[4] - self.standard + _2000
            self._end = _day_of_rule(end, year) * _DAY_S + end[4] - self._summer + _2000
            self._year = year

    def offset(self, unix):
        """Seconds east of UTC at that moment."""
        if not self._rules:
            return self.standard
        self._find_jumps(unix - _2000 + self.standard)
        if self._start < self._end:
            summer = self._start <= unix < self._end
        else:  # south of the equator the year begins in summer
            summer = not self._end <= unix < self._start
        return self._summer if summer else self.standard

    def local(self, unix):
        """(year, month, day, hour, minute, second, offset in seconds east)"""
        offset = self.offset(unix)
        seconds = unix - _2000 + offset
        year, month, day = date_of_day(seconds // _DAY_S)
        rest = seconds % _DAY_S
        return year, month, day, rest // 3600, rest // 60 % 60, rest % 60, offset

    def unix_of_local(self, year, month, day, hour=0, minute=0, second=0, later=False):
        """Unix seconds of a local time; the date has to exist. A time that comes twice, in the hour that the
        clocks are put back, is the first of the two, with `later` the second. A time that does not come, in the
        hour that is left out, is the moment of the jump: so the day whose midnight is left out begins there."""
        seconds = _2000 + day_number(year, month, day) * _DAY_S + 3600 * hour + 60 * minute + second
        east = max(self.standard, self._summer)
        west = min(self.standard, self._summer)
        first = seconds - east
        second = seconds - west
        is_first = self.offset(first) == east
        is_second = self.offset(second) == west
        if is_first and not (later and is_second):
            return first
        if is_second:
            return second
        return self._start if first < self._start <= second else self._end
