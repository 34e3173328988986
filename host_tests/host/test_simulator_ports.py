"""`kmp sim` as the process it is: a TCP port, a serial device, words for what was typed wrong, a clean end.

Starts real simulators and ends each as its user would.
"""

import contextlib
import json
import os
import signal
import socket
import struct
import subprocess
import sys

import pytest
import serial

from conftest import ROOT
from kmp import command
from kmp.frame import METER, TO_METER, build
from kmp.value import text
from sim_head import (
    SERIAL,
    VOLUME,
    application,
    good_reply,
)

GOOD = good_reply()


@contextlib.contextmanager
def running(*arguments):
    """(process, what it said when ready). Ends as Ctrl-C does; the exit status is checked."""
    process = subprocess.Popen(
        [sys.executable, ROOT / "tools" / "kmp", "sim", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process, json.loads(process.stdout.readline())
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
        assert process.returncode == 0, err
        assert "Traceback" not in err
    finally:
        process.kill()
        process.communicate()


def address(ready):
    host, _, port = ready["ready"].removeprefix("socket://").rpartition(":")
    return host, int(port)


def one_frame(read):
    """Bytes up to the end of a frame."""
    got = b""
    while not got.endswith(b"\x0d"):
        more = read()
        assert more, "the line ended after %r" % got
        got += more
    return got


def test_tcp_says_what_it_answered():
    with running("--meter", "multical21", "--tcp", "127.0.0.1:0", "--fast", "--frozen") as (process, ready):
        assert ready["meter"] == "MULTICAL 21"
        assert ready["serial"] == 68123456
        with socket.create_connection(address(ready), timeout=20) as client:
            client.sendall(VOLUME)
            reply = one_frame(lambda: client.recv(100))
        told = json.loads(process.stdout.readline())
        assert told == {"request": VOLUME.hex(), "reply": reply.hex(), "registers": {"68": "314.131"}}
        [(_, _, mantissa, exponent)] = command.read_registers(application(reply))
        assert text(mantissa, exponent) == "314.131"


def test_tcp_at_the_pace_of_the_wire_brings_the_same_bytes():
    with running(
        "--meter", "multical21", "--tcp", "127.0.0.1:0", "--frozen", "--latency", "20", "--quiet"
    ) as (_, ready):
        with socket.create_connection(address(ready), timeout=20) as client:
            client.sendall(VOLUME)
            assert one_frame(lambda: client.recv(100)) == GOOD


def test_tcp_has_one_client_and_takes_the_next_when_it_leaves():
    with running("--meter", "multical62", "--tcp", "127.0.0.1:0", "--fast", "--quiet") as (_, ready):
        with socket.create_connection(address(ready), timeout=20) as first:
            first.sendall(SERIAL)
            one_frame(lambda: first.recv(100))
            with socket.create_connection(address(ready), timeout=20) as second:
                assert second.recv(1) == b""  # turned away
            first.sendall(SERIAL)
            one_frame(lambda: first.recv(100))
        for _ in range(5):
            with socket.create_connection(address(ready), timeout=20) as later:
                later.sendall(SERIAL)
                one_frame(lambda later=later: later.recv(100))


def test_tcp_survives_a_client_that_resets_and_bytes_that_mean_nothing():
    with running("--meter", "multical21", "--tcp", "127.0.0.1:0", "--fast", "--echo", "--noise", "1") as (
        _,
        ready,
    ):
        for i in range(5):
            with socket.create_connection(address(ready), timeout=20) as client:
                client.sendall(os.urandom(3000) if i % 2 else VOLUME)
                client.setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
                )  # close is a reset
        with socket.create_connection(address(ready), timeout=20) as client:
            client.sendall(SERIAL)
            got = b""
            while SERIAL not in got:  # at least the echo
                got += client.recv(100)


def test_a_taken_port_and_a_wrong_meter_are_said():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        where = "127.0.0.1:%d" % taken.getsockname()[1]
        done = sim_command("--meter", "multical21", "--tcp", where)
    assert done.returncode == 1
    assert "%s is taken" % where in done.stderr
    assert done.stdout == ""
    done = sim_command("--meter", "multical22", "--tcp", "127.0.0.1:0")
    assert done.returncode == 2
    assert "kamstrup382, multical21, multical302" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--tcp", "nowhere"], "'nowhere' is not HOST:PORT"),
        (["--tcp", "127.0.0.1:0", "--noise", "2"], "a probability is 0 to 1, not '2'"),
        (["--tcp", "127.0.0.1:0", "--loss", "nan"], "not 'nan'"),
        (["--tcp", "127.0.0.1:0", "--latency", "-1"], "not '-1'"),
        (["--tcp", "127.0.0.1:0", "--serial", "4294967296"], "0 to 4294967295"),
        (["--tcp", "127.0.0.1:0", "--clock", "2026-02-30T00:00:00"], "is not a time"),
        (["--tcp", "127.0.0.1:0", "--pty", "x"], "not allowed with"),
        (["--tcp", "127.0.0.1:0", "--info", "65536"], "of a MULTICAL 21 is 0 to 65535"),
        (["--tcp", "127.0.0.1:0", "--info", "leak"], "an info code is a number, not 'leak'"),
        (["--tcp", "127.0.0.1:0", "--energy", "GJ"], "a MULTICAL 21 has no energy in GJ"),
        (["--tcp", "127.0.0.1:0", "--eye", "lazy"], "invalid choice: 'lazy'"),
        ([], "--tcp --pty is required"),
    ],
)
def test_what_is_typed_wrong_is_named(arguments, named):
    done = sim_command("--meter", "multical21", *arguments)
    assert done.returncode == 2
    assert named in done.stderr


