"""The section Settings, and what only the owner may do: wrong values, saving, copies, what is asked twice.

Uses page_site.py. Every test also holds: nothing on the console, no error, no request to anybody else.
"""

import json
import re

from playwright.sync_api import expect

from host import page_site
from kmpeye.system.config import hashed

browser, site, opened = page_site.browser, page_site.site, page_site.opened


WRONG = (
    ("Reader", "Interval (s)", "5", "A whole number from 10 to 86400 is allowed."),
    ("Reader", "Interval (s)", "1.5", "A whole number from 10 to 86400 is allowed."),
    ("Reader", "Name", "x" * 33, "A text of 1 to 32 characters is allowed."),
    ("Page", "Owner password", "short", "A text of 8 to 63 characters is allowed."),
    ("Page", "HTTP port", "0", "A whole number from 1 to 65535 is allowed."),
    (
        "MQTT",
        "MQTT password",
        "secret",
        "Mqtt_user, mqtt_password: a password at the broker needs a user name",
    ),
)


def test_a_wrong_setting_is_refused_at_its_field(opened):
    page = opened("#settings", refused=True)
    for group, label, text, answer in WRONG:
        card = page.locator("details", has=page.locator("summary", has_text=re.compile("^" + group)))
        if card.get_attribute("open") is None:
            card.locator("summary").click()
        field = page.locator(".field", has=page.get_by_label(label, exact=True))
        before = field.locator("input").input_value()
        field.locator("input").fill(text)
        page.get_by_role("button", name="Save changes (1)").click()
        expect(field.get_by_role("status")).to_contain_text(answer)
        expect(field.locator("input")).to_be_focused()
        field.locator("input").fill(before)


def test_a_setting_is_saved_and_says_when_it_works(opened, site):
    page = opened("#settings")
    page.locator("summary", has_text="Reader").first.click()
    for text, answer in (("600", "Saved. It works at once."), ("", "Saved. It works at once.")):
        page.get_by_label("Interval (s)", exact=True).fill(text)
        page.get_by_role("button", name="Save changes (1)").click()
        expect(page.get_by_text(answer)).to_be_visible()
        rows = {row["key"]: row["value"] for row in json.loads(site.get("/api/config")[2])["settings"]}
        assert rows["interval_s"] == (int(text) if text else None)
    page.get_by_label("Meter", exact=True).fill("multical21")
    page.get_by_role("button", name="Save changes (1)").click()
    expect(page.get_by_text("Saved. Some of it works after a restart.")).to_be_visible()
    expect(page.get_by_text("Some settings wait for a restart.")).to_be_visible()


def test_without_the_password_nothing_is_changed_and_the_page_says_so(opened):
    page = opened("#now", refused=True, context={"owner": False})
    page.get_by_role("button", name="Read now").click()
    expect(page.locator(".hero .said")).to_have_text("That is not the password of the owner.")


def test_the_password_is_hashed_before_it_leaves(opened):
    page = opened()
    for password in ("owner's secret", "twelve åø€𝄞 long " + "x" * 40):
        made = page.evaluate(
            "text => import('/hash.js').then(found => found.sha256('owner:kmpeye:' + text))", password
        )
        assert made == hashed(password)


def test_what_cannot_be_undone_is_asked_twice(opened, site):
    page = opened("#settings")
    site.set()
    for name, asked in (
        ("Factory reset", "factory_reset True"),
        ("The meter was exchanged", "meter_exchanged"),
    ):
        page.locator("summary", has_text=name).click()
        assert asked not in site.set()
        page.get_by_role("button", name=name + ": yes, do it").click()
        expect(page.get_by_text("Understood; it is being done.")).to_be_visible()
        assert asked in site.set()


def test_settings_travel_as_a_file_without_secrets(opened, tmp_path):
    page = opened("#settings")
    with page.expect_download() as download:
        page.get_by_role("button", name="Export").click()
    data = json.loads(download.value.path().read_text())
    assert "owner_password" not in data
    path = tmp_path / "settings.json"
    path.write_text(json.dumps({**data, "interval_s": 700}))
    page.locator("#import").set_input_files(path)
    page.locator("summary", has_text="Reader").first.click()
    expect(page.get_by_label("Interval (s)", exact=True)).to_have_value("700")


def test_a_file_without_settings_is_refused_in_the_language_of_the_page(opened, tmp_path):
    page = opened("#settings", context={"locale": "de"})
    path = tmp_path / "photo.json"
    for content in (b"\x89PNG", b'{"name": "x"'):
        path.write_bytes(content)
        page.locator("#import").set_input_files(path)
        expect(page.get_by_text("Das ist keine Datei mit Einstellungen.")).to_be_visible()


def test_a_meter_that_does_not_answer_is_told_of_in_the_language_of_the_page(opened):
    page = opened(
        refused=True,
        context={"locale": "de"},
        status={"state": "no_light"},
        outcome=["failed", "not one byte comes back", 0],
    )
    page.get_by_role("button", name="Jetzt ablesen").click()
    said = "Zähler wecken; LED, Empfänger und Sitz des Kopfes prüfen."
    expect(page.locator(".hero .said")).to_have_text(said)
