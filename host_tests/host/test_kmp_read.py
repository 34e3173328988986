"""`kmp read`: registers of a simulated meter, digit for digit; what is not offered, what is not there, and what was
typed wrong. Starts one simulator on the loopback, and ends it.
"""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from conftest import ROOT
from kmpeye.head.port_tty import TtyPort
from kmptool.cli import main


@pytest.fixture(scope="module")
def meter():
    """socket:// address of a MULTICAL 21 whose totals stand still."""
    process = subprocess.Popen(
        [
            *(sys.executable, ROOT / "tools" / "kmp", "sim", "--meter", "multical21", "--tcp", "127.0.0.1:0"),
            *("--fast", "--frozen", "--seed", "7", "--quiet", "--echo"),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield json.loads(process.stdout.readline())["ready"]
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.communicate()


def read(capsys, *arguments):
    """(exit status, what it printed, stderr); numbers with a point stay text."""
    status = main(["read", *arguments])
    out, err = capsys.readouterr()
    return status, json.loads(out, parse_float=str), err


def test_registers_by_name_and_id_are_read_once_and_in_their_order(meter, capsys):
    wanted = ("--register", "info", "--register", "68", "volume", "0x44", "12345")
    status, line, err = read(capsys, "--port", meter, *wanted)
    assert (status, err) == (0, "")
    assert line == {
        "port": meter,
        "address": 63,
        "baud": 1200,
        "registers": [
            {"id": 99, "name": "info", "value": 0, "unit": ""},
            {"id": 68, "name": "volume", "value": "314.131", "unit": "m³"},
        ],
        "not_offered": ["register_12345"],
    }


def test_without_a_register_the_usual_ones_are_asked_and_the_type_on_request(meter, capsys):
    status, line, _ = read(capsys, "--port", meter, "--type", "--retries", "0")
    assert status == 0
    assert len(line["registers"]) + len(line["not_offered"]) == 24
    assert {"volume", "flow", "serial", "info"} <= {one["name"] for one in line["registers"]}
    assert line["serial"] == 68123456
    assert (line["type"], line["revision"]) == (None, None)  # a MULTICAL 21 does not say


def test_a_meter_that_offers_nothing_of_it_is_no_error_and_says_so(meter, capsys):
    status, line, err = read(capsys, "--port", meter, "--register", "4000")
    assert (status, line["registers"], line["not_offered"]) == (0, [], ["register_4000"])
    assert "offers none of these registers" in err


def test_what_was_read_before_a_meter_fell_silent_is_printed_with_the_error(capsys):
    command = [sys.executable, ROOT / "tools" / "kmp", "sim", "--meter", "multical21", "--tcp", "127.0.0.1:0"]
    process = subprocess.Popen(
        [*command, "--fast", "--quiet", "--eye", "five12h"],  # five replies, then nothing for 12 hours
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        port = json.loads(process.stdout.readline())["ready"]
        time.sleep(4.2)  # its eye comes up
        first, whole, _ = read(capsys, "--port", port, "--retries", "0")
        second, line, err = read(capsys, "--port", port, "--retries", "0")
    finally:
        process.kill()
        process.communicate()
    assert (first, len(whole["registers"]) + len(whole["not_offered"])) == (0, 24)
    assert (second, line["error"]) == (1, "no_light")
    assert len(line["registers"]) + len(line["not_offered"]) == 16
    assert err


@pytest.mark.parametrize(
    ("port", "words"),
    [
        ("socket://127.0.0.1:1", "connection refused"),
        ("/dev/no-such-head", "there is no such device; is the head plugged in?"),
        ("/dev/null", "/dev/null: this is no serial device"),
    ],
)
def test_a_port_that_is_not_there_is_an_error_with_its_reason(port, words, capsys):
    status, line, err = read(capsys, "--port", port, "--register", "68")
    assert (status, line["error"]) == (1, "port_error")
    assert words in err
    assert "registers" not in line


def test_a_device_that_is_unplugged_at_any_moment_is_an_os_error():
    master, slave = os.openpty()
    port = TtyPort(os.ttyname(slave), 1200)
    os.close(slave)
    os.close(master)
    for use in (lambda: port.set_baud(9600), lambda: port.write(b"\x80")):
        with pytest.raises(OSError):
            use()
    assert port.any()
    try:
        assert port.readinto(bytearray(8)) == 0
    except OSError:  # macOS and Linux differ
        pass
    port.close()


def test_the_unplugged_device_ends_a_reading_with_words(tmp_path):
    link = tmp_path / "meter"
    command = [sys.executable, ROOT / "tools" / "kmp"]
    simulator = subprocess.Popen(
        [*command, "sim", "--meter", "multical21", "--pty", link, "--quiet", "--latency", "1500"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        simulator.stdout.readline()
        reading = subprocess.Popen(
            [*command, "read", "--port", link], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        time.sleep(1)  # the meter thinks about the first request
        simulator.kill()
        out, err = reading.communicate(timeout=30)
    finally:
        simulator.kill()
        simulator.communicate()
    assert (reading.returncode, json.loads(out)["error"]) == (1, "port_error")
    assert err.count("\n") == 1
    assert str(link) in err


@pytest.mark.parametrize("closed", ["1>&-", "2>&-"])
def test_words_never_go_to_stdout_and_nothing_is_a_traceback(closed):
    shell = "%s %s read --port /dev/no-such-head %s" % (sys.executable, ROOT / "tools" / "kmp", closed)
    done = subprocess.run(["bash", "-c", shell], capture_output=True, text=True)
    assert done.returncode == 1
    if closed == "1>&-":
        assert done.stderr == "kmp: there is no stdout to write to\n"
    else:
        assert json.loads(done.stdout)["error"] == "port_error"


def test_ctrl_c_ends_a_reading_without_a_word(meter):
    reading = subprocess.Popen(
        [sys.executable, ROOT / "tools" / "kmp", "read", "--port", meter, "--address", "1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    time.sleep(1.5)  # it waits for an answer that does not come
    reading.send_signal(signal.SIGINT)
    assert reading.communicate(timeout=30) == ("", "")
    assert reading.returncode == 130


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ([], "--port"),
        (["--port", ""], "'' is no port"),
        (["--port", "socket://meter"], "'socket://meter' is no port: a serial device, or socket://HOST:PORT"),
        (["--port", "socket://meter:99999"], "is no port"),
        (["--port", "tcp://meter:5000"], "is no port"),
        (["--port", "x", "--register", "volum"], "'volum' is no register: a name like volume"),
        (["--port", "x", "--register", "65536"], "a register id is 0 to 65535, not 65536"),
        (["--port", "x", "--address", "256"], "--address is 0 to 255, not 256"),
        (["--port", "x", "--baud", "19200"], "invalid choice: 19200"),
    ],
)
def test_what_was_typed_wrong_is_named(arguments, named, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["read", *arguments])
    assert stopped.value.code == 2
    assert named in capsys.readouterr().err
