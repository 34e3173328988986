"""Modbus TCP on real sockets with clients nobody here wrote: pymodbus and mbpoll; and what bad clients do.

Uses bus_app.py, on MicroPython in 64 bits from source, in 32 bits compiled as on the chip, and on CPython.
"""

import math
import resource
import shutil
import socket
import subprocess
import sys

import pytest
from pymodbus.client import ModbusTcpClient

from conftest import ROOT, absent
from host.bus_client import CHIP_HEAP, WAIT_S, connect, running, take
from kmpeye.expose.modbus import rows

READ = bytes.fromhex("0001 0000 0006 01 03 03e8 0001")  # the map version
VERSION = bytes.fromhex("0001 0000 0005 01 03 02 0001")
ENERGY = 1020 + 8 * rows.place(rows.KEYS, "heat_energy")
VOLUME = 1020 + 8 * rows.place(rows.KEYS, "volume")
HOUR_OF_POLLS = 3600


@pytest.fixture(scope="module", params=("micropython64", "micropython32", "cpython"))
def bus(request, tmp_path_factory):
    firmware = ROOT / "firmware"
    if request.param == "cpython":
        command = [sys.executable]
    elif request.param == "micropython64":
        command = [request.getfixturevalue("micropython64")]
    else:
        command = [request.getfixturevalue("micropython32"), "-X", "heapsize=" + CHIP_HEAP]
        firmware = request.getfixturevalue("flash")
    with running(command, firmware, tmp_path_factory.mktemp("bus"), modbus=True, name="Keller") as bus:
        bus.wait(lambda told: told["readings"], "no reading")
        yield bus


@pytest.fixture
def client(bus):
    client = ModbusTcpClient("127.0.0.1", port=bus.modbus_port, timeout=WAIT_S, retries=0)
    assert client.connect()
    yield client
    client.close()


def registers(client, address, count, function="read_holding_registers", unit=1):
    reply = getattr(client, function)(address, count=count, device_id=unit)
    assert not reply.isError(), reply
    return reply.registers


def number(client, address, kind, count=2):
    return client.convert_from_registers(registers(client, address, count), getattr(client.DATATYPE, kind))


@pytest.mark.parametrize("function", ["read_holding_registers", "read_input_registers"])
@pytest.mark.parametrize("unit", [1, 17, 255])
def test_pymodbus_reads_the_map_in_its_default_order_of_words(client, function, unit):
    data = registers(client, 1000, 125, function, unit)
    assert data[0] == 1
    assert data[1] == rows.place(rows.STATES, "ok")
    assert client.convert_from_registers(data[4:6], client.DATATYPE.UINT32) == 81234567
    row = data[ENERGY - 1000 :]
    assert client.convert_from_registers(row[:2], client.DATATYPE.FLOAT32) == 55006
    assert client.convert_from_registers(row[2:4], client.DATATYPE.INT32) == 55006
    assert client.convert_from_registers(row[4:5], client.DATATYPE.INT16) == -3
    assert row[5] == 3, "MWh"
    assert client.convert_from_registers(row[6:8], client.DATATYPE.UINT32) < 60


def test_pymodbus_reads_kamstrups_rows_and_nan_where_there_is_nothing(client):
    assert number(client, 20, "FLOAT32") == pytest.approx(55.006, abs=1e-6)
    assert math.isnan(number(client, 4, "FLOAT32"))
    assert len(registers(client, 0, 82)) + len(registers(client, 82, 41)) == 123


def test_what_stands_in_the_map_moves_with_the_readings(client, bus):
    before = number(client, VOLUME + 2, "INT32")
    bus.wait(lambda _: number(client, VOLUME + 2, "INT32") > before, "the volume stands still")


# address, count, exception, why
REFUSED = (
    (153, 2, 2, "over the end"),
    (500, 1, 2, "between"),
    (1788, 1, 2, "behind"),
    (65535, 1, 2, "the last address"),
)


@pytest.mark.parametrize("address, count, code, why", REFUSED, ids=[row[3] for row in REFUSED])
def test_pymodbus_hears_the_exception(client, address, count, code, why):
    reply = client.read_holding_registers(address, count=count)
    assert reply.isError() and reply.exception_code == code


def test_pymodbus_cannot_write(client):
    for reply in (client.write_register(0, 1), client.write_registers(1000, [1, 2])):
        assert reply.isError() and reply.exception_code == 1


def test_pymodbus_reads_who_the_device_is(client):
    basic = client.read_device_information(read_code=1, object_id=0)
    assert basic.information == {0: b"kmpeye", 1: b"multical403", 2: b"0.1.0"}
    regular = client.read_device_information(read_code=2, object_id=0)
    assert regular.information[5] == b"MULTICAL 403" and regular.information[6] == b"Keller"
    assert not regular.more_follows
    one = client.read_device_information(read_code=4, object_id=2)
    assert one.information == {2: b"0.1.0"}


def mbpoll(bus, *arguments):
    tool = shutil.which("mbpoll") or absent("no mbpoll: run tools/install_system")
    command = [tool, "-1", "-q", "-0", "-m", "tcp", "-p", str(bus.modbus_port), *arguments, "127.0.0.1"]
    return subprocess.run(command, capture_output=True, text=True, timeout=WAIT_S)


# type, address, extra, what the last line says, why
POLLED = (
    ("4:float", 20, ["-B"], "[20]: \t55.006", "Kamstrup's E1; -B: high word first"),
    ("3:float", ENERGY, ["-B"], "[%d]: \t55006" % ENERGY, "input registers, kWh"),
    ("4:int", ENERGY + 2, ["-B"], "[%d]: \t55006" % (ENERGY + 2), "the exact count"),
    ("4", ENERGY + 4, [], "[%d]: \t65533 (-3)" % (ENERGY + 4), "its exponent"),
    ("4", 1000, [], "[%d]: \t1" % 1000, "the map version"),
)


