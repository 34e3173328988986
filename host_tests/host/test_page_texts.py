"""The texts of the page: five languages that say the same, everything the firmware can name, and nothing that nobody
reads; how they are stored; and what all of the page weighs.

Uses the files of firmware/www, tools/page_files.py and the firmware's own tables.
"""

import gzip
import json
import re

import pytest

import page_files
from conftest import absent
from firmware_tree import FIRMWARE
from kmpeye.head import advice
from kmpeye.readings import texts
from kmpeye.readings.history.query import STEPS
from kmpeye.system import config

WWW = FIRMWARE / "www"
LANGUAGES = {path.stem: json.loads(path.read_text()) for path in (WWW / "texts").glob("*.json")}
OTHERS = sorted(set(LANGUAGES) - {"en"})
CODE = "".join(path.read_text() for path in WWW.glob("*.*"))
# Keys that are put together where they are used: "state_" and the state of the device.
MADE_UP = ("state_", "line_", "heard_", "event_", "by_", "way_", "count_")
MOST_BYTES = 40 * 1024  # all there is: the page and every language


def placeholders(text):
    return sorted(re.findall(r"\{\d\}", text))


def table(module):
    """The first words of the lines of a firmware's table of texts."""
    return [line.split("|")[0] for line in module._TEXTS.strip().split("\n")]


def test_there_are_the_languages_of_the_meters_countries():
    assert set(LANGUAGES) >= {"da", "de", "en", "nl", "sv"}


@pytest.mark.parametrize("language", OTHERS)
def test_a_language_says_all_that_english_says_with_the_same_values(language):
    english, other = LANGUAGES["en"]["ui"], LANGUAGES[language]["ui"]
    assert list(other) == list(english)
    assert {key: placeholders(text) for key, text in other.items()} == {
        key: placeholders(text) for key, text in english.items()
    }
    assert not [key for key, text in other.items() if not text.strip()]


def codes():
    """Words of refusals that the page may meet in English only: they say what a person cannot cause on it."""
    sources = (path.read_text() for path in (FIRMWARE / "kmpeye" / "expose").rglob("*.py"))
    found = set(re.findall(r'"code":"(\w+)"', "".join(sources)))
    return found - {"wrong_value", "later", "not_confirmed", "no_wifi"}


def update_codes():
    system = "".join(path.read_text() for path in (FIRMWARE / "kmpeye" / "system").glob("update*.py"))
    web = (FIRMWARE / "kmpeye" / "expose" / "update.py").read_text()
    return set(re.findall(r'Wrong\(\s*"(\w+)"', system)) | set(re.findall(r'"code":"(\w+)"', web))


def why_an_update_failed():
    """Sentences, up to what is said of the case in hand."""
    trial = (FIRMWARE / "kmpeye" / "system" / "update_trial.py").read_text()
    update = (FIRMWARE / "kmpeye" / "system" / "update.py").read_text()
    found = re.findall(r'return "([^"%:]+)', trial) + re.findall(r'now.get\("why", "(.+)"', update)
    return {text.strip() for text in found}


# (table of a language, what it has to name, why)
COMPLETE = (
    ("states", {state.partition(".")[0] for state in table(advice)} - {"ok"}, "what to do about each state"),
    ("flags", set(table(texts)), "all that a meter can complain about, and why a value is held back"),
    ("settings", {row[0] for row in config.TABLE}, "every setting"),
    ("groups", {name for name, _ in config.groups()}, "the headings of the settings"),
    ("refused", codes(), "every refusal by its stable word"),
    ("updates", update_codes(), "and those of updates, which mean something else by the same word"),
    ("whys", why_an_update_failed(), "why the version before returned"),
)


@pytest.mark.parametrize("language", OTHERS)
@pytest.mark.parametrize("name, keys, why", COMPLETE, ids=[row[0] for row in COMPLETE])
def test_all_that_the_firmware_says_is_translated(language, name, keys, why):
    assert keys - set(LANGUAGES[language][name]) == set(), why


