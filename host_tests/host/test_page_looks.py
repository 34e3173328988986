"""How the page looks and reads: every section at two sizes in both themes, without an overflow and without a violation
that axe finds; the keyboard alone; five languages. PICTURES=1 writes docs/img/page*.png.

Uses page_site.py and axe-core (.tools/npm). Every test also holds: nothing on the console, no request to anybody else.
"""

import os
import re

import pytest
from playwright.sync_api import expect

from conftest import absent
from host import page_site
from host.page_site import AXE, DESK, PHONE, ROOT, SECTIONS, Window

browser, site = page_site.browser, page_site.site

# (section, width, theme): file of docs/img; page.png is the one a reader of the project sees first.
PICTURES = {("now", 1280, "light"): "page.png"}
PICTURES |= {(section, 1280, "light"): "page-%s.png" % section for section in SECTIONS[1:]}
PICTURES |= {(section, 360, "dark"): "page-%s-phone.png" % section for section in SECTIONS[:3]}
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
LEAK = {
    "flags": ["leak"],
    "flag_texts": {
        "leak": ["Water flows without a pause, or is lost, as from a leak", "Look for a dripping tap"]
    },
}
SILENT = {
    "state": "no_light",
    "text": "Not one byte comes back",
    "advice": "Turn and move the head a few millimetres",
}


@pytest.fixture(scope="module")
def axe():
    return AXE if AXE.exists() else absent("no axe-core: run `make npm`")


DAYS = re.compile("^(Days|Dage|Tage|Dagen|Dagar)$")


def go(page, section):
    """Opens a section by its link and waits until it stands."""
    page.locator("nav a[href='#%s']" % section).click()
    ready = {
        "use": ".bars button",
        "settings": "#view-settings .savebar",
        "log": ".lines li",
        "ways": ".way code",
    }
    page.locator(ready.get(section, "#view-%s .card" % section)).first.wait_for()
    if section == "use":
        page.get_by_role("button", name=DAYS).click()
        page.locator(".bars[data-step=day] button").nth(3).click()
    page.mouse.move(0, 0)


def test_axe_finds_what_is_wrong(browser, site, axe):
    site.set()
    window = Window(browser, site, axe=axe)
    window.page.locator("#view-now button").wait_for()
    window.page.evaluate("document.querySelector('main').append(new Image())")
    assert [one.partition(":")[0] for one in violations(window.page)] == ["image-alt"]
    window.close()


def violations(page):
    found = page.evaluate("rules => axe.run(document, {runOnly: rules, resultTypes: ['violations']})", RULES)
    return [
        "%s: %s" % (one["id"], [node["html"][:120] for node in one["nodes"]]) for one in found["violations"]
    ]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESK], ids=["360", "1280"])
def test_every_section_fits_and_is_accessible(browser, site, axe, size, theme):
    site.set()
    window = Window(browser, site, viewport=size, color_scheme=theme, axe=axe)
    page = window.page
    expect(page.locator("#state")).to_contain_text("Up to date")
    for section in SECTIONS:
        go(page, section)
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, section
        assert violations(page) == [], section
        name = PICTURES.get((section, size["width"], theme))
        if name and os.environ.get("PICTURES"):
            page.evaluate("document.activeElement.blur(), scrollTo(0, 0)")
            if size == DESK:  # the whole of it, on a screen so high that nothing has to stick to its edge
                height = page.evaluate("document.documentElement.scrollHeight")
                page.set_viewport_size({**size, "height": height})
            page.screenshot(path=ROOT / "docs" / "img" / name)
            page.set_viewport_size(size)
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (ground == "rgb(12, 18, 22)") == (theme == "dark")
    window.close()


@pytest.mark.parametrize(
    "told",
    [{"status": LEAK}, {"status": SILENT, "age_s": 7200}, {"values": []}],
    ids=["leak", "silent", "nothing yet"],
)
def test_trouble_is_accessible_too(browser, site, axe, told):
    site.set(**told)
    window = Window(browser, site, axe=axe)
    window.page.locator("#view-now button").wait_for()
    assert violations(window.page) == []
    window.close()


def test_it_can_be_walked_with_the_keyboard_alone(browser, site):
    site.set()
    window = Window(browser, site)
    page = window.page
    expect(page.locator("#state")).to_contain_text("Up to date")

    def walk(label, key="Tab"):
        """Press a key until what has the focus is called so; all on the way show that they have it."""
        for _ in range(40):
            page.keyboard.press(key)
            name = page.evaluate(
                "document.activeElement.ariaLabel || document.activeElement.innerText || document.activeElement.id"
            )
            width = page.evaluate("getComputedStyle(document.activeElement).outlineWidth")
            assert width == "3px" or name == "", name
            if label in name:
                return
        raise AssertionError("nobody comes to " + label)

    walk("Skip to the content")
    walk("Use")
    page.keyboard.press("Enter")
    expect(page.locator("#use-title")).to_be_focused()
    page.locator(".bars button").first.wait_for()
    walk("Days")
    walk("00:00–01:00")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".detail strong")).to_have_text("01:00–02:00")
    page.keyboard.press("End")
    expect(page.locator(".detail strong")).to_have_text("23:00–00:00")
    walk("As a table")
    page.keyboard.press("Enter")
    expect(page.get_by_role("table")).to_be_visible()
    window.close()


def test_a_screen_reader_finds_its_way(browser, site):
    site.set()
    window = Window(browser, site)
    page = window.page
    expect(page.get_by_role("heading", level=1)).to_have_text("MULTICAL 21")
    for role in ("banner", "main", "contentinfo", "navigation"):
        expect(page.get_by_role(role)).to_have_count(1)
    expect(page.get_by_role("region", name="Now", exact=True)).to_be_visible()
    expect(page.get_by_role("list", name="At the moment")).to_be_visible()
    expect(page.get_by_role("link", name="Now", exact=True)).to_have_attribute("aria-current", "page")
    assert page.get_attribute("#state", "aria-live") == "polite"
    window.close()


# Names of sections that do not fit into their place.
CUT = """[...document.querySelectorAll("nav span")].filter(one => one.scrollWidth > one.clientWidth + 1)
    .map(one => one.textContent)"""
LANGUAGES = (
    ("da", "Forbrug", "Opdateret", "Forbrug"),
    ("de-AT", "Verbrauch", "Aktuell", "Verbrauch"),
    ("nl", "Verbruik", "Actueel", "Verbruik"),
    ("sv", "Förbrukning", "Aktuell", "Förbrukning"),
    ("fi", "Use", "Up to date", "Use"),
)


@pytest.mark.parametrize("locale, use, fine, title", LANGUAGES, ids=[row[0] for row in LANGUAGES])
def test_it_speaks_the_language_of_the_browser_and_fits_in_it(browser, site, locale, use, fine, title):
    site.set()
    window = Window(browser, site, locale=locale)
    page = window.page
    expect(page.locator("#state-word")).to_have_text(fine)
    assert page.get_attribute("html", "lang") == (locale[:2] if locale != "fi" else "en")
    for section in SECTIONS:
        go(page, section)
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, section
        cut = page.evaluate(CUT)
        assert cut == []
    window.close()


def test_a_language_that_was_chosen_stays(browser, site):
    site.set()
    window = Window(browser, site)
    page = window.page
    expect(page.locator("#state-word")).to_have_text("Up to date")
    page.get_by_label("Language").select_option("da")
    expect(page.locator("#state-word")).to_have_text("Opdateret")
    page.goto("about:blank")
    site.alone()
    page.goto(site.url)
    expect(page.locator("#state-word")).to_have_text("Opdateret")
    window.close()
