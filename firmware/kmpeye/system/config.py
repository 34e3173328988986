# Settings: one table says what exists, what is allowed and what is used when nothing is said. Read from
# config.json beside the firmware. A bad value never stops the reader: it is named, and the default is used; a
# damaged file is replaced by config.old.json, the settings before (config_save.py writes both).
# Imports keep, and kmp's packed for the table; let go of after the start. docs/configuration.md is made of the table.

import json
import os

from micropython import const

from kmp.packed import lines
from kmpeye.system import keep

FILE = "config.json"
OLD_FILE = "config.old.json"
MOST_BYTES = const(2048)  # ten times a usual config; a larger one would not fit into a busy heap
_OF_GROUP = const(2)  # fields of a group's line

# Each group first, with what it is about, then a line for each setting:
# key|kind and what is allowed|default, as JSON|flags|what it is for
#   int: least..most; text: shortest..longest, in characters; choice: the words; bool: true or false;
#   password: a text of 8..63, kept as its hash (see hashed()).
#   A default of null means "not set", and null is then allowed in the file.
#   flags: s, secret: it is never shown; l, live: a change works at once, others after a restart.
_ROWS = const("""
reader|this reader and the meter under it
name|text 1..32|"kmpeye"||its name on the page and in the network
meter|text 1..32|"auto"||profile of the meter, a file of meters/; auto finds it out
port|text 1..128|"uart"||where the head is: uart, a device path, socket://HOST:PORT
board|text 1..32|null||the board with its pins, a file of boards/
address|int 0..255|null||KMP address of the meter; not set: the profile's (63)
baud|int 300..9600|null||line speed; not set: the profile's, or what is not garbled
interval_s|int 10..86400|null|l|seconds between readings; not set: the profile's
budget_replies|int 1..100000|null||replies of the meter a day; not set: the profile's
budget_awake_s|int 1..86400|null||seconds a day that the meter is kept awake; not set: the profile's
allow_meter_writes|bool|false||lets this reader set the meter's clock, and kmptcp clients write to it
wake|what wakes the meter's eye
wake|choice none fixed servo coil key iec|null||what wakes the meter's eye; not set: the profile's
wake_rest_deg|int 0..180|0||servo: angle with the magnet away
wake_deg|int 0..180|90||servo: angle with the magnet at the meter, or the key pressed
wake_travel_ms|int 100..5000|500||servo: time from one angle to the other
wake_max_on_ms|int 100..60000|30000||coil: longest time it is on
wake_how|choice servo coil|"servo"||key: what presses it
wake_press_ms|int 50..2000|500||key: how long it is pressed
time|the date, and what is kept of the past
timezone|text 1..64|"CET-1CEST,M3.5.0,M10.5.0/3"||POSIX TZ string: where days and months begin
ntp|text 1..128|"0.pool.ntp.org 1.pool.ntp.org 2.pool.ntp.org"||servers of the time, tried in turn
history_kib|int 64..4096|null||flash for the history; not set: as the board file says
page|the page, and who may do what on it
owner_password|password 8..63|null|sl|asked for before anything is changed; user: owner
read_protected|bool|false|l|asks for the password before showing anything, too
http_names|text 1..128|null|l|further names of the page, with spaces between: kmpeye.example.net
http_host|text 1..64|"0.0.0.0"||address the page listens on; 0.0.0.0: every network
http_port|int 1..65535|80||TCP port of the page
log|what is written down
log_level|choice debug info warning error|"info"||the least that the log keeps
syslog_host|text 1..64|null||server that gets the log too, by UDP
wifi|the network
wifi_ssid|text 1..32|null||name of the Wi-Fi network
wifi_password|text 8..63|null|s|its password; not set: an open network
mqtt|publishing to a broker, and Home Assistant
mqtt_host|text 1..64|null||MQTT broker; not set: no MQTT
mqtt_port|int 1..65535|null||its TCP port; not set: 1883, with TLS 8883
mqtt_user|text 1..64|null||user name at the broker
mqtt_password|text 1..64|null|s|password at the broker
mqtt_base|text 1..64|"kmpeye"||first part of every MQTT topic
mqtt_tls|bool|false||speak TLS with the broker
mqtt_ca|text 1..64|null||file on the flash: the CA of the broker's certificate (DER or PEM)
mqtt_tls_insecure|bool|false||TLS without looking at the broker's certificate
mqtt_cert|text 1..64|null||file on the flash: our certificate, where the broker wants one
mqtt_key|text 1..64|null||file on the flash: its key
ha_prefix|text 1..64|"homeassistant"||Home Assistant's discovery topic
ha_discovery|bool|true||announce the meter to Home Assistant
modbus|Modbus TCP
modbus|bool|false||serve Modbus TCP
modbus_port|int 1..65535|502||its TCP port
bacnet|BACnet/IP
bacnet|bool|false||serve BACnet/IP
bacnet_port|int 1..65535|47808||its UDP port
bacnet_instance|int 0..4194302|null||device instance; not set: made of the meter's serial number
bacnet_name|text 1..64|null||device name; not set: name and serial number
bacnet_location|text 1..64|null||device location
bacnet_vendor|int 0..65535|0||vendor identifier; 0: ASHRAE, ours is not assigned
bacnet_bbmd|text 1..64|null||HOST:PORT of a BBMD to register with
bacnet_ttl_s|int 30..65535|300||time to live of that registration
kmptcp|the meter's own protocol
kmptcp|bool|false||serve the meter's own protocol over TCP, read-only
kmptcp_port|int 1..65535|1025||its TCP port
""")


