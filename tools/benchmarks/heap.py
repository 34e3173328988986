# What the app keeps of the heap after work: the built firmware on 32-bit MicroPython (the chip's object sizes),
# a simulated meter read without pause and a browser that asks for everything. Each case is one row of CASES.
# Imports figure and parts. Promise: the figure is taken after a collection, minus what asyncio alone keeps.

import json
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import dataclass, field

from benchmarks.figure import Figure
from benchmarks.parts import built, meter, micropython, on_micropython, on_rom, process

_METER = "multical601"
_HEAP = "112K"  # what a classic ESP32 has after it grew once; the figure is what is kept, not what it needs
_REQUESTS = 200
_READINGS = 50
_PATHS = ("/api/reading", "/api/status", "/", "/app.js", "/style.css")
_ANSWER_S = 30
_WORK_S = 120  # 50 readings of 16 registers take a few seconds; more means that the reader stands still


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@dataclass(frozen=True)
class Case:
    """One start of the app. switches: what its config says besides; a function stands for what it returns then."""

    key: str
    what: str
    most: int = None
    switches: dict = field(default_factory=dict)
    in_place: bool = True  # from the image in flash that `make flash` makes room for; else from .mpy files
    heap: str = _HEAP

    def config(self, port):
        """The config.json of this start, reading the meter at the port."""
        chosen = {key: value() if callable(value) else value for key, value in self.switches.items()}
        return {
            "meter": _METER,
            "port": port,
            "http_host": "127.0.0.1",
            "http_port": free_port(),
            "interval_s": 10,
            "budget_replies": 100_000,
            "budget_awake_s": 86_400,
            **chosen,
        }


CASES = (
    Case("live_heap_web", "bytes kept by reader and page after 200 requests, 50 readings", most=28 * 1024),
    # More than a classic ESP32 has: what this form needs is a figure, not a promise.
    Case("live_heap_web_mpy", "the same without a partition for the image", in_place=False, heap="256K"),
)
FIGURES = tuple(Figure(case.key, case.what, most=case.most) for case in CASES)


class App:
    """The app in its own process; `ask` says what it keeps."""

    def __init__(self, child, config):
        self._child = child
        self.address = "http://127.0.0.1:%d" % config["http_port"]
        self._say(json.dumps(config))

    def _say(self, line):
        self._child.stdin.write(line + "\n")
        self._child.stdin.flush()
        answer = self._child.stdout.readline()
        try:
            return json.loads(answer)
        except ValueError:
            raise RuntimeError(
                "the app ended or spoke of trouble: %s" % (answer + self._child.stdout.read())
            ) from None

    def ask(self, what=""):
        return self._say(what)

    def get(self, path):
        # The chip holds the page gzipped and nothing else.
        request = urllib.request.Request(self.address + path, headers={"Accept-Encoding": "gzip"})
        with urllib.request.urlopen(request, timeout=_ANSWER_S) as response:
            return response.read()


def work(app, requests, readings):
    """Ask for everything in turn, and wait until the meter was read often enough."""
    for number in range(requests):
        app.get(_PATHS[number % len(_PATHS)])
    deadline = time.monotonic() + _WORK_S
    while app.ask()["readings"] < readings:
        if time.monotonic() > deadline:
            raise RuntimeError("%d readings in %d s: %s" % (readings, _WORK_S, app.get("/api/status")))
        time.sleep(0.2)


def start(case):
    """Command line and environment of a case."""
    interpreter = micropython(32)
    if case.in_place:
        return on_rom(interpreter, "app", ("/rom/",), case.heap)
    tree = built()
    return on_micropython(interpreter, "app", ("%s/" % tree,), tree, case.heap)


def kept(case, requests, readings):
    """Bytes of heap after the work."""
    command, environment = start(case)
    with (
        tempfile.TemporaryDirectory() as flash,  # where the app keeps what it learns
        meter(_METER, "--tcp", "127.0.0.1:0", "--fast", "--frozen") as port,
    ):
        config = case.config(port)
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": sys.stderr}
        with process(command, env=environment, cwd=flash, **pipes) as child:
            app = App(child, config)
            work(app, requests, readings)
            return app.ask("kept")["heap"]


def measure(requests=_REQUESTS, readings=_READINGS):
    return {case.key: kept(case, requests, readings) for case in CASES}
