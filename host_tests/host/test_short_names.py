"""tools/short_names.py: which names of the firmware become short before they are compiled, and which must not."""

import ast
import re

import pytest

from firmware_tree import FIRMWARE, sources
from short_names import shortened


def alone(text):
    return shortened({"one.py": text})["one.py"]


CASES = (
    ("a private function", "def _ask():\n    return _ask\n", "def _0():\n    return _0\n"),
    ("the most used is the first", "_b = 1\n_a = _b + _b\n", "_0 = 1\n_1 = _0 + _0\n"),
    (
        "a private attribute",
        "class A:\n    def run(self):\n        self._x = self.y\n",
        "class A:\n    def run(self):\n        self._0 = self.y\n",
    ),
    ("somebody else's", "import sys\n\nsys._machine\n", "import sys\n\nsys._machine\n"),
    ("a private name that a string may mean", "_x = 1\ngetattr(0, '_x')\n", "_x = 1\ngetattr(0, '_x')\n"),
    ("a constant, which is gone anyway", "_X = const(1)\n_X\n", "_X = const(1)\n_X\n"),
    ("python's own", "def __init__(self):\n    __name__\n", "def __init__(self):\n    __name__\n"),
    ("a parameter", "def ask(head, n):\n    return head.n + n\n", "def ask(a, n):\n    return a.n + n\n"),
    (
        "letters that mean something",
        "a = 1\n\n\ndef ask(head):\n    a, head\n",
        "a = 1\n\n\ndef ask(b):\n    a, b\n",
    ),
    ("one that calls name", "def ask(head):\n    ask(head=head)\n", "def ask(head):\n    ask(head=head)\n"),
    ("one by name alone", "def ask(*, head):\n    head\n", "def ask(*, head):\n    head\n"),
    (
        "a default is not the parameter",
        "x1 = 1\n\n\ndef f(x1=x1):\n    x1\n",
        "x1 = 1\n\n\ndef f(a=x1):\n    a\n",
    ),
    ("a lambda", "f = lambda one: one\n", "f = lambda a: a\n"),
    (
        "a function inside sees it",
        "def f(one):\n    def g(two):\n        return one, two\n",
        "def f(a):\n    def g(b):\n        return a, b\n",
    ),
    (
        "and one that has its own of that name",
        "def f(one):\n    g = lambda one: one\n    return one\n",
        "def f(one):\n    g = lambda a: a\n    return one\n",
    ),
    (
        "a loop inside takes it over",
        "def f(one):\n    [one for one in one]\n",
        "def f(one):\n    [one for one in one]\n",
    ),
    ("an import does", "def f(one):\n    import one\n", "def f(one):\n    import one\n"),
    (
        "an exception does",
        "def f(one):\n    try:\n        one\n    except E as one:\n        pass\n",
        "def f(one):\n    try:\n        one\n    except E as one:\n        pass\n",
    ),
    ("signs of more than one byte before it", "def f(one):\n    'm³', one\n", "def f(a):\n    'm³', a\n"),
)


@pytest.mark.parametrize(("why", "text", "short"), CASES, ids=[case[0] for case in CASES])
def test_what_becomes_short(why, text, short):
    assert alone(text) == short


def test_every_file_begins_with_the_same_short_names():
    short = shortened({"a.py": "_first = 1\n", "b.py": "_second = 2\n"})
    assert short == {"a.py": "_0 = 1\n", "b.py": "_0 = 2\n"}


def test_a_class_built_on_one_of_another_file_keeps_its_private_names_and_so_does_that_one():
    base = "class Base:\n    def __init__(self):\n        self._x = self._y = 1\n"
    built = "from base import Base\n\n\nclass Built(Base):\n    def get(self):\n        return self._x\n"
    short = shortened({"base.py": base, "built.py": built})
    assert short["built.py"] == built
    assert short["base.py"] == base.replace("_y", "_0")


def test_what_a_test_names_stays():
    texts = {"a.py": "_x = _y = _z = 1\n\n\ndef ask(head, tail):\n    pass\n"}
    assert shortened(texts, ["from a import _x, ask\n\na._y = 2\nask(head=1)\n"]) == {
        "a.py": "_x = _y = _0 = 1\n\n\ndef ask(head, a):\n    pass\n"
    }


def test_a_private_name_that_another_file_imports_stays_in_both():
    texts = {"a.py": "_x = 1\n", "b.py": "from a import _x\n"}
    assert shortened(texts) == texts


def test_an_f_string_is_refused_as_its_names_have_no_place():
    with pytest.raises(SystemExit, match="use %"):
        alone("x = 1\nf'{x}'\n")


def test_the_firmware_stays_the_same_program_line_by_line():
    """The same syntax tree but for names, and each name always becomes the same one within its function."""
    texts = {path.relative_to(FIRMWARE).as_posix(): path.read_text() for path in sources()}
    for name, short in shortened(texts).items():
        before, after = list(ast.walk(ast.parse(texts[name]))), list(ast.walk(ast.parse(short)))
        assert [type(node) for node in before] == [type(node) for node in after], name
        assert [getattr(node, "lineno", 0) for node in before] == [
            getattr(node, "lineno", 0) for node in after
        ]
        public = re.compile(r"\b[A-Za-z]{2,}\w*\b")
        left = set(public.findall(short)) - set(public.findall(texts[name]))
        assert not left, (name, left)


def test_the_firmware_spells_few_private_names():
    texts = {path.relative_to(FIRMWARE).as_posix(): path.read_text() for path in sources()}
    found = set()
    for short in shortened(texts).values():
        for node in ast.walk(ast.parse(short)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name.startswith("_"):
                found.add(node.name)
    assert len([name for name in found if re.match(r"_[A-Za-z]", name)]) <= 12, sorted(found)
