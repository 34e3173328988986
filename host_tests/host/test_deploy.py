"""Deploying: the plan as a pure function, and the whole of it by the real mpremote against MicroPython on a pty.

The board is fake_board/repl.py: MicroPython runs what mpremote sends in a folder that stands for the flash, and after a
reset it runs the main.py that was deployed. Nothing of the network leaves this machine.
"""

import contextlib
import fcntl
import json
import os
import pathlib
import pty
import runpy
import socket
import subprocess
import sys
import threading
import tty

import pytest

from deploying import device, plan, settings
from deploying.plan import Refused
from firmware_tree import ROOT

FAKE = pathlib.Path(__file__).parent / "fake_board"
RESET = 3
ESP32 = ("Generic ESP32 module with ESP32", "1.25.0", "esp32")
PASSWORD = "correct horse battery"


class Pty:
    """A serial device that leads to the process on the other end."""

    def __init__(self):
        self.board_end, self._head_end = pty.openpty()  # both stay open: mpremote comes and goes
        tty.setraw(self._head_end)
        self.path = os.ttyname(self._head_end)

    def close(self):
        os.close(self.board_end)
        os.close(self._head_end)


class FakeBoard:
    """MicroPython behind a pty: its REPL until a reset, then the main.py that was deployed."""

    def __init__(self, interpreter, folder, identity):
        self.flash = folder / "flash"
        self.flash.mkdir()
        self._pty = Pty()
        self.device = self._pty.path
        self._interpreter = interpreter
        self._identity = identity
        self._process = None
        self._closing = False
        self._thread = None

    def power_on(self):
        self._thread = threading.Thread(target=self._live)
        self._thread.start()

    def _live(self):
        if self._run(FAKE / "repl.py", *self._identity) == RESET and not self._closing:
            self._run("main.py")

    def _run(self, *arguments):
        path = ".frozen:%s:%s" % (self.flash, FAKE / "lib")
        ends = {"stdin": self._pty.board_end, "stdout": self._pty.board_end, "stderr": self._pty.board_end}
        self._process = subprocess.Popen(
            [self._interpreter, *arguments], cwd=self.flash, env={"MICROPYPATH": path}, **ends
        )
        return self._process.wait()

    def power_off(self):
        if self._thread:
            self._closing = True
            self._process.kill()
            self._thread.join()
            self._closing, self._thread = False, None

    def power_cycle(self):
        self.power_off()
        self.power_on()

    def close(self):
        self.power_off()
        self._pty.close()

    def files(self):
        found = (path for path in self.flash.rglob("*") if path.is_file())
        return {path.relative_to(self.flash).as_posix(): path.read_bytes() for path in found}


@contextlib.contextmanager
def board_of(interpreter, folder, identity=ESP32):
    board = FakeBoard(interpreter, folder, identity)
    try:
        board.power_on()
        yield board
    finally:
        board.close()


@pytest.fixture
def board(micropython64, tmp_path):
    with board_of(micropython64, tmp_path) as board:
        yield board


@pytest.fixture
def built(flash):
    """What is deployed: the tree of the session, so that the tests do not write into the checkout's build/."""
    found = (path for path in flash.rglob("*") if path.is_file())
    return {path.relative_to(flash).as_posix(): path.read_bytes() for path in sorted(found)}


@pytest.fixture
def deploy(built, capsys):
    """tools/deploy in this process; gives (exit status or message, all it printed)."""
    tool = runpy.run_path(str(ROOT / "tools" / "deploy"))
    tool["deploy"].__globals__.update(built=lambda: built, WITHOUT_WIFI_S=1)

    def run(device, dry_run=False, **variables):
        message = None
        try:
            tool["deploy"](device, settings.given(variables), dry_run)
        except Refused as refused:
            message = str(refused)
        return message, capsys.readouterr().out

    return run


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


# The whole way