@pytest.mark.parametrize("kind, address, extra, said, why", POLLED, ids=[row[4] for row in POLLED])
def test_mbpoll_reads_it(bus, kind, address, extra, said, why):
    done = mbpoll(bus, "-t", kind, "-r", str(address), "-c", "1", *extra)
    assert done.returncode == 0, done.stdout + done.stderr
    assert said in done.stdout


def test_mbpoll_hears_the_exception(bus):
    done = mbpoll(bus, "-t", "4", "-r", "500", "-c", "1")
    assert done.returncode and "Illegal data address" in done.stderr


@pytest.mark.parametrize("cuts", [(1,), (6,), (7,), (11,), (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)])
def test_a_request_in_pieces_is_answered(bus, cuts):
    with connect(bus.modbus_port) as client:
        for start, end in zip((0, *cuts), (*cuts, 12), strict=True):
            client.sendall(READ[start:end])
        assert take(client, len(VERSION)) == VERSION


def test_requests_in_one_piece_are_answered_in_their_order(bus):
    with connect(bus.modbus_port) as client:
        client.sendall(b"".join(bytes((0, i)) + READ[2:] for i in range(40)))
        got = take(client, 40 * len(VERSION))
    assert got == b"".join(bytes((0, i)) + VERSION[2:] for i in range(40))


# what is sent, why
NO_MODBUS = (
    (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "a browser"),
    (bytes.fromhex("1603010200010001fc0303"), "TLS"),
    (bytes.fromhex("0001 0000 ffff 01 03"), "a length that Modbus does not have"),
)


@pytest.mark.parametrize("data, why", NO_MODBUS, ids=[row[1] for row in NO_MODBUS])
def test_who_speaks_no_modbus_is_hung_up_on_and_the_others_are_served(bus, data, why):
    with connect(bus.modbus_port) as good, connect(bus.modbus_port) as bad:
        bad.sendall(data)
        try:
            assert bad.recv(100) == b""
        except ConnectionResetError:
            pass  # it was closed with bytes unread
        good.sendall(READ)
        assert take(good, len(VERSION)) == VERSION


def test_a_client_that_never_takes_its_replies_is_hung_up_on(bus):
    with socket.socket() as greedy:
        greedy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        greedy.settimeout(WAIT_S)
        greedy.connect(("127.0.0.1", bus.modbus_port))
        request = bytes.fromhex("0001 0000 0006 01 03 03e8 007d") * 100
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            for _ in range(10_000):
                greedy.sendall(request)
    with connect(bus.modbus_port) as client:
        client.sendall(READ)
        assert take(client, len(VERSION)) == VERSION


def test_a_fifth_client_takes_the_place_of_the_one_that_was_silent_longest(bus):
    clients = [connect(bus.modbus_port) for _ in range(4)]
    try:
        for i in (0, 1, 2, 3, 0):  # so that the second has been silent longest
            clients[i].sendall(READ)
            assert take(clients[i], len(VERSION)) == VERSION
        clients.append(connect(bus.modbus_port))
        assert clients[1].recv(1) == b""
        for i in (0, 2, 3, 4):
            clients[i].sendall(READ)
            assert take(clients[i], len(VERSION)) == VERSION
        assert bus.told()["Modbus"]["clients"] == 4
    finally:
        for client in clients:
            client.close()


def test_the_last_sockets_are_left_to_the_page(micropython64, tmp_path):
    """An ESP32 has ten for all ways out (LWIP_MAX_SOCKETS of ESP-IDF); here files are counted, and four beside the
    three of the console and the two listeners are left."""
    with running([micropython64], ROOT / "firmware", tmp_path, modbus=True) as bus:
        bus.wait(lambda told: told["readings"], "no reading")
        resource.prlimit(bus.process.pid, resource.RLIMIT_NOFILE, (9, 9))
        clients = []
        try:
            for _ in range(4):
                clients.append(connect(bus.modbus_port))
                clients[-1].sendall(READ)
                assert take(clients[-1], len(VERSION)) == VERSION
            assert bus.told()["Modbus"]["clients"] == 2
        finally:
            for client in clients:
                client.close()


def test_the_last_client_to_leave_takes_along_what_clients_need(bus):
    with connect(bus.modbus_port) as client:
        client.sendall(READ)
        assert take(client, len(VERSION)) == VERSION
        connected = bus.told()
    left = bus.wait(lambda told: not told["Modbus"]["clients"], "it is still there")
    assert not connected["heap"] or left["heap"] < connected["heap"] - 1000
    with connect(bus.modbus_port) as client:
        client.sendall(READ)
        assert take(client, len(VERSION)) == VERSION


def test_four_clients_poll_for_an_hour_and_nothing_grows(bus):
    """3600 polls of each, as fast as they go, all registers of the header and the first rows."""
    request = bytes.fromhex("0001 0000 0006 01 03 03e8 007d")
    clients = [connect(bus.modbus_port) for _ in range(4)]
    try:
        heaps = []
        for part in (HOUR_OF_POLLS // 10, HOUR_OF_POLLS - HOUR_OF_POLLS // 10):
            for _ in range(part):
                for client in clients:
                    client.sendall(request)
                for client in clients:
                    reply = take(client, 259)
                    assert len(reply) == 259 and reply[:4] == request[:4]
            # The least of some looks: at one of them a task may just hold what its next step needs.
            heaps.append(min(bus.told()["heap"] for _ in range(10)))
        assert heaps[1] - heaps[0] < 256, "the heap grew from %d to %d bytes" % tuple(heaps)
    finally:
        for client in clients:
            client.close()
