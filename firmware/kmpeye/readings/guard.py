# Decides what of a new reading may be published: accepted, held back as suspect, or missing because the meter's
# sensor failed. No clock and no I/O: seconds come in, a verdict and a small state to save go out. Imports kmp's
# values and the units; the sentences are in texts. Promises: nothing is ever replaced, by 0 or by an older value;
# a total that is published never falls while the meter and its digits are the same.

from micropython import const

from kmp.decimal import compare
from kmpeye.readings.units import KWH, M3, ninths

# Ids of the registers that only rise: energies in and out with their tariffs (1, 2, 19-32), E1 to E7 and the
# tariffs of heat (60-65, 94-96), volumes and masses (68-73), m³·°C (97, 110), reverse volume (243). Not the pulse
# inputs: their counts belong to somebody else, who may set them.
_TOTALS = b"\x01\x02\x13\x14\x17\x18\x1b\x1c\x1f\x20\x3c\x3d\x3e\x3f\x40\x41\x44\x45\x48\x49\x5e\x5f\x60\x61\x6e\xf3"
_OPERATING_HOURS = const(1004)
_WATER_ENERGY = const(b"\x3d\x3e")  # 61 E4 and 62 E5: all the heat in the water, not what was taken from it

# What a profile without limits gets: more than the largest meter of all profiles can reach.
_FLOW_M3H = const(12000)
_POWER_KW = const(2500000)
_WATER_C = const(200)  # no water in a meter is hotter
_WATER_KW = const(233)  # heat in 1 m³/h of it: 200 · 1.163 kW
_LIFE_S = const(40 * 8766 * 3600)  # 40 years; no meter has counted longer
_STEP_S = const(128)  # a meter adds up in steps of up to 64 s, so two readings may differ by two steps more

# Temperature registers of heat meters and the flag of their sensor. A sensor that failed reads 0.00 or 185.00 °C,
# and the difference and the power are then 0 (technical descriptions of MULTICAL 403 and 603).
_T1 = const(86)
_T2 = const(87)
_SENSORS = {_T1: "sensor_t1", _T2: "sensor_t2", 88: "sensor_t3"}
_DIFFERENCE = const(89)
_POWER = const(80)
_FAILED_C = const(185)

_PERSISTS_READINGS = const(3)  # held for so many readings and so long, only the owner can say what is right
_PERSISTS_S = const(86400)


def elapsed_s(uptime_before, unix_before, uptime_s, unix):
    """Seconds between two moments, by the uptime of one run (None: before the last start), else by the date;
    None where neither can say."""
    if uptime_before is not None:
        return uptime_s - uptime_before
    if unix is None or unix_before is None or unix < unix_before:
        return None
    return unix - unix_before


class Verdict:
    """values: the rows to publish, in the reading's order. held: keys held back (texts.held_sentence tells why).
    missing: (key, flag) of what a failed sensor makes worthless. ask_again: something became suspect just now:
    ask the meter once more at once, for its serial number too, and judge that reading instead; at most twice,
    when first a total and then the serial number turn out to be another."""

    def __init__(self):
        self.values = []
        self.held = []
        self.missing = []
        self.ask_again = False


