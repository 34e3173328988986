"""tools/build makes what the chip gets: the same bytes each time, all of the firmware, and a true manifest.

Uses the built tree of conftest.py and builds once more for comparison; everything is read back, nothing is assumed.
"""

import ast
import hashlib
import json
import runpy
import subprocess
import sys

from firmware_tree import BOOT_FILES, FIRMWARE, IMAGE, ROOT, sources


def files(folder):
    return {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}


def test_the_same_sources_give_the_same_bytes(flash, tmp_path):
    command = [sys.executable, ROOT / "tools" / "build", "--output", tmp_path / "again"]
    subprocess.run(command, check=True, capture_output=True)
    first, again = files(flash), files(tmp_path / "again")
    assert sorted(first) == sorted(again)
    assert [name for name in first if first[name].read_bytes() != again[name].read_bytes()] == []
    assert flash.with_name(IMAGE).read_bytes() == (tmp_path / IMAGE).read_bytes()


def test_every_module_is_there_but_those_of_the_bench_and_those_without_a_statement(flash):
    left_out = runpy.run_path(str(ROOT / "tools" / "build"))["LEFT_OUT"]
    texts = {path.relative_to(FIRMWARE).as_posix(): path.read_text() for path in sources()}
    names = {name for name, text in texts.items() if ast.parse(text).body}
    assert {name.rpartition("/")[2] for name in texts.keys() - names} == {"__init__.py"}
    assert names.issuperset(left_out), "LEFT_OUT names a file that is no more"
    expected = {name if name in BOOT_FILES else name[:-3] + ".mpy" for name in names.difference(left_out)}
    assert {name for name in files(flash) if name.endswith((".py", ".mpy"))} == expected


def test_the_manifest_lists_every_file_with_size_and_hash(flash):
    listed = json.loads((flash / "manifest.json").read_text())["files"]
    built = files(flash)
    del built["manifest.json"]
    assert [row["path"] for row in listed] == sorted(built)
    for row in listed:
        data = built[row["path"]].read_bytes()
        assert (row["size"], row["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())


# Runs on MicroPython: every file of the image as {path: SHA-256}.
LIST = """
import binascii, hashlib, json, os
found = {}
def look(folder):
    for row in os.ilistdir(folder):
        path = folder + "/" + row[0]
        if row[1] & 0x4000:
            look(path)
        else:
            with open(path, "rb") as file:
                found[path] = binascii.hexlify(hashlib.sha256(file.read()).digest()).decode()
look("/rom")
print(json.dumps(found))
"""


def on_rom(interpreter, image, source, folder, heap):
    script = folder / "script.py"
    script.write_text(source)
    command = [interpreter, "-X", "heapsize=%s" % heap, ROOT / "tools" / "on_rom.py", image, script]
    done = subprocess.run(command, env={"MICROPYPATH": ".frozen"}, capture_output=True, text=True, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_micropython_finds_everything_in_the_image_but_the_boot_files(flash, micropython32, tmp_path):
    found = json.loads(on_rom(micropython32, flash.with_name(IMAGE), LIST, tmp_path, "1M"))
    listed = json.loads((flash / "manifest.json").read_text())["files"]
    assert found == {"/rom/" + row["path"]: row["sha256"] for row in listed if row["path"] not in BOOT_FILES}


# Runs on MicroPython: what the heap holds of a module, and from where.
IN_PLACE = """
import gc
gc.collect()
before = gc.mem_alloc()
import kmp.registers
gc.collect()
print(before, gc.mem_alloc() - before, kmp.registers.__file__)
"""


def test_the_image_takes_no_heap_and_its_modules_run_in_place(flash, micropython32, tmp_path):
    image = flash.with_name(IMAGE)
    assert image.stat().st_size > 64 * 1024
    before, kept, path = on_rom(micropython32, image, IN_PLACE, tmp_path, "32K").split()
    assert path == "/rom/kmp/registers.mpy"
    assert int(before) < 8 * 1024
    assert int(kept) < (flash / "kmp" / "registers.mpy").stat().st_size, "its tables are read from the image"


def test_profiles_are_smaller_and_the_same(flash):
    for source in (FIRMWARE / "meters").glob("*.json"):
        small = (flash / "meters" / source.name).read_text()
        for_people = {key for key in json.loads(source.read_text()) if key.startswith("_")}
        assert for_people, "every profile names its sources"
        kept = {key: value for key, value in json.loads(source.read_text()).items() if key not in for_people}
        assert json.loads(small) == kept and "\n" not in small


def test_no_path_of_this_machine_is_built_in(flash):
    assert [name for name, path in files(flash).items() if str(ROOT).encode() in path.read_bytes()] == []
