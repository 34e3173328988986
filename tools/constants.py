"""Constants take no place on the chip: mpy-cross writes the value of a private `_NAME = const(1)` where the name
stands. This makes private, before it compiles, what one module takes from another. Imports the standard library.

`from frame import METER` becomes `_METER = const(63)`, in the module that has it, too; there `METER` is left only where
somebody outside of the firmware may ask for it. And mpy-cross knows const() without importing it. Lines stay.
"""

import ast
import re

_IMPORT = "from micropython import const"


def inlined(texts, callers=()):
    """{name of a module's file: its text} of a whole firmware -> the same. callers: texts of others that use it."""
    found = {name: _constants(ast.parse(text)) for name, text in texts.items()}
    modules = {name.removesuffix(".py").replace("/", "."): constants for name, constants in found.items()}
    wanted = {word for text in callers for word in re.findall(r"\w+", text)}
    wanted.update(word for text in texts.values() for word in re.findall(r"\.(\w+)", text))
    return {name: _inlined(text, found[name], modules, wanted) for name, text in texts.items()}


def _constants(tree):
    """{public name: value} of the whole numbers that a module calls const()."""
    found = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            name = node.targets[0].id
            if getattr(node.value.func, "id", None) == "const" and not name.startswith("_"):
                try:
                    value = ast.literal_eval(node.value.args[0])
                except ValueError:  # made of others
                    continue
                if isinstance(value, int):
                    found[name] = value
    return found


def _inlined(text, own, modules, wanted):
    tree = ast.parse(text)
    taken = dict(own)
    edits = []  # (first line, column, last line, column, what stands there instead)
    bound = [node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)]
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            constants = modules.get(node.module, {})
            gone = [one for one in node.names if one.name in constants and not one.asname]
            taken.update((one.name, constants[one.name]) for one in gone)
            left = ", ".join(ast.unparse(one) for one in node.names if one not in gone)
            put = "from %s import %s" % (node.module, left) if left else "pass"
            if gone:
                edits.append((*_place(node), put + "\n" * (node.end_lineno - node.lineno)))
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            bound.append(node.id)
    for name in taken:
        if bound.count(name) > (name in own) or re.search(r"\b_%s\b" % name, text):
            raise SystemExit("%s or _%s is a constant and something else, too" % (name, name))
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in taken and isinstance(node.ctx, ast.Load):
            edits.append((*_place(node), "_" + node.id))
    for node in tree.body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", None) in own:
            name = node.targets[0].id
            edits.append((*_place(node), "%s = _%s" % (name, name) if name in wanted else "pass"))
    lines = text.encode().splitlines(keepends=True)
    for first, start, last, end, put in sorted(edits, reverse=True):
        lines[first - 1 : last] = [lines[first - 1][:start] + put.encode() + lines[last - 1][end:]]
    if taken:
        first = tree.body[0]
        if hasattr(first, "body"):
            raise SystemExit("%s: no statement to put it before, on one line" % ", ".join(taken))
        constants = ["_%s = const(%d); " % pair for pair in taken.items()]
        lines[first.lineno - 1] = "".join(constants).encode() + lines[first.lineno - 1]
    return b"".join(lines).decode().replace(_IMPORT, "pass")


def _place(node):
    return node.lineno, node.col_offset, node.end_lineno, node.end_col_offset
