"""The BACnet server's own life: settings, ports, the meter's serial number, its BBMD, damaged packets and floods.

Time stands still until a test lets it pass; sockets are real, on the loopback. The damage runs in this process, a
burst of it against MicroPython.
"""

import asyncio
import random
import socket
import sys
import time

import pytest

from bacnet_app import App, Clock
from bacnet_vectors import ANSWERED, LOCAL, SOURCE, data, packet, ready
from firmware_tree import IMAGE
from host.bacnet_parts import PATHS, ROOT, free_port, server
from host.chip_socket import ChipSocket
from kmpeye.expose.bacnet.objects import STATES
from kmpeye.expose.bacnet.server import Bacnet
from kmpeye.head import advice
from kmpeye.system.config import checked

WHO_IS = data("10 08")
MUTATED = 100_000


class SteppedClock(Clock):
    """Sleeps until a test moves now_s on."""

    async def sleep_ms(self, ms):
        until_s = self.now_s + ms / 1000
        while self.now_s < until_s:  # noqa: ASYNC110  (the clock of a test has no events)
            await asyncio.sleep(0)


def made(**settings):
    port = free_port()
    app = App("multical601", {"bacnet_port": port, **settings}, SteppedClock())
    return app, Bacnet(app), port


async def turns(count=50):
    """Lets everything happen that can without time passing."""
    for _ in range(count):
        await asyncio.sleep(0)


async def asked(sock, port, apdu, network=b"\x01\x04"):
    content = network + apdu
    sock.sendto(bytes((0x81, 10, 0, len(content) + 4)) + content, ("127.0.0.1", port))
    return await heard(sock)


async def heard(sock):
    """The next packet, or None."""
    for _ in range(200):
        await asyncio.sleep(0)
        try:
            return sock.recv(2000)
        except BlockingIOError:
            continue
    return None


def udp(port=0):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", port))
    sock.setblocking(False)
    return sock


def running(scenario, bacnet):
    """The scenario beside the server; the server's task ends only because it is cancelled."""

    async def both():
        task = asyncio.create_task(bacnet.run())
        try:
            return await scenario()
        finally:
            assert not task.done()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    return asyncio.run(asyncio.wait_for(both(), 20))


SUBSCRIBE = "00 05 01 05 09 12 1c 00 00 00 44 29 %s 3a 03 84"  # to Analog Input 68, for 900 s


PARTS = ("codec", "cov", "properties", "quantities", "services", "udp")


def loaded():
    return [part for part in PARTS if "kmpeye.expose.bacnet." + part in sys.modules]


def test_a_pause_lets_go_of_what_packets_need_and_subscribers_hear_of_changes_all_the_same():
    app, bacnet, port = made(bacnet_instance=260001)
    app.publish()

    async def later(seconds):
        for _ in range(seconds):
            app.clock.now_s += 1
            await turns(5)

    async def scenario():
        await later(2)
        with udp() as sock:
            assert (await asked(sock, port, data(SUBSCRIBE % "00")))[6:] == data("20 01 05")
            assert (await heard(sock))[6:8] == b"\x10\x02"
            assert "services" in loaded()
            await later(12)
            assert not loaded()
            app.silent()
            await later(1)
            assert (await heard(sock))[-6:] == data("2e 82 04 40 2f 4f")
            await later(12)
            assert not loaded()
            assert bacnet.status()["subscriptions"] == 1
            await later(900)
            assert bacnet.status()["subscriptions"] == 0, "it ends though nothing changes"
            assert (await asked(sock, port, WHO_IS))[6:8] == b"\x10\x00"

    running(scenario, bacnet)


def test_a_packet_for_which_there_is_no_memory_is_lost_and_the_next_is_answered(monkeypatch):
    app, bacnet, port = made(bacnet_instance=260001)

    def no_room(*_):
        raise MemoryError

    async def scenario():
        await turns()
        from kmpeye.expose.bacnet import services

        monkeypatch.setattr(services, "answer", no_room)
        with udp() as sock:
            assert await asked(sock, port, WHO_IS) is None
            assert (await asked(sock, port, WHO_IS))[6:8] == b"\x10\x00"
        assert not app.lines

    running(scenario, bacnet)


