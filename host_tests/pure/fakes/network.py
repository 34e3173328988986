# The part of the chip's network module that the system uses, strict: a wrong order is the chip's OSError, no memory its
# RuntimeError, a wrong name its ValueError, and what it does not have is an AttributeError. After network_wlan.c and
# network_common.c of MicroPython's ESP32 port; host/test_fakes.py holds every signature to the stubs. What the radio
# can hear is `air`.

STA_IF = 0
AP_IF = 1
AUTH_OPEN = 0
AUTH_WPA2_PSK = 3
STAT_IDLE = 1000
STAT_CONNECTING = 1001
STAT_GOT_IP = 1010
STAT_BEACON_TIMEOUT = 200
STAT_NO_AP_FOUND = 201
STAT_WRONG_PASSWORD = 202

_NO_MEMORY = "Wifi Unknown Error 0x0101"  # what network_common.c says where it has no words of its own

_LEFT = 8  # we have left the network: idle
_KEPT = (STAT_NO_AP_FOUND, STAT_WRONG_PASSWORD)  # told until there is an address, whatever was asked since


class Air:
    """The radio and what is around it. Tests change it while it is used."""

    def __init__(self, clock):
        self.clock = clock
        self.networks = {}  # ssid: [password or None, rssi, address that its DHCP gives]
        self.foreign = []  # more names in reach, as bytes, with their rssi
        self.stuck = False  # a driver that finds nothing until the chip restarts (MicroPython issue 14382)
        self.takes_ms = 3000  # joining
        self.own = "192.168.4.1"  # the address of our access point
        self.mute = False  # an access point that neither takes nor refuses
        self.broken = False  # every call that starts something fails
        self.guests = 0  # on our access point
        self.started = 0  # how often the radio went on
        self.connects = []  # (uptime s, ssid) of each try
        self.scans = 0
        self.hostname = "mpy-esp32"
        self.stations = {STA_IF: _Interface(), AP_IF: _Interface()}


class _Interface:
    """What the chip keeps of one of its two."""

    def __init__(self):
        self.active = False
        self.asked = None  # (ssid, password, ms)
        self.joined = None
        self.reason = 0
        self.retries = True  # the port tries again by itself unless reconnects is 0
        self.settings = {}


air = None


def hostname(name=None):
    if name is None:
        return air.hostname
    if len(name) > 32:
        raise ValueError("hostname too long")
    if air.stations[STA_IF].active:
        raise AssertionError("a name set now is not told to the network")
    air.hostname = name


class WLAN:
    PM_NONE = 0
    PM_PERFORMANCE = 1

    def __init__(self, interface_id=STA_IF):
        if interface_id not in (STA_IF, AP_IF):
            raise ValueError("invalid WLAN interface identifier")
        self._id = interface_id
        self._it = air.stations[interface_id]

    def _need(self, sta=True):
        if air.broken:
            raise RuntimeError(_NO_MEMORY)
        if not self._it.active:
            raise OSError("Wifi Not Started")
        if sta and self._id != STA_IF:
            raise OSError("STA required")

    def active(self, is_active=None):
        it = self._it
        if is_active is None:
            return it.active
        if air.broken and is_active:
            raise RuntimeError(_NO_MEMORY)
        if is_active and not it.active and self._id == STA_IF:
            air.started += 1
        if not is_active:
            it.asked = it.joined = None
            it.settings.pop("txpower", None)
        it.active = bool(is_active)
        return it.active

    def connect(self, ssid=None, password=None, *, bssid=None):
        self._need()
        self._look()
        it = self._it
        if it.asked or it.joined:
            raise OSError("Wifi Internal Error")
        if not isinstance(ssid, str) or not (password is None or isinstance(password, str)):
            raise TypeError("object with buffer protocol required")
        if it.retries:
            raise AssertionError("two would own the connection: set reconnects=0")
        it.asked = (ssid, password, air.clock.ticks())
        air.connects.append((air.clock.uptime_s(), ssid))

    def disconnect(self):
        self._need()
        it = self._it
        if it.asked or it.joined:
            it.reason = _LEFT
        it.asked = it.joined = None

    def _look(self):
        """What has become of it meanwhile."""
        it = self._it
        if it.joined and it.joined not in air.networks:
            it.joined = None
            it.reason = STAT_BEACON_TIMEOUT
        if it.asked and not air.mute and air.clock.since(it.asked[2]) >= air.takes_ms:
            ssid, password, _ = it.asked
            it.asked = None
            if air.stuck or ssid not in air.networks:
                it.reason = STAT_NO_AP_FOUND
            elif air.networks[ssid][0] != password:
                it.reason = STAT_WRONG_PASSWORD
            else:
                it.joined = ssid
                it.reason = 0

    def isconnected(self):
        if self._id == AP_IF:
            return self._it.active and air.guests > 0
        self._look()
        return self._it.joined is not None

    def status(self, param=None):
        it = self._it
        self._look()
        if param is None:
            if it.joined:
                return STAT_GOT_IP
            if it.reason in _KEPT:
                return it.reason
            if it.reason == _LEFT:
                return STAT_IDLE
            return STAT_CONNECTING if it.asked else it.reason or STAT_IDLE
        if param != "rssi":
            raise ValueError("unknown status param")
        self._need()
        if not it.joined:
            raise OSError("Wifi Not Connected")
        return air.networks[it.joined][1]

    def ifconfig(self):
        self._look()
        if self._id == AP_IF:
            own = air.own if self._it.active else "0.0.0.0"
        else:
            own = air.networks[self._it.joined][2] if self._it.joined else "0.0.0.0"
        return (own, "255.255.255.0", own, own)

    def config(self, *args, **kwargs):
        if bool(args) == bool(kwargs):
            raise TypeError("either pos or kw args are allowed")
        if args:
            if args != ("mac",):
                raise ValueError("unknown config param")
            return b"\x24\x0a\xc4\x1a\x2b" + bytes((0x3C + self._id,))
        self._need(False)
        for name, value in kwargs.items():
            if name == "txpower":
                if not self._it.active:
                    raise OSError("Wifi Not Started")
                if not 2 <= value <= 20:
                    raise OSError("Wifi Invalid Argument")
            elif name not in (("reconnects", "pm") if self._id == STA_IF else ("ssid", "security", "key")):
                raise ValueError("unknown config param")
            self._it.settings[name] = value
            if name == "reconnects":
                self._it.retries = value != 0
        if "key" in kwargs and not 8 <= len(kwargs["key"]) <= 63:
            raise OSError("Wifi Invalid Argument")

    def scan(self):
        self._need()
        self._look()
        if self._it.asked:  # the driver refuses, and the port does not say so
            return []
        air.scans += 1
        found = [(ssid.encode(), row[1], 3 if row[0] else 0) for ssid, row in air.networks.items()]
        found += [(name, rssi, 3) for name, rssi in air.foreign]
        return [(name, b"\x02" * 6, 6, rssi, security, False) for name, rssi, security in found]
