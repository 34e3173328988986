"""tools/constants.py: which constants take no place in the compiled firmware, and that the program stays the same."""

import ast

import pytest

from constants import inlined
from firmware_tree import callers, texts

HAS = "from micropython import const\n\nTOP = const(9)  # the most\n\n\ndef f():\n    return TOP\n"
USES = "from has import TOP, f\n\n\ndef g():\n    return f() + TOP\n"


def test_who_takes_it_has_its_value_and_nobody_else_keeps_it():
    assert inlined({"has.py": HAS, "uses.py": USES}) == {
        "has.py": "_TOP = const(9); pass\n\npass  # the most\n\n\ndef f():\n    return _TOP\n",
        "uses.py": "_TOP = const(9); from has import f\n\n\ndef g():\n    return f() + _TOP\n",
    }


def test_what_others_may_ask_for_stays():
    short = inlined({"has.py": HAS}, ["import has\n\nassert has.TOP == 9\n"])["has.py"]
    assert short == "_TOP = const(9); pass\n\nTOP = _TOP  # the most\n\n\ndef f():\n    return _TOP\n"
    assert "TOP = _TOP" in inlined({"has.py": HAS, "uses.py": "import has\n\nhas.TOP\n"})["has.py"]


KEPT = (
    ("no number", "NAME = const('a')\n"),
    ("made of others", "A = 1\nNAME = const(A + 1)\n"),
    ("private: mpy-cross sees to it", "_NAME = const(1)\n"),
    ("imported by another name", "from has import TOP as MOST\n\nMOST\n"),
)


@pytest.mark.parametrize(("why", "text"), KEPT, ids=[case[0] for case in KEPT])
def test_what_is_left_alone(why, text):
    assert inlined({"has.py": HAS, "one.py": text}, ["TOP"])["one.py"] == text


def test_an_import_of_nothing_else_goes():
    text = "import os\n\n\ndef f():\n    from has import TOP\n\n    return TOP\n"
    short = inlined({"has.py": HAS, "one.py": text})["one.py"]
    assert short == "_TOP = const(9); import os\n\n\ndef f():\n    pass\n\n    return _TOP\n"


def test_a_name_that_is_something_else_too_is_refused():
    for text in ("from has import TOP\n\nTOP = 3\n", "from has import TOP\n\n_TOP = 3\n"):
        with pytest.raises(SystemExit, match="TOP"):
            inlined({"has.py": HAS, "one.py": text})


def test_there_is_a_line_for_it():
    with pytest.raises(SystemExit, match="TOP"):
        inlined({"has.py": HAS, "one.py": "def f():\n    from has import TOP\n"})


def test_lines_stay():
    before = texts()
    for name, text in inlined(before, callers()).items():
        lines = [
            [
                node.lineno
                for node in ast.walk(ast.parse(one))
                if isinstance(node, (ast.FunctionDef, ast.Call))
            ]
            for one in (before[name].replace("const(", "("), text.replace("const(", "("))
        ]
        assert lines[0] == lines[1], name


def test_what_one_module_takes_from_another_is_still_there():
    short = inlined(texts(), callers())
    names = {}
    for file, text in short.items():
        nodes = list(ast.walk(ast.parse(text)))
        bound = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
        bound |= {getattr(node, "name", None) for node in nodes}  # functions, classes and what is imported
        names[file.removesuffix(".py").replace("/__init__", "").replace("/", ".")] = bound
    for file, text in short.items():
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ImportFrom) and node.module in names:
                for one in node.names:
                    there = one.name in names[node.module] or "%s.%s" % (node.module, one.name) in names
                    assert there, "%s takes %s from %s" % (file, one.name, node.module)
