"""The rules of the house that a reader would otherwise have to remember: who may know whom, sizes, openings, no floats.

Uses tools/firmware_tree.py (ast of the sources) and git's list of files. Promises: each rule is a table row with its
reason, and a breach names the file and line.
"""

import ast
import json
import pathlib
import re
import subprocess
import sys

import pytest

from firmware_tree import FIRMWARE, ROOT, all_modules, imports, sources

MODULES = all_modules()

# (who, may know, why). A part is the longest prefix that matches; a part always knows itself and what is not ours.
KNOWS = (
    ("kmp", (), "the protocol is bytes in, bytes out; the simulator and the tools use it alone"),
    ("kmpeye.head", ("kmp",), "it speaks the protocol; ports, clock and pins come in by constructor"),
    ("kmpeye.meter", ("kmp",), "profiles and plans name registers, values and units"),
    ("kmpeye.readings", ("kmp",), "a reading is a value of the protocol with its age"),
    (
        "kmpeye.expose",
        ("kmp", "kmpeye.readings"),
        "every way out formats from the same snapshot, with the same digits",
    ),
    ("kmpeye.system", (), "board, Wi-Fi, clock and log serve everybody and need nobody"),
    ("kmpeye.system.config", ("kmp.packed", "kmpeye.system"), "its table is a long text, stored packed"),
    ("kmpeye.system.timezone", ("kmp.calendar",), "the arithmetic of dates is written once"),
    (
        "kmpeye.reader",
        (
            *("kmp", "kmpeye.head", "kmpeye.meter", "kmpeye.readings", "kmpeye.system"),
            *("kmpeye.learning", "kmpeye.errands", "kmpeye.reading"),
        ),
        "asks by plan, publishes a reading",
    ),
    (
        "kmpeye.reading",
        ("kmp", "kmpeye.head", "kmpeye.meter", "kmpeye.readings", "kmpeye.learning"),
        "what the reader needs only while it reads",
    ),
    (
        "kmpeye.status",
        ("kmpeye.readings", "kmpeye.system"),
        "writes its JSON in the same pieces as a reading",
    ),
    ("kmpeye.errands", ("kmp", "kmpeye.head"), "asks for others, in the reader's task"),
    (
        "kmpeye.learning",
        ("kmp", "kmpeye.head", "kmpeye.meter", "kmpeye.system"),
        "asks which meter it is; lets go of what is needed once",
    ),
    (
        "kmpeye.chores",
        ("kmpeye.backfill", "kmpeye.meter_clock", "kmpeye.system"),
        "loads what is due and lets go of it",
    ),
    ("kmpeye.backfill", ("kmp", "kmpeye.readings"), "asks the meter's logger for what the history lacks"),
    (
        "kmpeye.meter_clock",
        ("kmp", "kmpeye.readings"),
        "compares the meter's clock, sets it where that is allowed",
    ),
    ("kmpeye.care", ("kmpeye.system",), "what the owner does to the device as a whole"),
    ("kmpeye.remembered", ("kmpeye.system",), "one file on flash"),
    ("kmpeye.assemble", ("kmp", "kmpeye"), "puts the parts together, once"),
    ("kmpeye.app", ("kmp", "kmpeye"), "what the ways out are given; it knows its parts"),
    (
        "kmpeye.start",
        ("kmpeye.app", "kmpeye.head", "kmpeye.system"),
        "starts the app and records why it ended",
    ),
    ("main", ("kmpeye.start",), "no update replaces it, so it knows one name of what it starts"),
)

# Ways out share these and nothing else: what carries HTTP is a server, not a way out.
SHARED_BY_WAYS_OUT = ("http", "tcp")

# 400 lines is more than one idea.
MOST_LINES = 400

TEXT_SUFFIXES = (
    ".py",
    ".md",
    ".toml",
    ".json",
    ".html",
    ".js",
    ".css",
    ".yml",
    ".yaml",
    ".txt",
    ".sh",
    ".svg",
    "",
)


def owner(module):
    """The row of KNOWS a module belongs to, or None."""
    rows = [row for row in KNOWS if module == row[0] or module.startswith(row[0] + ".")]
    return max(rows, key=lambda row: len(row[0]), default=None)


