# What flows through the meter, minute by minute: a household's water or a building's heat (electricity: grid.py).
# Pure: the same seed and minute always give the same flow and temperatures, in whole numbers, so that totals
# are exact. Imports only kmp.calendar.

from collections import namedtuple
from hashlib import blake2b

from kmp.calendar import date_of_day

# flow, flow_2: l/h. Temperatures: 0.01 °C. Constant within a minute.
Minute = namedtuple("Minute", "flow flow_2 t1 t2 t3 water ambient")

MINUTES_A_DAY = 1440

# Water: minutes in a thousand with a tap open, by hour of the day. Makes about 500 litres a day at a peak of 900 l/h.
_TAP_PERMILLE = (4, 2, 2, 2, 4, 20, 90, 140, 90, 50, 40, 40, 55, 45, 35, 35, 50, 80, 95, 85, 60, 45, 30, 12)
# Heat: percent of the peak flow, by hour of the day and by month (a house in Denmark).
_HOUR_PERCENT = (
    55, 52, 50, 50, 55, 70, 95, 100, 90, 78, 70, 66, 64, 62, 62, 66, 76, 88, 92, 90, 84, 76, 68, 60,
)  # fmt: skip
_MONTH_PERCENT = (100, 96, 80, 55, 32, 15, 11, 11, 24, 50, 74, 93)
_COLD_WATER = (620, 590, 640, 780, 980, 1180, 1340, 1400, 1310, 1130, 910, 720)  # in the pipe, by month


def chance(seed, number, salt):
    """A number from 0 to 999 999 that looks random and belongs to this minute."""
    digest = blake2b(b"%d %d %d" % (seed, number, salt), digest_size=6).digest()
    return int.from_bytes(digest, "big") % 1_000_000


def month_and_hour(number):
    """(month, hour) of a minute; January is 0."""
    day, minute_of_day = divmod(number, MINUTES_A_DAY)
    return date_of_day(day)[1] - 1, minute_of_day // 60


class Plant:
    """pattern: "water" or "heat"; peak_flow in l/h."""

    def __init__(self, pattern, peak_flow, seed):
        self._make = self._water if pattern == "water" else self._heat
        self._peak = peak_flow
        self._seed = seed

    def minute(self, number):
        """The Minute with this number, counted from 2000-01-01."""
        return self._make(number, *month_and_hour(number))

    def _chance(self, number, salt):
        return chance(self._seed, number, salt)

    def _water(self, number, month, hour):
        flow = 0
        if self._chance(number, 0) < 1000 * _TAP_PERMILLE[hour]:
            flow = self._peak * (50_000 + self._chance(number, 1) * 95 // 100) // 1_000_000  # 5 to 100 %
        water = _COLD_WATER[month] + self._chance(number // 30, 2) // 20_000
        ambient = 1750 + 15 * hour + self._chance(number // 30, 3) // 10_000
        return Minute(flow, flow, water, water, water, water, ambient)

    def _heat(self, number, month, hour):
        percent = _HOUR_PERCENT[hour] * _MONTH_PERCENT[month]
        permille = 900 + self._chance(number, 0) // 5000  # a tenth of jitter to both sides
        flow = self._peak * percent * permille // 11_000_000
        t1 = 6400 + 12 * _MONTH_PERCENT[month] + self._chance(number // 5, 1) // 4000
        t2 = 2900 + 6 * _HOUR_PERCENT[hour] + self._chance(number // 5, 2) // 4000
        t3 = t2 + 150
        ambient = 2100 + self._chance(number // 30, 3) // 10_000
        return Minute(flow, flow - flow // 500, t1, t2, t3, _COLD_WATER[month], ambient)
