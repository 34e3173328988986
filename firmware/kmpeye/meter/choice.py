# Which profile is read: the one of the settings, the one that was found out before, or none yet. Needed at the start
# and when the meter changes; then let go of. Imports its neighbours. Promises a Profile in any case, and a warning
# when it is not the one that was asked for.

from micropython import const

from kmpeye.meter.profile import Profile, load

_AUTO = const("auto")
# What choosing loads, with this module; whoever chose lets go of it.
LOADS = (
    "meter.choice",
    "meter.which",
    "meter.profile_check",
    "meter.profile",
    "kmp.registers",
)
_FALLBACK = const("multical21")  # when the named profile cannot be used: the reader starts and says so
_WANTED = (
    "model",
    "kind",
    "baud",
    "address",
    "interval_s",
    "slow_s",
    "types",
    "wake",
    "budget",
    "limits",
    "live",
    "slow",
    "once",
    "info",
    "info_hours",
    "units",
    "high_resolution",
    "loggers",
    "registers",
)

# While it is not known which meter it is: what suits the shyest. The eye is given its time to start, and a meter that
# does not answer is not asked often.
_UNKNOWN = {
    "model": "KMP meter",
    "kind": None,
    "baud": 1200,
    "address": 63,
    "interval_s": 300,
    "slow_s": 86400,
    "types": "",
    "wake": {"needs": "unknown", "settle_ms": 4500, "awake_s": 0},
    "budget": {"replies": 200, "awake_s": 3600},
    "limits": {},
    "live": ((1001, "serial"),),
    "slow": (),
    "once": (),
    "info": (),
    "info_hours": (),
    "units": {},
    "high_resolution": (),
    "loggers": (),
    "registers": ((1001, "serial"),),
}


def choose(config, learned, folder, warnings):
    """The Profile to read with. learned: what was remembered of the meter ({} or keys profile, offered, left_out);
    what is not of the same profile, or damaged, is taken out of it."""
    wanted = config["meter"]
    name = learned.get("profile") if wanted == _AUTO else wanted
    profile = None
    try:
        if name and name != _AUTO:
            profile = load(str(name), folder, _WANTED)
    except ValueError as e:
        if wanted == _AUTO:
            warnings.append("what was learned of the meter cannot be used: %s; it is asked again" % e)
        else:
            warnings.append("meter: %s; %s is used" % (e, _FALLBACK))
            profile = load(_FALLBACK, folder, _WANTED)
    if profile is None:
        profile = Profile()
        profile.name = _AUTO
        for key in _WANTED:
            setattr(profile, key, _UNKNOWN[key])
    if learned.get("profile") == profile.name:
        _fit(profile, learned, warnings)
    else:
        learned.clear()
    for key, setting in (("replies", "budget_replies"), ("awake_s", "budget_awake_s")):
        if config[setting] is not None:
            profile.budget = dict(profile.budget)
            profile.budget[key] = config[setting]
    return profile


def _fit(profile, learned, warnings):
    """Apply what this very meter was found to offer; a list that is no such is not used."""
    from kmpeye.meter.which import adapt, leave_out

    offered = learned.get("offered")
    left_out = learned.get("left_out") or []
    keys = [key for _, key in profile.registers]
    good = isinstance(left_out, list) and all(key in keys for key in left_out)
    if offered is not None:
        good = good and isinstance(offered, list) and all(isinstance(one, int) for one in offered)
    if not good or len(left_out) >= len(keys):
        warnings.append("the list of what the meter offers is damaged: it is learned anew")
        learned["left_out"] = learned["offered"] = None
        return
    if offered:
        adapt(profile, offered)
    leave_out(profile, left_out)
