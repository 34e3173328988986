"""The type check of `make lint` finds calls of what the chip does not have, and the names used are really there.

Runs mypy with the project's own settings on small wrong files, and asks MicroPython itself about the modules it ships:
the stubs promise parts of asyncio that MicroPython leaves out.
"""

import ast
import subprocess
import sys

import pytest

from conftest import absent
from firmware_tree import ROOT, all_modules

TYPINGS = ROOT / ".tools" / "typings"

WRONG = (
    ("import machine\nmachine.UART(1).write_all(b'')", '"UART" has no attribute "write_all"'),
    ("import network\nnetwork.WLAN(network.STA_IF).joined()", '"WLAN" has no attribute "joined"'),
    ("import asyncio\nasyncio.TaskGroup()", 'no attribute "TaskGroup"'),
    ("import time\ntime.ticks()", 'no attribute "ticks"'),
    ("import machine\nmachine.Pin(1).value(1, 2, 3)", "No overload variant"),
    ("import threading", '"threading"'),
    (
        "import machine\n\nclass A:\n    def __init__(self):\n        self.uart = machine.UART(1)\n\n"
        "    def go(self):\n        self.uart.send(b'')",
        '"UART" has no attribute "send"',
    ),
)

RIGHT = (
    "import asyncio, gc, machine, network, time\n"
    "class A:\n"
    "    def __init__(self):\n"
    "        self.uart = machine.UART(1, 1200, tx=1, rx=2, stop=2, timeout=0)\n"
    "        self.writer = None\n"
    "        self.rows = []\n"
    "    def go(self, buffer):\n"
    "        self.rows.append(self.uart.readinto(buffer))\n"
    "        self.writer.close()\n"
    "        return time.ticks_diff(time.ticks_ms(), 5), gc.mem_alloc(), network.WLAN(network.STA_IF).isconnected()\n"
    "    async def wait(self):\n"
    "        await asyncio.wait_for(asyncio.sleep_ms(5), 3)\n"
)


@pytest.fixture(scope="module")
def complaints(tmp_path_factory):
    """{file name: what mypy says of it}, from one run: reading the stubs is what takes the time."""
    if not TYPINGS.exists():
        absent("no stubs in .tools/typings: `make lint` fetches them")
    folder = tmp_path_factory.mktemp("types")
    for number, (source, _) in enumerate(WRONG):
        (folder / ("wrong_%d.py" % number)).write_text(source)
    (folder / "right.py").write_text(RIGHT)
    command = [sys.executable, "-m", "mypy", "--config-file", ROOT / "pyproject.toml", "--cache-dir", folder]
    done = subprocess.run(
        [*command, *folder.glob("*.py")], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 1, done.stdout + done.stderr
    said = {path.name: "" for path in folder.glob("*.py")}
    for line in done.stdout.splitlines():
        name = line.split(":")[0].rpartition("/")[2]
        if name in said:
            said[name] += line + "\n"
    return said


@pytest.mark.parametrize("number", range(len(WRONG)), ids=[row[1] for row in WRONG])
def test_what_the_chip_lacks_is_refused(number, complaints):
    assert WRONG[number][1] in complaints["wrong_%d.py" % number]


def test_ordinary_untyped_firmware_passes(complaints):
    assert complaints["right.py"] == ""


# --- names, asked of MicroPython itself -----------------------------------------------------------------------

# The unix port has none of these, or a different one: the stubs speak for them.
CHIP_ONLY = ("machine", "network", "esp32", "ntptime", "vfs.rom_ioctl")

ASK = """
import sys
for pair in sys.argv[1:]:
    module, name = pair.split(".")
    try:
        getattr(__import__(module), name)
    except (ImportError, AttributeError):
        print(pair)
"""


def used_names(path):
    """ "module.name" -> line for what a file takes from modules that are not ours.

    A line with `type: ignore` is the CPython side of a seam and is left out.
    """
    text = path.read_text()
    lines = text.splitlines()
    tree = ast.parse(text)
    modules, used = set(), {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules.update(alias.name for alias in node.names if alias.asname is None)
        if isinstance(node, ast.ImportFrom):
            used.update(("%s.%s" % (node.module, alias.name), node.lineno) for alias in node.names)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
            used["%s.%s" % (node.value.id, node.attr)] = node.lineno
    return {
        name: "%s:%d" % (path.relative_to(ROOT), line)
        for name, line in used.items()
        if name.count(".") == 1 and "type: ignore" not in lines[line - 1]
    }


def missing_names(micropython, used):
    if not used:
        return []
    done = subprocess.run(
        [micropython, "-c", ASK, *sorted(used)], capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout.split()


def test_micropython_has_every_name_the_firmware_takes_from_it(micropython64):
    ours = all_modules()
    used = {}
    for path in ours.values():
        used.update(used_names(path))
    foreign = {
        name: place
        for name, place in used.items()
        if name.split(".")[0] not in ours and name.split(".")[0] not in CHIP_ONLY and name not in CHIP_ONLY
    }
    missing = missing_names(micropython64, foreign)
    assert not missing, "MicroPython lacks %s" % ["%s (%s)" % (name, foreign[name]) for name in missing]


def test_a_name_the_stubs_promise_but_micropython_lacks_is_found(micropython64):
    assert missing_names(micropython64, ["asyncio.Queue", "asyncio.sleep_ms"]) == ["asyncio.Queue"]
