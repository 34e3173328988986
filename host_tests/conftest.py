"""Fixtures shared by the tests of the house: the interpreters, the built tree, and what to do when a part is missing.

Uses pytest and the standard library. sys.path is set by pyproject.toml. Promises: a part that is missing skips the
tests that need it and says why; with CI=true it fails them, so that a green run has run everything.
"""

import gc
import os
import pathlib
import shutil
import signal
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent

# The firmware lets go of its modules and loads them anew, thousands of times in a test: each is compiled once, whatever
# the machine's settings say; and so are those of the programs that are started.
CACHE = ROOT / "build" / "pycache"
sys.dont_write_bytecode = False
sys.pycache_prefix = os.environ["PYTHONPYCACHEPREFIX"] = str(CACHE)
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# Programs that are started hear Ctrl-C, though a run in the background does not.
signal.signal(signal.SIGINT, signal.default_int_handler)


def absent(reason):
    """Skips the test, or fails it where everything has to run."""
    (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)


def interpreter(bits):
    path = ROOT / ".tools" / "bin" / ("micropython%d" % bits)
    if not path.exists():
        absent("no %d-bit MicroPython: run tools/get_micropython, it says what is missing" % bits)
    return path


@pytest.fixture(scope="session")
def micropython64():
    """Path of MicroPython with the host's word size."""
    return interpreter(64)


@pytest.fixture(scope="session")
def micropython32():
    """Path of MicroPython with the object sizes of the chip."""
    return interpreter(32)


@pytest.fixture(scope="session")
def chromium():
    """Path of the distribution's browser, for playwright's executable_path."""
    return shutil.which("chromium") or absent("no chromium: run tools/install_system")


@pytest.fixture(scope="session")
def flash(tmp_path_factory):
    """What the chip's file system gets, built from the sources as they are now."""
    output = tmp_path_factory.mktemp("build") / "flash"
    command = [sys.executable, ROOT / "tools" / "build", "--output", output]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return output


@pytest.fixture(scope="session")
def frozen(flash):
    """Path of a 32-bit MicroPython with the same firmware in it; what is not a module lies in `flash`."""
    program = flash.with_name("micropython-frozen")
    command = [
        sys.executable,
        ROOT / "tools" / "freeze",
        "--tree",
        flash.with_name("frozen"),
        "--output",
        program,
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    return program if done.returncode == 0 else absent(done.stderr.strip())


@pytest.fixture(autouse=True, scope="module")
def settled():
    """What the tests before left is not looked through at each gc.collect() of the firmware, which takes most of their
    time otherwise."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def root_as_working_directory(monkeypatch):
    """Pure tests open host_tests/data/... from the root of the repository, on every interpreter."""
    monkeypatch.chdir(ROOT)
