# The page: what a browser loads of it, how long until a person sees the meter's total in Chromium, how fast a reading
# is answered and how many pages can be followed at once; served by MicroPython on this machine. Imports parts,
# playwright and the helper of the page's tests. Promise: nothing is left running.

import pathlib
import shutil
import sys
import tempfile
import time

from benchmarks.figure import Figure
from benchmarks.parts import Missing, built, micropython
from firmware_tree import ROOT

_LOADS = 5  # each in a fresh browser context: nothing is cached
_ANSWERS = 21

FIGURES = (
    Figure("page_gz_bytes", "bytes of the page with all languages, gzipped as stored", most=40 * 1024),
    Figure("page_first_paint_ms", "from the request until the browser paints, loopback, median", most=1000),
    Figure(
        "page_first_value_ms",
        "from the request until the meter's total is shown, loopback, median",
        most=3000,
    ),
    Figure("reading_json_ms", "GET /api/reading, loopback, median", most=50),
    Figure("sse_clients", "pages that get each reading as an event at once; others poll", least=2),
)


def measure():
    tree = built()
    chromium = shutil.which("chromium")
    if not chromium:
        raise Missing("no chromium: run tools/install_system")
    paints, values, answers, clients = loads(chromium, tree)
    return {
        "page_gz_bytes": sum(path.stat().st_size for path in (tree / "www").rglob("*.gz")),
        "page_first_paint_ms": paints[_LOADS // 2],
        "page_first_value_ms": values[_LOADS // 2],
        "reading_json_ms": answers[_ANSWERS // 2],
        "sse_clients": clients,
    }


def loads(chromium, tree):
    """Sorted milliseconds until the first paint, until the total, and of an answer; and the streams at once."""
    sys.path.insert(0, str(ROOT / "host_tests"))
    from playwright.sync_api import sync_playwright

    from host.page_site import ARGUMENTS, PageSite, Window

    paints, values = [], []
    with tempfile.TemporaryDirectory() as folder:
        site = PageSite(micropython(32, 64), tree, pathlib.Path(folder))
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
                for _ in range(_LOADS):
                    site.set()
                    window = Window(browser, site)
                    window.page.locator("#total .value").wait_for()
                    values.append(round(window.page.evaluate("performance.now()")))
                    first = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
                    paints.append(round(window.page.evaluate(first)))
                    window.close()
                browser.close()
            site.alone()
            answers = [answered(site) for _ in range(_ANSWERS)]
            clients = followed(site)
        finally:
            site.stop()
    return sorted(paints), sorted(values), sorted(answers), clients


def answered(site):
    begin = time.perf_counter()
    assert site.get("/api/reading")[0] == 200
    return round(1000 * (time.perf_counter() - begin), 1)


def followed(site):
    """Streams that are opened one after the other until one is refused."""
    clients = []
    try:
        while True:
            client = site.connect()
            clients.append(client)
            client.sendall(b"GET /api/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            if not client.recv(12).endswith(b"200"):
                return len(clients) - 1
    finally:
        for client in clients:
            client.close()
