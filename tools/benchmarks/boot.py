# How long the firmware takes from its start to the first request on the line: main.py and the image, the meter of the
# settings, on 32-bit MicroPython. Imports figure and parts. Promise: the clock starts before the
# interpreter does and stops when the request's first byte arrives. Milliseconds are this machine's.

import json
import pathlib
import socket
import subprocess
import tempfile
import time

from benchmarks.figure import Figure
from benchmarks.parts import built, free_port, image, micropython, process
from firmware_tree import ROOT

FIGURES = (
    Figure("boot_to_first_request_ms", "milliseconds from start to the first byte for the meter", most=1000),
)

_HEAP = "112K"
_LIMIT_S = 30
_TIMES = 3  # the least counts: others use this machine too


def once():
    with socket.create_server(("127.0.0.1", 0)) as meter, tempfile.TemporaryDirectory() as flash:
        meter.settimeout(_LIMIT_S)
        config = {
            "meter": "multical601",
            "port": "socket://127.0.0.1:%d" % meter.getsockname()[1],
            "http_host": "127.0.0.1",
            "http_port": free_port(),
        }
        (pathlib.Path(flash) / "config.json").write_text(json.dumps(config))
        command = [micropython(32), "-X", "heapsize=" + _HEAP, ROOT / "tools" / "on_rom.py", image()]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        begin = time.monotonic()
        with process([*command, built() / "main.py"], cwd=flash, env={"MICROPYPATH": ".frozen"}, **quiet):
            head = meter.accept()[0]
            with head:
                head.settimeout(_LIMIT_S)
                if not head.recv(1):
                    raise RuntimeError("the firmware closed its port before it asked anything")
                return round(1000 * (time.monotonic() - begin))


def measure():
    return {"boot_to_first_request_ms": min(once() for _ in range(_TIMES))}
