# Our own access point, for the first start and for when the Wi-Fi is gone: WPA2 with a password of this device alone,
# and a DNS server that says of every name that it is here, so that a phone opens the page by itself (captive portal).
# Imports keep and wifi_dns; loaded while it is open. Promises that it is never open without a password.

import os
import socket

from micropython import const

from kmpeye.system import keep
from kmpeye.system.wifi_dns import answer

_FILE = const("ap.json")  # {"ssid": ..., "password": ...}; made at deploy, or here at the first need
_LETTERS = const("abcdefghijkmnpqrstuvwxyz23456789")  # 32, none that is taken for another: five bits each
_LENGTH = const(12)  # 60 bits
_DNS_PORT = const(53)
_MOST = const(512)  # bytes of a question, as RFC 1035 2.3.4 has it
_BURST = const(8)  # questions answered at a time; a phone asks about ten, and again
_STEP_MS = const(50)


def credentials(wlan, say=print):
    """(ssid, password) of this device. New ones are said on the console alone: the log can be read from the network."""
    kept = keep.load(_FILE)
    if not isinstance(kept, dict):
        kept = {}
    ssid = kept.get("ssid")
    password = kept.get("password")
    if not isinstance(ssid, str) or not 0 < len(ssid.encode()) <= 32:
        ssid = "kmpeye-%02x%02x%02x" % tuple(wlan.config("mac")[3:])
    if not isinstance(password, str) or not 8 <= len(password.encode()) <= 63:
        password = "".join([_LETTERS[byte & 31] for byte in os.urandom(_LENGTH)])
        keep.save(_FILE, {"ssid": ssid, "password": password})
        say("access point: %s, password: %s" % (ssid, password))
    return ssid, password


class AccessPoint:
    def __init__(self, net, clock, log, page_port="", say=print, dns_port=_DNS_PORT, txpower=None):
        """Open it. OSError or RuntimeError when the radio or the flash refuses. page_port: "" or ":8080"; txpower: as
        for Wifi."""
        self._clock = clock
        self._log = log
        self._dns_port = dns_port
        self._ap = ap = net.WLAN(net.AP_IF)
        self.ssid, password = credentials(ap, say)
        ap.active(True)  # the chip takes no name before; the milliseconds until then are too short to join
        try:
            ap.config(ssid=self.ssid, security=net.AUTH_WPA2_PSK, key=password)
            if txpower:
                ap.config(txpower=txpower)
            self.address = ap.ifconfig()[0]
        except (OSError, RuntimeError):
            ap.active(False)
            raise
        self.net = self.address[: self.address.rfind(".") + 1]  # its DHCP server gives addresses of one /24
        log("wifi: access point %s: http://%s%s/" % (self.ssid, self.address, page_port))

    async def run(self):
        """Answer DNS until cancelled."""
        here = bytes([int(part) for part in self.address.split(".")])
        sock = None
        try:
            while True:
                if not sock:
                    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                    sock.setblocking(False)
                    sock.bind(socket.getaddrinfo(self.address, self._dns_port)[0][-1])
                for _ in range(_BURST):
                    size = _serve(sock, here)
                    if not size:
                        break
                # After an empty packet the chip's socket gives nothing any more (micropython-lib#736).
                if size == 0:
                    sock.close()
                    sock = None
                await self._clock.sleep_ms(_STEP_MS)
        except (OSError, MemoryError) as e:
            self._log("wifi: no DNS on the access point: %r" % e)
        finally:
            if sock:
                sock.close()

    def guests(self):
        """Is somebody on it?"""
        return self._ap.isconnected()

    def close(self):
        try:
            self._ap.active(False)
        except (OSError, RuntimeError):
            pass
        self._log("wifi: access point closed")


def _serve(sock, here):
    """One question; its length, None when there is none."""
    try:
        data, peer = sock.recvfrom(_MOST)
    except OSError:
        return None
    reply = answer(data, here)
    if reply:
        try:
            sock.sendto(reply, peer)
        except OSError:  # who asked is gone
            pass
    return len(data)
