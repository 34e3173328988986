"""Small images, a key and bundles for the tests of updates.

Uses tools/signing.py and mpremote's writer of images; knows no firmware.
"""

import hashlib

from mpremote.romfs import VfsRomWriter

import signing


def image(version, size=5000):
    """An image that is not the firmware: two files, what they hold as a digest, and a version."""
    parts = {name: (name * size + version).encode() for name in ("a", "b")}
    writer = VfsRomWriter()
    writer.opendir("kmpeye")
    for name, data in parts.items():
        writer.mkfile(name, data)
    writer.closedir()
    writer.mkfile("digest", hashlib.sha256(b"".join(parts.values())).digest())
    writer.mkfile("version", version.encode())
    return bytes(writer.finalise())


def new_key(place):
    """A private key in a folder of its own."""
    signing.make(place)
    return signing.load(place)


def bundle(data, version, key, chips=("pc",)):
    return signing.signed(signing.head(data, version, chips), data, key)
