# JSON for the command line, with numbers that keep the meter's own digits: json.dumps would take them
# through a float. Imports only json.

import json


class Exact(str):
    """Text that is JSON already (see kmp.value.token) and is written as it stands."""


def dumps(value):
    """One line of JSON. Dicts, lists, Exact, and whatever json knows."""
    if isinstance(value, Exact):
        return str(value)
    if isinstance(value, dict):
        return "{%s}" % ", ".join("%s: %s" % (json.dumps(key), dumps(one)) for key, one in value.items())
    if isinstance(value, list):
        return "[%s]" % ", ".join(dumps(one) for one in value)
    return json.dumps(value, ensure_ascii=False)
