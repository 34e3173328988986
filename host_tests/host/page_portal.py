# The whole firmware at its first start, on a radio that is a strict fake (fakes.network) whose access point has the
# address of this machine: what the tests of the portal show a browser. Runs on MicroPython from the firmware's image.
# Usage: page_portal.py MAIN_PY DNS_PORT, in a folder that holds config.json.

import sys

from fakes import network
from kmpeye.system import wifi_ap
from kmpeye.system.clock import Clock

MAIN_PY, DNS_PORT = sys.argv[1:]

network.air = network.Air(Clock())
network.air.own = "127.0.0.1"
network.air.takes_ms = 200
network.air.networks["home"] = ["secret to all", -60, "192.168.1.20"]
network.air.networks["caf\u00e9"] = [None, -80, "10.0.0.5"]
sys.modules["network"] = network


class AccessPoint(wifi_ap.AccessPoint):
    """On a port for DNS that everybody may use."""

    def __init__(self, net, clock, log, page_port, txpower=None):
        super().__init__(net, clock, log, page_port, print, int(DNS_PORT), txpower)


wifi_ap.AccessPoint = AccessPoint
with open(MAIN_PY) as file:
    exec(compile(file.read(), MAIN_PY, "exec"), {"__name__": "__main__", "__file__": MAIN_PY})
