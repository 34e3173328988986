"""The first start in a browser: the whole firmware opens its access point, leads whoever asks for any page to its own,
shows the networks in reach, joins the one that is chosen, says its address, and the first reading appears.

Starts page_portal.py and a simulated meter; the radio alone is a fake. Uses test_app.py, page_site.py for the browser.
"""

import contextlib
import os
import subprocess

import pytest
from playwright.sync_api import expect

from host import page_site, test_page_looks
from host.http_client import free_port
from host.page_site import PASSWORD, PATIENCE_MS, PHONE
from host.test_app import NO_BUDGET, ROOT, Firmware, Simulator, in_place

browser, axe = page_site.browser, test_page_looks.axe
SCRIPT = ROOT / "host_tests" / "host" / "page_portal.py"


class FirstStart(Firmware):
    def start(self, micropython, flash, folder):
        words = [SCRIPT, flash / "main.py", str(free_port())]
        self.log = folder / "log.txt"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [*in_place(micropython, flash), *words],
                cwd=folder,
                env={**os.environ, "MICROPYPATH": ".frozen:%s" % (ROOT / "host_tests" / "pure")},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.until(lambda: (self.json("/api/status") or {}).get("wifi", {}).get("access_point"))


@pytest.fixture
def device(micropython32, flash, tmp_path):
    with contextlib.closing(Simulator("multical21", "--frozen", "--fast")) as simulator:
        config = {"port": simulator.ready["ready"], "interval_s": 10, "ntp": "127.0.0.1", **NO_BUDGET}
        with contextlib.closing(FirstStart(micropython32, flash, tmp_path, config)) as device:
            yield device


def test_a_phone_is_led_to_the_page_and_brings_the_device_into_the_house(browser, device, axe):
    # Nobody has set a password yet: the browser learns it only to go on after it was set.
    context = browser.new_context(
        viewport=PHONE, locale="en", http_credentials={"username": "owner", "password": PASSWORD}
    )
    context.add_init_script(path=axe)
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    # Browsers know of each name below localhost that it is this machine; the portal does not know it as its own.
    page.goto("http://captive.example.localhost:%d/generate_204" % device.http)
    expect(page.locator("#settings-title")).to_be_visible(timeout=PATIENCE_MS)
    assert page.url == "http://127.0.0.1:%d/#settings" % device.http

    wifi = page.locator(".card", has=page.get_by_role("heading", name="Wi-Fi", exact=True))
    expect(wifi).to_contain_text("This device is in no network yet")
    expect(wifi).to_contain_text("First set the owner's password")
    page.locator("summary", has_text="Page").first.click()
    page.get_by_label("Owner password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Save changes (1)").click()
    expect(page.get_by_text("Saved. It works at once.")).to_be_visible()

    wifi.get_by_role("button", name="Show").click()
    wifi.get_by_role("button", name="Search").click()
    expect(wifi.get_by_role("listitem")).to_have_text(["home-60 dBm", "café (open)-80 dBm"])
    assert test_page_looks.violations(page) == []
    wifi.get_by_role("button", name="home").click()
    expect(wifi.get_by_label("Password of the network")).to_be_focused()
    said = wifi.get_by_role("status")
    for password, answer in (
        ("short", "A text of 8 to 63 characters is allowed."),
        ("not the secret", "Not joined: home: probably the password is wrong (202)."),
        (
            "secret to all",
            "In home now. From there, the page is at http://192.168.1.20:%d/ or kmpeye.local." % device.http,
        ),
    ):
        wifi.get_by_label("Password of the network").fill(password)
        wifi.get_by_role("button", name="Join").click()
        expect(said).to_have_text(answer, timeout=PATIENCE_MS)

    page.locator("nav a[href='#now']").click()
    expect(page.locator("#state")).to_contain_text("Up to date", timeout=2 * PATIENCE_MS)
    volume = device.json("/api/reading")["registers"]["volume"]["value"]
    expect(page.locator("#total")).to_have_text("%s m³" % volume)
    context.close()
    assert errors == []