def test_an_empty_packet_does_not_make_it_deaf(monkeypatch):
    monkeypatch.setattr(socket, "socket", ChipSocket)
    _, bacnet, port = made(bacnet_instance=7)

    async def scenario():
        with udp() as sock:
            await turns()
            for _ in range(3):
                sock.sendto(b"", ("127.0.0.1", port))
                await turns()
                assert await asked(sock, port, WHO_IS), "it does not answer any more"

    running(scenario, bacnet)


def test_a_notification_that_is_not_confirmed_is_repeated_though_nothing_changes():
    app, bacnet, port = made(bacnet_instance=260001)
    app.publish()

    async def scenario():
        await turns()
        with udp() as sock:
            await asked(sock, port, data(SUBSCRIBE % "01"))
            first = await heard(sock)
            for _ in range(3):
                app.clock.now_s += 3
                await turns()
                again = await heard(sock)
                assert again[6:9] == first[6:9] and again[-16:] == first[-16:]
            app.clock.now_s += 3
            await turns()
            assert await heard(sock) is None and bacnet.status()["subscriptions"] == 0

    running(scenario, bacnet)


BAD_BBMD = ("192.0.2.7", "192.0.2.7:", ":47808", "192.0.2:47808", "192.0.2.256:47808", "bbmd.example:47808",
            "192.0.2.7:0", "192.0.2.7:65536", "192.0.2.-7:47808")  # fmt: skip


@pytest.mark.parametrize("text", BAD_BBMD)
def test_a_bbmd_that_is_no_address_and_port_is_refused_by_name(text):
    with pytest.raises(ValueError, match=r"^bacnet_bbmd: "):
        Bacnet(App("multical21", {"bacnet_bbmd": text}))


BAD_SETTINGS = (
    ("bacnet_instance", (-1, 4194303, "7", True)),
    ("bacnet_vendor", (-1, 65536)),
    ("bacnet_port", (0, 65536)),
)


@pytest.mark.parametrize("key, values", BAD_SETTINGS)
def test_a_setting_out_of_range_is_refused_by_name(key, values):
    for value in values:
        (warning,) = checked({key: value}).warnings
        assert warning.startswith(key + ":")


def test_a_port_that_is_taken_is_named_and_tried_again():
    app, bacnet, port = made(bacnet_instance=7)
    other = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    other.bind(("0.0.0.0", port))

    async def scenario():
        await turns()
        assert bacnet.status()["state"] == "error"
        (line,) = app.lines
        assert line == bacnet.status()["error"] and line.startswith("bacnet_port: UDP port %d " % port)
        app.clock.now_s += 31
        await turns()
        assert len(app.lines) == 1, "it is said once"
        other.close()
        app.clock.now_s += 31
        await turns()
        assert bacnet.status()["state"] == "running" and bacnet.status()["error"] is None

    running(scenario, bacnet)


def test_without_an_instance_the_device_waits_for_the_meters_serial_number_and_keeps_it():
    app, bacnet, port = made()
    with udp() as sock:

        async def scenario():
            await turns()
            assert await asked(sock, port, WHO_IS) is None
            assert bacnet.status()["state"] == "waiting"
            app.publish()
            app.clock.now_s += 1
            await turns()
            return await asked(sock, port, WHO_IS)

        reply = running(scenario, bacnet)
        assert bacnet.status()["instance"] == 12345678 % 4194303
        assert reply[6:13] == data("10 00 c4 02 3c 61 50")

        again, bacnet, port = made()
        again.keep = app.keep

        async def restarted():
            await turns()
            return await asked(sock, port, WHO_IS)

        assert running(restarted, bacnet) == reply, "the meter has not answered yet"


