"""make repl, make monitor, make backup: against MicroPython on a pty, and against devices that are not to be had."""

import fcntl
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
import tty

import pytest

from deploying import board as board_module
from deploying.plan import Refused
from firmware_tree import ROOT
from host.fake_board.on_pty import board_of

TOOL = ROOT / "tools" / "board"


def tool(*arguments):
    return subprocess.run([sys.executable, TOOL, *arguments], capture_output=True, text=True, timeout=60)


@pytest.fixture
def pty():
    ends = os.openpty()
    tty.setraw(ends[1])
    yield ends[0], os.ttyname(ends[1])
    for end in ends:
        os.close(end)


@pytest.mark.parametrize("command", ("repl", "monitor", "backup"))
def test_a_device_that_is_absent_or_not_named_is_said(command):
    done = tool(command, "/dev/ttyNotThere")
    assert done.returncode == 1 and "%s: there is no /dev/ttyNotThere" % command in done.stderr
    done = tool(command)
    assert done.returncode == 1 and "make %s DEVICE=" % command in done.stderr


def test_a_device_in_use_is_said(pty):
    other = os.open(pty[1], os.O_RDWR | os.O_NOCTTY)
    try:
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        done = tool("repl", pty[1])
    finally:
        os.close(other)
    assert done.returncode == 1 and "in use by another program" in done.stderr


def test_the_monitor_shows_what_is_printed_and_sends_nothing(pty):
    board, device = pty
    shown = threading.Event()

    def speak():
        while not shown.wait(0.1):  # again and again: what is said before somebody listens is lost
            os.write(board, b"state: ok\r\n")

    with subprocess.Popen(
        [sys.executable, TOOL, "monitor", device], stdout=subprocess.PIPE, text=True
    ) as monitor:
        speaker = threading.Thread(target=speak)
        speaker.start()
        try:
            assert monitor.stdout.readline() == "state: ok\n"
            monitor.send_signal(signal.SIGINT)
            assert monitor.wait(20) == 0
        finally:
            shown.set()
            speaker.join()
            monitor.kill()
    os.set_blocking(board, False)
    with pytest.raises(BlockingIOError):
        os.read(board, 100)


def test_the_monitor_shows_a_board_behind_a_network():
    with socket.create_server(("127.0.0.1", 0)) as server:
        device = "socket://127.0.0.1:%d" % server.getsockname()[1]
        with subprocess.Popen(
            [sys.executable, TOOL, "monitor", device], stdout=subprocess.PIPE, text=True
        ) as monitor:
            try:
                server.settimeout(20)
                with server.accept()[0] as peer:
                    while not select.select([monitor.stdout], [], [], 0.1)[0]:
                        peer.sendall(b"state: ok\r\n")  # what was said while it opened the port is lost
                    assert monitor.stdout.readline() == "state: ok\n"
            finally:
                monitor.kill()


def test_a_board_that_is_gone_for_longer_than_a_restart_takes_is_said(monkeypatch, tmp_path):
    monkeypatch.setattr(board_module, "_GONE_S", 0)
    lines = board_module.Board(str(tmp_path / "ttyACM0")).lines(1)
    assert "ttyACM0 is gone" in next(lines)
    assert list(lines) == [], "once"


def test_a_backup_that_fails_leaves_no_empty_folder(tmp_path, monkeypatch):
    backup = runpy.run_path(str(TOOL))["backup"]
    monkeypatch.setitem(backup.__globals__, "BACKUPS", tmp_path / "backup")
    with pytest.raises(Refused):
        backup(str(tmp_path / "ttyUSB0"))
    assert list((tmp_path / "backup").iterdir()) == []


def test_a_backup_has_every_file_and_nobody_else_may_read_it(micropython64, tmp_path, monkeypatch, capsys):
    held = {
        "config.json": b'{"wifi_password":"p"}',
        "history/2026.log": bytes(range(256)),
        "kmp/frame.mpy": b"M",
    }
    backup = runpy.run_path(str(TOOL))["backup"]
    monkeypatch.setitem(backup.__globals__, "BACKUPS", tmp_path / "backup")
    with board_of(micropython64, tmp_path) as board:
        for path, data in held.items():
            (board.flash / path).parent.mkdir(exist_ok=True)
            (board.flash / path).write_bytes(data)
        backup(board.device)
        assert board.restarted.wait(20), "the firmware goes on"
    (folder,) = (tmp_path / "backup").iterdir()
    found = [path for path in folder.rglob("*") if path.is_file()]
    assert {path.relative_to(folder).as_posix(): path.read_bytes() for path in found} == held
    assert folder.stat().st_mode & 0o077 == 0
    assert "3 files" in capsys.readouterr().out
