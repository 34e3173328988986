"""Starts bacnet_server.py on an interpreter and speaks to it: raw packets, and its control port.

Uses the standard library. Promises: the process is ended with the block, and every wait has an end.
"""

import contextlib
import json
import os
import pathlib
import socket
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
SERVER = ROOT / "host_tests" / "host" / "bacnet_server.py"
PATHS = (ROOT / "firmware", ROOT / "host_tests" / "pure")
INSTANCE = 260001
_ANSWER_S = 10


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    def __init__(self, port, control):
        self.port = port
        self._control = ("127.0.0.1", control)
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", 0))
        self.sock.settimeout(_ANSWER_S)

    def tell(self, **change):
        """Change the readings; what the server says of itself."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(0.2)
            for _ in range(5 * _ANSWER_S):  # until it listens
                sock.sendto(json.dumps(change).encode(), self._control)
                with contextlib.suppress(OSError):
                    return json.loads(sock.recv(65536))
        raise AssertionError("the server does not answer")

    def until(self, **wanted):
        """Wait for a status with these values; it."""
        deadline = time.monotonic() + _ANSWER_S
        while True:
            status = self.tell()
            if all(status[key] == value for key, value in wanted.items()):
                return status
            assert time.monotonic() < deadline, status
            time.sleep(0.05)

    def send(self, apdu, network=b"\x01\x04"):
        """One packet to the server."""
        content = network + apdu
        packet = bytes((0x81, 10)) + (len(content) + 4).to_bytes(2, "big") + content
        self.sock.sendto(packet, ("127.0.0.1", self.port))

    def ask(self, apdu):
        """The APDU of the reply."""
        self.send(apdu)
        return self.sock.recv(2000)[6:]


@contextlib.contextmanager
def server(interpreter, folder, settings=None, search=PATHS, options=()):
    """Runs one in a folder of its own."""
    port, control = free_port(), free_port()
    settings = {"bacnet_port": port, "bacnet_instance": INSTANCE, **(settings or {})}
    settings = {key: value for key, value in settings.items() if value is not None}
    environment = dict(os.environ, MICROPYPATH=":".join([".frozen", *map(str, search)]))
    if interpreter == sys.executable:
        environment["PYTHONPATH"] = ":".join(map(str, (*search, ROOT / "tools" / "cpython")))
    command = [
        interpreter,
        *options,
        SERVER,
        str(control),
        str(ROOT / "firmware" / "meters"),
        json.dumps(settings),
    ]
    child = subprocess.Popen(command, env=environment, cwd=folder)
    running = Server(settings["bacnet_port"], control)
    try:
        running.tell()
        yield running
        assert child.poll() is None, "the server ended"
    finally:
        child.kill()
        child.wait()
        running.sock.close()
