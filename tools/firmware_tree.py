"""What stands in firmware/: its files, their module names and who imports whom.

Used by tools/build, tools/size and the tests of the house; uses the standard library only. Promises to read the
sources as they are (ast) and never to import them.
"""

import ast
import pathlib

ROOT = pathlib.Path(__file__).resolve().parent.parent
FIRMWARE = ROOT / "firmware"

# MicroPython runs these two by name at boot and looks for no .mpy: they stay source, and small.
BOOT_FILES = ("boot.py", "main.py")

# All the rest as one image, beside the built tree.
IMAGE = "firmware.romfs"

# Beside it the modules for a MicroPython that holds them itself; in such a one the module that says which they are.
FROZEN_TREE = "frozen"
FROZEN = "kmpeye/frozen.py"


def sources(folder=FIRMWARE, pattern="*.py"):
    """Every module file below the folder, in one order on every machine."""
    return sorted(folder.rglob(pattern))


def module_name(path, folder=FIRMWARE):
    """kmp/frame.py is kmp.frame, kmp/__init__.py is kmp."""
    parts = path.relative_to(folder).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def texts():
    """{name below firmware/: text} of every module."""
    return {path.relative_to(FIRMWARE).as_posix(): path.read_text(encoding="utf-8") for path in sources()}


def version():
    """App.version, as the device will say it."""
    tree = ast.parse((FIRMWARE / "kmpeye" / "app.py").read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", None) == "version":
            return ast.literal_eval(node.value)
    raise SystemExit("kmpeye/app.py names no version")


def callers():
    """Texts of what runs on the compiled firmware, too: what it names is part of what the firmware promises."""
    tools, tests = ROOT / "tools", ROOT / "host_tests"
    found = [tools / "on_device.py", *sources(tools / "benchmarks", "on_micropython_*.py")]
    found += [path for path in sources(tests / "host") if not path.name.startswith("test_")]
    found += [*sources(tests / "pure"), *sources(tests / "soak")]
    return [path.read_text(encoding="utf-8") for path in found]


def all_modules(folder=FIRMWARE, pattern="*.py"):
    """{name: path}; with "*.mpy" those of a built tree."""
    return {module_name(path, folder): path for path in sources(folder, pattern)}


def imports(path, modules, at_load=False):
    """(module, line) for each import of the file, as the longest name of ours it matches, else as written.

    at_load leaves out what stands inside functions: those are imported when they run, if ever.
    """
    found = []
    todo = [ast.parse(path.read_text(), str(path))]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Import):
            found += [(alias.name, node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise ValueError("%s:%d: relative import; write the whole name" % (path, node.lineno))
            for alias in node.names:
                longer = "%s.%s" % (node.module, alias.name)
                found.append((longer if longer in modules else node.module, node.lineno))
        elif not (at_load and isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))):
            todo += ast.iter_child_nodes(node)
    return sorted(set(found), key=lambda pair: pair[1])


def in_load_order(modules):
    """Module names so that each comes after its package and after all it imports when it is loaded."""
    order = []

    def visit(name):
        if name in modules and name not in visited:
            visited.add(name)
            visit(name.rpartition(".")[0])
            for imported, _ in imports(modules[name], modules, at_load=True):
                visit(imported)
            order.append(name)

    visited = set()
    for name in sorted(modules):
        visit(name)
    return order
