"""Packs the long texts of the firmware before mpy-cross compiles: those that a module gives to kmp.packed.lines by
name. Imports the standard library alone. The same bytes wherever zlib is the same.

A text has to be a constant of its module, with no other use. Its place in the file takes as many lines as before.
"""

import ast
import zlib

_WINDOW_BITS = 10  # what firmware/kmp/packed.py unpacks with


def compressed(text):
    """As raw deflate, every line ended by a line feed."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -_WINDOW_BITS, 9)
    return packer.compress(text.strip("\n").encode() + b"\n") + packer.flush()


def packed(text):
    """The same module, with what it gives to lines() packed."""
    tree = ast.parse(text)
    nodes = list(ast.walk(tree))
    calls = [
        node for node in nodes if isinstance(node, ast.Call) and getattr(node.func, "id", None) == "lines"
    ]
    read = [call.args[0].id for call in calls]
    used = [node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)]
    source = text.encode().splitlines(keepends=True)
    for node in reversed(tree.body):
        name = getattr(node.targets[0], "id", None) if isinstance(node, ast.Assign) else None
        if name in read:
            if used.count(name) != read.count(name):
                raise SystemExit("%s is read by lines() and used otherwise: it cannot be packed" % name)
            (literal,) = (one for one in ast.walk(node) if isinstance(one, ast.Constant))
            first, last = literal.lineno - 1, literal.end_lineno - 1
            before, behind = source[first][: literal.col_offset], source[last][literal.end_col_offset :]
            put = repr(compressed(literal.value)).encode() + b"\n" * (last - first)
            source[first : last + 1] = [before + put + behind]
    return b"".join(source).decode()
