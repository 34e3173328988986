"""A site that shows the page (page_app.py on MicroPython) and a browser window on it that keeps what it complained
about: for test_page*.py and tools/benchmarks/page.py.

Uses http_client and playwright. Promises: what was started is stopped; nobody but the site was asked.
The fixtures browser, site and opened are taken over by the files of tests by name.
"""

import json
import os
import pathlib
import time

import pytest
from playwright.sync_api import expect, sync_playwright

from host.http_client import ROOT, WAIT_S, Site, free_port

PASSWORD = "owner's secret"
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE_MS = 20_000  # for what the page does by itself
PHONE = {"width": 360, "height": 740}
DESK = {"width": 1280, "height": 860}
SECTIONS = ("now", "use", "head", "ways", "settings", "log")
HEAP = "400K"  # the memory the chip has is held elsewhere; here the whole set of answers is wanted at once


class PageSite(Site):
    def __init__(self, micropython, flash, folder, port=None):
        """flash: the built firmware; folder: gets the history and the settings."""
        (folder / "config.json").write_text(json.dumps({"owner_password": PASSWORD}))
        self.port = port or free_port()
        self.url = "http://127.0.0.1:%d/" % self.port
        app = pathlib.Path(__file__).with_name("page_app.py")
        words = [micropython, "-X", "heapsize=" + HEAP, app, self.port, "%s/" % flash, folder]
        self._command = [str(word) for word in words]
        self._environment = dict(os.environ, MICROPYPATH=".frozen:%s" % flash)
        self._process = None
        self.start()

    def json(self, path):
        return json.loads(self.get(path)[2])

    def until(self, condition):
        """Waits for something that the device does by itself."""
        limit = time.monotonic() + WAIT_S
        while not condition():
            assert time.monotonic() < limit, "it did not come about"
            time.sleep(0.1)

    def alone(self):
        """Waits until no page that was closed holds a connection."""
        self.until(lambda: self.get("/debug/open", "POST")[2] == b"1")

    def set(self, **told):
        """What the device shows from now on; what it was asked to do so far."""
        status, _, body = self.get("/debug/set", "POST", body=json.dumps(told).encode())
        assert status == 200, body
        return json.loads(body)


class Window:
    """A page in the browser, what it complained about, and whom it asked."""

    def __init__(self, browser, site, path="", owner=True, axe=None, **context):
        # Without any, the browser would ask a person.
        context["http_credentials"] = {"username": "owner", "password": PASSWORD if owner else "a guess"}
        context.setdefault("viewport", PHONE)
        context.setdefault("locale", "en")
        self.site = site
        self.context = browser.new_context(**context)
        if axe:
            self.context.add_init_script(path=axe)
        self.page = self.context.new_page()
        self.complaints = []
        self.asked = []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.set_default_timeout(PATIENCE_MS)
        site.alone()
        self.page.goto(site.url + path)

    def close(self, *, refused=False):
        """Ends the page; refused: it was told no on purpose, which browsers note."""
        self.context.close()
        self.site.alone()
        complaints = [text for text in self.complaints if not (refused and "Failed to load resource" in text)]
        assert complaints == [], complaints
        strangers = [url for url in self.asked if not url.startswith((self.site.url, "data:", "blob:"))]
        assert strangers == [], strangers


AXE = ROOT / ".tools" / "npm" / "node_modules" / "axe-core" / "axe.min.js"


def shows(locator, text):
    expect(locator).to_have_text(text, timeout=PATIENCE_MS)


@pytest.fixture(scope="module")
def browser(chromium):
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def site(micropython32, flash, tmp_path_factory):
    site = PageSite(micropython32, flash, tmp_path_factory.mktemp("page"))
    yield site
    site.stop()


@pytest.fixture
def opened(browser, site):
    """opened(path, refused=..., context=..., **told): a page on a device that was told so; refused: on purpose."""
    windows = []

    def opened(path="", refused=False, context=None, **told):
        site.set(**told)
        windows.append((Window(browser, site, path, **(context or {})), refused))
        return windows[-1][0].page

    yield opened
    for window, refused in windows:
        window.close(refused=refused)
