"""The page in the distribution's Chromium, served by the real server on 32-bit MicroPython as the chip stores it: what
it shows of a reading, of the history, of silence, and what it makes the device do.

Uses page_site.py. Every test also holds: nothing on the console, no error, no request to anybody else.
"""

import json
import re

import pytest
from playwright.sync_api import expect, sync_playwright

from host.page_site import ARGUMENTS, PATIENCE_MS, SECTIONS, PageSite, Window
from kmpeye.system.config import hashed


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
    windows = []

    def opened(path="", refused=False, context=None, **told):
        site.set(**told)
        windows.append((Window(browser, site, path, **(context or {})), refused))
        return windows[-1][0].page

    yield opened
    for window, refused in windows:
        window.close(refused=refused)


def shows(locator, text):
    expect(locator).to_have_text(text, timeout=PATIENCE_MS)


def state(page):
    return page.locator("#state")


# --- Now

VOLUMES = (
    ([314100, -3], "314.100", "trailing zeros are digits"),
    ([12345678901234567890, -3], "12345678901234567.890", "more than a JavaScript number holds"),
    ([-50, -3], "-0.050", "below nothing"),
    ([0, 0], "0", "zero is a value"),
)


@pytest.mark.parametrize("value, shown, why", VOLUMES, ids=[row[2] for row in VOLUMES])
def test_the_digits_are_the_meters_own(opened, value, shown, why):
    page = opened(values=[["volume", 68, 40, *value], ["flow", 74, 42, 86, -3]])
    shows(page.locator("#total"), shown + " m³")
    shows(page.locator(".tiles li"), ["Flow0.086 m³/h"])
    expect(page).to_have_title(shown + " m³ · kmpeye")


def test_where_no_place_is_left_for_a_stream_the_page_asks_again_and_again(opened, site):
    page = opened(polled=True, refused=True)
    shows(page.locator("#total"), "314.100 m³")
    site.set(values=[["volume", 68, 40, 314200, -3]], polled=True)
    shows(page.locator("#total"), "314.200 m³")


def test_the_rest_of_the_registers_is_listed_and_an_old_one_says_its_age(opened):
    page = opened(
        values=[["volume", 68, 40, 1, 0], ["battery_days", 1006, 62, 1200, 0, 90000], ["info", 99, 51, 16, 0]]
    )
    shows(
        page.locator("#view-now dl").last.locator("dt"),
        [re.compile("Battery days left .25 h ago."), "Info code"],
    )
    shows(page.locator("#view-now .flagged dd"), "16")


def test_a_value_that_is_missing_is_named_with_its_reason_and_is_not_zero(opened):
    page = opened(values=[["flow", 74, 42, 86, -3]], missing=[["volume", "total_fell"]])
    expect(page.get_by_text("Missing in this reading")).to_be_visible()
    shows(page.locator("#view-now dl").first, "VolumeTotal fell")


def test_flags_are_said_with_what_to_do(opened):
    texts = {"leak": ["Water flows without a pause", "Look for a dripping tap"]}
    page = opened(status={"flags": ["leak"], "flag_texts": texts, "flag_hours": {"leak": "9-24 h"}})
    shows(
        page.get_by_role("alert"),
        "Water flows without a pause · 9-24 h of the last 30 daysLook for a dripping tap.",
    )


def test_a_new_reading_appears_by_itself_and_ages(opened, site):
    page = opened()
    shows(page.locator("#total"), "314.100 m³")
    site.set(values=[["volume", 68, 40, 314200, -3]], age_s=0)
    shows(page.locator("#total"), "314.200 m³")
    age = page.get_by_text(re.compile(r"^Read \d+ s ago$"))
    first = age.inner_text()
    expect(age).not_to_have_text(first)
    expect(page.get_by_text(re.compile("Next in 2[89] min"))).to_be_visible()


def test_before_the_first_reading_it_says_what_it_waits_for(opened, site):
    page = opened(
        values=[], status={"state": "starting", "text": "The meter has not been read yet", "advice": "Wait"}
    )
    expect(state(page)).to_contain_text("Waiting for the first reading")
    shows(page.locator("#total"), "No reading yet")
    site.set()
    shows(page.locator("#total"), "314.100 m³")
    expect(state(page)).to_have_text(re.compile("Up to date"))


