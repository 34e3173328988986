# Who may do what: every request passes Access before its handler. Reading is open, or behind the owner's password;
# changing is the owner's; without a password only who is on the device's own access point may change anything.
# Imports http for its Refusal; digest.py is loaded when the first password is asked for. Promises: a refusal has
# a stable word ("code"), and a page of somebody else's in the owner's browser can do nothing here.

from kmpeye.expose.http import Refusal


def address(peer):
    """The text of a socket's address: CPython and the chip give ("192.168.1.7", port), MicroPython on a PC the
    bytes of the system (family, port, IPv4 address)."""
    return peer[0] if isinstance(peer, tuple) else "%d.%d.%d.%d" % tuple(peer[4:8])


class Access:
    """app: config (name, http_names, owner_password, read_protected), clock, local(address): is it on our own access
    point?"""

    def __init__(self, app):
        self._app = app
        self._digest = None

    def __call__(self, exchange, mark=""):
        """Refusal when this client may not; mark as in http.Server's routes."""
        if mark == "*":
            return
        config = self._app.config
        host = exchange.headers["host"].lower()
        if not _is_ours(host, config):
            raise Refusal(
                421,
                "call this device by its address, or put the name into http_names",
                '"code":"host"',
            )
        change = exchange.method not in ("GET", "HEAD")
        # Browsers name the page that wants to change something; scripts name none.
        origin = exchange.headers.get("origin")
        if change and origin is not None and origin.lower().partition(b"://")[2] != host:
            raise Refusal(403, "another site's page may not change this device", '"code":"origin"')
        owner = change or mark == "!"
        if not owner and not config["read_protected"]:
            return
        peer = address(exchange.peer)
        local = self._app.local(peer)
        if local and not owner:
            return  # who knows the access point's own password may look
        password = config["owner_password"]
        if password:
            if not self._digest:
                from kmpeye.expose.access.digest import Digest

                self._digest = Digest(self._app.clock)
            self._digest.check(exchange, peer, password)
        elif not local:
            raise Refusal(
                403,
                "no password is set: join the device's own Wi-Fi, or use its USB, and set owner_password",
                '"code":"no_owner"',
            )


def _is_ours(host, config):
    """Is this the Host of a page that came from here? A name that an attacker can point at our address (DNS rebinding)
    is not; nobody can do that to an address, nor to the names in the local network."""
    if host[:1] == b"[":
        return True  # IPv6
    name = host.partition(b":")[0]
    if not name or not name.replace(b".", b"").strip(b"0123456789"):  # HTTP/1.0 without Host: no browser
        return True
    if name == b"localhost":
        return True
    ours = config["name"].lower().encode()
    if name == ours or name == ours + b".local":
        return True
    names = config["http_names"]
    return bool(names) and name in names.lower().encode().split()
