"""Deploying: the plan as a pure function, and the whole of it by the real mpremote against MicroPython on a pty.

The board is fake_board/on_pty.py: MicroPython runs what mpremote sends in a folder that stands for the flash, and after
a reset it runs the main.py that was deployed. Nothing of the network leaves this machine.
"""

import fcntl
import json
import os
import runpy
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
import types

import pytest

from deploying import board as board_module
from deploying import device, plan, settings
from deploying.board import Board
from deploying.plan import Refused
from firmware_tree import IMAGE, ROOT
from flashing.partitions import ROM_BYTES
from host.fake_board.on_pty import ESP32, Pty, board_of

PASSWORD = "correct horse battery"


@pytest.fixture
def board(micropython64, tmp_path):
    with board_of(micropython64, tmp_path) as board:
        yield board


@pytest.fixture
def board_with_rom(micropython64, tmp_path):
    with board_of(micropython64, tmp_path, rom_bytes=ROM_BYTES) as board:
        yield board


@pytest.fixture
def built(flash):
    """What is deployed: the tree of the session, so that the tests do not write into the checkout's build/."""
    found = (path for path in flash.rglob("*") if path.is_file())
    return {path.relative_to(flash).as_posix(): path.read_bytes() for path in sorted(found)}


@pytest.fixture
def image(flash, tmp_path):
    """The same as one image, to be changed by a test."""
    path = tmp_path / IMAGE
    path.write_bytes(flash.with_name(IMAGE).read_bytes())
    return path


@pytest.fixture
def deploy(built, image, capsys):
    """tools/deploy in this process; gives (exit status or message, all it printed)."""
    tool = runpy.run_path(str(ROOT / "tools" / "deploy"))
    tool["deploy"].__globals__.update(built=lambda: built, image_path=lambda: image, WITHOUT_WIFI_S=1)

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
    assert "the page: http://127.0.0.1:%d/" % port in said, said
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


def test_the_access_point_gets_a_password_of_its_own_once(board, deploy):
    _, said = deploy(board.device, BOARD="esp32-devkitc")
    password = json.loads(board.files()["ap.json"])["password"]
    assert len(password) == 12 and "password: %s " % password in said
    board.power_cycle()
    message, said = deploy(board.device)
    assert message is None and "password" not in said, "it is shown once, and stays"
    assert json.loads(board.files()["ap.json"])["password"] == password


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


def assert_only_boot_files(board):
    """Beside what the firmware itself keeps there, which runs by then."""
    files = board.files()
    assert {"board.json", "config.json", "main.py", "manifest.json"} <= files.keys()
    assert [path for path in files if path.endswith((".mpy", ".gz")) or path.startswith("meters/")] == []


def test_a_board_with_a_romfs_partition_runs_the_image_in_place(board_with_rom, deploy, built, image):
    board, port = board_with_rom, free_port()
    (board.flash / "config.json").write_text(json.dumps({"http_port": port}))
    message, said = deploy(board.device, BOARD="esp32-devkitc", WIFI_SSID="house", WIFI_PASSWORD=PASSWORD)
    assert message is None, message
    assert "the page: http://127.0.0.1:%d/" % port in said, said
    assert board.rom.read_bytes().startswith(image.read_bytes())
    assert_only_boot_files(board)

    board.power_cycle()
    message, said = deploy(board.device)
    assert message is None and "up to date" in said and "writing" not in said


def test_an_image_that_changed_is_written_and_modules_of_an_earlier_firmware_go(
    board_with_rom, deploy, built
):
    board = board_with_rom
    for path, data in built.items():
        (board.flash / path).parent.mkdir(parents=True, exist_ok=True)
        (board.flash / path).write_bytes(data)
    message, said = deploy(board.device, BOARD="esp32-devkitc")
    assert message is None, message
    assert "writing the firmware's image" in said
    assert_only_boot_files(board)
    assert not (board.flash / "kmp").exists()


def test_an_image_that_does_not_arrive_whole_is_said_and_the_files_stay(board_with_rom, deploy, monkeypatch):
    (board_with_rom.flash / "main.py").write_text("# of an earlier kmpeye")
    monkeypatch.setattr(Board, "write_image", lambda self, path: None)
    message, _ = deploy(board_with_rom.device, BOARD="esp32-devkitc")
    assert "did not arrive whole" in message
    assert list(board_with_rom.files()) == ["main.py"]


