# The page: what a browser loads of it, and how long until a person sees the meter's total in Chromium, served by
# MicroPython on this machine. Imports parts, playwright and the helper of the page's tests. Promise: nothing is left
# running.

import pathlib
import shutil
import sys
import tempfile

from benchmarks.figure import Figure
from benchmarks.parts import Missing, built, micropython
from firmware_tree import ROOT

_LOADS = 5  # each in a fresh browser context: nothing is cached

FIGURES = (
    Figure("page_gz_bytes", "bytes of the page with its largest language, gzipped as stored", most=40 * 1024),
    Figure("page_all_gz_bytes", "the same with every language"),
    Figure("page_first_paint_ms", "from the request until the browser paints, loopback, median", most=1000),
    Figure(
        "page_first_value_ms",
        "from the request until the meter's total is shown, loopback, median",
        most=3000,
    ),
)


def measure():
    tree = built()
    chromium = shutil.which("chromium")
    if not chromium:
        raise Missing("no chromium: run tools/install_system")
    sizes = {path: path.stat().st_size for path in (tree / "www").rglob("*.gz")}
    languages = [size for path, size in sizes.items() if path.parent.name == "texts"]
    paints, values = loads(chromium, tree)
    return {
        "page_gz_bytes": sum(sizes.values()) - sum(languages) + max(languages),
        "page_all_gz_bytes": sum(sizes.values()),
        "page_first_paint_ms": paints[_LOADS // 2],
        "page_first_value_ms": values[_LOADS // 2],
    }


def loads(chromium, tree):
    """Sorted milliseconds until the first paint and until the total, of so many loads."""
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
        finally:
            site.stop()
    return sorted(paints), sorted(values)
