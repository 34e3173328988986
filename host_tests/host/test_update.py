"""Updates over the network: the real firmware on 32-bit MicroPython with a ROMFS partition, uploads and restarts.

Uses update_rom_board.py, update_parts.py, tools/build and a simulated meter. Promises: what was started is stopped; the
running version is asked, not assumed.
"""

import contextlib
import http.client
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import threading
import time

import pytest

import signing
from benchmarks.parts import meter
from conftest import ROOT
from digest_owner import Owner
from firmware_tree import IMAGE
from host.update_parts import bundle, image, new_key

SCRIPT = pathlib.Path(__file__).with_name("update_rom_board.py")
PASSWORD = "correct horse"
HALF = 96 * 4096
LIMIT_S = 60
HEAP = "112K"
AHEAD_S = 595  # the ten minutes of a proof are over soon after the start


class Board:
    """A board that starts again whenever its firmware ends, as the chip does."""

    def __init__(self, micropython, folder, image_bytes, port, public):
        self.flash = folder / "flash"
        self.flash.mkdir()
        self.rom = folder / "rom.bin"
        self.rom.write_bytes(image_bytes.ljust(HALF, b"\xff") + b"\xff" * HALF)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        settings = {
            "meter": "multical21",
            "port": port,
            "http_host": "127.0.0.1",
            "http_port": self.port,
            "owner_password": PASSWORD,
            "interval_s": 10,
            "budget_replies": 100000,
            "budget_awake_s": 86400,
        }
        (self.flash / "config.json").write_text(json.dumps(settings))
        if public:
            (self.flash / "update.pub").write_bytes(public)
        self._command = [micropython, "-X", "heapsize=" + HEAP, SCRIPT, self.rom]
        self._command += [ROOT / "firmware" / "main.py", str(AHEAD_S)]
        self._log = folder / "log.txt"
        self.starts = 0
        self._over = False
        self._process = None
        self._owner = Owner(PASSWORD)
        self._thread = threading.Thread(target=self._live)
        self._thread.start()

    def _live(self):
        while not self._over:
            self.starts += 1
            with self._log.open("a") as log:
                self._process = subprocess.Popen(
                    self._command, cwd=self.flash, env={"MICROPYPATH": ".frozen"}, stdout=log, stderr=log
                )
            self._process.wait()

    def close(self):
        self._over = True
        self._process.kill()
        self._thread.join(10)

    def ask(self, method, path, body=None):
        """(status, headers, JSON) of one request."""
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        with contextlib.closing(client):
            headers = {"Content-Length": str(len(body))} if body is not None else {}
            if self._owner.given:
                headers["Authorization"] = self._owner.proof(method, path)
            client.request(method, path, body, headers)
            answer = client.getresponse()
            return answer.status, answer.headers, json.loads(answer.read() or b"null")

    def nobody_asks(self, method, path, body=None):
        self._owner.given = None
        return self.ask(method, path, body)

    @contextlib.contextmanager
    def half_an_upload(self, data):
        """A client that has sent half of it and pauses."""
        self._owner.take(self.nobody_asks("GET", "/api/update")[1]["WWW-Authenticate"])
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        with contextlib.closing(client):
            proof = self._owner.proof("POST", "/api/update")
            headers = {"Content-Length": str(len(data)), "Authorization": proof}
            client.request("POST", "/api/update", data[: len(data) // 2], headers)
            yield

    def owner_asks(self, method, path, body=None):
        """The same with the password."""
        self._owner.take(self.nobody_asks("GET", "/api/update")[1]["WWW-Authenticate"])
        return self.ask(method, path, body)

    def upload(self, data, query=""):
        status, _, said = self.owner_asks("POST", "/api/update" + query, data)
        return status, said.get("code") or said.get("accepted")

    def until(self, what):
        """What a question gives as soon as it gives something."""
        end = time.monotonic() + LIMIT_S
        while time.monotonic() < end:
            with contextlib.suppress(OSError, http.client.HTTPException):
                found = what()
                if found:
                    return found
            time.sleep(0.1)
        raise AssertionError("not within %d s:\n%s" % (LIMIT_S, self._log.read_text()[-3000:]))

    def status(self):
        return self.ask("GET", "/api/status")[2]

    def runs(self, version, starts):
        """Wait until this version runs in this or a later start, and has read its meter."""

        def well():
            now = self.status()
            return self.starts >= starts and now.get("version") == version and now["readings"]["ok"] and now

        return self.until(well)

    def stands(self):
        return self.owner_asks("GET", "/api/update")[2]

    def kept(self):
        path = self.flash / "update.state"
        return json.loads(path.read_text()) if path.exists() else None


@pytest.fixture(scope="module")
def firmware(flash):
    return flash.with_name(IMAGE).read_bytes()


@pytest.fixture(scope="module")
def owner(tmp_path_factory):
    """The owner's private key, and the folder that holds it."""
    place = tmp_path_factory.mktemp("keys")
    return new_key(place), place


@pytest.fixture(scope="module")
def newer(tmp_path_factory):
    """The image of the same firmware that says it is 9.8.7."""
    folder = tmp_path_factory.mktemp("newer")
    for name in ("firmware", "tools"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    app = folder / "firmware" / "kmpeye" / "app.py"
    text = app.read_text()
    app.write_text(text.replace('version = "%s"' % version_of(text), 'version = "9.8.7"'))
    done = subprocess.run([sys.executable, folder / "tools" / "build"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return (folder / "build" / IMAGE).read_bytes()


def version_of(text):
    return text.split('version = "')[1].split('"')[0]


@contextlib.contextmanager
def board_of(micropython, folder, image_bytes, public):
    with meter("multical21", "--tcp", "127.0.0.1:0", "--fast") as port:
        board = Board(micropython, folder, image_bytes, port, public)
        try:
            yield board
        finally:
            board.close()


NOW = version_of((ROOT / "firmware" / "kmpeye" / "app.py").read_text())


def flipped(data, place):
    changed = bytearray(data)
    changed[place] ^= 1
    return bytes(changed)


def test_a_newer_version_proves_itself_and_the_next_one_goes_into_the_other_half(
    micropython32,
    firmware,
    newer,
    owner,
    tmp_path,
):
    key, _ = owner
    good = bundle(newer, "9.8.7", key)
    with board_of(micropython32, tmp_path, firmware, signing.public(key)) as board:
        board.runs(NOW, 1)
        assert board.stands() == {
            "version": NOW,
            "state": "none",
            "update": None,
            "why": None,
            "room": HALF,
            "key": True,
        }
        assert board.upload(good) == (202, "9.8.7")
        assert board.kept()["trial"] == 1 and board.kept()["was"]["state"] == "ok"
        board.runs("9.8.7", 2)
        now = board.stands()
        assert (now["state"], now["update"]) == ("trial", "9.8.7")
        assert board.upload(good) == (409, "on_trial")
        board.until(lambda: board.kept() == {"active": 1})
        assert (board.stands()["state"], board.starts) == ("none", 2)
        assert board.upload(bundle(firmware, NOW, key)) == (409, "downgrade")
        assert board.upload(bundle(firmware, NOW, key), "?downgrade=yes") == (202, NOW)
        board.runs(NOW, 3)
        assert (board.kept()["active"], board.kept()["trial"]) == (1, 0)
        assert board.rom.read_bytes()[: len(firmware)] == firmware


def test_what_is_refused_is_named_and_changes_nothing(
    micropython32,
    firmware,
    owner,
    tmp_path,
):
    key, place = owner
    other = new_key(place / "somebody else's")
    small = image("9.9.9")
    good = bundle(small, "9.9.9", key)
    # bundle, status, code, why
    refused = (
        (bundle(small, "9.9.9", other), 403, "signature", "another key"),
        (flipped(good, 40), 403, "signature", "the first line was changed"),
        (flipped(good, len(good) - 1), 400, "damaged", "the image was changed"),
        (good[:-1], 400, "cut_off", "a byte is missing"),
        (good + b"\0", 400, "cut_off", "a byte too many"),
        (good[:300], 400, "cut_off", "it ends in its head"),
        (bundle(small, "9.9.9", key, ("esp32c3",)), 409, "other_board", "for another chip"),
        (bundle(small, "0.1.0", key), 409, "downgrade", "older"),
        (bundle(image("9.9.9", 250000), "9.9.9", key), 413, "too_large", "more than a half holds"),
        (b"PK\3\4" * 1000, 400, "not_a_bundle", "something else"),
        (b"{}", 400, "not_a_bundle", "nearly nothing"),
        (small * 3, 400, "not_a_bundle", "an image without a head"),
    )
    with board_of(micropython32, tmp_path, firmware, signing.public(key)) as board:
        board.runs(NOW, 1)
        for data, status, code, why in refused:
            assert board.upload(data) == (status, code), why
        with board.half_an_upload(good):
            board.until(lambda: board.upload(refused[0][0]) == (409, "busy"))
            assert board.stands()["state"] == "none", "who looks is answered"
        board.until(lambda: board.upload(bundle(small, "9.9.9", other)) == (403, "signature"))
        assert board.nobody_asks("POST", "/api/update", good)[0] == 401
        assert (board.kept(), board.starts) == (None, 1)
        assert board.rom.read_bytes()[: len(firmware)] == firmware
        assert board.rom.read_bytes()[HALF : HALF + 3] != b"\xd2\xcd\x31", "nothing that could be started"
        os.remove(board.flash / "update.pub")
        assert board.upload(good) == (403, "no_key")


def test_a_version_that_cannot_even_start_gives_way_to_the_old_one(
    micropython32,
    firmware,
    owner,
    tmp_path,
):
    key, _ = owner
    with board_of(micropython32, tmp_path, firmware, signing.public(key)) as board:
        board.runs(NOW, 1)
        assert board.upload(bundle(image("9.9.9"), "9.9.9", key)) == (202, "9.9.9")
        board.runs(NOW, 4)
        assert board.starts == 4, "two tries"
        now = board.stands()
        assert (now["state"], now["update"], now["version"]) == ("failed", "9.9.9", NOW)
        assert now["why"] == "it ended before it had proved itself"


def test_the_documented_command_sends_what_make_bundle_makes(
    micropython32,
    firmware,
    owner,
    tmp_path,
):
    key, place = owner
    environment = {**os.environ, "KMPEYE_KEYS": str(place)}
    for name in ("firmware", "tools", "boards"):
        shutil.copytree(ROOT / name, tmp_path / "repo" / name, ignore=shutil.ignore_patterns("__pycache__"))
    build = tmp_path / "repo" / "build"
    build.mkdir()
    (build / IMAGE).write_bytes(firmware)
    command = [sys.executable, tmp_path / "repo" / "tools" / "bundle"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    curl = done.stdout.splitlines()[1]
    with board_of(micropython32, tmp_path, firmware, signing.public(key)) as board:
        board.runs(NOW, 1)
        words = curl.replace("http://kmpeye.local", "http://127.0.0.1:%d" % board.port).split()
        words[words.index("'Expect:'")] = "Expect:"
        words[words.index("owner")] = "owner:" + PASSWORD
        sent = subprocess.run(
            [words[0], "-s", *words[1:]], cwd=build.parent, capture_output=True, text=True, timeout=60
        )
        assert json.loads(sent.stdout) == {"accepted": NOW}, sent
        board.runs(NOW, 2)