def sim_command(*arguments):
    return subprocess.run(
        [sys.executable, ROOT / "tools" / "kmp", "sim", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
    )


def serial_head(link, baud=1200):
    return serial.Serial(str(link), baud, stopbits=2, timeout=20)


def test_a_pty_is_a_serial_device_that_may_be_closed_and_opened_again(tmp_path):
    link = tmp_path / "meter"
    with running("--meter", "multical21", "--pty", link, "--fast", "--frozen", "--quiet") as (_, ready):
        assert ready["ready"] == str(link)
        for _ in range(3):
            with serial_head(link) as head:
                head.write(VOLUME)
                assert one_frame(lambda head=head: head.read(1)) == GOOD
    assert not os.path.lexists(link)


def test_a_pty_at_another_speed_than_the_meters_gives_rubbish(tmp_path):
    link = tmp_path / "meter"
    with running("--meter", "multical21", "--pty", link, "--fast", "--frozen", "--echo") as (_, _ready):
        with serial_head(link, 9600) as head:
            head.write(VOLUME)
            assert head.read(len(VOLUME)) == VOLUME  # its own light: at its own speed
            head.timeout = 0.2
            assert head.read(100) == b""
            head.baudrate = 1200
            head.timeout = 20
            head.write(VOLUME)
            assert head.read(len(VOLUME)) == VOLUME
            assert one_frame(lambda: head.read(1)) == GOOD


def test_a_stale_link_is_replaced_and_a_file_is_not(tmp_path):
    link = tmp_path / "meter"
    link.symlink_to("/dev/pts/no-such-terminal")
    with running("--meter", "multical21", "--pty", link, "--fast", "--quiet"):
        assert os.path.realpath(link).startswith("/dev/")
    assert not os.path.lexists(link)
    link.write_text("precious")
    done = sim_command("--meter", "multical21", "--pty", link)
    assert done.returncode == 1
    assert "choose another name" in done.stderr
    assert link.read_text() == "precious"


def test_a_link_that_another_simulator_took_over_is_left_to_it(tmp_path):
    link = tmp_path / "meter"
    with running("--meter", "multical62", "--pty", link, "--fast", "--frozen", "--quiet"):
        with running("--meter", "multical21", "--pty", link, "--fast", "--frozen", "--quiet"):
            pass
        assert not os.path.lexists(link)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_and_leaves_nothing(how, tmp_path):
    link = tmp_path / "meter"
    with running("--meter", "multical21", "--pty", link) as (process, _):
        with serial_head(link) as head:
            head.write(VOLUME)
            head.read(1)  # in the middle of a reply
            process.send_signal(how)
            assert process.wait(30) == 0
        assert not os.path.lexists(link)


def test_energy_and_info_can_be_chosen():
    request = build(TO_METER, METER, command.get_register([60, 99]))
    with running(
        *(
            "--meter",
            "multical403",
            "--tcp",
            "127.0.0.1:0",
            "--fast",
            "--frozen",
            "--energy",
            "GJ",
            "--info",
            "24",
        )
    ) as (process, ready):
        with socket.create_connection(address(ready), timeout=20) as client:
            client.sendall(request)
            reply = one_frame(lambda: client.recv(100))
        assert json.loads(process.stdout.readline())["registers"] == {"60": "200.33", "99": "24"}
        assert [(one[0], one[1]) for one in command.read_registers(application(reply))] == [(60, 8), (99, 51)]


def test_a_file_is_the_hand_at_the_magnet(tmp_path):
    magnet = tmp_path / "magnet"
    magnet.write_text("0")
    with running(
        *("--meter", "multical403", "--tcp", "127.0.0.1:0", "--fast", "--frozen", "--eye", "key"),
        *("--magnet-file", magnet),
    ) as (_, ready):
        with socket.create_connection(address(ready), timeout=0.2) as client:
            client.sendall(SERIAL)
            with pytest.raises(TimeoutError):
                client.recv(1)  # the key was not pressed yet
            magnet.write_text("")  # while it is being written
            magnet.write_text("1\n")
            for _ in range(100):
                client.sendall(SERIAL)
                with contextlib.suppress(TimeoutError):
                    assert one_frame(lambda: client.recv(100))
                    break
            else:
                raise AssertionError("the key did nothing")


def test_a_magnet_file_that_cannot_be_used_is_said(tmp_path):
    magnet = tmp_path / "magnet"
    arguments = ("--meter", "multical21", "--tcp", "127.0.0.1:0", "--eye", "magnet", "--magnet-file", magnet)
    done = sim_command(*arguments)
    assert done.returncode == 1
    assert "No such file" in done.stderr
    magnet.write_text("here")
    done = sim_command(*arguments)
    assert done.returncode == 1
    assert "does not hold 0 or 1" in done.stderr
