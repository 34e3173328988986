"""Starts late_app.py on an interpreter and talks to it: for test_metrics_prometheus.py and test_history_api_client.py.

Uses http_client. Promises: the server that was started is stopped, and what it wrote is in the folder it was given.
"""

import contextlib
import os

from host.http_client import ROOT, Site, free_port


class Late(Site):
    def __init__(self, command, path, folder, profile):
        """command: interpreter and options; path: folders to import from; folder: where the history goes."""
        self.port = free_port()
        app = ROOT / "host_tests" / "host" / "late_app.py"
        self._command = [*map(str, command), str(app), str(self.port), profile, str(folder)]
        path = os.pathsep.join(map(str, path))
        self._environment = dict(os.environ, MICROPYPATH=".frozen:" + path, PYTHONPATH=path)
        try:
            self.start()
        except AssertionError:
            self.stop()
            raise

    def heap(self):
        return int(self.get("/debug/heap")[2])


@contextlib.contextmanager
def late(micropython, flash, folder, profile):
    """The server on MicroPython, from the compiled firmware, with a heap like the chip's."""
    command = (micropython, "-X", "heapsize=160K")
    site = Late(command, (flash, ROOT / "host_tests" / "pure"), folder, profile)
    try:
        yield site
    finally:
        site.stop()
