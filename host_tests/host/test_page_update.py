"""An update in the browser: bundles chosen, refused in words, uploaded with progress and tried, on the real firmware
with a ROMFS partition that restarts as the chip does; and a device that has no place for one.

Uses test_update.py for the board, its key and its versions, page_site.py for the browser.
"""

import contextlib

from playwright.sync_api import expect

import signing
from host import page_site, test_page_looks, test_update
from host.page_site import PATIENCE_MS, PHONE
from host.test_page_looks import violations
from host.test_update import NOW, PASSWORD, board_of
from host.update_parts import bundle, image, new_key

browser, site, opened = page_site.browser, page_site.site, page_site.opened
axe = test_page_looks.axe
firmware, owner, newer = test_update.firmware, test_update.owner, test_update.newer

UPLOAD_BYTES_A_S = 150_000  # so slow that the progress is seen


@contextlib.contextmanager
def page_of(browser, board, locale, axe):
    """The settings of the board's page, with nothing that it has complained about but refusals and the restart."""
    context = browser.new_context(
        viewport=PHONE, locale=locale, http_credentials={"username": "owner", "password": PASSWORD}
    )
    context.add_init_script(path=axe)
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto("http://127.0.0.1:%d/#settings" % board.port)
    yield page
    context.close()
    assert errors == []


def fits_and_is_accessible(page):
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert violations(page) == []


def card(page, heading):
    return page.locator(".card", has=page.get_by_role("heading", name=heading, exact=True))


def choose(update, data, name="kmpeye.bundle"):
    update.locator("input[type=file]").set_input_files(
        {"name": name, "mimeType": "application/octet-stream", "buffer": data}
    )


def test_a_bad_bundle_is_refused_in_words_and_an_older_one_wants_a_second_word(
    browser, micropython32, firmware, owner, axe, tmp_path
):
    key, place = owner
    small = image("9.9.9")
    good = bundle(small, "9.9.9", key)
    # bundle, what the page says
    bad = (
        (
            bundle(small, "9.9.9", new_key(place / "a stranger's")),
            "Nicht mit dem Schlüssel unterschrieben, den dieses Gerät kennt.",
        ),
        (good[:-1], "Die Datei ist nicht ganz: noch einmal die ganze senden."),
        (bundle(small, "9.9.9", key, ("esp32c3",)), "Das Bundle ist für andere Chips."),
        (bundle(image("9.9.9", 250_000), "9.9.9", key), "das Gerät hat Platz für 393216."),
        (b"PK\3\4" * 1000, "Das ist keine Datei von make bundle."),
    )
    with board_of(micropython32, tmp_path, firmware, signing.public(key)) as board:
        board.runs(NOW, 1)
        with page_of(browser, board, "de", axe) as page:
            update = card(page, "Aktualisieren")
            update.get_by_role("button", name="Zeigen").click()
            expect(update).to_contain_text("Version %s läuft." % NOW)
            said = update.get_by_role("status").last
            for data, answer in bad:
                choose(update, data)
                update.get_by_role("button", name="kmpeye.bundle senden").click()
                expect(said).to_contain_text(answer)
            second = update.get_by_role("button", name="Die ältere Version einspielen: ja, ausführen")
            expect(second).to_be_hidden()
            choose(update, bundle(small, "0.1.0", key))
            update.get_by_role("button", name="kmpeye.bundle senden").click()
            expect(said).to_contain_text("Diese Version ist älter als die, die läuft.")
            assert (board.kept(), board.starts) == (None, 1)
            fits_and_is_accessible(page)
            second.click()
            expect(said).to_contain_text("0.1.0 ist angenommen; das Gerät startet damit neu.")
            why = "0.1.0 blieb nicht: sie endete, bevor sie sich bewährt hatte."
            expect(update).to_contain_text(why, timeout=2 * PATIENCE_MS)
            expect(update).to_contain_text("Version %s läuft." % NOW)


def test_a_good_bundle_is_sent_with_progress_and_tried(
    browser, micropython32, firmware, newer, owner, axe, tmp_path
):
    key, _ = owner
    with board_of(micropython32, tmp_path, firmware, signing.public(key)) as board:
        board.runs(NOW, 1)
        with page_of(browser, board, "en", axe) as page:
            update = card(page, "Update")
            update.get_by_role("button", name="Show").click()
            choose(update, bundle(newer, "9.8.7", key))
            slow = page.context.new_cdp_session(page)
            slow.send(
                "Network.emulateNetworkConditions",
                {
                    "offline": False,
                    "latency": 0,
                    "downloadThroughput": -1,
                    "uploadThroughput": UPLOAD_BYTES_A_S,
                },
            )
            update.get_by_role("button", name="Upload kmpeye.bundle").click()
            bar = update.get_by_role("progressbar", name="Sent so far")
            expect(bar).not_to_have_js_property("value", 0)
            assert bar.evaluate("bar => bar.value") < 1
            expect(update).to_contain_text("9.8.7 was taken; the device restarts into it.")
            slow.detach()
            expect(update).to_contain_text("Version 9.8.7 runs.", timeout=2 * PATIENCE_MS)
            expect(update).to_contain_text("9.8.7 is on trial")
            expect(update.locator("input[type=file]")).to_have_count(0)
            fits_and_is_accessible(page)
            update.get_by_role("button", name="Load the page again").click()
            expect(card(page, "Update").get_by_role("button", name="Show")).to_be_visible()
        assert board.starts == 2


def test_a_device_without_a_place_says_so(opened):
    page = opened("#settings")
    update = card(page, "Update")
    update.get_by_role("button", name="Show").click()
    expect(update).to_contain_text("No place for a second version")
    expect(update.locator("input[type=file]")).to_have_count(0)
