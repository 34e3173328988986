# The whole firmware under MicroPython, compiled as for the chip, against the simulated meter: what a person or a
# script sees while the line misbehaves, the port dies and comes back, and the settings are wrong.

import concurrent.futures
import contextlib
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from decimal import Decimal
from pathlib import Path

import pytest

from kmpeye.system.config import hashed

ROOT = Path(__file__).resolve().parents[2]
HEAP = "112K"
LIMIT_S = 60
NO_BUDGET = {"budget_replies": 100_000, "budget_awake_s": 86_400}  # else ten seconds become minutes


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def in_place(micropython, flash):
    """The beginning of a command line: MicroPython with the firmware's image, as on a chip after `make flash`."""
    image = flash.with_name("firmware.romfs")
    return [micropython, "-X", "heapsize=" + HEAP, ROOT / "tools" / "on_rom.py", image]


class Simulator:
    def __init__(self, meter, *options, port=0):
        command = [
            sys.executable,
            ROOT / "tools" / "kmp",
            "sim",
            "--meter",
            meter,
            "--tcp",
            "127.0.0.1:%d" % port,
        ]
        self.process = subprocess.Popen([*command, "--quiet", *options], stdout=subprocess.PIPE, text=True)
        self.ready = json.loads(self.process.stdout.readline())

    def close(self):
        self.process.terminate()
        self.process.wait(10)
        self.process.stdout.close()


