# The other end of the firmware's Digest: what a browser sends that knows the owner's password (RFC 7616 §3.4).
# Written from the RFC, shares nothing with the firmware; runs on CPython and MicroPython.

from hashlib import sha256


def hashed(*parts):
    return sha256(":".join(parts).encode()).digest().hex()


def challenge(header):
    """{name: value} of a WWW-Authenticate."""
    scheme, _, rest = header.partition(" ")
    assert scheme == "Digest", header
    pairs = [part.strip().split("=", 1) for part in rest.split(",")]
    return {name: value.strip('"') for name, value in pairs}


class Owner:
    def __init__(self, password, user="owner"):
        self.password = password
        self.user = user
        self.given = None
        self.count = 0

    def take(self, header):
        """The challenge of a 401."""
        self.given = challenge(header)
        self.count = 0

    def proof(self, method, target, count=None, **other):
        """The value of Authorization for the next request; other: parts that shall be different."""
        if count is None:
            self.count += 1
            count = self.count
        part = {
            "username": self.user,
            "realm": self.given["realm"],
            "nonce": self.given["nonce"],
            "uri": target,
            "algorithm": "SHA-256",
            "qop": "auth",
            "nc": "%08x" % count,
            "cnonce": "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
        }
        part.update(other)
        first = hashed(part["username"], part["realm"], self.password)
        second = hashed(method, part["uri"])
        middle = [part[name] for name in ("nonce", "nc", "cnonce", "qop")]
        if "response" not in part:
            part["response"] = hashed(first, *(middle + [second]))
        bare = ("algorithm", "qop", "nc")
        texts = [
            "%s=%s" % (name, part[name]) if name in bare else '%s="%s"' % (name, part[name])
            for name in sorted(part)
            if part[name] is not None
        ]
        return "Digest " + ", ".join(texts)
