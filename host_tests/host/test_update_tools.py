"""`make key`, `make bundle` and the figure of `make bench update`: what they make, and what they refuse.

The bundle is read by the firmware's own update_verify; the private key is looked at, never printed.
"""

import json
import os
import stat
import subprocess
import sys

import signing
from benchmarks import parts, update
from conftest import ROOT
from host.update_parts import new_key
from kmpeye.system import update_verify


def tool(name, keys, *arguments, cwd=ROOT):
    command = [sys.executable, cwd / "tools" / name, *arguments]
    environment = {**os.environ, "KMPEYE_KEYS": str(keys)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)


def test_a_key_is_made_once_for_its_owners_eyes_only(tmp_path):
    first = tool("key", tmp_path / "keys")
    assert first.returncode == 0, first.stderr
    private, public = tmp_path / "keys" / signing.PRIVATE, tmp_path / "keys" / signing.PUBLIC
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert public.stat().st_size == update_verify.SIGNATURE
    text = private.read_text()
    assert text.splitlines()[1] not in first.stdout
    again = tool("key", tmp_path / "keys")
    assert again.returncode == 0 and "is kept" in again.stdout
    assert private.read_text() == text


def test_the_firmware_takes_the_head_of_a_bundle_for_each_of_our_boards(tmp_path):
    key = new_key(tmp_path)
    chips = {json.loads(path.read_text())["chip"] for path in (ROOT / "boards").glob("*.json")}
    line = signing.head(b"image", "1.2.3", chips)
    signature = signing.signed(line, b"", key)[len(line) :]
    assert len(line) < update_verify.HEAD_MOST / 2
    assert update_verify.seems(line) and update_verify.signed(line, signature, signing.public(key))
    found = update_verify.head(line)
    for chip in chips:
        update_verify.check(found, chip, signing.MPY, "1.2.2", 5, False)
        assert update_verify.chip_of("esp32", "a board with %s" % chip.upper()) == chip


def test_what_is_built_says_which_modules_it_has(flash):
    modules = list(flash.rglob("*.mpy"))
    assert {path.read_bytes()[:2] for path in modules} == {b"M" + bytes([signing.MPY])}


def test_without_a_key_or_a_build_nothing_is_bundled(tmp_path):
    for name in ("firmware", "boards"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "tools").mkdir()
    for name in ("bundle", "signing.py", "firmware_tree.py"):
        (tmp_path / "tools" / name).write_bytes((ROOT / "tools" / name).read_bytes())
    done = tool("bundle", tmp_path / "keys", cwd=tmp_path)
    assert done.returncode == 1 and "nothing is built" in done.stderr
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "firmware.romfs").write_bytes(b"image")
    done = tool("bundle", tmp_path / "keys", cwd=tmp_path)
    assert done.returncode == 1 and "`make key` makes one" in done.stderr
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / signing.PRIVATE).write_text("-----BEGIN PRIVATE KEY-----\n")
    done = tool("bundle", tmp_path / "keys", cwd=tmp_path)
    assert done.returncode == 1 and "cannot be read" in done.stderr


def test_an_upload_is_never_in_memory_whole(micropython32, flash, monkeypatch):
    monkeypatch.setattr(parts, "FLASH", flash)
    size = parts.image().stat().st_size
    assert 0 < update.measure()["update_heap_peak"] < size // 10