def test_a_new_board_gets_everything_and_shows_its_page(board, deploy, built):
    port = free_port()
    (board.flash / "config.json").write_text(json.dumps({"http_port": port, "mine": [1]}))
    message, said = deploy(
        board.device, BOARD="esp32-devkitc", METER="multical601", WIFI_SSID="house", WIFI_PASSWORD=PASSWORD
    )
    assert message is None
    assert "the page: http://127.0.0.1:%d/" % port in said
    assert PASSWORD not in said
    files = board.files()
    assert {path: files[path] for path in built} == built
    assert json.loads(files["board.json"]) == json.loads((ROOT / "boards" / "esp32-devkitc.json").read_text())
    config = json.loads(files["config.json"])
    assert config["mine"] == [1] and config["http_port"] == port
    assert config["meter"] == "multical601"
    assert (config["wifi_ssid"], config["wifi_password"]) == ("house", PASSWORD)
    assert [path for path in files if path.endswith(".deploy") or path == "deploy.json"] == []


def test_a_second_deploy_copies_nothing_and_a_third_only_what_changed(board, deploy, built):
    assert deploy(board.device, BOARD="esp32-devkitc")[0] is None
    board.power_cycle()
    message, said = deploy(board.device)
    assert message is None and "up to date" in said

    # A new release: one module less, one profile changed. And a file of the owner's.
    (board.flash / "notes.txt").write_text("mine")
    gone = "kmp/log.mpy"
    del built[gone]
    built["meters/multical21.json"] += b" "
    manifest = json.loads(built["manifest.json"])
    manifest["files"] = [one for one in manifest["files"] if one["path"] != gone]
    built["manifest.json"] = json.dumps(manifest).encode()
    board.power_cycle()
    message, said = deploy(board.device)
    assert message is None
    assert "2 files copied and read back, 1 removed" in said  # the profile and the manifest
    files = board.files()
    assert gone not in files and files["notes.txt"] == b"mine"
    assert files["meters/multical21.json"] == built["meters/multical21.json"]


def test_a_file_that_is_not_what_the_manifest_says_is_copied_again(board, deploy, built):
    assert deploy(board.device, BOARD="esp32-devkitc")[0] is None
    (board.flash / "kmp" / "frame.mpy").write_bytes(b"half a fi")  # a power cut
    (board.flash / "kmp" / "value.mpy.deploy").write_bytes(b"left behind")
    (board.flash / "deploy.json").write_text('{"files":[["kmp/value.mpy","00"]],"remove":[]}')
    board.power_cycle()
    message, said = deploy(board.device)
    assert message is None and "1 files copied" in said
    files = board.files()
    assert files["kmp/frame.mpy"] == built["kmp/frame.mpy"]
    assert [path for path in files if path.endswith(".deploy") or path == "deploy.json"] == []


def test_a_dry_run_changes_nothing(board, deploy):
    message, said = deploy(board.device, dry_run=True, BOARD="esp32-devkitc")
    assert message is None
    assert "copy    main.py" in said and "nothing was changed" in said
    assert board.files() == {}


def test_a_copy_that_does_not_arrive_whole_is_not_used(board, micropython64):
    job = {"files": [["main.py", plan.digest(b"new")]], "remove": ["old.mpy"]}
    (board.flash / "main.py").write_text("old")
    (board.flash / "old.mpy").write_text("old")
    (board.flash / "main.py.deploy").write_text("ne")
    (board.flash / "deploy.json").write_text(json.dumps(job))
    source = (ROOT / "tools" / "deploying" / "onboard.py").read_text() + "\nswitch()\n"
    done = subprocess.run([micropython64, "-c", source], cwd=board.flash, capture_output=True, text=True)
    assert done.stdout.strip() == 'switched:{"bad": ["main.py"]}'
    assert (board.flash / "main.py").read_text() == "old" and (board.flash / "old.mpy").exists()


