"""Whose turn it is at the head over TCP, and what a client hears when the meter does not answer.

KmpTcp in this process on real sockets; the clock is set by hand, and what the reader says to a request is the case.
"""

import asyncio
import contextlib
import socket

import pytest

from host.bus_client import WAIT_S
from host.http_client import free_port
from kmp import command
from kmp.frame import ACK, FROM_METER, METER, TO_METER, build
from kmpeye.expose.kmptcp.server import KmpTcp
from kmpeye.system import forget
from kmpeye.system.config import checked

GET_SERIAL = build(TO_METER, METER, command.get_serial())
REPLY = b"\x02\0\x01\x02\x03"


class Clock:
    def __init__(self):
        self.now_s = 100

    def uptime_s(self):
        return self.now_s

    def sleep_ms(self, ms):
        return asyncio.sleep(min(ms, 10) / 1000)


class Reader:
    def __init__(self):
        self.answers = []  # for the next requests; then REPLY
        self.asked = []
        self.gate = asyncio.Event()  # while it is not set the meter thinks
        self.gate.set()

    async def relay(self, address, application):
        self.asked.append((address, application))
        await self.gate.wait()
        return self.answers.pop(0) if self.answers else (REPLY, None)


class App:
    forget = staticmethod(forget)

    def __init__(self, port):
        self.config = checked({"http_host": "127.0.0.1", "kmptcp_port": port})
        self.clock = Clock()
        self.reader = Reader()
        self.lines = []
        self.log = self.lines.append


class Client:
    def __init__(self, streams):
        self.reader, self.writer = streams

    async def ask(self, frame=GET_SERIAL):
        self.writer.write(frame)
        await self.writer.drain()

    async def reply(self):
        """The application of the next reply."""
        return bytes(await self.reader.readexactly(len(build(FROM_METER, METER, REPLY))))[2:-3]

    async def gone(self):
        return await self.reader.read() == b""


def scene(test):
    """Runs test(app, connect) with the server beside it; connections that are left are closed."""

    async def run():
        app = App(free_port())
        server = KmpTcp(app)
        task = asyncio.create_task(server.run())
        clients = []

        async def connect():
            clients.append(Client(await asyncio.open_connection("127.0.0.1", app.config["kmptcp_port"])))
            return clients[-1]

        try:
            await asyncio.sleep(0)
            await test(app, connect)
        finally:
            for client in clients:
                client.writer.close()
                with contextlib.suppress(OSError):
                    await client.writer.wait_closed()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await asyncio.sleep(0.01)  # the connection's own task closes its socket

    asyncio.run(asyncio.wait_for(run(), WAIT_S))


def test_a_silent_client_gives_way_after_half_a_minute():
    async def test(app, connect):
        first = await connect()
        await first.ask()
        assert await first.reply() == REPLY
        app.clock.now_s += 30
        second = await connect()
        await second.ask()
        assert await second.reply() == REPLY
        assert await first.gone()

    scene(test)


def test_a_client_whose_question_is_at_the_meter_is_not_silent():
    async def test(app, connect):
        first = await connect()
        app.reader.gate.clear()
        await first.ask()
        while not app.reader.asked:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        app.clock.now_s += 80
        second = await connect()
        assert await second.gone(), "it waited for its turn and was refused"
        app.reader.gate.set()
        assert await first.reply() == REPLY

    scene(test)


def test_who_comes_while_another_is_served_waits_for_its_turn():
    async def test(app, connect):
        first = await connect()
        await first.ask()
        assert await first.reply() == REPLY
        second = await connect()
        await second.ask()
        first.writer.close()
        assert await second.reply() == REPLY

    scene(test)


# what the reader says, what the client hears before the next reply, why
ANSWERS = (
    ((None, "no_light"), b"", "a silent meter is silent here too"),
    ((None, "budget_spent"), b"", "and so is a reader that may not ask"),
    ((b"", None), bytes((ACK,)), "an acknowledge stands alone"),
)


@pytest.mark.parametrize("answer, heard, why", ANSWERS, ids=[row[2] for row in ANSWERS])
def test_what_the_client_hears(answer, heard, why):
    async def test(app, connect):
        client = await connect()
        app.reader.answers.append(answer)
        await client.ask()
        while len(app.reader.asked) < 1:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        if heard:
            assert await client.reader.readexactly(len(heard)) == heard
        await client.ask(build(TO_METER, 0x7F, command.get_type()))
        assert await client.reader.readexactly(2) == bytes((FROM_METER, 0x7F)), "the address comes back"
        assert app.reader.asked == [(METER, b"\x02"), (0x7F, b"\x01")]

    scene(test)


def test_a_taken_port_is_named_once():
    async def run():
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            app = App(port)
            server = KmpTcp(app)
            tries = []

            async def sleep_ms(ms):
                tries.append(ms)
                await asyncio.sleep(0 if len(tries) < 3 else WAIT_S)

            app.clock.sleep_ms = sleep_ms
            task = asyncio.create_task(server.run())
            while len(tries) < 3:  # noqa: ASYNC110
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert app.lines == [
                "kmptcp: port %d cannot be used (EADDRINUSE): is it taken? set another kmptcp_port" % port
            ]
            assert server.status()["state"] == "error" and min(tries) >= 10_000

    asyncio.run(asyncio.wait_for(run(), WAIT_S))
