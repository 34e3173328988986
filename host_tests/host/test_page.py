"""The page in the distribution's Chromium, served by the real server on 32-bit MicroPython as the chip stores it.

Uses http_app.py (the reading stands still until told), http_client.py and playwright. Every test but the one that
stops the server also holds: nothing on the console, no error, no request to anybody else.
"""

import pytest
from playwright.sync_api import expect, sync_playwright

from host import http_client

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE_MS = 20_000  # for what the page does by itself: several of its polls
PHONE = {"width": 360, "height": 740}
DESK = {"width": 1280, "height": 800}


@pytest.fixture(scope="module")
def browser(chromium):
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def site(micropython32, flash):
    with http_client.running([micropython32, "-X", "heapsize=112K"], flash, flash / "www") as site:
        yield site


class Watched:
    """A page, what it complained about, and whom it asked."""

    def __init__(self, browser, site, **context):
        self.context = browser.new_context(**context)
        self.page = self.context.new_page()
        self.complaints = []
        self.asked = []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.set_default_timeout(PATIENCE_MS)
        self.page.goto(site.url)


@pytest.fixture
def open_page(browser, site):
    opened = []

    def open_page(query="", **context):
        assert site.get("/debug/change?" + query, "POST")[0] == 200
        opened.append(Watched(browser, site, viewport=PHONE, **context))
        return opened[-1].page

    yield open_page
    for watched in opened:
        watched.context.close()
        assert watched.complaints == []
        assert [url for url in watched.asked if not url.startswith((site.url, "data:"))] == []


def shows(locator, text):
    expect(locator).to_have_text(text, timeout=PATIENCE_MS)


def test_the_digits_are_the_meters_own(open_page):
    page = open_page()
    shows(page.locator("#total"), "314.100 m³")
    shows(
        page.locator("#tiles li"), ["Flow0.086 m³/h", "Water temperature9.50 °C", "Ambient temperature21 °C"]
    )
    shows(page.locator("#list dd"), ["301.000 m³", "0", "12-31"])
    shows(page.locator("#model"), "MULTICAL 21")
    shows(page.locator("#serial"), "Serial number 12345678")
    expect(page).to_have_title("314.100 m³ · kmpeye")


@pytest.mark.parametrize("volume", ["12345678901234567890.1200", "-0.050", "0", "1000000"])
def test_digits_beyond_a_javascript_number_survive(open_page, volume):
    shows(open_page("volume=" + volume).locator("#total"), volume + " m³")


def test_a_new_reading_appears_by_itself(open_page, site):
    page = open_page()
    shows(page.locator("#total"), "314.100 m³")
    site.get("/debug/change?volume=314.200", "POST")
    shows(page.locator("#total"), "314.200 m³")


def test_the_age_counts_up_and_the_next_reading_comes_nearer(open_page):
    page = open_page()
    expect(page.locator("#age")).to_have_text("Read 12 s ago")
    expect(page.locator("#age")).to_have_text("Read 13 s ago")
    expect(page.locator("#next")).to_have_text("Next in 29 min")


def test_before_the_first_reading_it_says_what_it_waits_for_and_then_shows_it(open_page, site):
    page = open_page("registers=0")
    expect(page.get_by_role("status")).to_contain_text("Waiting for the first reading")
    shows(page.locator("#total"), "No reading yet")
    assert page.locator("#tiles").is_hidden() and page.locator("#more").is_hidden()
    site.get("/debug/change", "POST")
    shows(page.locator("#total"), "314.100 m³")
    expect(page.get_by_role("status")).to_contain_text("Up to date")


def test_out_of_reach_is_said_and_mended_without_a_reload(browser, site):
    watched = Watched(browser, site, viewport=PHONE)
    try:
        page = watched.page
        site.get("/debug/change", "POST")
        expect(page.get_by_role("status")).to_contain_text("Up to date", timeout=PATIENCE_MS)
        site.stop()
        expect(page.get_by_role("status")).to_contain_text("does not answer", timeout=PATIENCE_MS)
        shows(page.locator("#total"), "314.100 m³")  # the last one stays, with its age
        expect(page.locator("#age")).to_contain_text("ago")
        site.start()
        expect(page.get_by_role("status")).to_contain_text("Up to date", timeout=PATIENCE_MS)
    finally:
        watched.context.close()
    assert [text for text in watched.complaints if "ERR_CONNECTION_REFUSED" not in text] == []


def test_names_from_outside_are_text_and_nothing_else(open_page):
    page = open_page("label=%3Cimg%20src=x%20onerror=alert(1)%3E")
    shows(page.locator("#total-label"), "<img src=x onerror=alert(1)>")
    assert page.locator("main img").count() == 0


def test_a_status_without_fields_does_not_break_the_page(open_page):
    page = open_page("bare=1")
    shows(page.locator("#total"), "314.100 m³")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESK], ids=["360", "1280"])
def test_it_fits_the_screen_in_both_themes(open_page, size, theme):
    page = open_page("volume=12345678.900", color_scheme=theme)
    page.set_viewport_size(size)
    shows(page.locator("#total"), "12345678.900 m³")
    page.locator("summary").click()
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (ground == "rgb(14, 20, 24)") == (theme == "dark")


def test_it_can_be_walked_with_the_keyboard_alone(open_page):
    page = open_page()
    shows(page.locator("#total"), "314.100 m³")
    focused = []
    for _ in range(3):
        page.keyboard.press("Tab")
        focused.append(page.evaluate("document.activeElement.textContent"))
        width = page.evaluate("getComputedStyle(document.activeElement).outlineWidth")
        assert width == "3px", focused
    assert focused == ["The head and its line", "reading", "status"]
    page.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Frames heard")).to_be_visible()


def test_a_screen_reader_finds_its_way(open_page):
    page = open_page()
    for role in ("banner", "main", "contentinfo", "status"):
        expect(page.get_by_role(role)).to_have_count(1)
    expect(page.get_by_role("heading", level=1)).to_have_text("MULTICAL 21")
    expect(page.get_by_role("region", name="Volume", exact=True)).to_be_visible()
    expect(page.get_by_role("list", name="At the moment")).to_be_visible()
    assert page.get_attribute("#state", "aria-live") == "polite"
    assert page.get_attribute("html", "lang") == "en"


def test_the_page_is_small(flash):
    assert sum(path.stat().st_size for path in (flash / "www").iterdir()) <= 12 * 1024
