"""Bad input to Modbus TCP: 100,000 mutated packets in this process and over loopback, a port that is taken.

Uses the scene of the pure tests and bus_app.py. Promises the same packets in every run.
"""

import asyncio
import errno
import random
import socket

import pytest

from host.bus_client import CHIP_HEAP, WAIT_S, connect, running, take
from kmpeye.expose.modbus.pdu import REPLY_MAX, Requests, answer
from kmpeye.expose.modbus.server import Modbus
from modbus_scene import App, Bus

PACKETS = 100_000
BATCH = 100  # packets a connection: the first one that breaks the framing ends it
GOOD = (
    bytes.fromhex("0001 0000 0006 01 03 0000 0002"),
    bytes.fromhex("0002 0000 0006 01 04 03e8 007d"),
    bytes.fromhex("0003 0000 0006 ff 03 0099 0001"),
    bytes.fromhex("0004 0000 0005 01 2b 0e 01 00"),
    bytes.fromhex("0005 0000 0005 01 2b 0e 04 05"),
    bytes.fromhex("0006 0000 000b 01 10 0000 0002 04 0000 0000"),
    bytes.fromhex("0007 0000 0002 01 11"),
)
READ = bytes.fromhex("0001 0000 0006 01 03 03e8 0001")
VERSION = bytes.fromhex("0001 0000 0005 01 03 02 0001")


def mutated(odds, framed=0.8):
    """One packet with one to three faults. framed: how many still say how long they are, else hardly anything would
    get further than the header."""
    packet = bytearray(odds.choice(GOOD))
    for _ in range(odds.randint(1, 3)):
        kind = odds.randrange(8)
        at = odds.randrange(len(packet)) if packet and kind == 0 else odds.randrange(7, 20)
        if kind < 5 and at < len(packet):
            packet[at] = odds.choice((0, 1, 3, 4, 0x2B, 0x7F, 0x80, 0xFF, odds.randrange(256)))
        elif kind == 5:
            del packet[at:]
        elif kind == 6:
            packet += odds.randbytes(odds.randrange(1, 20))
        else:
            packet[at:at] = odds.randbytes(1)
    if odds.random() < framed and 8 <= len(packet) <= 260:
        packet[2:4] = b"\0\0"
        packet[4:6] = (len(packet) - 6).to_bytes(2, "big")
    return bytes(packet)


def test_every_mutated_packet_has_one_right_answer_or_ends_the_connection():
    odds = random.Random(4)
    app = App()
    app.publish()
    bus = Bus(app)
    bus.image.refresh()
    reply = bytearray(REPLY_MAX)
    answered = ended = excepted = 0
    for _ in range(PACKETS):
        packet = mutated(odds)
        requests = Requests()
        pos = 0
        while pos < len(packet):
            pos = requests.feed(packet, pos, len(packet))
            if requests.size < 0:
                ended += 1
                break
            if requests.size:
                size = answer(requests.buffer, requests.size, bus.image, reply)
                answered += 1
                assert 9 <= size <= REPLY_MAX
                assert reply[:4] == requests.buffer[:4] and reply[6] == requests.buffer[6]
                assert int.from_bytes(reply[4:6], "big") == size - 6
                assert reply[7] & 0x7F == requests.buffer[7] & 0x7F
                if reply[7] & 0x80:
                    excepted += 1
                    assert size == 9 and 1 <= reply[8] <= 3
    assert answered > PACKETS // 2 and ended > 1000 and PACKETS // 4 < excepted < answered, "too one-sided"
    assert bus.number(1000, 1) == 1


def fuzz(port, odds):
    """A batch of packets on one connection, until the server hangs up."""
    with connect(port) as client:
        try:
            client.sendall(b"".join(mutated(odds, 0.99) for _ in range(BATCH)))
            client.shutdown(socket.SHUT_WR)
            while client.recv(65536):
                pass
        except OSError as e:  # it hung up with our packets unread
            assert e.errno in (errno.EPIPE, errno.ECONNRESET, errno.ENOTCONN)


def test_a_hundred_thousand_mutated_packets_leave_the_server_as_it_was(micropython32, flash, tmp_path):
    odds = random.Random(5)
    command = (micropython32, "-X", "heapsize=" + CHIP_HEAP)
    with running(command, flash, tmp_path, modbus=True) as bus, connect(bus.modbus_port) as good:
        heaps = []
        told = bus.told()
        while told["Modbus"]["requests"] < PACKETS:
            for _ in range(100):
                fuzz(bus.modbus_port, odds)
            good.sendall(READ)
            assert take(good, len(VERSION)) == VERSION, "after %s requests" % told["Modbus"]["requests"]
            told = bus.told()
            heaps.append(told["heap"])
        told = bus.wait(lambda told: told["Modbus"]["clients"] == 1, "connections stay open")
        assert told["heap"] - heaps[0] < 256, "the heap grew: %s" % heaps
        assert told["readings"] > 1, "the reader went on"


def test_a_taken_port_is_named_and_the_others_run_on(micropython64, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with running(
            (micropython64,), "firmware", tmp_path, modbus=True, kmptcp=True, modbus_port=port
        ) as bus:
            told = bus.wait(lambda told: told["KmpTcp"]["state"] == "listening", "the other one does not run")
            assert told["Modbus"]["state"] == "error"
            assert "port %d" % port in told["Modbus"]["error"] and "modbus_port" in told["Modbus"]["error"]
            assert bus.log().count("modbus: port %d cannot be used (EADDRINUSE)" % port) == 1


def test_the_port_is_tried_again_until_it_is_free():
    async def scene():
        app = App()
        lines = []
        listening = asyncio.Event()

        def log(line):
            lines.append(line)
            if "listening" in line:
                listening.set()

        app.log = log
        with socket.create_server(("127.0.0.1", 0)) as taken:
            app.config = dict(app.config, http_host="127.0.0.1", modbus_port=taken.getsockname()[1])
            pauses = []

            async def sleep_ms(ms):
                pauses.append(ms)
                if len(pauses) == 3:
                    taken.close()
                await asyncio.sleep(0)

            app.clock.sleep_ms = sleep_ms
            server = Modbus(app)
            task = asyncio.create_task(server.run())
            await listening.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        assert server.status()["error"] is None
        assert len(pauses) == 3 and min(pauses) >= 10_000, "it does not try without a pause"
        assert len(lines) == 2 and "cannot be used" in lines[0], "one line a change: %s" % lines

    asyncio.run(asyncio.wait_for(scene(), WAIT_S))