def within(module, part):
    return module == part or module.startswith(part + ".")


def way_out(module):
    """web of kmpeye.expose.web or of kmpeye.expose.web.pages; None for what the ways out share."""
    parts = module.split(".")
    if parts[:2] != ["kmpeye", "expose"] or len(parts) < 3 or parts[2] in SHARED_BY_WAYS_OUT:
        return None
    return parts[2]


def breaches(module, path, modules):
    """A sentence for each import against the direction of knowledge."""
    part, may_know, _ = owner(module)
    for imported, line in imports(path, modules):
        if imported not in modules:
            continue
        if not any(within(imported, known) for known in (part, *may_know)):
            yield "%s:%d: %s may not know %s" % (path, line, part, imported)
        elif None not in (way_out(module), way_out(imported)) and way_out(module) != way_out(imported):
            yield "%s:%d: two ways out may not know each other" % (path, line)


def tracked():
    """Text files that are, or with the next commit will be, part of the repository."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    paths = (ROOT / name for name in listed.splitlines())
    return [path for path in paths if path.is_file() and path.suffix in TEXT_SUFFIXES]


def test_every_module_belongs_to_a_part_of_the_house():
    parents = {row[0].rpartition(".")[0] for row in KNOWS}  # kmpeye/__init__.py itself
    homeless = [name for name in MODULES if owner(name) is None and name not in parents and name != "boot"]
    assert not homeless, "no row of KNOWS names these: %s" % homeless


def test_knowledge_goes_one_way():
    found = [
        line for module, path in MODULES.items() if owner(module) for line in breaches(module, path, MODULES)
    ]
    assert not found, "\n".join(found)


WRONG = (
    ("kmp.frame", "from kmpeye.head import port", "the protocol knows nobody"),
    ("kmpeye.system.clock", "def f():\n    import kmp.value", "a lazy import counts too"),
    ("kmpeye.expose.web", "from kmpeye.expose import mqtt", "two ways out"),
    ("kmpeye.readings.store", "from kmpeye.expose.http import Server", "against the flow"),
)


@pytest.mark.parametrize("module, source, why", WRONG, ids=[row[2] for row in WRONG])
def test_an_import_against_the_direction_is_found(module, source, why, tmp_path):
    path = tmp_path / "module.py"
    path.write_text(source)
    names = ("kmp.value", "kmpeye.head", "kmpeye.head.port", "kmpeye.expose.mqtt", "kmpeye.expose.http")
    assert list(breaches(module, path, dict.fromkeys(names)))


def test_an_import_along_the_direction_is_allowed(tmp_path):
    path = tmp_path / "module.py"
    path.write_text("from kmpeye.expose.http import Server\nfrom kmp.value import text\nimport asyncio\n")
    assert not list(breaches("kmpeye.expose.web", path, dict.fromkeys(("kmpeye.expose.http", "kmp.value"))))


def let_go(path):
    """The names of modules that are given to forget(): written in the call, in a constant of the file, or in LOADS."""
    tree = ast.parse(path.read_text())
    constants = {
        node.targets[0].id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    given = [constants["LOADS"]] if "LOADS" in constants else []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("forget"):
            if ast.unparse(node.func) != "config_save.forget":  # that one takes settings
                names = [name for one in node.args for name in ast.walk(one)]
                given += [constants.get(getattr(name, "id", None), name) for name in names]
    texts = [text for one in given for text in ast.walk(one) if isinstance(text, ast.Constant)]
    return [name for text in texts for name in text.value.split()]


def test_what_is_let_go_of_exists():
    before = "readings.history."  # the recorder puts it before each of its names
    named = [(path.name, name) for path in sources() for name in let_go(path) if name != before]
    assert len(named) > 40, named
    wrong = []
    for where, name in named:
        whole = [name] if name.startswith("kmp.") else ["kmpeye." + name, "kmpeye." + before + name]
        if not set(whole) & set(MODULES):
            wrong.append((where, name))
    assert not wrong, "forget() takes names of modules as they are in kmpeye, those of kmp whole: %s" % wrong


def test_files_stay_short():
    paths = [
        path for folder in ("firmware", "tools") for path in (ROOT / folder).rglob("*") if path.is_file()
    ]
    code = [path for path in paths if path.suffix in (".py", "", ".js", ".css", ".html")]
    lengths = {path.relative_to(ROOT).as_posix(): len(path.read_text().splitlines()) for path in code}
    long = {name: length for name, length in lengths.items() if length > MOST_LINES}
    assert not long, "over %d lines: %s" % (MOST_LINES, long)


def test_every_firmware_file_opens_by_saying_what_it_is_for():
    silent = []
    for path in sources():
        text = path.read_text()
        if text.strip() and not text.startswith(("#", '"""')):
            silent.append(path.relative_to(ROOT).as_posix())
        if not text.strip() and path.name != "__init__.py":
            silent.append(path.relative_to(ROOT).as_posix())
    assert not silent, "the first lines say what a file is for, may import and promises: %s" % silent