def test_an_image_that_is_larger_than_its_partition_is_refused(board_with_rom, deploy, image):
    image.write_bytes(image.read_bytes() + bytes(ROM_BYTES))
    message, _ = deploy(board_with_rom.device, BOARD="esp32-devkitc")
    assert "make flash" in message
    assert board_with_rom.files() == {} and not board_with_rom.rom.exists()


def test_a_micropython_that_holds_the_modules_gets_what_belongs_to_them(frozen, tmp_path, deploy, built):
    with board_of(frozen, tmp_path) as board:
        for path, data in built.items():  # of a firmware that lay there as files
            (board.flash / path).parent.mkdir(parents=True, exist_ok=True)
            (board.flash / path).write_bytes(data)
        port = free_port()
        (board.flash / "config.json").write_text(json.dumps({"http_port": port}))
        message, said = deploy(board.device, BOARD="esp32-devkitc", WIFI_SSID="house", WIFI_PASSWORD=PASSWORD)
        assert message is None, message
        assert "the page: http://127.0.0.1:%d/" % port in said, said
        assert "PSRAM" not in said
        files = board.files()
        assert [path for path in files if path.endswith(".mpy")] == []
        beside = {path for path in built if not path.endswith(".mpy")}
        assert beside <= files.keys() and len(beside) > 20
        board.power_cycle()
        message, said = deploy(board.device)
        assert message is None and "up to date" in said


def test_what_belongs_to_other_modules_than_micropython_holds_is_not_copied(frozen, tmp_path, deploy, built):
    manifest = json.loads(built["manifest.json"])
    built["manifest.json"] = json.dumps({**manifest, "frozen": "0" * 64}).encode()
    with board_of(frozen, tmp_path) as board:
        message, _ = deploy(board.device, BOARD="esp32-devkitc")
        assert "another version" in message and "docs/hardware.md" in message
        assert board.files() == {}


def test_somebody_elses_program_is_not_replaced(board, deploy):
    (board.flash / "main.py").write_text("print('a heating that I wrote')")
    message, _ = deploy(board.device, BOARD="esp32-devkitc")
    assert "somebody else's program" in message and "make backup" in message
    assert list(board.files()) == ["main.py"]


def test_a_dry_run_changes_nothing(board, deploy):
    message, said = deploy(board.device, dry_run=True, BOARD="esp32-devkitc")
    assert message is None
    assert "copy    main.py" in said and "nothing was changed" in said
    assert board.files() == {}
    assert board.restarted.wait(20), "looking has stopped the firmware"


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


# The power goes after so many changes of the flash; what lies there then is started by main.py, as after every start.
CUT = """
import os
left = %d
def cut(function):
    def counted(*names):
        global left
        if not left:
            raise SystemExit
        left -= 1
        return function(*names)
    return counted
class Flash:
    stat = os.stat
    rename, remove, rmdir = cut(os.rename), cut(os.remove), cut(os.rmdir)
os = Flash
switch()
"""
STARTS = """
from kmpeye import part
try:
    from kmpeye.old import gone
except ImportError:
    gone = ""
def main(root):
    print(%d, part.version, gone)
"""


def lay(folder, files):
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)


def version(number):
    """A firmware of two modules, with the main.py that there really is."""
    return {
        "main.py": (ROOT / "firmware" / "main.py").read_bytes(),
        "kmpeye/part.py": b"version = %d" % number,
        "kmpeye/start.py": (STARTS % number).encode(),
    }


def test_a_power_cut_leaves_a_board_that_starts_with_one_version_or_the_other(tmp_path, micropython64):
    onboard = (
        (ROOT / "tools" / "deploying" / "onboard.py").read_text().replace("import os\n", "import os\n", 1)
    )
    new = version(2)
    job = {
        "files": [[path, plan.digest(data)] for path, data in new.items()],
        "remove": ["kmpeye/old/gone.py"],
    }
    old = {**version(1), "kmpeye/old/gone.py": b"", "deploy.json": plan.small(job)}
    old["kmpeye/start.py"] = old["kmpeye/start.py"].replace(b'gone = ""', b"raise")
    copies = {path + ".deploy": data for path, data in new.items()}
    seen = []
    for cut in range(20):
        flash = tmp_path / str(cut)
        lay(flash, {**old, **copies})

        def run(*arguments, flash=flash):
            done = subprocess.run(
                [micropython64, *arguments],
                cwd=flash,
                env={"MICROPYPATH": ".frozen:"},
                capture_output=True,
                text=True,
            )
            return done.stdout.strip(), done.stderr

        finished, error = run("-c", onboard + CUT % cut)
        assert not error, error
        said, error = run("main.py")
        assert not error, (cut, said, error)
        seen.append(said.split()[:2])
        if finished:
            break
    assert seen[0] == ["1", "1"] and seen[1:] == [["2", "2"]] * cut and cut == 8
    assert sorted(path.name for path in flash.rglob("*") if path.is_file()) == [
        "main.py",
        "part.py",
        "start.py",
    ]


