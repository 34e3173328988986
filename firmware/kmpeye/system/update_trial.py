# A version on trial proves itself, or the old one returns. Runs as a task of the first starts after an update.
# Imports keep and update_state. Promises: what fails gives the device back to the version before, with the reason
# kept; a start that ends in any other way counts as a try, and main.py gives two of them.

from micropython import const

from kmpeye.system import keep
from kmpeye.system.update_state import STATE, state

_PROOF_S = const(600)  # of life, at least
_LIMIT_S = const(1800)  # all of it: the slowest network and two missed readings fit
_LOOK_MS = const(10000)


class Trial:
    def __init__(self, app):
        self._app = app
        self._state = state()

    async def run(self):
        """Until it is over; then for ever, as the supervisor wants it."""
        clock = self._app.clock
        over = False
        while True:
            if not over:
                over = self.look(clock.uptime_s())
            await clock.sleep_ms(_LOOK_MS)

    def missing(self, now_s):
        """What has not been proved yet, a sentence; None: nothing."""
        app = self._app
        was = self._state.get("was", {})
        if was.get("wifi") and not (app.wifi and app.wifi.state == "joined"):
            return "it did not join the Wi-Fi"
        known = was.get("state")
        if not app.reader.readings and (known in ("ok", "starting") or app.snapshot.state != known):
            return "the meter did not answer it: %s" % app.snapshot.state
        if now_s < _PROOF_S:
            return "it lived for %d s only" % now_s
        return None

    def look(self, now_s):
        """Confirm it or give it up when that is due; whether it is over."""
        app = self._app
        found = self._state
        missing = self.missing(now_s)
        if missing is None:
            keep.save(STATE, {"active": found["trial"]})
            app.log("update: %s has proved itself" % app.version)
            return True
        # Where the meter's battery must be spared there is no reading to prove anything with: that is waited for.
        if now_s < _LIMIT_S or app.reader.plan.held:
            return False
        keep.save(
            STATE, {"active": found["active"], "trial": None, "version": found["version"], "why": missing}
        )
        app.supervisor.restart("update: %s goes: %s" % (found["version"], missing), True)
        return True