def test_silence_of_the_meter_is_explained_and_the_last_value_stays_with_its_age(opened):
    page = opened(
        age_s=7200, status={"state": "no_light", "text": "Not one byte comes back", "advice": "Move the head"}
    )
    expect(state(page)).to_contain_text("Meter silent Not one byte comes back. Move the head.")
    shows(page.locator("#total"), "314.100 m³")
    expect(page.get_by_text("Read 2 h ago")).to_be_visible()


def test_names_from_outside_are_text_and_nothing_else(opened):
    evil = "<img src=x onerror=alert(1)>"
    page = opened(
        status={
            "state": "bad_crc",
            "text": evil,
            "warnings": [evil],
            "flags": ["f"],
            "flag_texts": {"f": [evil, evil]},
        }
    )
    expect(page.locator("#warnings")).to_contain_text(evil)
    expect(page.get_by_role("alert")).to_contain_text(evil)
    assert page.locator("main img").count() == 0


def test_a_status_without_fields_breaks_no_section(opened):
    page = opened(bare=True)
    shows(page.locator("#total"), "314.100 m³")
    for section in SECTIONS:
        page.locator("nav a[href='#%s']" % section).click()
        expect(page.locator("#%s-title" % section)).to_be_focused()


def test_read_now_tells_how_it_went(opened, site):
    page = opened(refused=True)
    page.get_by_role("button", name="Read now").click()
    expect(page.get_by_text("Read just now.")).to_be_visible()
    site.set(outcome=["later", "the meter rests", 600])
    page.get_by_role("button", name="Read now").click()
    expect(page.get_by_text("try again in 10 min")).to_be_visible()
    site.set(outcome=["failed", "not one byte came back", 0])
    page.get_by_role("button", name="Read now").click()
    expect(page.get_by_text("Not one byte came back.")).to_be_visible()


def test_out_of_reach_is_said_and_mended_without_a_reload(browser, site):
    site.set()
    window = Window(browser, site)
    page = window.page
    expect(state(page)).to_contain_text("Up to date", timeout=PATIENCE_MS)
    site.stop()
    expect(state(page)).to_contain_text("does not answer", timeout=PATIENCE_MS)
    shows(page.locator("#total"), "314.100 m³")
    expect(page.get_by_text("ago")).to_be_visible()
    site.start()
    expect(state(page)).to_contain_text("Up to date", timeout=PATIENCE_MS)
    window.complaints = [
        text for text in window.complaints if not re.search("ERR_(CONNECTION|INCOMPLETE)", text)
    ]
    window.close()


# --- Use


def test_the_bars_tell_the_exact_digits_a_hole_and_the_day_before(opened, site):
    page = opened("#use")
    bars = page.locator(".bars button")
    shows(page.locator("#view-use h3"), "Sunday, November 22, 2026")
    rows = json.loads(
        site.get("/api/history?register=volume&step=hour&from=2026-11-22&to=2026-11-23")[2], parse_float=str
    )["rows"]
    assert len(rows) == 7 and {row["state"] for row in rows[:6]} == {""}
    for at, row in enumerate(rows[:3]):
        expect(bars.nth(at)).to_have_attribute(
            "aria-label",
            re.compile(r"0%d:00–0%d:00: %s m³; Before: [\d.]+ m³" % (at, at + 1, row["consumption"])),
        )
    bars.nth(1).click()
    shows(page.locator(".detail .exact"), rows[1]["consumption"] + " m³")
    page.get_by_role("button", name="Earlier").click()
    shows(page.locator("#view-use h3"), "Saturday, November 21, 2026")
    hole = page.get_by_role("button", name="hole")
    expect(hole).to_have_attribute("aria-label", re.compile(r"^06:00–12:00: [\d.]+ m³ .hole.$"))
    hole.click()
    expect(page.locator(".detail")).to_contain_text("how it spreads is not known, the sum is exact")


def test_a_hole_over_midnight_belongs_to_no_day_alone(opened):
    page = opened("#use")
    for day, known in (
        ("Saturday, November 21", True),
        ("Friday, November 20", False),
        ("Thursday, November 19", False),
    ):
        page.get_by_role("button", name="Earlier").click()
        shows(page.locator("#view-use h3"), day + ", 2026")
        expect(page.locator(".figures dd").first).to_have_text(
            "not known" if not known else re.compile(r"^\d")
        )
    last = page.get_by_role("button", name="23:00–00:00")
    expect(last).to_have_attribute("aria-label", re.compile("^23:00–00:00: not known"))


