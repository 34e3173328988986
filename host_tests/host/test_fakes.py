"""The strict fakes of the chip's modules promise nothing that the chip does not have: names, values and signatures are
compared with micropython-esp32-stubs.

Uses ast on both. Promises that a call which passes on a fake is one the stubs know, so that mypy and the tests agree.
"""

import ast
import itertools

import pytest

from conftest import absent
from firmware_tree import ROOT

FAKES = ROOT / "host_tests" / "pure" / "fakes"
TYPINGS = ROOT / ".tools" / "typings"
NAMES = sorted(path.stem for path in FAKES.glob("[!_]*.py"))

# What tests use to set the scene. Firmware that used one would fail mypy's check against the stubs.
SCENERY = {
    "machine": {"cause", "resets", "clock", "fed", "bitten"},
    "network": {"air", "Air"},
    "esp32": {"heaps"},
}


def public(nodes):
    """{name: [definitions]} of functions, classes and numbers; an overloaded name has several."""
    found = {}
    for node in nodes:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found.setdefault(node.name, []).append(node)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found.setdefault(node.target.id, []).append(node.value)
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    found.setdefault(target.id, []).append(node.value)
    return {name: nodes for name, nodes in found.items() if not name.startswith("_") or name == "__init__"}


def calls(function):
    """What a function can be called with: (least positional, most positional, keywords, takes any)."""
    arguments = function.args
    places = [*arguments.posonlyargs, *arguments.args]
    places = places[1:] if places and places[0].arg == "self" else places
    least = max(0, len(places) - len(arguments.defaults))
    by_name = {argument.arg for argument in [*arguments.args, *arguments.kwonlyargs]} - {"self"}
    return least, len(places), by_name, bool(arguments.vararg), bool(arguments.kwarg)


def complaints(fake, stubs):
    """Why a fake function takes a call that no overload of the stub takes. Names of positional arguments may differ
    where the stub has them positional only: nobody can use them."""
    least, most, keywords, any_place, any_keyword = calls(fake)
    offers = [calls(stub) for stub in stubs]
    if any_place and not any(offer[3] or offer[1] for offer in offers):
        yield "takes positional arguments, the chip none"
    for count in range(least, most + 1):
        if not any(offer[0] <= count <= offer[1] or offer[3] for offer in offers):
            yield "takes %d positional arguments, the chip does not" % count
    only_places = {argument.arg for stub in stubs for argument in stub.args.posonlyargs}
    known = set(itertools.chain(*(offer[2] for offer in offers)))
    for name in sorted(keywords - known - only_places):
        yield "has the argument %s, the chip does not" % name
    if any_keyword and not any(offer[4] or offer[2] for offer in offers):
        yield "takes keywords, the chip none"


def compare(name, fake_source, stub_source, scenery=()):
    """A sentence for each difference."""
    fakes = public(ast.parse(fake_source).body)
    stubs = public(ast.parse(stub_source).body)
    rows = [("%s.%s" % (name, key), fakes[key][0], stubs.get(key)) for key in fakes if key not in scenery]
    while rows:
        place, fake, stub = rows.pop()
        if stub is None:
            yield "%s: the chip has no such name" % place
        elif isinstance(fake, ast.ClassDef):
            inner, outer = public(fake.body), public(stub[0].body)
            rows += [
                ("%s.%s" % (place, key), inner[key][0], outer.get(key)) for key in inner if key not in scenery
            ]
        elif isinstance(fake, (ast.FunctionDef, ast.AsyncFunctionDef)):
            for complaint in complaints(fake, [one for one in stub if isinstance(one, ast.FunctionDef)]):
                yield "%s: %s" % (place, complaint)
        elif isinstance(fake, ast.Constant) and isinstance(stub[0], ast.Constant):
            if fake.value != stub[0].value:
                yield "%s: is %r, on the chip %r" % (place, fake.value, stub[0].value)


@pytest.mark.parametrize("name", NAMES)
def test_a_fake_has_what_the_chip_has_and_nothing_else(name):
    stub = TYPINGS / (name + ".pyi")
    if not stub.exists():
        absent("no stubs in .tools/typings: `make lint` fetches them")
    found = list(compare(name, (FAKES / (name + ".py")).read_text(), stub.read_text(), SCENERY[name]))
    assert not found, "\n".join(found)


STUB = """
A: Final[int] = 1
class WLAN:
    B: Final[int] = 2
    def connect(self, ssid=None, /, *, bssid=None) -> None: ...
    @overload
    def active(self, /) -> bool: ...
    @overload
    def active(self, is_active: bool, /) -> None: ...
def hostname() -> str: ...
"""

# fake, what is said of it
FAKES_THAT_PROMISE_TOO_MUCH = (
    ("A = 2", "is 2, on the chip 1"),
    ("C = 1", "the chip has no such name"),
    ("class WLAN:\n    def join(self): pass", "the chip has no such name"),
    ("class WLAN:\n    C = 2", "the chip has no such name"),
    ("class WLAN:\n    def active(self, a, b): pass", "takes 2 positional arguments"),
    ("class WLAN:\n    def connect(self, ssid=None, *, pw=None): pass", "has the argument pw"),
    ("def hostname(name=None): pass", "takes 1 positional arguments"),
    ("def hostname(**kwargs): pass", "takes keywords"),
)


@pytest.mark.parametrize(
    "fake, said", FAKES_THAT_PROMISE_TOO_MUCH, ids=[row[0] for row in FAKES_THAT_PROMISE_TOO_MUCH]
)
def test_a_fake_that_promises_more_than_the_chip_is_found(fake, said):
    assert said in "\n".join(compare("network", fake, STUB))


def test_a_fake_that_promises_less_is_fine():
    fake = "class WLAN:\n    B = 2\n    def active(self, is_active=None): pass\n    def connect(self, ssid): pass\n"
    assert not list(compare("network", fake, STUB))
