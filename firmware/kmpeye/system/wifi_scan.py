# What a person sees of Wi-Fi: the networks in reach, what a status means, what is wrong with a name or a password.
# Imports nothing of ours; loaded only while somebody looks. The statuses are those of MicroPython's ESP32 port.

from micropython import const

_MOST = const(20)  # networks; a list on a phone gets no better by more

# A word of ours after the numbers it stands for: ESP-IDF's reasons, and MicroPython's own from 1000 on.
_WORDS = const(
    (
        " 2 15 202 204 |probably the password is wrong",
        " 201 210 211 212 |there is no such network in reach",
        " 200 |the access point is too weak",
        " 203 |the access point refuses",
        " 1000 1001 |it takes too long",
    )
)


def words(status):
    for row in _WORDS:
        numbers, _, text = row.partition("|")
        if " %d " % status in numbers:
            return "%s (%d)" % (text, status)
    return "status %d" % status


def wrong(ssid, password):
    """What is not possible about them, or None. No password: an open network."""
    if not isinstance(ssid, str) or not 0 < len(ssid.encode()) <= 32:
        return "the name of a network has 1 to 32 bytes"
    if password is not None and (not isinstance(password, str) or not 8 <= len(password.encode()) <= 63):
        return "a password has 8 to 63 characters; leave it out for an open network"
    return None


def networks(wlan):
    """[(ssid, rssi, whether it wants a password)], the strongest of each name, the strongest first."""
    if not wlan.active():
        wlan.active(True)
    found = {}
    for name, _, _, rssi, security, _ in wlan.scan():
        try:
            name = name.decode()
        except ValueError:  # it could not be typed either
            continue
        if name and (name not in found or rssi > found[name][1]):
            found[name] = (name, rssi, security != 0)
    return sorted(found.values(), key=lambda row: -row[1])[:_MOST]
