# The app as a way out sees it: real snapshot, head, line, budget and profile, of a meter that has not been read yet.
# Promises that nothing is asked: the port is never opened.

from expose.one_exchange import NOW, StillClock, Things
from kmpeye.head.line import Line
from kmpeye.head.transaction import Head
from kmpeye.meter.budget import Budget
from kmpeye.readings.snapshot import Meter, Reading, Snapshot
from kmpeye.system import forget


def app(profile="multical21"):
    """What a way out is given; no reading yet. Keeps the line as it is before the port was opened."""
    from kmpeye.meter.profile import load

    profile = load(profile, "firmware/meters")
    forget("meter.profile_check", "meter.profile")
    clock = StillClock()
    head = Head(Line("socket://127.0.0.1:9", 1200, clock))
    reader = Things(
        profile=profile,
        interval_s=600,
        valid_s=1800,
        readings=12,
        failures=1,
        reasons={"no_light": 1},
        busy=False,
        head=head,
        plan=Things(budget=Budget(profile.budget, [NOW // 86400, 24, 310])),
    )
    snapshot = Snapshot(Meter(profile.model, profile.kind))
    return Things(
        version="0.1.0",
        clock=clock,
        snapshot=snapshot,
        reader=reader,
    )


def publish(app, values, age_s=12, taken=None, missing=()):
    """A reading that came in a moment ago; values: rows (key, id, unit, mantissa, exponent)."""
    taken_s = app.clock.uptime_s() - age_s
    unix = app.clock.unix()
    app.snapshot.reading = Reading(values, taken_s, unix and unix - age_s, taken, missing)
    app.snapshot.state = "ok"
    app.snapshot.changed()
