# Changes settings: all of them right and saved, or none. Imports config and keep; loaded when somebody changes
# something and let go of afterwards. Promises: at every moment of a power cut config.json is whole, old or new; the
# settings before are in config.old.json; a refusal has a stable word, a sentence, and touches nothing.

import json

from kmpeye.system import config, keep
from kmpeye.system.config import MOST_BYTES


class Wrong(Exception):
    """word, key or None, a sentence that says what would be right. Words: unknown_key, wrong_value, conflict,
    too_long."""


def change(new, path=config.FILE, old=config.OLD_FILE):
    """Save {key: value}; None resets to the default. A dict of the values as they are kept; Wrong when one of them is
    not possible, OSError when the flash refuses: the file then holds what it held."""
    saved = config.load(path, old)
    kept = {}
    taken = {}
    for row in config.TABLE:
        key, kind, _, default = row[:4]
        if key in new:
            value = default if new[key] is None else new[key]
            wrong = config.problem(row, value)
            if wrong:
                raise Wrong("wrong_value", key, wrong)
            if kind == "password" and value:
                value = config.hashed(value)
            taken[key] = saved[key] = value
        if saved[key] != default:
            kept[key] = saved[key]
    for key in new:
        if key not in taken:
            raise Wrong("unknown_key", key, "there is no such setting")
    for keys, wrong, right in config.CONFLICTS:
        changed = [key for key in keys if key in taken]
        if changed and wrong(saved):  # one that stood before does not keep other settings from being changed
            raise Wrong("conflict", changed[0], "%s: %s" % (", ".join(keys), right))
    text = json.dumps(kept).encode()
    if len(text) > MOST_BYTES:
        raise Wrong("too_long", None, "all settings together may have %d bytes" % MOST_BYTES)
    before = keep.load(path, MOST_BYTES)
    if isinstance(before, dict):  # a damaged file must not take the place of a whole one
        if before == kept:
            return taken
        keep.save(old, before)
    keep.write(path, text)
    return taken


def forget(keys, path=config.FILE, old=config.OLD_FILE):
    """Reset them for good: the settings before do not know them either. OSError when the flash refuses."""
    change(dict.fromkeys(keys), path, old)
    keep.save(old, keep.load(path, MOST_BYTES))
