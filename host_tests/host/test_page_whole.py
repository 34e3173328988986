"""The page over the whole firmware and the simulated meter, as on a chip after `make flash`: from the first start to
the first reading, and the alignment while the head is off.

Uses page_site.py for the browser and test_app.py for the firmware.
"""

import contextlib

import pytest
from playwright.sync_api import expect

from host import page_site
from host.page_site import PASSWORD, PATIENCE_MS, PHONE
from host.test_app import NO_BUDGET, Firmware, Simulator
from kmpeye.system.config import hashed

browser = page_site.browser


@pytest.fixture
def firmware(micropython32, flash, tmp_path):
    with contextlib.closing(Simulator("multical21", "--frozen", "--fast")) as simulator:
        config = {
            "meter": "multical21",
            "port": simulator.ready["ready"],
            "interval_s": 10,
            "owner_password": hashed(PASSWORD),
            **NO_BUDGET,
        }
        with contextlib.closing(Firmware(micropython32, flash, tmp_path, config)) as firmware:
            yield firmware


def test_from_the_first_reading_to_the_alignment(browser, firmware):
    credentials = {"username": "owner", "password": PASSWORD}
    context = browser.new_context(viewport=PHONE, locale="en", http_credentials=credentials)
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    complaints = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto("http://127.0.0.1:%d/" % firmware.http)
    expect(page.locator("#state")).to_contain_text("Up to date", timeout=PATIENCE_MS)
    volume = firmware.json("/api/reading")["registers"]["volume"]["value"]
    expect(page.locator("#total")).to_have_text("%s m³" % volume)
    page.locator("nav a[href='#head']").click()
    page.get_by_role("button", name="Start alignment").click()
    expect(page.get_by_text("The meter answers: hold it here")).to_be_visible(timeout=PATIENCE_MS)
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("The alignment is over.")).to_be_visible()
    page.locator("nav a[href='#log']").click()
    expect(page.locator(".lines li").first).to_be_visible()
    context.close()
    assert complaints == []
