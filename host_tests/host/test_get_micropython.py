"""tools/get_micropython with real interpreters, no network: what is on PATH, what apt is set up with, what is missing.

Uses a copy of the tool in a directory of its own, so that the project's .tools stays as it is. Promises to fetch
nothing: PATH holds no apt where a test would get that far.
"""

import shutil
import subprocess
import sys

import pytest

import distribution
from firmware_tree import ROOT

TOOL = ROOT / "tools" / "get_micropython"


@pytest.fixture
def house(tmp_path):
    """A checkout that holds the tool alone, and an empty directory to be the whole PATH."""
    (tmp_path / "tools").mkdir()
    (tmp_path / "path").mkdir()
    for path in (TOOL, TOOL.with_name("distribution.py")):
        shutil.copy(path, tmp_path / "tools")
    return tmp_path


def start(house):
    command = [sys.executable, house / "tools" / "get_micropython"]
    environment = {"PATH": str(house / "path")}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)


def put_on_path(house, name, text):
    path = house / "path" / name
    path.write_text("#!/bin/sh\n%s\n" % text)
    path.chmod(0o755)


def test_interpreters_on_path_are_used(house, micropython64, micropython32):
    put_on_path(house, "micropython", 'exec %s "$@"' % micropython64)
    put_on_path(house, "micropython32", 'exec %s "$@"' % micropython32)
    done = start(house)
    assert done.returncode == 0 and len(done.stdout.splitlines()) == 1, done.stdout + done.stderr
    for bits in (64, 32):
        made = house / ".tools" / "bin" / ("micropython%d" % bits)
        said = subprocess.run(
            [made, "-c", "import sys; print(sys.maxsize >> 31)"], capture_output=True, text=True
        )
        assert (int(said.stdout) > 0) == (bits == 64)


def test_a_missing_32_bit_one_does_not_spoil_the_64_bit_one(house, micropython64):
    put_on_path(house, "micropython", 'exec %s "$@"' % micropython64)
    done = start(house)
    assert done.returncode == 0
    assert "micropython64" in done.stdout and "no 32-bit MicroPython" in done.stdout
    assert not (house / ".tools" / "bin" / "micropython32").exists()


NOT_GOOD = (
    ("echo 1 23 0 64 micropython", "older than 1.24"),
    ("echo 3 12 0 64 cpython", "another Python"),
    ("exit 1", "a program that does not start"),
    ("echo hello", "a program that says something else"),
)


@pytest.mark.parametrize("text, why", NOT_GOOD, ids=[row[1] for row in NOT_GOOD])
def test_what_is_no_new_micropython_is_refused_in_one_line(text, why, house):
    put_on_path(house, "micropython", text)
    done = start(house)
    assert done.returncode == 3
    assert len(done.stderr.splitlines()) == 1 and "1.24 or newer cannot be had here" in done.stderr


DEB822 = """\
# a comment
Types: deb deb-src
URIs: http://one.example/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 xyz

Enabled: no
Types: deb
URIs: http://two.example/debian
Suites: bookworm
Components: main
"""

ONE_LINE = """\
# deb http://zero.example/debian bookworm main
deb [arch=amd64 signed-by=/usr/share/keyrings/a.gpg] https://one.example/debian bookworm main non-free # the mirror
deb-src http://one.example/debian bookworm main
deb cdrom:[Debian]/ bookworm main
"""


def test_both_forms_of_apt_sources_are_read():
    first, second = distribution.read_deb822(DEB822)
    assert first["uris"] == "http://one.example/debian" and first["suites"] == "bookworm bookworm-updates"
    assert first["signed-by"].splitlines()[1:] == [" -----BEGIN PGP PUBLIC KEY BLOCK-----", " .", " xyz"]
    assert second["enabled"] == "no"
    (line, disc) = distribution.read_one_line(ONE_LINE)
    assert line["uris"] == "https://one.example/debian" and line["components"] == "main non-free"
    assert line["signed-by"] == "/usr/share/keyrings/a.gpg" and line["suites"] == "bookworm"
    assert disc["uris"].startswith("cdrom:")


def test_the_archive_is_found_among_the_sources(tmp_path, monkeypatch):
    (tmp_path / "a.sources").write_text(DEB822)
    (tmp_path / "b.list").write_text(ONE_LINE)
    (tmp_path / "c.list").write_text("deb https://vendor.example/apt bookworm-vendor main\n")
    monkeypatch.setattr(distribution.glob, "glob", lambda _: [str(path) for path in tmp_path.iterdir()])
    found = [
        uri for uri, _ in distribution.main_archives() if uri.endswith(".example/debian") or "vendor" in uri
    ]
    assert sorted(found) == ["http://one.example/debian", "https://one.example/debian"]
