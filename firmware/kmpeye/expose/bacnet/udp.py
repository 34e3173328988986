# A UDP socket that never waits, and its addresses as BACnet writes them: four bytes and the port. Imports socket;
# loaded when one is needed. Promises the same on the chip, where an address is a tuple, and on unix MicroPython, where
# it is raw bytes.

import socket
import sys


def bound(port):
    """A socket on this port of every network, allowed to broadcast; OSError when the port is taken."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        sock.bind(socket.getaddrinfo("0.0.0.0", port)[0][-1])
    except OSError:
        sock.close()
        raise
    sock.setblocking(False)
    return sock


def address(six):
    """Of four bytes and a port."""
    host = "%d.%d.%d.%d" % tuple(six[:4])
    port = six[4] << 8 | six[5]
    if _RAW:
        return socket.getaddrinfo(host, port)[0][-1]
    return host, port


def six(address):
    """The other way round."""
    if _RAW:  # family, port, host, as in C
        return bytes(address[4:8]) + bytes(address[2:4])
    host, port = address
    return bytes([int(part) for part in host.split(".")]) + port.to_bytes(2, "big")


def parsed(text):
    """Six bytes of "192.0.2.7:47808"; ValueError for anything else. No names: to look one up stops everything."""
    host, _, port = text.partition(":")
    parts = [int(part) for part in host.split(".")]
    number = int(port)
    if len(parts) != 4 or not 0 < number < 65536:
        raise ValueError("address and port")
    return bytes(parts) + number.to_bytes(2, "big")


def everybody(port):
    """Where a broadcast in our network goes; None while there is no network."""
    try:
        import network
    except ImportError:  # not a chip
        return address(b"\xff\xff\xff\xff" + port.to_bytes(2, "big"))
    ip, mask = network.WLAN(network.STA_IF).ifconfig()[:2]
    if ip == "0.0.0.0":
        return None
    parts = zip(ip.split("."), mask.split("."))
    return address(bytes([int(one) | 255 & ~int(two) for one, two in parts]) + port.to_bytes(2, "big"))


_RAW = sys.implementation.name == "micropython" and sys.platform == "linux"