def test_the_executable_says_what_is_wrong_and_ends_with_an_error():
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "deploy", "/dev/ttyNotThere"], capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "there is no /dev/ttyNotThere" in done.stderr


# What can be wrong with the board

WRONG_BOARDS = (
    (("Generic ESP32 module with ESP32", "1.23.0", "esp32"), {}, "needs 1.24 or newer"),
    (("Raspberry Pi Pico with RP2040", "1.25.0", "rp2"), {}, "ESP32 family"),
    (
        ("ESP32C3 module with ESP32C3", "1.25.0", "esp32"),
        {"BOARD": "esp32-devkitc"},
        "the chip here is an esp32c3",
    ),
    (ESP32, {}, "say which board it is"),
)


@pytest.mark.parametrize("identity, variables, said", WRONG_BOARDS, ids=[row[2] for row in WRONG_BOARDS])
def test_a_board_that_cannot_run_it_is_left_alone(identity, variables, said, micropython64, tmp_path, deploy):
    with board_of(micropython64, tmp_path, identity) as board:
        message, _ = deploy(board.device, **variables)
        assert said in message
        assert board.files() == {}


def test_a_config_that_is_damaged_is_not_overwritten(board, deploy):
    (board.flash / "config.json").write_text('{"wifi_password": "secret to keep",')
    message, said = deploy(board.device, BOARD="esp32-devkitc")
    assert "not a JSON object" in message
    assert "secret to keep" not in message + said
    assert list(board.files()) == ["config.json"]


def test_a_device_in_use_is_said(board, deploy):
    other = os.open(board.device, os.O_RDWR | os.O_NOCTTY)
    try:
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)  # as every program with pyserial does
        message, _ = deploy(board.device, BOARD="esp32-devkitc")
    finally:
        os.close(other)
    assert "in use by another program" in message and "fuser" in message


def test_a_device_without_micropython_is_said(tmp_path, deploy):
    silent = Pty()
    device = tmp_path / "ttyUSB0"  # mpremote reads what it knows as a pty without a time limit
    device.symlink_to(silent.path)
    try:
        message, _ = deploy(str(device), BOARD="esp32-devkitc")
    finally:
        silent.close()
    assert "no MicroPython answers" in message and "esptool" in message


# The device


def test_an_absent_device_lists_what_is_there():
    with pytest.raises(Refused, match="there is no /dev/ttyUSB7; found here: /dev/ttyACM0, /dev/ttyUSB0"):
        device.check("/dev/ttyUSB7", ["/dev/ttyACM0", "/dev/ttyUSB0"])
    with pytest.raises(Refused, match="DEVICE is missing: make deploy DEVICE=/dev/ttyACM0"):
        device.check("", ["/dev/ttyACM0"])


def test_a_forbidden_device_names_the_group(tmp_path):
    path = tmp_path / "ttyUSB0"
    path.write_text("")
    with pytest.raises(Refused, match="usermod -aG %s " % path.group()):
        device.check(str(path), [], access=lambda *_: False)


SAID = (
    ("mpremote: failed to access /dev/x (it may be in use by another program)", "in use by another program"),
    ("b''\nmpremote: could not enter raw repl", "no MicroPython answers"),
    ("OSError: [Errno 28] ENOSPC", "file system is full"),
    ("something\nnew and unheard of", "new and unheard of"),
    ("", "no word"),
)


@pytest.mark.parametrize("said, explained", SAID)
def test_what_mpremote_says_becomes_what_to_do(said, explained):
    assert explained in device.explain("/dev/x", said)


# The plan


def seen(files, listed=(), config=None):
    hashes = {path: plan.digest(data) for path, data in files.items()}
    return {"files": hashes, "listed": list(listed), "config": config}


BUILT = {"manifest.json": b"{}", "main.py": b"main", "kmp/frame.mpy": b"frame"}

