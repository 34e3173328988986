"""docs/troubleshooting.md explains every state that the device can name, and quotes the device as it speaks.

Reads the texts of the firmware (advice, wifi_scan, supervisor, boots); promises that a new state cannot be forgotten.
"""

import re

from deploying.device import explain
from firmware_tree import FIRMWARE, ROOT
from kmpeye.head import advice
from kmpeye.system.wifi_scan import words

DOC = (ROOT / "docs" / "troubleshooting.md").read_text()
KEYS = [line.split("|")[0] for line in advice._TEXTS.strip().splitlines() if "|" in line]


def section(title):
    """The text under a heading, up to the next one."""
    return re.search(r"^#+ %s\n(.*?)(?=^#|\Z)" % re.escape(title), DOC, re.M | re.S).group(1)


def test_every_state_has_its_section_and_no_other_has_one():
    states = {key.partition(".")[0] for key in KEYS}
    assert set(re.findall(r"^### `(\w+)`$", DOC, re.M)) == states


def test_every_suspicion_about_garbled_bytes_is_explained():
    suspicions = {key.partition(".")[2] for key in KEYS if key.startswith("garbled.")}
    assert set(re.findall(r"^\| `(\w+)` \|", section("`garbled`"), re.M)) == suspicions


def test_what_the_wifi_says_is_quoted_as_it_says_it():
    quoted = re.findall(r"^\| `cannot be joined: (.*?)` \|", section("First start and lost Wi-Fi"), re.M)
    assert quoted == [words(status) for status in (201, 202, 1001)]


def test_reasons_of_restarts_are_quoted_as_the_device_writes_them():
    sources = "".join(
        (FIRMWARE / "kmpeye" / "system" / name).read_text()
        for name in ("supervisor.py", "boots.py", "wifi.py")
    )
    quoted = re.findall(r"^\| `(.*?)` \|", section("Restarts"), re.M)
    assert len(quoted) == 5
    for text in quoted:
        for part in re.split(r"NAME |: \.\.\.|\d+", text):
            assert part in sources, text


def test_what_a_board_prints_that_does_not_start_is_known_to_the_tools():
    """They say the same of it; the texts are MicroPython's and Espressif's."""
    quoted = re.findall(r"^\| `(.*?)`", section("A board that does not start"), re.M)
    assert len(quoted) == 5
    known = [explain("/dev/x", text) for text in quoted if text != ">>>"]
    assert [text for text in known if "gave up" in text] == []


def test_links_lead_to_files():
    for target in re.findall(r"\]\(([\w./-]+)\)", DOC):
        assert (ROOT / "docs" / target).exists(), target
