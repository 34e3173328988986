# Bytes of compiled firmware on the chip's flash. Imports figure and parts; `make size` shows them module by module.

import json

from benchmarks.figure import Figure
from benchmarks.parts import built

FIGURES = (Figure("mpy_bytes", "compiled modules in build/flash"),)


def measure():
    files = json.loads((built() / "manifest.json").read_text())["files"]
    return {"mpy_bytes": sum(file["size"] for file in files if file["path"].endswith(".mpy"))}
