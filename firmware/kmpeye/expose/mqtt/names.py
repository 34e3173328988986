# A name of the network as an address, without stopping the loop: the port's own getaddrinfo waits up to 15 s for a
# name server, and nothing else runs meanwhile. One question (A, class IN) over UDP; names that end in .local are asked
# of the network itself (RFC 6762, one-shot). Imports sockets only. Promises: every wait ends, and any bytes are
# answered with an address, with "no such name", or not at all.

import os
import socket

from micropython import const

_TRIES = const(3)
_TRY_MS = const(1500)
_STEP_MS = const(30)
_MOST = const(512)  # a reply over UDP is no longer (RFC 1035 2.3.4)
_A_IN = const(b"\0\x01\0\x01")
_SAYS = const(b"\0\x03")  # codes of replies about the name: here it is, there is none (RFC 1035 4.1.1)


def server():
    """(address, port) of the name server that the network named."""
    try:
        import network

        return network.WLAN(network.STA_IF).ifconfig()[3], 53
    except ImportError:
        pass  # not on a chip
    with open("/etc/resolv.conf") as file:
        for line in file:
            words = line.split()
            if words[:1] == ["nameserver"]:
                return words[1], 53
    raise OSError("no name server is known")


def is_address(name):
    """True for 192.168.1.5."""
    parts = name.split(".")
    return len(parts) == 4 and not [1 for part in parts if not part.isdigit() or int(part) > 255]


def question(name, number):
    """The query as bytes; ValueError for what no name server knows."""
    data = number.to_bytes(2, "big") + b"\x01\0\0\x01\0\0\0\0\0\0"
    for label in name.rstrip(".").split("."):
        part = label.encode()
        if not 0 < len(part) < 64:
            raise ValueError("%r is not a name" % name)
        data += bytes((len(part),)) + part
    return data + b"\0" + _A_IN


def _behind_name(data, pos):
    while data[pos]:
        if data[pos] >= 0xC0:
            return pos + 2
        pos += 1 + data[pos]
    return pos + 1


def answer(data, number):
    """The address in a reply; "" when it says there is none; None when it is not the reply to this query, or says that
    the server failed."""
    try:
        if data[:2] != number.to_bytes(2, "big") or not data[2] & 0x80 or data[3] & 0xF not in _SAYS:
            return None
        pos = 12
        for _ in range(data[4] << 8 | data[5]):
            pos = _behind_name(data, pos) + 4
        for _ in range(data[6] << 8 | data[7]):
            pos = _behind_name(data, pos)
            size = data[pos + 8] << 8 | data[pos + 9]
            # The top bit of the class is mDNS's own (RFC 6762 10.2).
            if (
                data[pos : pos + 2] == b"\0\x01"
                and data[pos + 2] & 0x7F == 0
                and data[pos + 3] == 1
                and size == 4
            ):
                return "%d.%d.%d.%d" % tuple(data[pos + 10 : pos + 14])
            pos += 10 + size
    except (IndexError, TypeError):  # it ends too early
        return None
    return ""


async def lookup(name, clock):
    """The address of a name, as text; OSError when there is none or nobody says."""
    if is_address(name):
        return name
    if name == "localhost":
        return "127.0.0.1"
    where = ("224.0.0.251", 5353) if name.rstrip(".").endswith(".local") else server()
    number = int.from_bytes(os.urandom(2), "big")
    query = question(name, number)
    buffer = bytearray(_MOST)
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        address = socket.getaddrinfo(where[0], where[1])[0][-1]
        for _ in range(_TRIES):
            sock.sendto(query, address)
            start = clock.ticks()
            while clock.since(start) < _TRY_MS:
                await clock.sleep_ms(_STEP_MS)
                count = sock.readinto(buffer)
                found = answer(buffer[:count], number) if count else None
                if found:
                    return found
                if found == "":
                    raise OSError("%s: there is no such name" % name)
    finally:
        sock.close()
    raise OSError("%s: no name server answers" % name)