class Firmware:
    def __init__(self, micropython, flash, folder, config):
        self.http = free_port()
        self.config = {"http_host": "127.0.0.1", "http_port": self.http, **config}
        (folder / "config.json").write_text(json.dumps(self.config))
        try:
            self.start(micropython, flash, folder)
        except BaseException:
            self.close()  # nobody else has it yet
            raise

    def start(self, micropython, flash, folder):
        self.log = folder / "log.txt"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [*in_place(micropython, flash), flash / "main.py"],
                cwd=folder,
                env={**os.environ, "MICROPYPATH": ".frozen"},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.until(lambda: self.json("/api/status"))

    def json(self, path):
        with contextlib.suppress(OSError):
            with urllib.request.urlopen("http://127.0.0.1:%d%s" % (self.http, path), timeout=10) as answer:
                return json.loads(answer.read(), parse_float=Decimal)
        return None

    def until(self, what, limit_s=LIMIT_S):
        """What a condition gives as soon as it is true."""
        end = time.monotonic() + limit_s
        while time.monotonic() < end:
            found = what()
            if found:
                return found
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.2)
        raise AssertionError(
            "not within %d s; status %s\n%s" % (limit_s, self.json("/api/status"), self.log.read_text())
        )

    def readings(self, count):
        """The status once so many readings were made."""
        return self.until(
            lambda: (now := self.json("/api/status")) and now["readings"]["ok"] >= count and now
        )

    def state(self, word):
        return self.until(lambda: (now := self.json("/api/status")) and now["state"] == word and now)

    def close(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@pytest.fixture
def start(micropython32, flash, tmp_path):
    stack = contextlib.ExitStack()

    def begin(simulated="multical21", /, *options, simulator=None, **config):
        simulator = stack.enter_context(contextlib.closing(simulator or Simulator(simulated, *options)))
        config = {
            "meter": simulated,
            "port": simulator.ready["ready"],
            "interval_s": 10,
            **NO_BUDGET,
            **config,
        }
        firmware = Firmware(micropython32, flash, tmp_path, config)
        return stack.enter_context(contextlib.closing(firmware)), simulator

    with stack:
        yield begin


def test_the_digits_of_the_meter_reach_the_json(start):
    firmware, simulator = start("multical601", "--frozen", "--fast", "--energy", "GJ")
    firmware.readings(1)
    reading = firmware.json("/api/reading")
    assert reading["meter"] == {
        "model": "MULTICAL 601",
        "serial": str(simulator.ready["serial"]),
        "type": "0001",
        "revision": reading["meter"]["revision"],
    }
    assert reading["registers"]["target_date"]["value"] == "12-31"
    energy = reading["registers"]["heat_energy"]
    assert energy["unit"] == "GJ" and energy["id"] == 60
    command = [
        sys.executable,
        ROOT / "tools" / "kmp",
        "read",
        "--port",
        simulator.ready["ready"],
        "--register",
        "60",
    ]
    firmware.close()  # the line has one owner at a time
    direct = subprocess.run(command, capture_output=True, text=True)
    [register] = json.loads(direct.stdout, parse_float=Decimal)["registers"]
    assert register == {"id": 60, "name": "heat_energy", "value": energy["value"], "unit": "GJ"}
    assert "." in str(energy["value"]) and str(register["value"]) == str(energy["value"])


def test_echo_noise_loss_and_damage_are_survived(start):
    faults = (
        "--echo",
        "--noise",
        "0.3",
        "--loss",
        "0.1",
        "--bad-crc",
        "0.1",
        "--zero",
        "0.3",
        "--seed",
        "5",
        "--frozen",
    )
    firmware, _ = start("multical21", *faults)
    first = firmware.readings(2)
    assert first["line"]["echoes"] > 0
    assert firmware.json("/api/reading")["registers"]["volume"]["value"] == Decimal("314.131")
    assert "Traceback" not in firmware.log.read_text()


def test_a_simulator_that_dies_is_reported_and_found_again(start):
    firmware, simulator = start("multical21", "--fast", "--frozen")
    before = firmware.readings(1)
    simulator.close()
    lost = firmware.state("port_error")
    assert lost["port"]["ok"] is False and lost["port"]["error"]
    reading = firmware.json("/api/reading")
    assert reading["registers"]["volume"]["value"] == Decimal("314.131"), (
        "the last reading stays, with its age"
    )
    port = int(simulator.ready["ready"].rpartition(":")[2])
    again = Simulator("multical21", "--fast", "--frozen", port=port)
    try:
        found = firmware.readings(before["readings"]["ok"] + 1)
        assert found["port"]["ok"] is True and found["port"]["opened"] == 2
    finally:
        again.close()


def test_a_meter_at_another_address_is_silence_with_a_reason(start):
    firmware, _ = start("multical21", "--fast", address=100)
    status = firmware.until(
        lambda: (now := firmware.json("/api/status")) and now["readings"]["failed"] and now
    )
    assert status["state"] == "no_light"
    assert firmware.json("/api/reading")["registers"] == {}
    assert firmware.json("/api/reading")["taken_at"] is None


def test_wrong_settings_are_named_and_the_default_is_used(start):
    firmware, _ = start("multical21", "--fast", interval_s=3, name="", colour="red")
    status = firmware.readings(1)
    words = " | ".join(status["warnings"])
    assert "interval_s: 3 is not possible; a whole number from 10 to 86400 is allowed" in words
    assert "name:" in words and "colour: there is no such setting" in words
    assert status["interval_s"] == 3600 and status["name"] == "kmpeye"


@pytest.mark.parametrize(
    "text", ["", "{", "[1]", '"x"', '{"meter": "../../etc/passwd"}', '{"meter": 3}', "x" * 9000]
)
def test_a_damaged_settings_file_does_not_stop_the_reader(micropython32, flash, tmp_path, text):
    script = tmp_path / "script.py"
    script.write_text(
        "from kmpeye.system import config\n"
        "from kmpeye.app import App\n"
        "c = config.load()\n"
        "a = App(c, '/rom/')\n"
        "print(a.snapshot.meter.model, c.warnings)"
    )
    (tmp_path / "config.json").write_text(text)
    done = subprocess.run(
        [*in_place(micropython32, flash), script],
        cwd=tmp_path,
        env={**os.environ, "MICROPYPATH": ".frozen"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(("KMP meter [", "MULTICAL 21 [")), done.stdout
    assert not done.stdout.rstrip().endswith("[]"), "it is said"


OWNER = "owner-of-tests"


@pytest.fixture
def owned(start):
    """A reader of a meter it has to find out about, whose owner set a password: (firmware, opener as its owner)."""

    def begin(meter, *options, **config):
        config = {"owner_password": hashed(OWNER), **config}
        firmware, _ = start(meter, *options, **config)
        passwords = urllib.request.HTTPPasswordMgrWithDefaultRealm()
        passwords.add_password(None, "http://127.0.0.1:%d/" % firmware.http, "owner", OWNER)
        return firmware, urllib.request.build_opener(DigestSha256(passwords))

    return begin


class DigestSha256(urllib.request.HTTPDigestAuthHandler):
    """The standard library's, which knows SHA-256 from Python 3.14 on."""

    def get_algorithm_impls(self, algorithm):
        if algorithm != "SHA-256":
            return super().get_algorithm_impls(algorithm)

        def digest(text):
            return hashlib.sha256(text.encode()).hexdigest()

        return digest, lambda secret, data: digest("%s:%s" % (secret, data))


def post(firmware, opener, path):
    """(status, JSON) of a POST."""
    try:
        with opener.open("http://127.0.0.1:%d%s" % (firmware.http, path), data=b"", timeout=60) as answer:
            return answer.status, json.loads(answer.read(), parse_float=Decimal)
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, json.loads(refusal.read())


def opened(opener, request):
    try:
        return opener.open(request, timeout=20)
    except urllib.error.HTTPError as refusal:
        with refusal:
            raise AssertionError(refusal.read()) from None


def test_it_finds_out_which_meter_it_reads(start):
    firmware, _ = start("multical403", "--fast", "--frozen", meter="auto")
    status = firmware.readings(1)
    assert status["profile"] == "multical403"
    assert firmware.json("/api/reading")["meter"]["model"] == "MULTICAL 403"


def test_read_now_is_the_owners_and_two_at_once_share_one_reading(owned):
    firmware, owner = owned("multical21", "--fast", "--frozen", interval_s=3600)
    firmware.readings(1)
    status, refusal = post(firmware, urllib.request.build_opener(), "/api/read")
    assert status == 401 and refusal["code"] == "password"
    time.sleep(10)  # two readings on request are at least so far apart
    requests = firmware.json("/api/status")["line"]["requests"]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda _: post(firmware, owner, "/api/read"), range(2)))
    assert [status for status, _ in both] == [200, 200], both
    assert both[0][1]["registers"]["volume"]["value"] == Decimal("314.131")
    assert firmware.json("/api/status")["line"]["requests"] - requests <= 2, (
        "one reading, of one or two requests"
    )
    status, refusal = post(firmware, owner, "/api/read")
    assert status == 429 and refusal["code"] == "later" and refusal["wait_s"] <= 10


def test_alignment_streams_its_score_and_ends_when_nobody_looks(owned):
    firmware, owner = owned("multical601", "--fast", "--frozen")
    firmware.readings(1)
    request = urllib.request.Request("http://127.0.0.1:%d/api/align" % firmware.http, data=b"")
    with opened(owner, request) as stream:
        assert stream.headers["Content-Type"] == "text/event-stream"
        tries = []
        while len(tries) < 3:
            line = stream.readline().decode()
            if line.startswith("data: "):
                tries.append(json.loads(line[6:]))
    assert [one["tries"] for one in tries] == [1, 2, 3]
    assert all(one["score"] == 100 and one["heard"] == "answer" and one["running"] for one in tries)
    firmware.until(lambda: firmware.json("/api/align")["running"] is False)
    assert firmware.json("/api/status")["budget"]["alignments"] == 1


def test_events_tell_of_each_new_reading(start):
    firmware, _ = start("multical21", "--fast", "--frozen")
    firmware.readings(1)
    with urllib.request.urlopen("http://127.0.0.1:%d/api/events" % firmware.http, timeout=30) as stream:
        ages = []
        while len(ages) < 2:
            line = stream.readline().decode()
            if line.startswith("data: ") and "registers" in line:
                ages.append(json.loads(line[6:])["age_s"])
    assert ages[1] == 0, "the second one came with a new reading"


def test_what_was_learned_is_there_after_a_restart(start, micropython32, flash, tmp_path):
    firmware, _ = start("multical601", "--fast", "--frozen", meter="auto")
    firmware.readings(1)
    firmware.close()
    kept = json.loads((tmp_path / "state.json").read_text())
    assert kept["profile"] == "multical601" and kept["serial"]
    firmware.start(micropython32, flash, tmp_path)
    firmware.readings(1)
    assert "read as" not in firmware.log.read_text(), "it is not found out again"
