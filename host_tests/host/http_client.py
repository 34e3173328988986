"""Starts http_app.py on an interpreter and talks to it with raw sockets: for test_http_server.py and test_page.py.

Uses the standard library only. Promises: the server that was started is stopped, whatever the test did, and what
it printed is at hand; every wait has a limit.
"""

import contextlib
import json
import os
import pathlib
import socket
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
APP = ROOT / "host_tests" / "host" / "http_app.py"
WAIT_S = 20  # longer than every deadline of the server under test


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Site:
    """The running server: its port, and requests to it."""

    def __init__(self, command, firmware, www, deadlines=(), settings=None):
        """settings: a folder that holds config.json and gets what is saved; only together with deadlines."""
        self.port = free_port()
        self.url = "http://127.0.0.1:%d/" % self.port
        self._command = [*map(str, command), str(APP), str(self.port), str(www), *map(str, deadlines)]
        self._command += [str(settings)] if settings else []
        path = os.pathsep.join((str(firmware), str(ROOT / "tools" / "cpython")))
        self._environment = dict(os.environ, MICROPYPATH=".frozen:%s" % firmware, PYTHONPATH=path)
        self._process = None
        self.start()

    def start(self):
        self._process = subprocess.Popen(
            self._command, env=self._environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        line = self._process.stdout.readline()
        assert line == "listening\n", line + self._process.stdout.read()

    def stop(self):
        """Stop the server; what it printed."""
        self._process.kill()
        with self._process:
            return self._process.stdout.read()

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=WAIT_S)

    def exchange(self, request):
        """Send bytes, or several pieces one after the other; the whole reply."""
        with self.connect() as client:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for piece in [request] if isinstance(request, bytes) else request:
                client.sendall(piece)
            return receive_all(client)

    def get(self, path, method="GET", headers="", body=b""):
        """(status, headers in lower case, body) of one good request."""
        head = "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\n%s" % (method, path, headers)
        if body:
            head += "Content-Length: %d\r\n" % len(body)
        return split(self.exchange(head.encode() + b"\r\n" + body))

    def debug(self, question="collect=1"):
        return json.loads(self.get("/debug/heap?" + question)[2])

    def alone(self):
        """Wait until the server has no other connection than the one that asks."""
        limit = time.monotonic() + WAIT_S
        while self.debug()["open"] > 1:
            assert time.monotonic() < limit, "a connection stays open"
            time.sleep(0.05)


def receive_all(client):
    data = b""
    while piece := client.recv(65536):
        data += piece
    return data


def split(reply):
    """(status, headers, body) of a whole reply."""
    head, _, body = reply.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0].startswith("HTTP/1.1 "), reply[:80]
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines[1:])}
    return int(lines[0].split()[1]), headers, body


@contextlib.contextmanager
def running(*arguments):
    site = Site(*arguments)
    try:
        yield site
    finally:
        site.stop()
