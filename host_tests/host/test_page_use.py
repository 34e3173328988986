"""The section Use: bars, sums and holes have the digits of the history behind them, whatever span is looked at.

Uses page_site.py. Every test also holds: nothing on the console, no error, no request to anybody else.
"""

import json
import re

import pytest
from playwright.sync_api import expect

from host import page_site
from host.page_site import shows

browser, site, opened = page_site.browser, page_site.site, page_site.opened


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
    expect(page.locator(".detail")).to_contain_text("in between; the sum is exact")


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