def test_the_executable_says_what_is_wrong_and_ends_with_an_error():
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "deploy", "/dev/ttyNotThere"], capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "there is no /dev/ttyNotThere" in done.stderr


# What happens on the way

REFUSED_WRITES = (
    (28, 0, "file system is full"),
    (28, 5, "file system is full"),
    (30, 0, "no file system that can be written"),
    (84, 1, "file system on the board is damaged"),
)


@pytest.mark.parametrize("number, first, said", REFUSED_WRITES)
def test_a_flash_that_takes_no_more_is_named_and_the_firmware_goes_on(board, deploy, number, first, said):
    (board.flash / "main.py").write_text("# of an earlier kmpeye")
    board.refuse_writes(number, first)
    message, _ = deploy(board.device, BOARD="esp32-devkitc")
    assert said in message
    assert list(board.files()) == ["main.py"]
    assert board.restarted.wait(20)


def test_a_cable_that_comes_loose_is_said_and_what_was_there_stays(micropython64, tmp_path, deploy):
    with board_of(micropython64, tmp_path) as board:
        device = tmp_path / "ttyUSB0"  # mpremote reads what it knows as a pty without a time limit
        device.symlink_to(board.device)
        (board.flash / "main.py").write_text("# of an earlier kmpeye")

        def pull():
            while not list(board.flash.rglob("*.deploy")):
                time.sleep(0.01)
            board.close()

        hand = threading.Thread(target=pull)
        hand.start()
        message, _ = deploy(str(device), BOARD="esp32-devkitc")
        hand.join()
        assert "went away in the middle" in message
        files = {path: data for path, data in board.files().items() if not path.endswith(".deploy")}
        assert files["main.py"] == b"# of an earlier kmpeye" and files.keys() == {"main.py", "deploy.json"}


@pytest.mark.parametrize("tool", (["deploy"], ["board", "backup"]), ids=["deploy", "backup"])
def test_a_person_who_stops_it_sees_no_traceback(tool, tmp_path):
    silent = Pty()
    device = tmp_path / "ttyUSB0"
    device.symlink_to(silent.path)
    name, *command = tool
    with subprocess.Popen(
        [sys.executable, ROOT / "tools" / name, *command, device], stderr=subprocess.PIPE, text=True
    ) as running:
        try:
            assert os.read(silent.board_end, 1)  # mpremote has begun
            running.send_signal(signal.SIGINT)
            said = running.communicate(timeout=20)[1]
        finally:
            running.kill()
            silent.close()
    assert running.returncode == 130 and "Traceback" not in said


def test_the_end_of_what_is_typed_is_an_empty_answer():
    answer = runpy.run_path(str(ROOT / "tools" / "deploy"))["answer"]

    def closed(question):
        raise EOFError

    assert answer("head? ", closed) == ""


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
        assert board.restarted.wait(20), "what it ran before goes on"


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
    assert "no MicroPython answers" in message and "make flash" in message


# The Wi-Fi


WIFI_GIVEN = {"wifi_ssid": "given", "wifi_password": "secret!!"}
OLD_WIFI = '{"wifi_ssid":"old","wifi_password":"of the old one"}'

WIFI = (
    # on the board, given, at a terminal, typed, what is used
    (None, {}, True, ["house", "secret!!"], {"wifi_ssid": "house", "wifi_password": "secret!!"}),
    ("{}", {"meter": "multical21"}, True, ["house", ""], {"meter": "multical21", "wifi_ssid": "house"}),
    (None, {}, True, [""], {}),
    (None, {}, False, [], {}),
    ('{"wifi_ssid":"house"}', {}, True, [], {}),
    (None, {"wifi_ssid": "given"}, True, ["secret!!"], {"wifi_ssid": "given", "wifi_password": "secret!!"}),
    (None, {"wifi_ssid": "given"}, False, [], {"wifi_ssid": "given"}),
    (None, WIFI_GIVEN, True, [], WIFI_GIVEN),
    (OLD_WIFI, {"wifi_ssid": "old"}, True, [], {"wifi_ssid": "old"}),  # it goes on with its password
    # The password of another network is none for this one.
    (OLD_WIFI, {"wifi_ssid": "new"}, False, [], {"wifi_ssid": "new", "wifi_password": None}),
    (OLD_WIFI, {"wifi_ssid": "new"}, True, [""], {"wifi_ssid": "new", "wifi_password": None}),
    (OLD_WIFI, {"wifi_ssid": "new"}, True, ["secret!!"], {"wifi_ssid": "new", "wifi_password": "secret!!"}),
    ("{", {"wifi_ssid": "new"}, False, [], {"wifi_ssid": "new"}),
)


