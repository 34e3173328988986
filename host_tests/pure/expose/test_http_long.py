# The one address whose body is longer than the buffer: its head is read as any other, its body in pieces.
# Runs on CPython and MicroPython, with a socket that gives what it was told to; no network.

import asyncio

from kmpeye.expose.http import Exchange, Refusal

HEAD = "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"
BODY = b"".join([b"%08d" % number for number in range(1000)])


class Source:
    """Gives the bytes in pieces of these sizes, then the end."""

    def __init__(self, data, sizes):
        self.data = data
        self.sizes = list(sizes)

    def readinto(self, view):
        count = min(len(view), self.sizes.pop(0) if self.sizes else len(self.data), len(self.data))
        view[:count] = self.data[:count]
        self.data = self.data[count:]
        return count


async def received(exchange):
    await exchange.read()
    early = exchange.whole
    body = b""
    while exchange.size:
        body += bytes(await exchange.more())
    return body, early, exchange.whole


def outcome(path, said, sent, sizes):
    """(body, whole before, whole after) of a request, or the status of the refusal, or "gone"."""
    source = Source((HEAD % (path, said)).encode() + sent, sizes)
    try:
        return asyncio.run(received(Exchange(bytearray(1024), source, 5)))
    except Refusal as refusal:
        return refusal.args[0]
    except EOFError:
        return "gone"


def test_a_long_body_comes_in_pieces_and_whole():
    for sizes in ((), (1,) * 90, (70, 1, 500), (1024,) * 9, (65, 1024, 3, 1024)):
        assert outcome("/api/update", len(BODY), BODY, sizes) == (BODY, False, True), sizes


def test_a_short_body_is_there_at_once():
    for size in (0, 1, 1024):
        assert outcome("/api/update", size, BODY[:size], (100,)) == (BODY[:size], True, True), size


def test_what_follows_the_body_is_left_alone():
    assert outcome("/api/update", 2000, BODY, (500, 500, 2000)) == (BODY[:2000], False, True)


def test_a_client_that_goes_is_gone():
    for size in (0, 10, 1024, 7999):
        assert outcome("/api/update", len(BODY), BODY[:size], (300,)) == "gone", size


def test_every_other_address_refuses_it():
    for path in ("/", "/api/config", "/api/update/", "/api/updates"):
        assert outcome(path, 1025, BODY, ()) == 413, path