@pytest.mark.parametrize("kept", ("", "{}", "[]", "[7]", '["Kamstrup"]', '[{"a": 1}]'))
def test_a_kept_serial_number_that_is_none_is_as_if_there_were_none(kept):
    app, bacnet, _ = made()
    if kept:
        app.keep.files["bacnet.json"] = kept

    async def scenario():
        await turns()

    running(scenario, bacnet)
    assert bacnet.status()["state"] == "waiting"


def test_another_meter_is_another_device():
    app, bacnet, _ = made()
    app.publish()

    async def scenario():
        await turns()
        before = bacnet.status()["instance"]
        app.snapshot.meter.serial = "87654321"
        app.clock.now_s += 1
        await turns()
        return before, bacnet.status()["instance"]

    assert running(scenario, bacnet) == (12345678 % 4194303, 87654321 % 4194303)
    assert app.keep.load("bacnet.json") == ["87654321"]


def test_a_registration_is_renewed_in_time_and_missed_when_the_bbmd_is_gone():
    with udp() as bbmd:
        address = "127.0.0.1:%d" % bbmd.getsockname()[1]
        app, bacnet, port = made(bacnet_instance=260001, bacnet_bbmd=address, bacnet_ttl_s=60)
        register = data("81 05 00 06 00 3c")
        accepted = data("81 00 00 06 00 00")
        refused = data("81 00 00 06 00 30")
        announced = data("81 09 00 14 01 00 10 00 c4 02 03 f7 a1 22 04 00 91 03 21 00")

        async def answer(content):
            bbmd.sendto(content, ("127.0.0.1", port))
            await turns()

        async def later(seconds):
            for _ in range(seconds):
                app.clock.now_s += 1
                await turns(5)

        async def scenario():
            assert await heard(bbmd) == register
            assert bacnet.status()["bbmd"] == "no answer"
            await later(9)
            assert await heard(bbmd) is None
            await later(2)
            assert await heard(bbmd) == register, "a lost registration is sent again"
            with udp() as stranger:
                stranger.sendto(accepted, ("127.0.0.1", port))
                await turns()
            assert bacnet.status()["bbmd"] == "no answer", "only the BBMD itself is believed"
            await answer(accepted)
            assert bacnet.status()["bbmd"] == "registered"
            assert await heard(bbmd) == announced, "the other networks hear of us"
            await later(29)
            assert await heard(bbmd) is None
            await later(2)
            assert await heard(bbmd) == register, "at half of its time"
            await answer(accepted)
            assert await heard(bbmd) is None, "one announcement is enough"
            await later(60)
            assert await heard(bbmd) == register
            await later(10)
            assert bacnet.status()["bbmd"] == "no answer"
            await answer(refused)
            assert bacnet.status()["bbmd"] == "refused"
            await answer(refused)
            assert app.lines == ["bacnet_bbmd: it refuses the registration"]

        running(scenario, bacnet)


def test_every_state_that_has_advice_has_its_own_number():
    states = {line.partition("|")[0].partition(".")[0] for line in advice._TEXTS.splitlines() if "|" in line}
    known = STATES.split(" ")
    assert states <= set(known[:-1]), "add these before the last of STATES"
    assert len(set(known)) == len(known) and known[-1] == "other"


def mutated(chance, requests):
    """A request with a few bytes changed, cut, repeated or put together with another; its length often right."""
    content = bytearray(chance.choice(requests))
    for _ in range(chance.randrange(1, 4)):
        place = chance.randrange(len(content)) if content else 0
        match chance.randrange(5):
            case 0 | 1:
                content[place : place + 1] = bytes((chance.randrange(256),))
            case 2:
                del content[place:]
            case 3:
                content[place:place] = content[place : place + chance.randrange(1, 20)]
            case _:
                content[place:] = chance.choice(requests)[place:]
    if len(content) >= 4 and chance.random() < 0.8:
        content[:2] = (0x81, chance.choice((4, 10, 10, 10, 11)))
        content[2:4] = len(content).to_bytes(2, "big")
    return bytes(content)


