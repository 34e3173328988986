"""The modules of firmware/ as mpy-cross gets them: the same program with less to keep in flash, in memory, or both.

Used by tools/build and tools/where; imports what does it, and the standard library. Promises that every line stays
where it is.
"""

import collections

from constants import inlined
from firmware_tree import callers, texts
from packed_texts import packed
from short_names import shortened

# Without assert, and without the table of lines, which is a fifteenth of the whole: tools/where finds the function.
OPTIMISE = 3


def shipped():
    """{name below firmware/: text}"""
    names = shortened(inlined(texts(), callers()), callers())
    return {name: packed(text) for name, text in names.items()}


def called_in_tracebacks(names):
    """{name below firmware/: what a traceback calls it}: the last part of the module's name where no other ends so,
    else the whole. The chip's memory holds both anyway; a path would cost it a name more for each module."""
    modules = {name: name.removesuffix(".py").replace("/__init__", "").replace("/", ".") for name in names}
    ends = collections.Counter(module.rpartition(".")[2] for module in modules.values())
    return {
        name: end if ends[end] == 1 else module
        for name, module in modules.items()
        for end in (module.rpartition(".")[2],)
    }