def floats(path):
    """Lines that make a float: a literal with a point, float(), or a true division."""
    for node in ast.walk(ast.parse(path.read_text())):
        literal = isinstance(node, ast.Constant) and isinstance(node.value, float)
        named = isinstance(node, ast.Name) and node.id == "float"
        divided = isinstance(node, (ast.BinOp, ast.AugAssign)) and isinstance(node.op, ast.Div)
        if literal or named or divided:
            yield "%s:%d" % (path, node.lineno)


def test_no_float_carries_a_reading():
    folders = ("kmp", "kmpeye/readings", "kmpeye/meter")
    found = [line for folder in folders for path in sources(FIRMWARE / folder) for line in floats(path)]
    assert not found, "a float on the chip has 24 bits: %s" % found


def test_a_float_is_found(tmp_path):
    for source in ("x = 1.5", "x = float(y)", "x = y / 10", "x /= 10"):
        (tmp_path / "module.py").write_text(source)
        assert list(floats(tmp_path / "module.py")), source


def test_no_path_of_a_home_directory_is_tracked():
    # Built here from pieces: this file is tracked too.
    pattern = re.compile("(?<![\\w.])/(?:%s)/[A-Za-z]" % "|".join(("home", "root", "Users", "wo" + "rk")))
    found = [
        "%s:%d" % (path.relative_to(ROOT), number)
        for path in tracked()
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1)
        if pattern.search(line)
    ]
    assert not found, "paths of somebody's machine: %s" % found


def configured_hosts():
    """Host names this machine fetches packages from: pip's and apt's configuration."""
    texts = []
    for command in ([sys.executable, "-m", "pip", "config", "list"], ["apt-config", "dump"]):
        try:
            texts.append(subprocess.run(command, capture_output=True, text=True, timeout=30).stdout)
        except OSError:
            continue  # a system without it fetches nothing from there
    folder = pathlib.Path("/etc/apt")
    texts += [
        path.read_text() for path in folder.glob("sources.list*/**/*") if path.suffix in (".list", ".sources")
    ]
    return set(re.findall(r"https?://(?:[^/@\s]*@)?([\w.-]+\.[a-z]+)", "\n".join(texts)))


def test_no_package_host_of_this_machine_is_tracked():
    hosts = configured_hosts()
    found = [
        "%s: %s" % (path.relative_to(ROOT), host)
        for path in tracked()
        for host in hosts
        if host in path.read_text(errors="replace")
    ]
    assert not found, "mirrors belong to the machine, not to the repository: %s" % found


def test_data_files_are_json():
    for folder in ("firmware/meters", "boards"):
        for path in (ROOT / folder).glob("*.json"):
            json.loads(path.read_text())


def used_before(tree):
    """(name, line) of private constants that stand behind their first use: MicroPython puts the value of a `_NAME =
    const(...)` where the name stands, and only from there on; before it the name does not exist at all."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            function, target = node.value.func, node.targets[0]
            if isinstance(function, ast.Name) and function.id == "const" and target.id.startswith("_"):
                for one in ast.walk(tree):
                    if isinstance(one, ast.Name) and one.id == target.id and one.lineno < node.lineno:
                        yield target.id, one.lineno


def test_a_private_constant_stands_before_its_use():
    assert list(used_before(ast.parse("def f():\n    return _A\n_A = const(1)\n"))) == [("_A", 2)]
    found = [(path.name, *one) for path in sources() for one in used_before(ast.parse(path.read_text()))]
    assert not found
