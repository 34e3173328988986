# A measured number and its limit, the table a person reads, and the file a machine reads.
# Imports the standard library only. Promise: what was not measured this time keeps its value in the file.

import json
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One key of build/bench.json. Without a limit it is only reported."""

    key: str
    what: str
    most: float = None
    least: float = None

    def kept(self, value):
        """True when the value respects the limit."""
        return not (self.most is not None and value > self.most) and not (
            self.least is not None and value < self.least
        )

    def limit(self):
        """The limit in a few characters: "<= 1.05"."""
        if self.most is not None:
            return "<= %s" % number(self.most)
        return ">= %s" % number(self.least) if self.least is not None else "-"


def number(value):
    """A figure as people compare it: whole when it is whole, four digits otherwise."""
    return "%d" % value if value == int(value) else "%.4g" % value


def table(figures, values):
    """Lines of text, one a figure that has a value."""
    rows = [("key", "value", "limit", "ok?", "what")]
    for figure in figures:
        if figure.key in values:
            value = values[figure.key]
            verdict = "-" if figure.limit() == "-" else "yes" if figure.kept(value) else "NO"
            rows.append((figure.key, number(value), figure.limit(), verdict, figure.what))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    layout = "%%-%ds  %%%ds  %%%ds  %%-%ds  %%s" % tuple(widths)
    return [layout % row for row in rows]


def merge(path, values):
    """Write the values into the file; those of earlier runs that were not measured now stay."""
    try:
        old = json.loads(path.read_text())
    except (OSError, ValueError):  # there is none yet, or somebody broke it: it is made anew
        old = {}
    path.parent.mkdir(exist_ok=True)
    fresh = path.with_name(path.name + ".new")
    fresh.write_text(json.dumps({**old, **values}, indent=1, sort_keys=True) + "\n")
    fresh.replace(path)