REQUESTS = [packet(LOCAL + row[0]) for row in ANSWERED] + [
    packet(LOCAL + "00 05 01 05 09 12 1c 00 00 00 01 29 01 39 05"),
    packet("01 28 ff ff 00 00 05 01 0a ff 10 08", 11),
    packet("c0 00 02 63 ba c1 01 00 10 08", 4),
]
GOOD = next(row for row in ANSWERED if row[2] == "present-value")


def test_a_hundred_thousand_damaged_packets_get_a_reply_or_silence_and_leave_nothing_behind():
    app, one = ready()
    chance = random.Random(6)
    most = replies = 0
    for number in range(MUTATED):
        reply = one.answer(mutated(chance, REQUESTS), SOURCE)
        if reply:
            replies += 1
            packet_sent, _ = reply
            size = len(packet_sent)
            most = max(most, size)
            assert packet_sent[0] == 0x81 and packet_sent[2] << 8 | packet_sent[3] == size <= 1041
        if number % 1000 == 0:
            for notification, _ in one.notifications():
                assert len(notification) < 150
            app.clock.now_s += 3
            assert len(one.subscriptions) <= 16
    assert most > 300 and replies > MUTATED // 4, "many are still requests"
    assert one.answer(packet(LOCAL + GOOD[0]), SOURCE)[0][6:] == data(GOOD[1])


@pytest.fixture(scope="module", params=("micropython64", "micropython32"))
def bacnet(request, tmp_path_factory):
    interpreter = request.getfixturevalue(request.param)
    search, options = PATHS, ()
    if request.param == "micropython32":
        search = PATHS[1:]
        image = request.getfixturevalue("flash").with_name(IMAGE)
        options = ("-X", "heapsize=96K", ROOT / "tools" / "on_rom.py", image)
    folder = tmp_path_factory.mktemp("bacnet")
    with server(interpreter, folder, search=search, options=options) as running:
        running.tell(flags=[])
        yield running


def drained(sock):
    sock.settimeout(0.05)
    count = 0
    try:
        while True:
            sock.recv(2000)
            count += 1
    except TimeoutError:
        sock.settimeout(10)
        return count


def test_a_burst_of_damaged_packets_leaves_the_heap_as_it_was(bacnet):
    chance = random.Random(7)
    ask_all = data("00 05 01 0e 0c 02 03 f7 a1 1e 09 08 1f")
    kept = []
    for _ in range(3):
        for _ in range(10):
            for _ in range(50):  # as many as the receive buffers hold for sure
                bacnet.sock.sendto(mutated(chance, REQUESTS), ("127.0.0.1", bacnet.port))
            drained(bacnet.sock)
        assert bacnet.ask(ask_all)[:3] == data("30 01 0e")
        for process in range(256):  # what damaged subscriptions left
            bacnet.send(bytes((0, 5, 1, 5, 9, process)) + data("1c 00 00 00 01"))
            bacnet.sock.recv(2000)
        kept.append(bacnet.tell()["heap"])
    assert kept[2] - kept[1] <= 512, kept


def test_a_flood_of_who_is_does_not_hold_up_the_others(bacnet):
    drained(bacnet.sock)
    bacnet.tell()
    sent = 0
    begin = time.monotonic()
    while time.monotonic() - begin < 2:
        while sent < (time.monotonic() - begin) * 1000:
            bacnet.send(WHO_IS)
            sent += 1
        time.sleep(0.001)
    status = bacnet.tell()
    assert sent >= 1900 and status["requests"] > 1000
    assert status["gap_ms"] <= 250, "a 50 ms ticker waited so long"
    drained(bacnet.sock)
    assert bacnet.ask(WHO_IS)[:2] == b"\x10\x00"
