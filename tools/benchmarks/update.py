# What an update takes of the heap while it comes in: the built image as a bundle, on 32-bit MicroPython with the
# modules in place, written into the other half of a partition that lies outside of the heap, as flash does.
# Imports figure, parts and signing. Promise: the most that is in use at once, each time after a collection.

import json
import pathlib
import subprocess
import tempfile

import signing
from benchmarks.figure import Figure
from benchmarks.parts import image, micropython, on_rom

# The buffer of the connection is there anyway; a busy heap of 112 KiB has this much left.
FIGURES = (
    Figure("update_heap_peak", "bytes of heap in use at most by an upload, code included", most=8 * 1024),
)

_LIMIT_S = 100


def measure():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / signing.PUBLIC).write_bytes(signing.make(folder / "key").read_bytes())
        data = image().read_bytes()
        line = signing.head(data, "99.0.0", ["pc"])
        (folder / "bundle").write_bytes(signing.signed(line, data, signing.load(folder / "key")))
        command, environment = on_rom(micropython(32), "update", heap="112K")
        done = subprocess.run(
            command, env=environment, cwd=folder, capture_output=True, text=True, timeout=_LIMIT_S
        )
    if done.returncode:
        raise RuntimeError("the update was not taken:\n%s" % (done.stdout + done.stderr))
    return {"update_heap_peak": json.loads(done.stdout)["peak"]}
