"""The log over UDP, received by a socket of ours: order, dates, lines from before the network, a name nobody knows.

Starts syslog_app.py on MicroPython and on CPython; promises that what is started is stopped.
"""

import contextlib
import os
import re
import socket
import subprocess
import sys

import pytest

from firmware_tree import ROOT

FORM = re.compile(r"<(\d+)>1 (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ) eye kmpeye - - - (.*)")


@contextlib.contextmanager
def running(interpreter, server):
    path = os.pathsep.join((str(ROOT / "firmware"), str(ROOT / "tools" / "cpython")))
    environment = dict(os.environ, MICROPYPATH=".frozen:%s" % (ROOT / "firmware"), PYTHONPATH=path)
    command = [interpreter, ROOT / "host_tests" / "host" / "syslog_app.py", server]
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        with process:
            process.stdout.read()


@pytest.fixture(params=("micropython64", "micropython32", "cpython"))
def interpreter(request):
    return sys.executable if request.param == "cpython" else request.getfixturevalue(request.param)


def test_lines_arrive_in_order_with_level_and_date(interpreter):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(20)
        with running(interpreter, "127.0.0.1:%d" % server.getsockname()[1]):
            got = [FORM.fullmatch(server.recv(2048).decode()).groups() for _ in range(3)]
    assert [(level, text) for level, _, text in got] == [
        ("14", "from before the network"),
        ("11", "100 %% m³"),
        ("14", "line 1"),
    ]


def test_a_name_is_looked_up_by_who_does_not_stop_the_loop(interpreter):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(20)
        with running(interpreter, "collector:%d" % server.getsockname()[1]):
            got = [FORM.fullmatch(server.recv(2048).decode()).group(3) for _ in range(3)]
    assert got == ["from before the network", "100 %% m³", "line 1"], "written while it was looked up"


def test_a_server_without_an_address_does_not_end_it(interpreter):
    with (
        running(interpreter, "no such host.invalid:514") as process,
        pytest.raises(subprocess.TimeoutExpired),
    ):
        process.wait(2)
