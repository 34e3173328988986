# The real parts that a measurement needs, started and stopped: a simulated meter, MicroPython, the built tree.
# Imports firmware_tree and the standard library. Promise: whatever ends the measurement, nothing is left running.

import contextlib
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time

from firmware_tree import FIRMWARE, FROZEN_TREE, IMAGE, ROOT

FLASH = ROOT / "build" / "flash"
HERE = pathlib.Path(__file__).resolve().parent

_START_S = 10
_STOP_S = 10  # a part that does not end by itself after this is killed


class Missing(Exception):
    """A part that the measurement needs is not there; the message says how to get it."""


def micropython(*bits):
    """Path of the first of these MicroPythons (32 has the chip's object sizes) that is there."""
    for one in bits:
        path = ROOT / ".tools" / "bin" / ("micropython%d" % one)
        if path.exists():
            return path
    raise Missing("no MicroPython of %s bits: run tools/get_micropython, it says what is missing" % bits[0])


def built():
    """The folder with what the chip gets."""
    if not (FLASH / "manifest.json").exists():
        raise Missing("nothing is built: run `make build`")
    return FLASH


def image():
    """The same as one image, as it runs in place on a board with a ROMFS partition."""
    return built().with_name(IMAGE)


def frozen():
    """A 32-bit MicroPython with the same firmware in it."""
    program = built().with_name("micropython-frozen")
    tree = built().with_name(FROZEN_TREE)
    command = [sys.executable, ROOT / "tools" / "freeze", "--tree", tree, "--output", program]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise Missing(done.stderr.strip())
    return program


@contextlib.contextmanager
def process(command, **options):
    """A process that is ended with the block, whatever happens in it."""
    child = subprocess.Popen(command, text=True, **options)
    try:
        yield child
    finally:
        child.terminate()
        try:
            child.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe:
                pipe.close()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def broker():
    """The distribution's mosquitto; gives its port, on which it listens."""
    program = shutil.which("mosquitto", path=os.environ["PATH"] + ":/usr/sbin")
    if not program:
        raise Missing("no mosquitto: run tools/install_system")
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        settings = pathlib.Path(folder) / "mosquitto.conf"
        settings.write_text("listener %d 127.0.0.1\nallow_anonymous true\n" % port)
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        with process([program, "-c", settings], **quiet):
            _listens(port)
            yield port


def _listens(port):
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError("mosquitto does not listen on port %d" % port)


@contextlib.contextmanager
def meter(name, *options):
    """A simulated meter, `kmp sim`; gives the address of its port."""
    command = [sys.executable, ROOT / "tools" / "kmp", "sim", "--meter", name, "--quiet", *options]
    with process(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
        line = child.stdout.readline()
        if not line:
            raise Missing("the simulator did not start; see what it says: %s" % " ".join(map(str, command)))
        yield json.loads(line)["ready"]


def on_micropython(interpreter, subject, arguments=(), tree=FIRMWARE, heap="1M"):
    """Command line and environment that run on_micropython_<subject>.py with the modules of a tree."""
    script = HERE / ("on_micropython_%s.py" % subject)
    command = [interpreter, "-X", "heapsize=%s" % heap, script, *map(str, arguments)]
    return command, {"MICROPYPATH": ".frozen:%s" % tree}


def on_rom(interpreter, subject, arguments=(), heap="1M"):
    """The same with the modules of the image, which is outside of that heap."""
    command, _ = on_micropython(interpreter, subject, arguments, heap=heap)
    command[3:3] = [ROOT / "tools" / "on_rom.py", image()]
    return command, {"MICROPYPATH": ".frozen"}


def run_on_micropython(interpreter, subject, arguments, timeout_s, stdin=""):
    """The JSON that a script prints as its last line. What is longer than 255 characters goes in through stdin:
    MicroPython's arguments end there."""
    command, environment = on_micropython(interpreter, subject, arguments)
    done = subprocess.run(
        command, env=environment, input=stdin, capture_output=True, text=True, timeout=timeout_s
    )
    if done.returncode:
        raise RuntimeError("%s ended badly:\n%s" % (command[3].name, done.stdout + done.stderr))
    return json.loads(done.stdout.splitlines()[-1])
