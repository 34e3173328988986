"""What is stored of the page in firmware/www: scripts, styles and markup minified, the texts of all languages as one
table, everything gzipped as small as it gets.

Used by tools/build and the tests of the page; uses tdewolff-minify and zopfli. Promises that scripts and styles work as
they stand, too: where there is no minifier for a machine, they are stored so.
"""

import json

import zopfli.gzip

try:
    import minify
except ImportError:  # pyproject.toml says which machines it is made for
    minify = None

KINDS = {".js": "application/javascript", ".css": "text/css", ".html": "text/html"}
TEXTS = "texts.json"
FIRST = "en"  # what a language does not say is said in this one
BETWEEN = "|"
ROUNDS = 50  # of zopfli; more gain a byte in a thousand


def table(languages):
    """{language: {kind: {key: text}}} as {"languages": [...], kind: [keys, texts]}, both one string: the texts of the
    first key in each language, then those of the second. So keys are stored once, and words that are alike stand close
    together, which gzip likes. An empty text: the page says what the device says."""
    order = sorted(languages, key=lambda name: (name != FIRST, name))
    made = {"languages": order}
    for kind in dict.fromkeys(kind for name in order for kind in languages[name]):
        first, *_ = said = [languages[name].get(kind, {}) for name in order]
        keys = list(dict.fromkeys(key for texts in said for key in texts))
        texts = [one.get(key) or first.get(key, "") for key in keys for one in said]
        for text in keys + texts:
            if BETWEEN in text:
                raise SystemExit("a text of the page holds a %s: %s" % (BETWEEN, text))
        made[kind] = [BETWEEN.join(keys), BETWEEN.join(texts)]
    return made


def smaller(path):
    text = path.read_text()
    return minify.string(KINDS[path.suffix], text) if minify else text


def stored(folder):
    """(name, bytes) of each file that is stored of firmware/www, in one order on every machine."""
    if minify:
        minify.config({"html-keep-document-tags": True, "html-keep-end-tags": True})
    found = {path.name: smaller(path) for path in folder.iterdir() if path.is_file()}
    languages = {path.stem: json.loads(path.read_text()) for path in (folder / "texts").glob("*.json")}
    found[TEXTS] = json.dumps(table(languages), ensure_ascii=False, separators=(",", ":"))
    for name, text in sorted(found.items()):
        yield name + ".gz", zopfli.gzip.compress(text.encode(), numiterations=ROUNDS)
