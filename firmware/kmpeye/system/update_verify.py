# What a bundle says of itself, and whether the owner signed it. A bundle is one line of JSON, its signature (RSA-2048,
# PKCS#1 v1.5, SHA-256: RFC 8017 §8.2) and the image. Imports hashlib and json; loaded for one update.
# Promises: nothing of the image has to be there yet; a signature counts only when every one of its bits is right.

import json
from binascii import unhexlify
from hashlib import sha256

from micropython import const

HEAD_MOST = const(512)  # bytes of the line with its LF; ours has 230
SIGNATURE = const(256)  # bytes, as many as the key has
_EXPONENT = const(65537)
# What stands before the digest: that it is SHA-256, as DER (RFC 8017 §9.2, note 1).
_PREFIX = const(b"010\r\x06\t`\x86H\x01e\x03\x04\x02\x01\x05\x00\x04 ")
_BEGINNING = const(b'{"bundle":')
_MPY = const(6)  # version of the compiled modules: MicroPython 1.20 and newer


class Wrong(Exception):
    """Why this bundle is not taken: a stable word, a sentence."""


def signed(line, signature, key):
    """Whether the signature of the line was made with the key (its modulus, as bytes)."""
    modulus = int.from_bytes(key, "big")
    number = int.from_bytes(signature, "big")
    if number >= modulus or len(signature) != SIGNATURE or len(key) != SIGNATURE:
        return False
    ending = _PREFIX + sha256(line).digest()
    wanted = b"\x00\x01" + b"\xff" * (SIGNATURE - 3 - len(ending)) + b"\x00" + ending
    return pow(number, _EXPONENT, modulus).to_bytes(SIGNATURE, "big") == wanted


def seems(start):
    """Whether this could be the beginning of a bundle."""
    return start[: len(_BEGINNING)] == _BEGINNING[: len(start)]


def version_of(text):
    """[0, 2, 0] of "0.2.0", for comparing."""
    return [int(part) for part in text.split(".")]


def head(line):
    """{version, size, sha256 (bytes), chips, mpy} of a signed first line; Wrong when it is of another kind."""
    try:
        found = json.loads(line.decode())
        if found["bundle"] != 1:
            raise ValueError
        version_of(found["version"])
        found["sha256"] = unhexlify(found["sha256"])
        if len(found["sha256"]) != 32 or found["size"] <= 0 or not isinstance(found["chips"], list):
            raise ValueError
        return found
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Wrong("not_a_bundle", "this bundle is of no known kind: `make bundle` makes one")


def check(found, chip, mpy, running, room, downgrade):
    """Wrong unless the bundle is for this chip and MicroPython, fits, and is not older than what runs."""
    if chip not in found["chips"]:
        raise Wrong(
            "other_board",
            "the bundle is for %s, this board has an %s" % (", ".join(found["chips"]), chip),
        )
    if found["mpy"] != _MPY or mpy & 0xFF != _MPY:
        raise Wrong("other_micropython", "this MicroPython cannot run it: `make flash` puts the right one on")
    if found["size"] > room:
        raise Wrong("too_large", "the image has %d bytes, the place for it %d" % (found["size"], room))
    if version_of(found["version"]) < version_of(running) and not downgrade:
        raise Wrong(
            "downgrade",
            "%s is older than %s, which runs: say downgrade=yes if you mean it" % (found["version"], running),
        )


def chip_of(platform, machine):
    """ "esp32c3" of "LOLIN_C3_MINI with ESP32-C3FH4"; "pc" for a computer."""
    if platform != "esp32":
        return "pc"
    name = machine.rpartition(" ")[2].lower().replace("-", "")
    return name[:7] if name[5:6] in ("c", "h", "p", "s") and name[6:7].isdigit() else name[:5]
