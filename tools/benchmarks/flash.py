# Bytes of compiled firmware on the chip's flash. Imports figure and parts; `make size` shows them module by module.

import json

from benchmarks.figure import Figure
from benchmarks.parts import built

FIGURES = (
    Figure("mpy_bytes", "compiled modules in build/flash"),
    Figure("mpy_and_page_bytes", "the same with the page as it is stored", most=220 * 1024),
)


def measure():
    files = json.loads((built() / "manifest.json").read_text())["files"]
    modules = sum(file["size"] for file in files if file["path"].endswith(".mpy"))
    page = sum(file["size"] for file in files if file["path"].startswith("www/"))
    return {"mpy_bytes": modules, "mpy_and_page_bytes": modules + page}
