"""Small images, a key and bundles for the tests of updates.

Uses tools/signing.py and mpremote's writer of images. Promises: a key of its own for each run of the tests.
"""

import hashlib

import pytest
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


@pytest.fixture(scope="session")
def owner(tmp_path_factory):
    """The owner's private key, and the folder that holds it."""
    place = tmp_path_factory.mktemp("keys")
    signing.make(place)
    return signing.load(place), place


def bundle(data, version, key, chips=("pc",)):
    return signing.signed(signing.head(data, version, chips), data, key)