PLANS = (
    # what the board holds, what its manifest lists, copied in this order, removed
    ({}, (), ["main.py", "kmp/frame.mpy", "manifest.json"], ()),
    (BUILT, ("main.py", "kmp/frame.mpy"), [], ()),
    ({**BUILT, "main.py": b"old"}, ("main.py", "kmp/frame.mpy"), ["main.py"], ()),
    ({**BUILT, "gone.mpy": b"1"}, ("main.py", "gone.mpy"), [], ("gone.mpy",)),
    (BUILT, ("main.py", "gone.mpy"), [], ()),  # listed, and not there any more
    ({**BUILT, "notes.txt": b"1"}, ("main.py",), [], ()),  # not ours
)


@pytest.mark.parametrize("files, listed, copied, removed", PLANS)
def test_only_what_changed_is_copied_and_the_manifest_comes_last(files, listed, copied, removed):
    todo = plan.make(BUILT, seen(files, listed))
    assert (list(todo.copy), todo.remove) == (copied, removed)


def test_board_and_config_are_copied_when_they_differ():
    todo = plan.make(BUILT, seen({**BUILT, "board.json": b"1", "config.json": b"2"}), b"1", b"3")
    assert todo.copy == {"config.json": b"3"}


CONFIGS = (
    # on the board, given, afterwards
    (None, {}, {}),
    (None, {"meter": "multical21"}, {"meter": "multical21"}),
    ('{"a": 1, "meter": "x"}', {"meter": "y"}, {"a": 1, "meter": "y"}),
    ('{"wifi_password": "p"}', {"wifi_ssid": "s"}, {"wifi_password": "p", "wifi_ssid": "s"}),
)


@pytest.mark.parametrize("text, given, after", CONFIGS)
def test_settings_are_merged_and_none_is_dropped(text, given, after):
    assert json.loads(plan.merge_config(text, given)) == after


def test_a_config_that_does_not_change_keeps_its_form():
    text = '{ "meter":  "multical21" }\n'
    assert plan.merge_config(text, {"meter": "multical21"}) == text.encode()


@pytest.mark.parametrize("text", ("{", "[]", "1"))
def test_a_config_that_is_no_object_is_refused(text):
    with pytest.raises(Refused, match="would lose what it holds"):
        plan.merge_config(text, {})


CHIP_NAMES = (
    ("Generic ESP32 module with ESP32", "esp32"),
    ("Generic ESP32 module with SPIRAM with ESP32", "esp32"),
    ("ESP32C3 module with ESP32C3", "esp32c3"),
    ("LOLIN_S2_MINI with ESP32-S2FN4R2", "esp32s2"),
    ("ESP32-PICO-D4 board with ESP32-PICO-D4", "esp32"),
    ("Generic ESP32S3 module with Octal-SPIRAM with ESP32S3", "esp32s3"),
    ("something else", None),
)


@pytest.mark.parametrize("machine, chip", CHIP_NAMES)
def test_the_chip_is_read_from_the_name_of_the_board(machine, chip):
    assert plan.chip_of(machine) == chip


WRONG_SETTINGS = (
    ({"BOARD": "toaster"}, "BOARD: there is no toaster; known: d1-mini-esp32"),
    ({"METER": "toaster"}, "METER: there is no toaster; known: .*multical21"),
    ({"WIFI_SSID": "x" * 33}, "WIFI_SSID: 'x+' is not possible; a text of 1 to 32"),
)


@pytest.mark.parametrize("variables, said", WRONG_SETTINGS)
def test_a_setting_that_is_not_possible_is_named(variables, said):
    with pytest.raises(Refused, match=said):
        settings.given(variables)


def test_a_password_that_is_not_possible_is_not_shown():
    with pytest.raises(Refused) as refused:
        settings.given({"WIFI_PASSWORD": "hunter2" * 10})
    assert "WIFI_PASSWORD" in str(refused.value) and "hunter2" not in str(refused.value)