@pytest.mark.parametrize("config, given, terminal, typed, used", WIFI)
def test_the_wifi_is_asked_for_once_and_only_of_a_person(config, given, terminal, typed, used, monkeypatch):
    asked = runpy.run_path(str(ROOT / "tools" / "deploy"))["asked"]
    monkeypatch.setattr(sys.stdin, "isatty", lambda: terminal, raising=False)
    left = list(typed)

    def answer(prompt):
        return left.pop(0)

    assert asked({"config": config}, given, answer, answer) == used
    assert left == []


# The device


PERMISSIONS = (
    # mode, group, whether it has a name, what helps
    (0o660, 20, True, "usermod -aG dialout "),
    (0o600, 0, True, "chmod a\\+rw /dev/"),
    (0o600, 20, True, "chmod a\\+rw "),
    (0o660, 20, False, "chmod a\\+rw "),  # numbers without names, as in a container
)


def test_an_absent_device_lists_what_is_there():
    with pytest.raises(Refused, match="there is no /dev/ttyUSB7; found here: /dev/ttyACM0, /dev/ttyUSB0"):
        device.check("/dev/ttyUSB7", found=["/dev/ttyACM0", "/dev/ttyUSB0"])
    with pytest.raises(Refused, match="DEVICE is missing: make flash DEVICE=/dev/ttyACM0"):
        device.check("", "flash", ["/dev/ttyACM0"])


NO_DEVICES = (
    ("{folder}", "{folder} is a folder and no serial device; found here: /dev/ttyACM0"),
    ("{folder}/file", "{folder}/file is a file and no serial device"),
    ("ttyACM0", "DEVICE=ttyACM0 is no path of a device: write DEVICE=/dev/ttyACM0"),
    ("null", "write DEVICE=/dev/null"),
    ("COM3", "write DEVICE=/dev/ttyACM0; found here"),
)


