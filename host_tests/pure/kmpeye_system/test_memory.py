# How much memory is left, and when that is too little: ESP-IDF's heaps are fakes.esp32's. Messages to syslog beside it.

import json
import sys

from fakes import esp32
from kmpeye.system import memory
from kmpeye.system.syslog import message

# heaps of ESP-IDF (total, free, largest, least ever), low, why
HEAPS = (
    (((200000, 94256, 53248, 90000),), False, "a classic ESP32 after its start"),
    (((100000, 20000, 16000, 9000), (50000, 10000, 9000, 900)), False, "two regions together"),
    (((100000, 24000, 16000, 9000),), True, "24 KB in all"),
    (((100000, 60000, 4000, 9000), (50000, 5000, 4000, 9000)), True, "much, but in crumbs"),
)


class Chip:
    """While a test runs, there is a module esp32."""

    def __enter__(self):
        sys.modules["esp32"] = esp32

    def __exit__(self, *_):
        del sys.modules["esp32"]


def test_low_is_too_little_or_too_small_pieces():
    with Chip():
        for heaps, low, why in HEAPS:
            esp32.heaps[:] = heaps
            assert memory.low() is low, why


def test_the_figures_of_all_regions_are_summed_and_shown():
    esp32.heaps[:] = HEAPS[1][0]
    with Chip():
        assert memory.idf() == (30000, 16000, 9900)
        shown = json.loads(memory.as_json())
    assert (shown["idf_free"], shown["idf_largest"], shown["idf_least"]) == (30000, 16000, 9900)


def test_where_there_is_no_idf_nothing_is_low_and_nothing_is_made_up():
    assert memory.idf() is None and memory.low() is False
    assert "idf_free" not in json.loads(memory.as_json())


def test_settling_is_possible_everywhere():
    memory.settle()


# level, date, text, message, why
MESSAGES = (
    ("info", "2026-11-22T06:40:00Z", "a b", "<14>1 2026-11-22T06:40:00Z eye kmpeye - - - a b", "RFC 5424 6"),
    ("error", None, "m\u00b3", "<11>1 - eye kmpeye - - - m\u00b3", "no date is the nil value"),
    ("warning", None, "", "<12>1 - eye kmpeye - - - ", "an empty line"),
    ("debug", None, "x", "<15>1 - eye kmpeye - - - x", "the least"),
)


def test_syslog_messages():
    for level, date, text, expected, why in MESSAGES:
        assert message(level, "eye", date, text) == expected, why
