# Whether a meter profile is right: one rule a key, and an error that says which. Imports kmp's packed.
# Promises values of the right types and sizes, or ValueError; nothing else comes out of any JSON object.

from micropython import const

from kmp.packed import lines

_MAX_WORD = const(48)  # a register's key becomes a topic, a metric and an object name
_WORD = const("abcdefghijklmnopqrstuvwxyz0123456789_")
_ADDRESSES = const((63, 127, 191))  # the meter, its top module, its base module (447 3.2)

# The sentence is the rule and, in an error, its text. 8 registers are one request (447 6.2.4).
_RULES = const("""
model: text
kind: one of 'water' 'heat' 'electricity'
evidence: one of 'seen' 'documented' 'assumed'
baud: one of 1200 2400 9600
address: number 0 to 255
battery: one of True False
interval_s: number 10 to 86400
slow_s: number 10 to 86400
types: 0 to 16 of "0001"
wake.needs: one of 'none' 'magnet' 'key'
wake.settle_ms: number 0 to 60000
wake.awake_s: number 0 to 86400
budget.replies: number 1 to 100000
budget.awake_s: number 1 to 86400
limits.flow_m3h: number 1 to 1000000 or nothing
limits.power_kw: number 1 to 10000000 or nothing
live: 1 to 8 of ["key",id]
slow: 0 to 16 of ["key",id]
once: 0 to 8 of ["key",id]
info: 0 to 32 of [bit,"flag"]
info_hours: 0 to 10 of [bit,"flag"]
units: 0 to 8 of [code,code]
high_resolution: 0 to 4 of ["total","finer"]
loggers: 0 to 4 of {address,log,registers}
""")
_GROUPS = const(("wake", "budget", "limits"))


def check(data):
    """The object of a profile's file, with rows turned round into (id, key) and notes for people left out."""
    _expect(isinstance(data, dict), "profile", "an object", data)
    right = {}
    for group in _GROUPS:
        _expect(isinstance(data.get(group), dict), group, "an object", data.get(group))
        right[group] = {}
    for line in lines(_RULES):
        key, rule = line.split(": ")
        group, _, part = key.partition(".")
        if not part:
            right[key] = _value(key, rule, data.get(key))
        elif part in data[group] or not rule.endswith("nothing"):
            right[group][part] = _value(key, rule, data[group].get(part))
    _nothing_unknown(data, right, "")
    for group in _GROUPS:
        _nothing_unknown(data[group], right[group], group + ".")
    right["units"] = dict(right["units"])
    right["registers"] = right["live"] + right["slow"] + right["once"]
    _nothing_twice(right)
    return right


def _expect(good, key, what, found):
    if not good:
        raise ValueError("%s: %s expected, not %s" % (key, what, _short(found)))


def _short(found):
    text = repr(found)
    return text if len(text) <= 40 else text[:37] + "..."


def _nothing_unknown(data, right, where):
    for key in data:
        if key not in right and not str(key).startswith("_"):  # str(): MicroPython takes {1: 2} for JSON
            raise ValueError("%s%s: no such key; docs/adding-a-meter.md lists them" % (where, _short(key)))


def _nothing_twice(right):
    """And a key that is named twice in the file becomes one object on the heap."""
    words = {}
    ids = set()
    for register, key in right["registers"]:
        _expect(key not in words and register not in ids, key, "every key and id once", register)
        words[key] = key
        ids.add(register)
    pairs = right["high_resolution"]
    for total, finer in pairs:
        _expect(total in words and finer in words, "high_resolution", "keys of this profile", (total, finer))
    right["high_resolution"] = tuple([(words[total], words[finer]) for total, finer in pairs])
    for key in ("info", "info_hours"):
        bits = [bit for bit, _ in right[key]]
        _expect(len(set(bits)) == len(bits), key, "every bit once", bits)


def _value(key, rule, value):
    words = rule.split(" ")
    if words[0] == "one":
        good = repr(value) in words
    elif words[0] == "text":
        good = isinstance(value, str) and 0 < len(value) <= _MAX_WORD
    elif words[0] == "number":
        good = _is_number(value, int(words[1]), int(words[3]))
    else:
        rows = [] if value is None else value
        _expect(isinstance(rows, list) and int(words[0]) <= len(rows) <= int(words[2]), key, rule, value)
        return tuple([_row(key, rule, words[4], row) for row in rows])
    _expect(good, key, rule, value)
    return value


def _row(key, rule, shape, row):
    if shape == '"0001"':
        good = isinstance(row, str) and len(row) == 4 and not row.strip("0123456789ABCDEF")
    elif shape[0] == "{":
        return _logger(key, rule, row)
    elif not isinstance(row, list) or len(row) != 2:
        good = False
    else:
        first, second = row
        if shape == '["key",id]':
            good = _is_word(first) and _is_number(second, 0, 0xFFFF)
            first, second = second, first
        elif shape == '[bit,"flag"]':
            good = _is_number(first, 0, 31) and _is_word(second)
        elif shape == "[code,code]":
            good = _is_number(first, 0, 255) and _is_number(second, 0, 255)
        else:
            good = _is_word(first) and _is_word(second)
        row = (first, second)
    _expect(good, key, rule, row)
    return row


def _logger(key, rule, row):
    ids = row.get("registers") if isinstance(row, dict) else None
    good = isinstance(ids, list) and 0 < len(ids) <= 8 and all(_is_number(one, 0, 0xFFFF) for one in ids)
    good = good and _is_number(row.get("address"), 0, 255) and row["address"] in _ADDRESSES
    good = good and _is_number(row.get("log"), 0, 255) and len(row) == 3
    _expect(good, key, rule, row)
    return row["address"], row["log"], tuple(ids)


def _is_number(value, low, high):
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _is_word(word):
    return isinstance(word, str) and 0 < len(word) <= _MAX_WORD and not word.strip(_WORD)
