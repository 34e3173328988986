"""The owner's key for updates and what is signed with it: used by tools/key, tools/bundle, tools/deploy and the tests.

Uses cryptography (which esptool brings along). Promises: the private key never leaves its file, which only its owner
may read; a bundle is as firmware/kmpeye/system/update_verify.py reads it.
"""

import hashlib
import json
import os
import pathlib

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

BITS = 2048
PRIVATE = "update.pem"
PUBLIC = "update.pub"  # the modulus, as it lies on the device
MPY = 6  # version of the compiled modules


class NoKey(Exception):
    """There is no key to sign with; the message says how to get one."""


def folder():
    """Where the key lies: outside of the repository, so that no `git add` or `make clean` meets it."""
    chosen = os.environ.get("KMPEYE_KEYS")
    return pathlib.Path(chosen) if chosen else pathlib.Path.home() / ".config" / "kmpeye"


def make(place):
    """A new key in the folder; its public part. The one that is there is never replaced: boards trust it."""
    place.mkdir(parents=True, exist_ok=True)
    key = rsa.generate_private_key(65537, BITS)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with os.fdopen(os.open(place / PRIVATE, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
        file.write(pem)
    (place / PUBLIC).write_bytes(public(key))
    return place / PUBLIC


def load(place):
    path = place / PRIVATE
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), None)
    except FileNotFoundError:
        raise NoKey(
            "there is no key to sign with in %s: `make key` makes one, once; then `make deploy` tells the boards"
            % place
        ) from None
    except (OSError, ValueError, TypeError) as error:
        raise NoKey("%s cannot be read: %s" % (path, error)) from None
    if not isinstance(key, rsa.RSAPrivateKey) or key.key_size != BITS:
        raise NoKey("%s: an RSA key of %d bits is expected" % (path, BITS))
    return key


def public(key):
    """The modulus, 256 bytes."""
    return key.public_key().public_numbers().n.to_bytes(BITS // 8, "big")


def head(image, version, chips):
    """The first line of a bundle."""
    fields = {
        "bundle": 1,
        "version": version,
        "size": len(image),
        "sha256": hashlib.sha256(image).hexdigest(),
        "chips": sorted(chips),
        "mpy": MPY,
    }
    return json.dumps(fields, separators=(",", ":")).encode() + b"\n"


def signed(line, image, key):
    """The bundle."""
    return line + key.sign(line, padding.PKCS1v15(), hashes.SHA256()) + image
