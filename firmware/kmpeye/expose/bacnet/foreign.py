# The registration at a BBMD as a foreign device (ASHRAE 135 annex J.5): renewed in time, tried again when nobody
# answers. Imports udp for a moment; loaded where the settings name a BBMD. Promises a state that tells what it said.

from micropython import const

_ANSWER_S = const(10)  # until a registration is sent again


class Foreign:
    def __init__(self, app):
        """ValueError when the setting is no address."""
        from kmpeye.expose.bacnet.udp import address, parsed

        try:
            self.address = address(parsed(app.config["bacnet_bbmd"]))
        except ValueError:
            raise ValueError("bacnet_bbmd: an address and a port are needed, such as 192.0.2.7:47808")
        self.state = "no answer"
        self._app = app
        self._asked = False  # and it has not answered yet
        self._due_s = 0  # uptime of the next registration

    def registration(self, now_s):
        """The packet to send now, or None: again at half of its time to live, or soon when nobody answered."""
        if now_s < self._due_s:
            return None
        if self._asked:
            self.state = "no answer"
        self._asked = True
        self._due_s = now_s + _ANSWER_S
        return b"\x81\x05\x00\x06" + self._app.config["bacnet_ttl_s"].to_bytes(2, "big")

    def said(self, code):
        """The BBMD's answer, 0 is yes. True for the first yes: the other networks have not heard of us."""
        app = self._app
        before = self.state
        self._asked = False
        self.state = "refused" if code else "registered"
        if code:
            if before != "refused":
                app.log("bacnet_bbmd: it refuses the registration")
            return False
        self._due_s = app.clock.uptime_s() + app.config["bacnet_ttl_s"] // 2
        return before != "registered"
