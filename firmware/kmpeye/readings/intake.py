# From what the meter answered to what is published: unit codes corrected, suspect values held back, high resolution
# joined, flags and events. No clock and no I/O: seconds come in. Imports its neighbours in readings.
# Promises: what was not asked keeps its value and its age; what was asked and not given is gone; what is suspect is
# missing with its reason; nothing is ever replaced by another number.

from micropython import const

from kmpeye.readings import flags
from kmpeye.readings.guard import Guard
from kmpeye.readings.snapshot import Reading
from kmpeye.readings.units import meant

_DATES = const(b"\x30\x31\x32\x35")  # units (kmp.dates) whose 0 says that it has not happened yet
_LEAK = const("leak")  # the flag of a meter that watches for leaks itself


class Intake:
    """Knows what has to be known of earlier readings. state: what state() gave before a restart, or {}; with
    same_run what it gave since then, so that between two readings there need be no Intake."""

    def __init__(self, profile, snapshot, log, state, same_run=False):
        self.profile = profile
        self.snapshot = snapshot
        self.log = log
        self.guard = Guard(profile.limits, state.get("guard"), same_run)
        # {flag: how long it was active in the last 30 days}, where the meter tells.
        self.hours = state["hours"] if same_run else {}
        self.joined = None
        self.watch = None
        if profile.high_resolution:
            from kmpeye.readings.highres import Joined

            saved = state.get("joined") or {}
            self.joined = [
                (total, finer, Joined(saved.get(finer))) for total, finer in profile.high_resolution
            ]
        if profile.kind == "water" and all(flag != _LEAK for _, flag in profile.info):
            from kmpeye.readings.watch import FlowWatch

            self.watch = FlowWatch(state.get("watch"), same_run)
        known = state.get("flags")
        if isinstance(known, list) and not same_run:
            snapshot.flags = [flag for flag in known if isinstance(flag, str)]

    def state(self):
        """All that has to survive a restart, for JSON."""
        return {
            "guard": self.guard.state(),
            "joined": {finer: joined.state() for _, finer, joined in self.joined or ()},
            "watch": self.watch and self.watch.state(),
            "flags": self.snapshot.flags,
            "hours": self.hours,
        }

    def rows(self, found):
        """The reply's (id, unit, mantissa, exponent) as rows with their keys, in the profile's order; dates that have
        not happened are left out."""
        rows = []
        for register, key in self.profile.registers:
            for one, unit, mantissa, exponent in found:
                if one == register:
                    if mantissa or unit not in _DATES:
                        rows.append((key, register, unit, mantissa, exponent))
                    break
        units = self.profile.units
        return meant(rows, units) if units else rows

    def active(self, rows):
        """The flags of the info code among the rows, or None when it is not among them."""
        profile = self.profile
        for key, _, _, mantissa, _ in rows:
            if key == "info" and profile.info:
                self.hours = flags.hours_active(mantissa, profile.info_hours)
                return flags.active(mantissa, profile.info, profile.info_hours)
        return None

    def judge(self, rows, serial, uptime_s, unix):
        """The guard's verdict (guard.Verdict)."""
        if serial and self.guard.serial and serial != self.guard.serial:
            self.log("meter: serial number %s instead of %s" % (serial, self.guard.serial))
        return self.guard.judge(rows, serial, uptime_s, unix, self.active(rows) or ())

    def publish(self, rows, verdict, asked, uptime_s, unix):
        """Make the reading of the verdict and put it into the snapshot. asked: the (id, key) that were asked for.
        Whoever calls this calls snapshot.changed() afterwards."""
        snapshot = self.snapshot
        fresh = {row[0]: row for row in verdict.values if row[0] != "serial"}
        for total, finer, joined in self.joined or ():
            if finer in fresh:
                fresh[finer] = _join(joined, fresh.get(total), fresh[finer])
        self._events(rows, fresh, verdict, uptime_s, unix)
        old = snapshot.reading
        asked = [key for _, key in asked]
        values = []
        taken = []
        for _, key in self.profile.registers:
            row = fresh.get(key)
            then = uptime_s
            if old and not row and key not in asked:
                for i in range(len(old.values)):
                    if old.values[i][0] == key:
                        row = old.values[i]
                        then = old.taken[i]
            if row:
                values.append(row)
                taken.append(then)
        missing = verdict.missing + [(key, held[0]) for key, held in self.guard.held.items()]
        snapshot.reading = Reading(values, uptime_s, unix, taken, missing)

    def _events(self, rows, fresh, verdict, uptime_s, unix):
        snapshot = self.snapshot
        old = snapshot.reading
        before = [key for key, _ in old.missing] if old else []
        for key in verdict.held:
            if key not in before:
                from kmpeye.readings.texts import held_sentence

                self.log("held back: " + held_sentence(self.guard.state(), key))
                snapshot.event(uptime_s, unix, "held", key)
        for key in before:
            if key in fresh:
                snapshot.event(uptime_s, unix, "released", key)
        now = self.active(rows)
        if self.watch and "volume" in fresh:
            from kmpeye.readings.watch import FLAG

            now = [flag for flag in (snapshot.flags or () if now is None else now) if flag != FLAG]
            unit, mantissa, exponent = fresh["volume"][2:]
            if self.watch.feed(unit, mantissa, exponent, uptime_s, unix):
                now.append(FLAG)
        if now is None:
            return
        since = old and old.unix
        for key, appeared, _, _ in flags.changes(snapshot.flags, now, since, unix):
            snapshot.event(uptime_s, unix, "appeared" if appeared else "gone", key)
        snapshot.flags = sorted(now)


def _join(joined, total, finer):
    """The row of the finer register as a whole total; None where that is not certain: the plain total stands."""
    value = joined.join(total and total[2:], finer[2:])
    return value and finer[:2] + value
