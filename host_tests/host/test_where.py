"""tools/where: what a traceback of the compiled firmware means, function by function.

Uses the built image and MicroPython for real tracebacks; the sources say where the functions are.
"""

import ast
import re
import runpy
import subprocess
import sys

from firmware_tree import FIRMWARE, IMAGE, ROOT, version

WHERE = ROOT / "tools" / "where"

# Runs on MicroPython. A chain of private functions, a method, and a name that two classes of one file have.
FAILS = """
import sys
from kmpeye.meter.profile_check import check
from kmpeye.system.timezone import Zone
try:
    check({"wake": {}, "budget": {}, "limits": {}})
except ValueError as error:
    sys.print_exception(error)
try:
    Zone("somewhere")
except ValueError as error:
    sys.print_exception(error)
"""


def line_of(file, *names):
    """Where it begins that has this name, inside of the one before it."""
    node = ast.parse((FIRMWARE / file).read_text())
    for name in names:
        (node,) = (one for one in node.body if getattr(one, "name", None) == name)
    return "firmware/%s:%d %s" % (file, node.lineno, ".".join(names))


def said_of(text):
    done = subprocess.run([sys.executable, WHERE], input=text, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_a_traceback_of_the_compiled_firmware_leads_to_its_functions(flash, micropython32, tmp_path):
    script = tmp_path / "fails.py"
    script.write_text(FAILS)
    command = [
        micropython32,
        "-X",
        "heapsize=112K",
        ROOT / "tools" / "on_rom.py",
        flash.with_name(IMAGE),
        script,
    ]
    done = subprocess.run(command, env={"MICROPYPATH": ".frozen"}, capture_output=True, text=True, check=True)
    assert 'File "profile_check", line 1, in check' in done.stdout
    check, zone = "kmpeye/meter/profile_check.py", "kmpeye/system/timezone.py"
    said = said_of("kmpeye %s, no date, after 5 s of uptime\n%s" % (version(), done.stdout))
    assert said[0].startswith("kmpeye")
    assert [line.strip() for line in said if "firmware/" in line] == [
        line_of(check, "check"),
        line_of(check, "_value"),
        line_of(check, "_expect"),
        line_of(zone, "_Text", "__init__") + " or " + line_of(zone, "Zone", "__init__"),
        line_of(zone, "_Text", "seconds"),
        line_of(zone, "_Text", "number"),
    ]
    assert [line for line in said if line.startswith("ValueError: model: text expected")]
    assert [line for line in said if str(script) in line], "a file that is not ours stays as it is"


def test_a_text_of_another_version_is_told():
    said = said_of("kmpeye 0.0.9, no date, after 5 s of uptime\nnothing to find\n")
    assert "0.0.9" in said[0] and version() in said[0]
    assert said[1:] == ["kmpeye 0.0.9, no date, after 5 s of uptime", "nothing to find"]
    assert said_of("nothing to find\n") == ["nothing to find"]


def test_every_function_is_found_by_what_a_traceback_says():
    found = runpy.run_path(str(WHERE))["places"]()
    for path in sorted(FIRMWARE.rglob("*.py")):
        file = path.relative_to(FIRMWARE).as_posix()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                begin = "firmware/%s:%d " % (file, node.lineno)
                keys = [key for key, places in found.items() if any(one.startswith(begin) for one in places)]
                assert file in [key[0] for key in keys], "as a frozen module"
                (name,) = {key[1] for key in keys}
                short = node.name[0] == "_" and re.fullmatch(r"_\d+", name)
                assert name == node.name or short, (file, node.name)