def test_sums_are_exact_and_compare_with_the_same_part_of_the_span_before(opened, site):
    page = opened("#use")
    page.get_by_role("button", name="Days").click()
    shows(page.locator("#view-use h3"), "November 2026")

    def used(first, last):
        path = "/api/history?register=volume&step=day&from=%s&to=%s" % (first, last)
        rows = json.loads(site.get(path)[2], parse_float=lambda text: int(text.replace(".", "")))["rows"]
        return sum(row["consumption"] for row in rows)

    def cubic(thousandths):
        return "%d.%03d m³" % divmod(thousandths, 1000)

    now, before = used("2026-11-01", "2026-12-01"), used("2026-10-01", "2026-10-23")
    figures = page.locator(".figures dd .quantity")
    shows(figures, [cubic(now), cubic(before), ("+" if now > before else "-") + cubic(abs(now - before))])
    page.get_by_text("As a table").click()
    expect(page.get_by_role("row")).to_have_count(1 + page.locator(".bars button").count())


@pytest.mark.parametrize("step, title", [("Months", "2026"), ("Years", "2026")])
def test_months_and_years_add_up_to_what_the_meter_counted(opened, site, step, title):
    page = opened("#use")
    page.get_by_role("button", name=step).click()
    shows(page.locator("#view-use h3"), title)
    rows = json.loads(
        site.get("/api/history?register=volume&step=month&from=2026-01-01&to=2027-01-01")[2], parse_float=str
    )["rows"]
    thousandths = sum(int(row["consumption"].replace(".", "")) for row in rows)
    shows(page.locator(".figures dd .quantity").first, "%d.%03d m³" % divmod(thousandths, 1000))


def test_the_download_is_the_span_that_is_shown(opened):
    page = opened("#use")
    page.get_by_role("button", name="Days").click()
    expect(page.locator("#view-use")).not_to_have_attribute("aria-busy", "true")
    with page.expect_download() as download:
        page.get_by_text("Download as CSV").click()
    lines = download.value.path().read_text().splitlines()
    assert lines[0].startswith("begin_utc,") and lines[1].startswith("2026-10-31T23:00:00Z")


def test_a_temperature_is_points_and_has_no_sum(opened):
    page = opened("#use")
    page.get_by_label("What is shown").select_option("water_temperature")
    expect(page.locator(".bars .dot:not(.ghost)").first).to_be_visible()
    expect(page.locator(".bars button").first).to_have_attribute("aria-label", re.compile("°C"))
    expect(page.locator(".figures")).to_be_hidden()


# --- Head, ways out, log


def test_alignment_is_live_and_ends_when_the_section_is_left(opened, site):
    page = opened("#head")
    page.get_by_role("button", name="Start alignment").click()
    expect(page.locator(".score")).to_have_text("80")
    expect(page.get_by_text("The meter answers: hold it here")).to_be_visible()
    expect(page.get_by_text(re.compile(r"[4-9] tries, [2-7] good, 112 s left"))).to_be_visible()
    page.locator("nav a[href='#now']").click()
    site.until(lambda: site.json("/api/align").get("running") is False)


def test_what_was_spent_stands_against_its_limit(opened):
    page = opened("#head")
    expect(page.get_by_text("24 of 60")).to_be_visible()
    expect(page.get_by_text("61 s of 4 min")).to_be_visible()
    shows(page.locator("#view-head .flagged dt"), "Wrong check sum")


def test_each_way_out_says_how_it_is_and_gives_its_address(opened, site):
    page = opened("#ways")
    card = page.locator(".way", has_text="Modbus TCP")
    expect(card).to_contain_text("Listening")
    expect(card.locator("code")).to_have_text("127.0.0.1:502")
    expect(page.locator(".way", has_text="BACnet/IP")).to_contain_text("Off")
    expect(page.locator(".way", has_text="BACnet/IP").locator("code")).to_have_count(0)
    expect(page.locator(".way", has_text="Prometheus").locator("code")).to_have_text(site.url + "metrics")


def test_the_log_is_text_with_the_newest_first(opened):
    page = opened("#log")
    expect(page.locator(".lines li").last).to_contain_text("page: the log begins")
    expect(page.locator(".lines li.warning").first).to_contain_text("something <b>odd</b>")
    expect(page.locator(".events li")).to_contain_text("State: Up to date")


# --- Settings

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
