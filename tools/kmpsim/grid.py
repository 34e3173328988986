# What goes through an electricity meter, minute by minute: a house with a roof of solar cells, on one phase or
# three. Pure, as plant.py: the same seed and minute give the same whole numbers. Imports plant for its chance.

from collections import namedtuple

from kmpsim.plant import MINUTES_A_DAY, chance, month_and_hour

# power_*: W and reactive_*: var, each in (consumed) or out (fed back), in all and by phase. voltage: 0.1 V,
# current: mA, factor: a thousandth, by phase and in all. tariff: 1 by day, 2 at night.
GridMinute = namedtuple(
    "GridMinute",
    "power_in power_out reactive_in reactive_out phase_in phase_out voltage current factor factor_all tariff",
)

_LOAD_PERCENT = (
    14, 12, 11, 11, 12, 18, 34, 46, 40, 30, 28, 30, 36, 32, 28, 30, 42, 66, 88, 90, 78, 60, 40, 22,
)  # fmt: skip
_SHARE_PERCENT = (45, 20, 35)  # of the load, by phase
_SUN_PERCENT = (0, 0, 0, 0, 0, 2, 8, 20, 36, 52, 64, 70, 70, 64, 54, 40, 26, 12, 4, 0, 0, 0, 0, 0)
_SUN_MONTH_PERCENT = (10, 22, 48, 72, 92, 100, 96, 82, 58, 30, 13, 8)
_DAY_HOURS = range(6, 22)  # tariff 1


class Grid:
    """phases: 1 or 3; peak: what the house takes at most, in W."""

    def __init__(self, phases, peak, seed):
        self._phases = phases
        self._peak = peak
        self._seed = seed

    def minute(self, number):
        """The GridMinute with this number, counted from 2000-01-01."""
        month, hour = month_and_hour(number)
        luck = chance(self._seed, number, 0)
        load = self._peak * _LOAD_PERCENT[hour] * (400_000 + luck * 6 // 10) // 100_000_000  # 40 to 100 %
        cloud = 300_000 + chance(self._seed, number // 10, 1) * 7 // 10
        sun = self._peak * _SUN_PERCENT[hour] * _SUN_MONTH_PERCENT[month] * cloud // 10_000_000_000
        share = _SHARE_PERCENT if self._phases == 3 else (100,)
        net = [load * percent // 100 - sun // self._phases for percent in share]
        factor = [900 + (luck >> 4 * i) % 90 for i in range(self._phases)]
        voltage = [2260 + (luck >> 3 * i) % 80 for i in range(self._phases)]
        total = sum(net)
        reactive = total * (1000 - factor[0]) // 400  # grows as the factor falls; a house is inductive
        return GridMinute(
            power_in=max(0, total),
            power_out=max(0, -total),
            reactive_in=max(0, reactive),
            reactive_out=max(0, -reactive),
            phase_in=[max(0, one) for one in net],
            phase_out=[max(0, -one) for one in net],
            voltage=voltage,
            current=[abs(p) * 10**7 // (u * f) for p, u, f in zip(net, voltage, factor, strict=True)],
            factor=factor,
            factor_all=sum(factor) // self._phases,
            tariff=1 if number % MINUTES_A_DAY // 60 in _DAY_HOURS else 2,
        )
