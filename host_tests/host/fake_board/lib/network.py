# The part of MicroPython's network module that the firmware uses, on a board that joins at once and has the
# address of this machine. Strict: anything else is an AttributeError, a wrong order an OSError.

STA_IF = 0
_hostname = None


def hostname(name):
    global _hostname
    if not 0 < len(name) <= 32:
        raise ValueError(name)
    _hostname = name


class WLAN:
    PM_NONE = 0

    def __init__(self, interface):
        if interface != STA_IF:
            raise ValueError(interface)
        self._active = False
        self._joined = False

    def active(self, on):
        self._active = on
        self._joined = self._joined and on

    def config(self, *, reconnects=None, pm=None):
        if not self._active:
            raise OSError("Wifi Not Started")

    def connect(self, ssid, password):
        if not self._active:
            raise OSError("Wifi Not Started")
        self._joined = True

    def isconnected(self):
        return self._joined

    def status(self):
        return 1010 if self._joined else 1000

    def ifconfig(self):
        return ("127.0.0.1", "255.0.0.0", "127.0.0.1", "127.0.0.1")