@pytest.mark.parametrize("language", OTHERS)
def test_the_registers_that_are_read_often_have_names(language):
    profiles = [json.loads(path.read_text()) for path in (FIRMWARE / "meters").glob("*.json")]
    live = {key for one in profiles for key, *_ in one["live"] if one["kind"] != "electricity"}
    assert live - set(LANGUAGES[language]["registers"]) == set()


def test_every_state_has_a_word():
    states = {state.partition(".")[0] for state in table(advice)}
    assert {"state_" + state for state in states} <= set(LANGUAGES["en"]["ui"])


def test_no_text_is_there_for_nobody_and_none_is_missing():
    known = set(LANGUAGES["en"]["ui"])
    used = set(re.findall(r'\bt\("(\w+)"', CODE)) | set(re.findall(r'data-t(?:-label)?="(\w+)"', CODE))
    for pair in re.findall(r'\? "(\w+)" : "(\w+)"\)', CODE):
        used |= set(pair) & known
    twice = {key + end for key in re.findall(r'twice\("(\w+)"', CODE) for end in ("", "_text")}
    made_up = {key for key in known if key.startswith(MADE_UP)}
    assert (used | twice) - known - set(MADE_UP) == set()
    assert known - used - twice - made_up == set()
    assert {"by_" + step for step in (*STEPS, "year")} <= known


@pytest.fixture(scope="module")
def stored():
    return {name: gzip.decompress(data).decode() for name, data in page_files.stored(WWW)}


@pytest.fixture
def minified():
    return page_files.minify or absent("tdewolff-minify is not made for this machine")


def test_the_page_is_small(minified):
    assert sum(len(data) for _, data in page_files.stored(WWW)) <= MOST_BYTES


def test_the_same_sources_give_the_same_bytes():
    assert dict(page_files.stored(WWW)) == dict(page_files.stored(WWW))


def test_every_file_is_stored_and_smaller_than_it_was(stored, minified):
    files = {path.name: path.read_text() for path in WWW.iterdir() if path.is_file()}
    assert set(stored) == {name + ".gz" for name in [*files, "texts.json"]}
    assert [name for name, text in files.items() if len(stored[name + ".gz"]) >= len(text)] == []
    assert "//" not in stored["hash.js.gz"] and "<!--" not in stored["index.html.gz"]


def said(table, kind, language):
    """What lib.js makes of the table."""
    keys, texts = (text.split("|") for text in table[kind])
    count = len(table["languages"])
    return dict(zip(keys, texts[table["languages"].index(language) :: count], strict=True))


def test_every_text_arrives(stored):
    table = json.loads(stored["texts.json.gz"])
    assert set(table["languages"]) == set(LANGUAGES) and table["languages"][0] == "en"
    for language, kinds in LANGUAGES.items():
        for kind, own in kinds.items():
            assert own.items() <= said(table, kind, language).items(), (language, kind)


def test_adding_a_language_is_adding_a_file_and_what_it_lacks_is_said_in_english():
    table = page_files.table(
        {
            "en": {"ui": {"now": "Now", "use": "Use"}},
            "fi": {"ui": {"use": "Käyttö"}, "flags": {"leak": "Vuoto"}},
        }
    )
    assert table["languages"] == ["en", "fi"]
    assert said(table, "ui", "fi") == {"now": "Now", "use": "Käyttö"}
    assert said(table, "flags", "en") == {"leak": ""}, "the page says what the device says"


def test_a_text_that_would_end_early_is_refused():
    with pytest.raises(SystemExit, match=r"a\|b"):
        page_files.table({"en": {"ui": {"now": "a|b"}}})


def test_nothing_comes_from_another_host():
    assert re.findall(r"""(?:src|href|import|url)\W{1,4}(?:https?:)?//""", CODE) == []
