"""The page in the distribution's Chromium, served by the real server on 32-bit MicroPython as the chip stores it: what
it shows of a reading, of silence, of the head and the ways out, and what the log says.

Uses page_site.py. Every test also holds: nothing on the console, no error, no request to anybody else.
"""

import re

import pytest
from playwright.sync_api import expect

from host import page_site
from host.page_site import PATIENCE_MS, SECTIONS, Window, shows

browser, site, opened = page_site.browser, page_site.site, page_site.opened


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


def test_ways_out_may_be_left_before_their_settings_came(opened):
    page = opened()
    held = []

    def hold(route):
        held.append(route)

    page.route("**/api/config", hold)
    page.locator("nav a[href='#ways']").click()
    expect(page.locator(".way code").first).to_be_visible()
    while not held:
        page.wait_for_timeout(10)
    page.locator("nav a[href='#now']").click()
    expect(page.locator("#now-title")).to_be_focused()
    with page.expect_response("**/api/config"):
        held[0].continue_()
    expect(page.locator("#total")).to_have_text("314.100 m³")  # after the page had the answer


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
    expect(state(page)).to_contain_text("Out of reach", timeout=PATIENCE_MS)
    shows(page.locator("#total"), "314.100 m³")
    expect(page.get_by_text("ago")).to_be_visible()
    site.start()
    expect(state(page)).to_contain_text("Up to date", timeout=PATIENCE_MS)
    window.complaints = [
        text for text in window.complaints if not re.search("ERR_(CONNECTION|INCOMPLETE)", text)
    ]
    window.close()


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
