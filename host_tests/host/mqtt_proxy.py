"""A TCP proxy that misbehaves on demand, and a server that says whatever it is told: for the faults of test_mqtt.py.

Uses the standard library only. Promises: its threads and sockets end with its block.
"""

import contextlib
import select
import socket
import threading
import time

_LOOK_S = 0.05


class Server:
    """Accepts connections on a port of its own and gives each to serve(), in one thread after the other."""

    def __init__(self):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(_LOOK_S)
        self.port = self._listener.getsockname()[1]
        self.connections = 0
        self.ending = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while not self.ending:
            try:
                client = self._listener.accept()[0]
            except TimeoutError:
                continue
            client.settimeout(_LOOK_S)
            self.connections += 1
            with client, contextlib.suppress(OSError):
                self.serve(client)

    def serve(self, client):
        raise NotImplementedError

    def close(self):
        self.ending = True
        self._thread.join()
        self._listener.close()


class Proxy(Server):
    """Passes bytes on to a broker. dead: bytes are neither taken nor given, as when a cable is pulled behind a switch.
    slow_s: pause after each 64 bytes of the device's. cut: so many bytes of the broker's, then the connection ends."""

    def __init__(self, port):
        self._broker = port
        self.dead = False
        self.slow_s = 0
        self.cut = None
        super().__init__()

    def serve(self, client):
        with socket.create_connection(("127.0.0.1", self._broker)) as broker:
            left = self.cut
            while not self.ending:
                if self.dead:
                    time.sleep(_LOOK_S)
                    if (
                        self.connections > 1
                    ):  # nothing of the new one goes through either, but the old one is over
                        return
                    continue
                ready, _, _ = select.select((client, broker), (), (), _LOOK_S)
                if client in ready:
                    data = client.recv(64 if self.slow_s else 65536)
                    if not data:
                        return
                    broker.sendall(data)
                    time.sleep(self.slow_s)
                if broker in ready:
                    data = broker.recv(65536)
                    if left is not None:
                        data = data[:left]
                        left -= len(data)
                    client.sendall(data)
                    if not data or left == 0:
                        return


class Babbler(Server):
    """A broker that accepts, and then says what it was given, one thing for each connection, the last one for ever."""

    def __init__(self, sayings, greet=b"\x20\x02\0\0"):
        self._sayings = list(sayings)
        self._greet = greet
        super().__init__()

    @property
    def done(self):
        return not self._sayings

    def serve(self, client):
        client.recv(65536)
        client.sendall(self._greet)
        if self._sayings:
            client.sendall(self._sayings.pop(0))
        end = time.monotonic() + 0.3
        while time.monotonic() < end and not self.ending:
            with contextlib.suppress(TimeoutError):
                if not client.recv(65536):
                    return


@contextlib.contextmanager
def serving(server):
    try:
        yield server
    finally:
        server.close()