class _Table:
    def __iter__(self):
        for line in lines(_ROWS):
            row = line.split("|")
            if len(row) == _OF_GROUP:
                group = row[0]
                continue
            key, kind, default, flags, about = row
            kind, _, allowed = kind.partition(" ")
            if kind == "choice":
                allowed = tuple(allowed.split())
            elif allowed:
                allowed = tuple([int(limit) for limit in allowed.split("..")])
            yield key, kind, allowed, json.loads(default), about, flags, group


# Its rows: key, kind, allowed ("" for a bool), default, what it is for, flags, group.
TABLE = _Table()
SECRETS = tuple([row[0] for row in TABLE if "s" in row[5]])


def groups():
    """(name, what it is about) of each group, in the order of the table."""
    for line in lines(_ROWS):
        row = line.split("|")
        if len(row) == _OF_GROUP:
            yield row


def _ports_clash(config):
    ports = [
        config[key]
        for key, served in (("http_port", True), ("modbus_port", "modbus"), ("kmptcp_port", "kmptcp"))
        if served is True or config[served]
    ]
    return len(ports) != len(set(ports))


# Settings that are each possible, but not together: the keys, what is wrong (config: bool), what would be right.
CONFLICTS = (
    (
        ("wake", "wake_how", "wake_rest_deg", "wake_deg"),
        lambda c: (
            (c["wake"] == "servo" or (c["wake"] == "key" and c["wake_how"] == "servo"))
            and c["wake_rest_deg"] == c["wake_deg"]
        ),
        "the servo needs two different angles",
    ),
    (
        ("read_protected", "owner_password"),
        lambda c: c["read_protected"] and not c["owner_password"],
        "set owner_password too, or nobody can read",
    ),
    (
        ("http_port", "modbus", "modbus_port", "kmptcp", "kmptcp_port"),
        _ports_clash,
        "each server needs a TCP port of its own",
    ),
    (
        ("mqtt_host", "mqtt_tls", "mqtt_ca", "mqtt_tls_insecure"),
        lambda c: c["mqtt_host"] and c["mqtt_tls"] and not (c["mqtt_ca"] or c["mqtt_tls_insecure"]),
        "TLS needs mqtt_ca, or mqtt_tls_insecure where that is acceptable",
    ),
    (
        ("mqtt_cert", "mqtt_key"),
        lambda c: (c["mqtt_cert"] is None) != (c["mqtt_key"] is None),
        "a certificate and its key belong together",
    ),
    (
        ("mqtt_user", "mqtt_password"),
        lambda c: c["mqtt_password"] is not None and c["mqtt_user"] is None,
        "a password at the broker needs a user name (MQTT 3.1.1 §3.1.2.9)",
    ),
)


