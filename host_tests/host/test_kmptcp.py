"""KMP over TCP with clients nobody here wrote: PyKMP, `kmp read`, a virtual COM port of socat; and what must not pass.

Uses bus_app.py on MicroPython: its own readings of the simulated meter go on and its page is served meanwhile.
"""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time

import pytest

from conftest import ROOT, absent
from host.bus_client import CHIP_HEAP, WAIT_S, connect, running, simulated, take
from kmp import command, service
from kmp.frame import ACK, FRAME, FROM_METER, METER, TO_METER, Reader, build
from kmp_wire import events

PYKMP = os.path.join(os.path.dirname(sys.executable), "pykmp-tool")
METER_NAME = "multical601"
SERIAL = 6777001
GET_SERIAL = build(TO_METER, METER, command.get_serial())
SERIAL_REPLY = build(FROM_METER, METER, b"\x02" + SERIAL.to_bytes(4, "big"))
VOLUME = build(TO_METER, METER, command.get_register([68]))
SET_CLOCK = build(TO_METER, METER, service.set_clock(260101, 120000))


@contextlib.contextmanager
def serving(command, firmware, tmp_path, *meter_options, **settings):
    with simulated(METER_NAME, "--fast", "--serial", str(SERIAL), *meter_options) as (process, ready):
        meter = (ready["ready"], METER_NAME)
        with running(command, firmware, tmp_path, meter, kmptcp=True, **settings) as bus:
            bus.wait(lambda told: told["readings"], "no reading")
            yield bus, process


@pytest.fixture(scope="module", params=("micropython64", "micropython32"))
def bus(request, tmp_path_factory):
    command = [request.getfixturevalue(request.param)]
    firmware = ROOT / "firmware"
    if request.param == "micropython32":
        command += ["-X", "heapsize=" + CHIP_HEAP]
        firmware = request.getfixturevalue("flash")
    with serving(command, firmware, tmp_path_factory.mktemp("bus")) as (bus, _):
        yield bus


def pykmp(device, *arguments):
    done = subprocess.run(
        [PYKMP, "-d", device, *arguments],
        capture_output=True,
        text=True,
        timeout=WAIT_S,
        env={key: value for key, value in os.environ.items() if not key.startswith("PYKMP")},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def url(bus):
    return "socket://127.0.0.1:%d" % bus.kmptcp_port


def exchange(client, frame):
    client.sendall(frame)
    return take(client, len(SERIAL_REPLY))


def test_pykmp_reads_the_meter_while_our_readings_go_on_and_the_page_is_served(bus):
    before = bus.told()
    asked = [argument for one in (60, 68, 86, 87) for argument in ("--register", str(one))]
    output = json.loads(pykmp(url(bus), "get-register", *asked, "--json"))["register_data"]
    assert [one["id_int"] for one in output] == [60, 68, 86, 87]
    assert pykmp(url(bus), "get-serial") == "Meter serial is: %d\n" % SERIAL
    after = bus.wait(lambda told: told["readings"] >= before["readings"] + 2, "the readings stopped")
    assert after["relayed"] == before["relayed"] + 2
    assert after["failed"] == before["failed"] == 0


def kmp_read(port, *arguments):
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "kmp", "read", "--port", port, *arguments],
        capture_output=True,
        text=True,
        timeout=WAIT_S,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_kmp_read_works_through_it_in_several_requests(bus):
    got = kmp_read(url(bus), "--type")
    assert got["serial"] == SERIAL
    assert len(got["registers"]) > 8
    assert kmp_read(url(bus), "--register", "60")["registers"] == got["registers"][:1]


@contextlib.contextmanager
def virtual_com_port(bus, tmp_path):
    tool = shutil.which("socat") or absent("no socat: run tools/install_system")
    link = tmp_path / "com"
    process = subprocess.Popen([tool, "pty,raw,echo=0,link=%s" % link, "tcp:127.0.0.1:%d" % bus.kmptcp_port])
    try:
        limit = time.monotonic() + WAIT_S
        while not link.exists():
            assert process.poll() is None and time.monotonic() < limit, "socat made no port"
            time.sleep(0.02)
        yield str(link)
    finally:
        process.kill()
        process.wait(WAIT_S)


def test_a_virtual_com_port_works_as_an_optical_head(bus, tmp_path):
    with virtual_com_port(bus, tmp_path) as port:
        assert pykmp(port, "get-serial") == "Meter serial is: %d\n" % SERIAL
        assert kmp_read(port, "--register", "60")["registers"]


def test_a_frame_in_pieces_with_noise_around_it_is_answered_and_never_echoed(bus):
    with connect(bus.kmptcp_port) as client:
        for piece in (b"\0\xff\x06\x0d", GET_SERIAL[:1], GET_SERIAL[1:4], GET_SERIAL[4:] + b"\0\x0d"):
            client.sendall(piece)
        assert take(client, len(SERIAL_REPLY)) == SERIAL_REPLY


