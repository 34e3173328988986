# What the app keeps of the heap after work: the built firmware on 32-bit MicroPython (the chip's object sizes), a
# simulated meter read without pause, a browser that asks for everything, and clients of each way out that is on. Each
# case is one row of CASES. Imports kmp, figure and parts. Promise: the figure is taken after a collection, when what is
# needed now and then was let go of, minus what asyncio alone keeps.

import contextlib
import json
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field

from benchmarks.figure import Figure
from benchmarks.parts import (
    broker,
    built,
    free_port,
    frozen,
    meter,
    micropython,
    on_micropython,
    on_rom,
    process,
)
from kmp.command import get_serial
from kmp.frame import METER, TO_METER, build

_METER = "multical601"
_HEAP = "112K"  # what a classic ESP32 has after it grew once; the figure is what is kept, not what it needs
_REQUESTS = 200
_READINGS = 50
_PATHS = (
    "/api/reading",
    "/api/status",
    "/",
    "/app.js",
    "/style.css",
    "/metrics",
    "/api/history?register=volume",
)
_ANSWER_S = 30
_CLIENT_S = 20
# What a building asks for over and over, as its clients send it.
_MODBUS = (bytes.fromhex("0001 0000 0006 01 03 03e8 0064"), bytes.fromhex("0002 0000 0006 01 04 0000 0050"))
_BACNET = (
    bytes.fromhex("810a0011 0104 0005010c0c0000003c1955"),  # present-value of the heat energy
    bytes.fromhex("810a0013 0104 0005020e0c0000003c1e09081f"),  # all properties of it
    bytes.fromhex("810a0015 0104 00050305 0907 1c0000003c 2900 393c"),  # its changes, for a minute
)
_MODBUS_CLIENTS = 4  # and 20 requests of each for one of the page's: an hour at one a second in half a minute
_WORK_S = 120  # 50 readings of 16 registers take a few seconds; more means that the reader stands still


# Where the modules are: in MicroPython itself, in an image in flash beside it, or loaded from files into the heap.
FROZEN, ROMFS, FILES = "frozen", "romfs", "files"


@dataclass(frozen=True)
class Case:
    """One start of the app. switches: what its config says besides; a function stands for what it returns then.
    broker: a real one runs meanwhile, and the app has MQTT on."""

    key: str
    what: str
    most: int = None
    switches: dict = field(default_factory=dict)
    form: str = FROZEN
    heap: str = _HEAP
    broker: bool = False

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


EVERYTHING = {
    "modbus": True,
    "modbus_port": free_port,
    "bacnet": True,
    "bacnet_port": free_port,
    "kmptcp": True,
    "kmptcp_port": free_port,
}
CASES = (
    Case("live_heap_web", "bytes kept by reader and page after 200 requests, 50 readings", most=28 * 1024),
    Case(
        "live_heap_web_mqtt",
        "the same with MQTT, Home Assistant's discovery sent",
        most=44 * 1024,
        broker=True,
    ),
    Case(
        "live_heap_all",
        "the same with every way out, after an hour of load in a minute",
        most=64 * 1024,
        switches=EVERYTHING,
        broker=True,
    ),
    # What these forms need is a figure, not a promise; the last is more than a classic ESP32 has.
    Case(
        "live_heap_web_romfs", "as live_heap_web, the modules run in place from an image in flash", form=ROMFS
    ),
    Case("live_heap_web_mpy", "the same with the modules loaded from files", form=FILES, heap="256K"),
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
        try:
            response = urllib.request.urlopen(request, timeout=_ANSWER_S)
        except urllib.error.HTTPError as answer:
            if answer.code != 404:  # a history of an hour has no difference yet, which is an answer too
                raise
            response = answer
        with response:
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


def modbus(config, requests):
    """Four clients that ask without pause."""
    if not config.get("modbus"):
        return
    address = ("127.0.0.1", config["modbus_port"])
    with contextlib.ExitStack() as stack:
        clients = [
            stack.enter_context(socket.create_connection(address, _CLIENT_S)) for _ in range(_MODBUS_CLIENTS)
        ]
        for number in range(5 * requests):
            for client in clients:
                client.sendall(_MODBUS[number % len(_MODBUS)])
            for client in clients:
                head = client.recv(6, socket.MSG_WAITALL)
                client.recv(head[5], socket.MSG_WAITALL)


def bacnet(config, requests):
    """A client that asks without pause; it stays subscribed when it goes."""
    if not config.get("bacnet"):
        return
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(1)
        client.connect(("127.0.0.1", config["bacnet_port"]))
        # The device is silent until the meter told its serial number, which names it.
        for _ in range(_CLIENT_S):
            client.send(_BACNET[0])
            with contextlib.suppress(TimeoutError):
                client.recv(1500)
                break
        client.settimeout(_CLIENT_S)
        for number in range(requests):
            client.send(_BACNET[number % len(_BACNET)])
            client.recv(1500)


def kmptcp(config, requests):
    """A client that reads the meter itself, between the readings."""
    if not config.get("kmptcp"):
        return
    request = build(TO_METER, METER, get_serial())
    with socket.create_connection(("127.0.0.1", config["kmptcp_port"]), _CLIENT_S) as client:
        for _ in range(max(1, requests // 20)):
            client.sendall(request)
            while not client.recv(64).endswith(b"\r"):
                pass


def start(case):
    """Command line and environment of a case."""
    if case.form == ROMFS:
        return on_rom(micropython(32), "app", ("/rom/",), case.heap)
    tree = built()
    if case.form == FROZEN:
        return on_micropython(frozen(), "app", ("%s/" % tree,), "", case.heap)
    return on_micropython(micropython(32), "app", ("%s/" % tree,), tree, case.heap)


@contextlib.contextmanager
def running(case):
    """(the app at work, its config)."""
    command, environment = start(case)
    with contextlib.ExitStack() as stack:
        flash = stack.enter_context(tempfile.TemporaryDirectory())  # where the app keeps what it learns
        port = stack.enter_context(meter(_METER, "--tcp", "127.0.0.1:0", "--fast", "--frozen"))
        config = case.config(port)
        if case.broker:
            config.update(mqtt_host="127.0.0.1", mqtt_port=stack.enter_context(broker()))
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": sys.stderr}
        child = stack.enter_context(process(command, env=environment, cwd=flash, **pipes))
        yield App(child, config), config


def kept(case, requests, readings):
    """Bytes of heap after the work."""
    with running(case) as (app, config):
        work(app, requests, readings)
        for serve in (modbus, bacnet, kmptcp):
            serve(config, requests)
        return app.ask("kept")["heap"]


def measure(requests=_REQUESTS, readings=_READINGS):
    return {case.key: kept(case, requests, readings) for case in CASES}
