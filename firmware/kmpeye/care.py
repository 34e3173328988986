# What the owner can do to the device as a whole: settings that change at work, restart, forgetting. Loaded when it is
# asked for. Knows what it resets. Promises that a reply has time to leave before the device goes, and that the
# history stays unless the owner says otherwise.

import asyncio
import os

from micropython import const

_LATER_MS = const(1000)  # the reply is on its way by then
# What the device is, not what it learned or was told.
_STAYS = const(("board.json", "ap.json", "manifest.json"))
_SETTINGS = const("config.json")
_HISTORY = const("history")


def apply(app, keys):
    """Make changed settings work; the list of those that wait for a restart. keys: the live ones that changed."""
    reader = app.reader
    if "interval_s" in keys:
        plan = reader.plan
        plan.interval_s = app.config["interval_s"] or reader.profile.interval_s
        plan.next_s = min(plan.next_s, app.clock.uptime_s() + plan.interval_s)
    return []


def later(app, reason, what=None):
    """Restart in a moment, after what() was done."""

    async def go():
        await app.clock.sleep_ms(_LATER_MS)
        if what:
            what()
        app.supervisor.restart(reason, True)

    app.leaving = asyncio.create_task(go())


def restart(app):
    later(app, "the owner asked for it")


def forget_wifi(app):
    """The access point opens at the next start."""
    from kmpeye.system import config_save

    config_save.forget(("wifi_ssid", "wifi_password"))
    later(app, "the owner made it forget the Wi-Fi")


def factory_reset(app, keep_history):
    """Settings and everything learned go; the history stays unless the owner gives it up too."""

    def reset():
        app.forgets = True
        clean(keep_history)

    later(app, "the owner reset it", reset)


def clean(keep_history, fs=os):
    """The settings go last: until then a power cut leaves a device that its owner can reset again."""
    names = [
        # In the middle too: a power cut leaves "config.json.new".
        name
        for name in fs.listdir()
        if ".json" in name and name != _SETTINGS and name not in _STAYS
    ]
    if not keep_history:
        try:
            names += ["%s/%s" % (_HISTORY, name) for name in fs.listdir(_HISTORY)]
        except OSError:
            pass  # there is none
    for name in names + [_SETTINGS]:
        try:
            fs.remove(name)
        except OSError:
            pass
    if not keep_history:
        try:
            fs.rmdir(_HISTORY)
        except OSError:
            pass
