# Connecting to a broker and to a serial server with the poll of the chip, whose select() tells only what it was asked
# for (socket_stream_ioctl in modsocket.c of MicroPython's ESP32 port): the port of Linux always tells of a refusal too.
# Virtual time, no socket. Runs on three interpreters.

import asyncio
import errno

from kmpeye.expose.mqtt import host
from kmpeye.head import port_tcp
from virtual_tasks import TaskClock, scene

IN, OUT, ERR, HUP = 1, 4, 8, 16


class Poll:
    """happened: what lwIP knows of the socket by now."""

    happened = 0

    def register(self, sock, events):
        self.sock = sock
        self.events = events

    def poll(self, timeout):
        found = Poll.happened & self.events
        return [(self.sock, found)] if found else []


class Select:
    POLLIN, POLLOUT, POLLERR, POLLHUP = IN, OUT, ERR, HUP
    poll = Poll


class Sock:
    closed = False

    def __init__(self, *kind):
        pass

    def setblocking(self, blocks):
        assert not blocks

    def connect(self, address):
        raise OSError(errno.EINPROGRESS)

    def close(self):
        Sock.closed = True


class Sockets:
    SOCK_STREAM = 1
    socket = Sock

    @staticmethod
    def getaddrinfo(host, port, family, kind):
        return [(2, kind, 0, "", (host, port))]


async def broker(clock):
    await host.joined(Sock(), ("192.0.2.7", 1883), clock)


async def serial_server(clock):
    port = await port_tcp.connect("socket://192.0.2.7:3333", clock)
    port.close()


# what lwIP tells, what is said, why
ENDS = (
    (OUT, None, "connected"),
    (IN | OUT | HUP, "refused", "a reset sets readable, writable and exceptional"),
    (0, "answer", "nobody is there"),
)


def test_who_refuses_is_told_from_who_accepts():
    real = host.select, port_tcp.select, port_tcp.socket
    host.select = port_tcp.select = Select
    port_tcp.socket = Sockets
    try:
        for connect in (broker, serial_server):
            for happened, said, why in ENDS:
                Poll.happened = 0

                errors = []

                async def tried(clock, connect=connect, errors=errors):
                    try:
                        await connect(clock)
                    except OSError as e:
                        errors.append(str(e))

                async def story(tried=tried, happened=happened):
                    clock = TaskClock()
                    task = asyncio.create_task(tried(clock))
                    await clock.run_s(1)
                    Poll.happened = happened
                    await clock.run_s(20)
                    await task

                scene(story())
                assert len(errors) == (said is not None) and all(said in error for error in errors), (
                    why,
                    errors,
                )
    finally:
        host.select, port_tcp.select, port_tcp.socket = real
