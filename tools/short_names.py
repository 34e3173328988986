"""Short names for what no other file can see, given before mpy-cross compiles: the chip interns every name for ever,
and one that each file spells in its own way costs it a dozen bytes. Imports the standard library alone.

Two kinds are renamed: private names (`_like_this`) of one file, and parameters that no call names. Every file starts
again with the same short ones, so that all share them. Lines stay where they are; tools/where tells the long names.
"""

import ast
import collections
import io
import re
import string
import tokenize

_PRIVATE = re.compile(r"_[A-Za-z]\w*$")
_CONST = re.compile(r"(?:^|; )(_\w+) = const\(", re.MULTILINE)  # mpy-cross puts their values in their place
_OWNERS = ("self", "cls")
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_SCOPES = (*_FUNCTIONS, ast.ClassDef, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def shortened(texts, callers=()):
    """{name of a module's file: its text} of a whole firmware -> the same, with short names. callers: texts of others
    that call it, such as its tests."""
    trees = {name: ast.parse(text) for name, text in texts.items()}
    calling = [node for text in callers for node in ast.walk(ast.parse(text))]
    calls = [*calling, *(node for tree in trees.values() for node in ast.walk(tree))]
    named = {node.arg for node in calls if isinstance(node, ast.keyword)}
    shared = _shared(texts, trees)
    shared.update(node.attr for node in calling if isinstance(node, ast.Attribute))
    shared.update(node.name for node in calling if isinstance(node, ast.alias))
    return {
        name: _rename_privates(_rename_parameters(text, trees[name], named), shared)
        for name, text in texts.items()
    }


def _names(text):
    """The tokens of the text that are names, in their order."""
    return [
        token for token in tokenize.generate_tokens(io.StringIO(text).readline) if token.type == tokenize.NAME
    ]


def _shared(texts, trees):
    """The private names that must stay, because more than their own file may mean them."""
    shared = set()
    for name, tree in trees.items():
        private = {token.string for token in _names(texts[name]) if _PRIVATE.match(token.string)}
        bound = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr):
                raise SystemExit("%s: names inside of f-strings cannot be renamed; use %%" % name)
            if isinstance(node, ast.Attribute):
                if not (isinstance(node.value, ast.Name) and node.value.id in _OWNERS):
                    shared.add(node.attr)
                elif isinstance(node.ctx, ast.Store):
                    bound.add(node.attr)
            elif isinstance(node, (*_FUNCTIONS[:2], ast.ClassDef)):
                bound.add(node.name)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                bound.add(node.id)
            elif isinstance(node, ast.arg):
                bound.add(node.arg)
            elif isinstance(node, ast.alias):
                shared.update((node.name, node.asname))
            elif isinstance(node, ast.Constant):
                shared.add(node.value)  # what getattr() is given
        shared |= private - bound
        if _inherits(tree, trees):
            shared |= private
    return shared


def _inherits(tree, trees):
    """Whether a class of it builds on one of another file of the firmware, whose private names are then its own."""
    modules = {name.removesuffix(".py").replace("/", ".") for name in trees}
    imported = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module in modules
        for alias in node.names
    }
    bases = [base for node in ast.walk(tree) if isinstance(node, ast.ClassDef) for base in node.bases]
    return any(not isinstance(base, ast.Name) or base.id in imported for base in bases)


def _rename_privates(text, shared):
    constants = set(_CONST.findall(text))
    tokens = [
        token
        for token in _names(text)
        if _PRIVATE.match(token.string) and token.string not in shared and token.string not in constants
    ]
    counted = collections.Counter(token.string for token in tokens)
    short = {name: "_%d" % number for number, (name, _) in enumerate(counted.most_common())}
    lines = text.splitlines(keepends=True)
    for token in reversed(tokens):
        row, column = token.start
        line = lines[row - 1]
        lines[row - 1] = line[:column] + short[token.string] + line[column + len(token.string) :]
    return "".join(lines)


def _rename_parameters(text, tree, named):
    """`named`: the parameters that calls name, which stay."""
    taken = {token.string for token in _names(text)}
    letters = [letter for letter in string.ascii_lowercase if letter not in taken]
    edits = []  # (row, column in bytes, old name, new name)
    _edit_functions(tree, letters, named, edits)
    lines = [line.encode() for line in text.splitlines(keepends=True)]
    for row, column, old, new in sorted(edits, reverse=True):
        line = lines[row - 1]
        lines[row - 1] = line[:column] + new.encode() + line[column + len(old.encode()) :]
    return b"".join(lines).decode()


def _edit_functions(node, letters, named, edits):
    """What is nested gets letters that nothing around it has."""
    for child in ast.iter_child_nodes(node):
        left = letters
        if isinstance(child, _FUNCTIONS):
            free = iter(letters)
            for arg in (*child.args.posonlyargs, *child.args.args):
                if arg.arg in _OWNERS or arg.arg in named or len(arg.arg) == 1 or _PRIVATE.match(arg.arg):
                    continue
                places = _places(child, arg.arg)
                letter = next(free, None) if places is not None else None
                if letter:
                    edits += [(place.lineno, place.col_offset, arg.arg, letter) for place in (arg, *places)]
            left = list(free)
        _edit_functions(child, left, named, edits)


def _places(function, name):
    """Where the parameter is meant in the function's body; None where the name is bound anew in some other way."""
    body = function.body if isinstance(function.body, list) else [function.body]
    places = []
    for statement in body:
        for node in ast.walk(statement):
            if isinstance(node, ast.Name) and node.id == name:
                places.append(node)
            elif name in getattr(node, "names", ()) or name == getattr(node, "name", None):
                return None  # global, nonlocal; except ... as, def, class
            elif isinstance(node, ast.alias) and name in (node.name, node.asname):
                return None
            elif isinstance(node, _SCOPES) and _binds(node, name):
                return None
    return places


def _binds(scope, name):
    """Whether something inside of the function has the name for something else."""
    for node in ast.walk(scope):
        if isinstance(node, ast.arg) and node.arg == name:
            return True
        if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Store):
            return True
    return False