def _plain(text):
    # No control characters: values go into log lines, topics and headers. No halves of characters: not UTF-8.
    # As bytes: MicroPython keeps every character that a loop over a text meets for ever.
    try:
        data = text.encode()
    except ValueError:
        return False
    before = 0
    for byte in data:
        if byte < 0x20 or byte == 0x7F or (before == 0xED and byte >= 0xA0):
            return False
        before = byte
    return True


def _is_hash(value):
    return len(value) == 64 and not value.strip("0123456789abcdef")


def problem(row, value):
    """Why a value is not allowed for a row of the table: None, or what would be right."""
    kind, allowed, default = row[1:4]
    if value is None and default is None:
        return None
    if kind == "int":
        if isinstance(value, int) and not isinstance(value, bool) and allowed[0] <= value <= allowed[1]:
            return None
        return "a whole number from %d to %d is allowed" % allowed
    if kind == "bool":
        return None if isinstance(value, bool) else "true or false is allowed"
    if kind == "choice":
        return None if value in allowed else "one of %s is allowed" % ", ".join(allowed)
    if isinstance(value, str):
        if allowed[0] <= len(value) <= allowed[1] and _plain(value):
            return None
        if kind == "password" and _is_hash(value):
            return None
    return "a text of %d to %d characters is allowed" % allowed


def hashed(password):
    """What is kept of the owner's password: HA1 of RFC 7616 with SHA-256, in hex. A hash stays as it is."""
    if _is_hash(password):
        return password
    from hashlib import sha256

    return sha256(b"owner:kmpeye:" + password.encode()).digest().hex()


class _Values:
    """Takes the values as attributes: a name of an attribute is the one string of that name that there is, while the
    keys of the table are cut out of it anew, and 49 of them would stay."""


class Config(dict):
    """Every key of TABLE; `warnings` says in sentences what was wrong with the file. It has no methods, so that this
    module can be let go of."""

    warnings: list


def checked(data):
    """A Config of what the file held, a dict; unknown keys and wrong values become warnings."""
    config = Config()
    config.warnings = []
    values = _Values()
    for row in TABLE:
        key, kind, _, default = row[:4]
        value = data.get(key, default)
        wrong = problem(row, value)
        if wrong:
            shown = "its value" if key in SECRETS else repr(value)
            used = "the default" if default is None else repr(default)
            config.warnings.append("%s: %s is not possible; %s; %s is used" % (key, shown, wrong, used))
            value = default
        if kind == "password" and value:
            value = hashed(value)
        setattr(values, key, value)
    config.update(values.__dict__)
    for key in data:
        if key not in config:
            config.warnings.append("%s: there is no such setting" % key)
    for keys, wrong, right in CONFLICTS:
        if wrong(config):
            config.warnings.append("%s: not possible together; %s" % (", ".join(keys), right))
    return config


def load(path=FILE, old=OLD_FILE):
    """Config from a file. A file that does not exist is no problem; one that is damaged is a warning, and the one
    before it is used, if there is one."""
    try:
        os.stat(path)
    except OSError:
        return checked({})
    for name in (path, old):
        data = keep.load(name, MOST_BYTES)
        if isinstance(data, dict):
            break
    config = checked(data if isinstance(data, dict) else {})
    if name != path:
        used = "the settings before, %s," % old if isinstance(data, dict) else "the defaults"
        config.warnings.append(
            "%s: not a JSON object of at most %d bytes; %s are used" % (path, MOST_BYTES, used)
        )
    return config
