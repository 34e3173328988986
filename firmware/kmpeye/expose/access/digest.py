# HTTP Digest (RFC 7616) with SHA-256: the owner's password is never on the air, only proof that somebody knows it.
# Imports http for its Refusal. Promises: what was overheard cannot be sent again; a nonce dies after five minutes and
# with a restart; whoever guesses waits longer and longer, and costs one comparison while waiting; the state is
# bounded: four nonces, eight addresses.

import os
from hashlib import sha256

from micropython import const

from kmpeye.expose.http import Refusal

_LIFE_S = const(300)  # of a nonce: a browser gets the next one without asking its user again
_NONCES = const(4)  # that are remembered: each browser uses one
_WINDOW = const(0xFFFF)  # of the last 16 requests with a nonce: parallel ones may arrive in any order
_ADDRESSES = const(8)  # of clients that guessed wrong; the one that has waited longest makes room
_FREE_TRIES = const(5)  # a person mistypes; after that each wrong try doubles the wait
_LONGEST_WAIT_S = const(60)
_FORGIVEN_S = const(600)  # after the wait


def _hash(*parts):
    return sha256(b":".join(parts)).digest().hex().encode()


def _same(a, b):
    """Takes as long for a wrong first digit as for a wrong last one."""
    difference = len(a) ^ len(b)
    for one, other in zip(a, b):
        difference |= one ^ other
    return not difference


def parameters(header):
    """{name: value} of 'Digest name=value, name="value"', as bytes; {} for what is none."""
    scheme, _, rest = header.partition(b" ")
    found = {}
    if scheme.lower() != b"digest":
        return found
    while rest:
        name, equals, rest = rest.partition(b"=")
        rest = rest.lstrip()
        if rest[:1] == b'"':  # no value of ours holds an escaped quotation mark
            value, equals, rest = rest[1:].partition(b'"')
            rest = rest.lstrip()
            if rest[:1] not in (b"", b","):
                return {}
            rest = rest[1:]
        else:
            value, _, rest = rest.partition(b",")
        name = name.strip().lower()
        if not equals or not name or name in found:
            return {}
        found[name] = value.strip()
    return found


class Digest:
    def __init__(self, clock):
        self._clock = clock
        self._secret = os.urandom(16)
        self._issued = 0  # nonces so far: each has its number
        self._floor = 0  # nonces up to this number are dead
        self._used = []  # [number, highest count seen, a bit for each of the counts up to it]
        self._tries = []  # [address, wrong tries, uptime at which the next is heard]

    def check(self, exchange, peer, password):
        """Refusal unless the request proves the password, given as its hash (HA1 in hex)."""
        now = self._clock.uptime_s()
        row = self._row(peer, now)
        if row and row[2] > now:
            raise self._wait(row[2] - now)
        header = exchange.headers.get("authorization")
        if header is None:
            raise self._challenge(now, "the password of the owner is needed")
        given = parameters(header)
        if not self._right(exchange, given, password.encode()):
            if not row:
                row = [peer, 0, now]
                if len(self._tries) == _ADDRESSES:
                    self._tries.remove(min(self._tries, key=lambda one: one[2]))
                self._tries.append(row)
            row[1] += 1
            over = row[1] - _FREE_TRIES
            if over >= 0:
                row[2] = now + min(_LONGEST_WAIT_S, 2 << min(over, 6))
            raise self._challenge(now, "that is not the password of the owner")
        if row:
            self._tries.remove(row)
        if not self._fresh(given, now):
            raise self._challenge(now, "this proof is used up: send a new one", "true")

    def _row(self, peer, now):
        for row in self._tries:
            if row[0] == peer:
                if row[2] + _FORGIVEN_S > now:
                    return row
                self._tries.remove(row)
                break
        return None

    def _wait(self, seconds):
        return Refusal(
            429,
            "too many wrong passwords; try again in %d s" % seconds,
            '"code":"slow_down"',
            "Retry-After: %d\r\n" % seconds,
        )

    def _challenge(self, now, sentence, stale="false"):
        self._issued += 1
        head = b"%08x%08x" % (self._issued, now)
        return Refusal(
            401,
            sentence,
            '"code":"password"',
            'WWW-Authenticate: Digest realm="kmpeye", qop="auth", algorithm=SHA-256, nonce="%s", stale=%s\r\n'
            % ((head + self._seal(head)).decode(), stale),
        )

    def _seal(self, head):
        """What only we can put behind the number and the time of a nonce."""
        return _hash(self._secret + head)[:32]

    def _right(self, exchange, given, password):
        """Was this made with the password, for this very request? For any nonce: age is asked later, so that a
        right password is never called wrong."""
        try:
            uri = given[b"uri"]
            proof = _hash(
                password,
                given[b"nonce"],
                given[b"nc"],
                given[b"cnonce"],
                b"auth",
                _hash(exchange.method.encode(), uri),
            )
            path, _, query = uri.decode().partition("?")
            return (  # user, realm and quality are in the proof: others make another one
                _same(given[b"response"].lower(), proof)
                and given.get(b"algorithm", b"").upper() == b"SHA-256"
                and (path, query) == (exchange.path, exchange.query)
            )
        except (KeyError, ValueError):  # something is missing, or no UTF-8
            return False

    def _fresh(self, given, now):
        """Is the nonce ours and young, and was its count not seen before?"""
        nonce = given[b"nonce"]
        head = nonce[:16]
        if not _same(nonce[16:], self._seal(head)):
            return False
        number = int(head[:8], 16)
        try:
            count = int(given[b"nc"], 16)
        except ValueError:
            return False
        if number <= self._floor or now - int(head[8:], 16) > _LIFE_S:
            return False
        used = self._used
        for entry in used:
            if entry[0] == number:
                break
        else:
            if len(used) == _NONCES:  # the oldest is forgotten; nothing as old as it may come back
                used.sort()
                self._floor = used.pop(0)[0]
                if number <= self._floor:
                    return False
            entry = [number, 0, 0]
            used.append(entry)
        ahead = count - entry[1]
        if ahead > 0:
            entry[1] = count
            entry[2] = ((entry[2] << min(ahead, 16)) | 1) & _WINDOW
            return True
        bit = 1 << min(-ahead, 16)
        if bit > _WINDOW or entry[2] & bit:
            return False
        entry[2] |= bit
        return True