@pytest.mark.parametrize("name, said", NO_DEVICES)
def test_what_is_no_serial_device_is_named_with_what_is(name, said, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(Refused) as refused:
        device.check(name.format(folder=tmp_path), found=["/dev/ttyACM0"])
    assert said.format(folder=tmp_path) in str(refused.value)


def test_a_device_that_is_no_serial_one_is_told_from_one_in_use():
    with pytest.raises(Refused, match=r"^/dev/null is no serial device"):
        device.claim("/dev/null")


def test_a_board_behind_a_network_is_left_to_pyserial():
    device.check("socket://192.0.2.1:3333")
    device.claim("socket://192.0.2.1:3333")
    said = device.explain("socket://192.0.2.1:3333", "mpremote: failed to access socket://192.0.2.1:3333")
    assert "address and port" in said and "fuser" not in said


@pytest.mark.parametrize("mode, gid, named, said", PERMISSIONS, ids=[row[3] for row in PERMISSIONS])
def test_a_forbidden_device_says_what_gives_it(mode, gid, named, said, monkeypatch):
    def group(gid):
        if not named:
            raise KeyError(gid)
        return types.SimpleNamespace(gr_name={0: "root", 20: "dialout"}[gid])

    silent = Pty()
    status = types.SimpleNamespace(st_mode=stat.S_IFCHR | mode, st_gid=gid)
    monkeypatch.setattr(device.os, "stat", lambda path: status)
    monkeypatch.setattr(device.grp, "getgrgid", group)
    try:
        with pytest.raises(Refused, match="you may not use %s: `sudo %s" % (silent.path, said)):
            device.check(silent.path, found=[], access=lambda *_: False)
    finally:
        monkeypatch.undo()
        silent.close()


SAID = (
    ("mpremote: failed to access /dev/x (it may be in use by another program)", "in use by another program"),
    ("b''\nmpremote: could not enter raw repl", "no MicroPython answers"),
    ("OSError: 28", "file system is full"),  # as the board says it
    ("mpremote: cp: /tmp/1: No space left on device.", "file system is full"),  # as mpremote does
    ("OSError: [Errno 19] ENODEV", "no file system that can be written"),
    ("mpremote: cp: /tmp/1: Read-only file system.", "no file system that can be written"),
    ("OSError: 84", "file system on the board is damaged"),  # of littlefs
    ("serial.serialutil.SerialException: device reports readiness (device disconnected or", "went away"),
    ("OSError: [Errno 5] Input/output error", "went away"),
    ("b'rst:0x1 ... rst:0x3 ...'\nmpremote: could not enter raw repl", "restarts again and again"),
    ("b'rst:0x1 (POWERON'\nmpremote: could not enter raw repl", "no MicroPython answers"),
    ("b'rst:0x1 rst:0x10 invalid header: 0xffffffff'\nmpremote: could not enter raw repl", "make flash"),
    ("b'rst:0x1 rst:0xf Brownout detector was triggered'", "supply"),
    (
        "b'The filesystem appears to be corrupted. If you had'\nmpremote: could not enter raw repl",
        "file system on the board is damaged",
    ),
    ("Traceback\nImportError: no module named 'kmpeye.app'", "make deploy DEVICE=/dev/x BOARD=...` first"),
    ("MemoryError: memory allocation failed, allocating 2048 bytes", "docs/hardware.md"),
    ("something\nnew and unheard of", "new and unheard of"),
    ("", "no word"),
)


@pytest.mark.parametrize("said, explained", SAID)
def test_what_mpremote_says_becomes_what_to_do(said, explained):
    assert explained in device.explain("/dev/x", said)


def test_what_the_board_holds_is_not_in_what_is_said_of_an_error(monkeypatch):
    ended = subprocess.CompletedProcess([], 1, 'seen:{"config":"secret to keep"}\n', "")
    monkeypatch.setattr(board_module.subprocess, "run", lambda *_, **__: ended)
    with pytest.raises(Refused) as refused:
        Board("/dev/x").look()
    assert "no word" in str(refused.value)


# The plan


def seen(files, listed=(), config=None):
    hashes = {path: plan.digest(data) for path, data in files.items()}
    return {"files": hashes, "listed": list(listed), "config": config, "rom": None, "frozen": None}


BUILT = {"manifest.json": b"{}", "main.py": b"main", "kmp/frame.mpy": b"frame"}

PLANS = (
    # what the board holds, what its manifest lists, copied in this order, removed
    ({}, (), ["main.py", "kmp/frame.mpy", "manifest.json"], ()),
    (BUILT, ("main.py", "kmp/frame.mpy"), [], ()),
    ({**BUILT, "main.py": b"old"}, ("main.py", "kmp/frame.mpy"), ["main.py"], ()),
    ({**BUILT, "gone.mpy": b"1"}, ("main.py", "gone.mpy"), [], ("gone.mpy",)),
    (BUILT, ("main.py", "gone.mpy"), [], ()),  # listed, and not there any more
    ({**BUILT, "notes.txt": b"1"}, ("main.py",), [], ()),  # not ours
    ({**BUILT, "update.state": b"{}"}, ("main.py",), [], ("update.state",)),  # what was deployed is what runs
)


@pytest.mark.parametrize("files, listed, copied, removed", PLANS)
def test_only_what_changed_is_copied_and_the_manifest_comes_last(files, listed, copied, removed):
    todo = plan.make(BUILT, seen(files, listed))
    assert (list(todo.copy), todo.remove) == (copied, removed)


def test_board_and_config_are_copied_when_they_differ():
    todo = plan.make(BUILT, seen({**BUILT, "board.json": b"1", "config.json": b"2"}), b"1", b"3")
    assert todo.copy == {"config.json": b"3"}


def test_the_owners_key_for_updates_is_copied_once():
    assert plan.make(BUILT, seen(BUILT), key=b"k").copy == {"update.pub": b"k"}
    assert plan.make(BUILT, seen({**BUILT, "update.pub": b"k"}), key=b"k").copy == {}


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
    (
        {"BOARD": "ESP32-DevkitC"},
        "there is no ESP32-DevkitC; did you mean esp32-devkitc\\? known: d1-mini-esp32",
    ),
    ({"METER": "multical-21"}, "did you mean multical21\\? known: "),
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