class Guard:
    """limits: flow_m3h and power_kw of the profile, whole numbers that the meter cannot reach.
    state: what state() gave before the restart, or with same_run since then; anything else starts anew.
    A mark below is a total at a moment: (unit, mantissa, exponent, uptime_s, unix); uptime_s is None when that
    was before the last start, unix when the date was not known."""

    def __init__(self, limits, state=None, same_run=False):
        self._flow = limits.get("flow_m3h", _FLOW_M3H)
        self._power = limits.get("power_kw", _POWER_KW)
        self.exchange()
        if same_run:
            self.serial, self._new_serial = state["serial"], state["new_serial"]
            self.accepted, self.held = state["accepted"], state["held"]
            return
        try:
            self._restore(state)
        except (AttributeError, KeyError, TypeError, ValueError):  # not a state
            self.exchange()

    def exchange(self):
        """The owner says that the meter was exchanged or reset: the next reading starts a new series."""
        self.serial = None
        self._new_serial = None  # said once, in place of self.serial
        self.accepted = {}  # key: mark of the last accepted total
        self.held = {}  # key: (reason, mark, since uptime_s, since unix, readings)

    def judge(self, values, serial, uptime_s, unix=None, flags=()):
        """values: rows (key, id, unit, mantissa, exponent); serial: text, or None where it was not asked;
        flags: the active flags of the info code (readings.flags), () where the meter gave none."""
        verdict = Verdict()
        known = self._same_meter(serial, verdict)
        failed = _failed_sensors(values, flags)
        for row in values:
            key, register, unit, mantissa, exponent = row
            if register in failed:
                verdict.missing.append((key, failed[register]))
                continue
            rate = self._rate(register, unit)
            if rate or key in self.accepted:
                mark = unit, mantissa, exponent, uptime_s, unix
                reason = self._suspect(key, mark, rate) if known else "new_serial"
                if reason:
                    verdict.held.append(key)
                    if self._hold(key, reason, mark, rate):
                        verdict.ask_again = True
                    continue
                self.accepted[key] = mark
                self.held.pop(key, None)
            verdict.values.append(row)
        return verdict

    def persists(self, key, uptime_s, unix=None):
        """True once a register was held for so long that only the owner can say what is right."""
        held = self.held.get(key)
        if not held or held[4] < _PERSISTS_READINGS:
            return False
        seconds = elapsed_s(held[2], held[3], uptime_s, unix)
        return seconds is not None and seconds >= _PERSISTS_S

    def state(self):
        """All that has to survive a restart, for JSON; and new_serial, which only lasts until then."""
        return {
            "serial": self.serial,
            "new_serial": self._new_serial,
            "accepted": self.accepted,
            "held": self.held,
        }

    def _restore(self, state):
        if state is None:
            return
        for key, mark in state["accepted"].items():
            self.accepted[key] = _before_start(mark)
        for key, (reason, mark, _, unix, readings) in state["held"].items():
            self.held[key] = reason, _before_start(mark), None, _or_none(unix), readings + 0
        serial = state["serial"]
        self.serial = None if serial is None else serial + ""

    def _same_meter(self, serial, verdict):
        """False for the first reading with another serial number; a second one starts a new series."""
        if serial and self.serial and serial != self.serial:
            if serial != self._new_serial:
                self._new_serial = serial
                verdict.ask_again = True
                return False
            self.exchange()
        if serial:
            self.serial = serial
            self._new_serial = None
        return True

    def _rate(self, register, unit):
        """What a total can rise in an hour, in its common unit, or in its own where there is none; None for what is
        no total, or has a unit that no total has."""
        if register == _OPERATING_HOURS:
            return 1 if unit == 46 else None
        if register > 255 or register not in _TOTALS:
            return None
        unit = _exact(unit, 0, 0)[0]
        if unit == KWH:
            return self._flow * _WATER_KW if register in _WATER_ENERGY else self._power
        if unit == M3 or unit == 44 or unit == 56:  # t, t·10
            return self._flow
        return self._flow * _WATER_C if unit == 43 else None  # m³·°C

    def _suspect(self, key, mark, rate):
        """The reason to hold a total back, or None."""
        before = self.accepted.get(key)
        if not before:
            # From nothing, in a whole life.
            reason = _rule((mark[0], 0, mark[2], 0, None), mark[:3] + (_LIFE_S, None), rate)
            return "impossible" if reason else None
        reason = _rule(before, mark, rate)
        if reason == "unknown_gap":
            held = self.held.get(key)
            if held and held[0] == reason and not _rule(held[1], mark, rate):
                return None  # said twice
        return reason

    def _hold(self, key, reason, mark, rate):
        """Note a value that is held back. True when the register was not suspect before."""
        before = self.held.get(key)
        if before and before[0] == reason and not _rule(before[1], mark, rate):
            self.held[key] = reason, mark, before[2], before[3], before[4] + 1
        else:
            self.held[key] = reason, mark, mark[3], mark[4], 1
        return not before


def _rule(before, now, rate):
    """None when a total may have gone from one mark to the other, else the reason why not."""
    unit_a, a, exponent_a = _exact(*before[:3])
    unit_b, b, exponent_b = _exact(*now[:3])
    if unit_a != unit_b or rate is None:
        return "unit_changed"
    least = min(exponent_a, exponent_b, 0)
    scale_a = 10 ** (exponent_a - least)
    scale_b = 10 ** (exponent_b - least)
    rise = b * scale_b - a * scale_a
    # One last digit of each: what the meter counts finer inside and does not show.
    digits = _exact(before[0], 1, 0)[1] * scale_a + _exact(now[0], 1, 0)[1] * scale_b
    if rise < 0:
        same_format = before[0] == now[0] and before[2] == now[2]
        return "total_fell" if same_format or rise <= -digits else None
    seconds = elapsed_s(before[3], before[4], now[3], now[4])
    allowed = 9 * rate * 10**-least * ((seconds or 0) + _STEP_S) // 3600 + digits
    if rise <= allowed:
        return None
    return "unknown_gap" if seconds is None else "rose_too_fast"


def _exact(unit, mantissa, exponent):
    """As units.ninths, where a unit that has no common one is its own."""
    return ninths(unit, mantissa, exponent) or (unit, mantissa * 9, exponent)


def _before_start(mark):
    unit, mantissa, exponent, _, unix = mark
    return unit + 0, mantissa + 0, exponent + 0, None, _or_none(unix)


def _or_none(number):
    return None if number is None else number + 0  # TypeError for what is no number


def _failed_sensors(values, flags):
    """{register: flag} of the temperatures of failed sensors and of what the meter derives from them. 185.00 °C is
    above every meter's range. 0.00 °C can be true: it is an error only if the info code names the sensor, or if
    the meter gives no difference although the other temperature is 1 °C or more away from 0."""
    degrees = {}
    no_difference = False
    for _, register, unit, mantissa, exponent in values:
        if register in _SENSORS and unit == 37:  # °C
            degrees[register] = mantissa, exponent
        elif register == _DIFFERENCE:
            no_difference = mantissa == 0
    failed = {}
    for register, (mantissa, exponent) in degrees.items():
        bad = compare(mantissa, exponent, _FAILED_C, 0) == 0
        if not mantissa:
            bad = any(flag.startswith(_SENSORS[register]) for flag in flags)
            other = degrees.get(_T1 + _T2 - register) if no_difference else None
            if (
                other
                and compare(abs(other[0]), other[1], 1, 0) >= 0
                and compare(other[0], other[1], _FAILED_C, 0)
            ):
                bad = True
        if bad:
            failed[register] = _SENSORS[register]
    for register in (_T1, _T2):
        if register in failed:
            failed[_DIFFERENCE] = failed[_POWER] = failed[register]
    return failed
