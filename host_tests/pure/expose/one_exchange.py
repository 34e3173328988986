# One request and its reply without a network: the real Exchange, parsing real bytes, with a socket that keeps what is
# sent, and a clock that stands still. For the tests of single ways out; what they are given as app is one_app.py's.

import asyncio
import gc

from kmpeye.expose.http import Exchange, Refusal
from kmpeye.system.clock import Clock

NOW = 1795329600  # 2026-11-22 06:40 UTC


class StillClock(Clock):
    """Stands still, until a test moves it."""

    now_s = 100000  # of uptime
    date = NOW

    def uptime_s(self):
        return self.now_s

    def unix(self):
        return self.date


class Things:
    """Whatever attributes a part of the app shows its ways out."""

    def __init__(self, **named):
        for name, value in named.items():
            setattr(self, name, value)


class Sink:
    """A socket that takes everything, and every second time only a part of it."""

    def __init__(self):
        self.data = bytearray()
        self.turn = 0

    def write(self, data):
        self.turn += 1
        count = len(data) // 2 if self.turn & 1 and len(data) > 1 else len(data)
        self.data.extend(data[:count])
        return count


def reply(handler, app, target, accept=None, method="GET", sink=None):
    """(status, header lines, body as text) of what a handler answers; the server's own part is done as it does it."""
    gc.collect()
    sink = sink or Sink()
    exchange = Exchange(bytearray(1024), sink, 5)
    request = ("%s %s HTTP/1.1\r\nHost: x\r\n" % (method, target)).encode()
    request += b"Accept: %s\r\n\r\n" % accept if accept else b"\r\n"
    exchange.view[: len(request)] = request
    assert exchange.feed(len(request))
    try:
        asyncio.run(_answer(handler, exchange, app))
    except Refusal as refusal:
        assert not exchange.sent, "refused after the reply began"
        return refusal.args[0], [], refusal.args[1]
    data = memoryview(sink.data)
    size = sink.data.find(b"\r\n\r\n")
    lines = str(data[:size], "utf-8").split("\r\n")
    return (
        int(lines[0].split(" ")[1]),
        lines[1:],
        str(data[size + 4 :], "utf-8"),
    )  # one copy: memory is short here


async def _answer(handler, exchange, app):
    await handler(exchange, app)
    await exchange.flush()