# bytes, why
REFUSED = (
    (SET_CLOCK, "sets the clock"),
    (build(TO_METER, METER, service.put_register(0, 0x45, 0, 1, 0, 4)), "writes a register"),
    (build(TO_METER, METER, service.clear_event_status(0, 1)), "clears events"),
    (build(TO_METER, METER, b"\x42\x00"), "nobody knows what it does"),
    (GET_SERIAL[:-2] + b"\x00\x0d", "a wrong CRC"),
    (SERIAL_REPLY, "the meter's direction"),
)


@pytest.mark.parametrize("frame, why", REFUSED, ids=[row[1] for row in REFUSED])
def test_what_is_refused_is_met_with_silence_and_never_reaches_the_meter(bus, frame, why):
    before = bus.told()
    with connect(bus.kmptcp_port) as client:
        client.sendall(frame)
        refused = before["KmpTcp"]["refused"] + (frame[0] == TO_METER and "CRC" not in why)
        after = bus.wait(lambda told: told["KmpTcp"]["refused"] == refused, "not counted")
        assert after["relayed"] == before["relayed"]
        assert exchange(client, GET_SERIAL) == SERIAL_REPLY, "the first that comes back is this one's answer"


def test_a_refusal_stands_in_the_log_once_however_often_it_is_tried(bus):
    with connect(bus.kmptcp_port) as client:
        for _ in range(5):
            client.sendall(SET_CLOCK)
        assert exchange(client, GET_SERIAL) == SERIAL_REPLY
        for _ in range(5):
            client.sendall(SET_CLOCK)
            assert exchange(client, GET_SERIAL) == SERIAL_REPLY
    lines = [line for line in bus.log().splitlines() if "command 09" in line]
    assert 1 <= len(lines) <= 2, lines


def test_the_owner_can_allow_writing(micropython64, tmp_path):
    with serving(
        [micropython64], "firmware", tmp_path, "--clock", "2026-11-22T06:40:00", allow_meter_writes=True
    ) as (bus, _):
        with connect(bus.kmptcp_port) as client:
            client.sendall(SET_CLOCK)
            assert take(client, 1) == bytes((ACK,))
        assert kmp_read(url(bus), "--register", "1003")["registers"][0]["value"] == "2026-01-01"


def take_frame(client):
    """The application of the next frame; nothing may stand before it."""
    data = b""
    while data[-1:] != b"\x0d":
        data += take(client, 1)
    [(event, start, _, application)] = events(Reader(), data)
    assert (event, start) == (FRAME, FROM_METER)
    return application


def test_an_impatient_client_costs_the_meter_one_request(micropython64, tmp_path):
    """Five repetitions while the meter is still thinking, as a program does that waits too short."""
    with serving([micropython64], "firmware", tmp_path, "--latency", "800") as (bus, _):
        before = bus.told()["relayed"]
        with connect(bus.kmptcp_port) as client:
            for _ in range(5):
                client.sendall(GET_SERIAL)
                bus.told()  # so that each arrives by itself
            assert take_frame(client)[0] == command.GET_SERIAL
            client.sendall(VOLUME)
            assert take_frame(client)[0] == command.GET_REGISTER, "the other four are not answered"
        assert bus.told()["relayed"] == before + 2


def test_who_asks_anew_gets_the_answer_to_that(micropython64, tmp_path):
    with serving([micropython64], "firmware", tmp_path, "--latency", "800") as (bus, _):
        with connect(bus.kmptcp_port) as client:
            client.sendall(GET_SERIAL)
            bus.wait(lambda told: told["relayed"], "not asked")
            client.sendall(VOLUME)
            assert take_frame(client)[0] == command.GET_REGISTER
            assert exchange(client, GET_SERIAL) == SERIAL_REPLY


def test_a_second_client_has_its_turn_when_the_first_has_gone(bus):
    with connect(bus.kmptcp_port) as second_after:
        assert exchange(second_after, GET_SERIAL) == SERIAL_REPLY
        second = connect(bus.kmptcp_port)
        second.sendall(GET_SERIAL)
        assert exchange(second_after, GET_SERIAL) == SERIAL_REPLY, "the first one keeps its place"
    with second:
        assert take(second, len(SERIAL_REPLY)) == SERIAL_REPLY


def test_garbage_for_a_minute_of_line_keeps_nobody_from_anything(bus):
    before = bus.told()
    with connect(bus.kmptcp_port) as client:
        client.sendall(bytes(range(256)) * 400)
        assert exchange(client, b"\x0d" + GET_SERIAL) == SERIAL_REPLY
    after = bus.wait(lambda told: told["readings"] > before["readings"] + 1, "the readings stopped")
    assert after["heap"] < before["heap"] + 2048
