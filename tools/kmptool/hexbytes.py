# Bytes as people paste them: "80 3F", "0x80, 0x3f", "80:3f", "803f". Imports nothing of ours.
# Promise: the bytes, or a ValueError whose message names the text that is not hex.

import re


def parse(text):
    """The bytes of a piece of text."""
    out = bytearray()
    for word in re.split(r"[\s,:;]+", text.strip()):
        digits = word[2:] if word[:2] in ("0x", "0X") else word
        if not word:
            continue
        if not re.fullmatch("[0-9A-Fa-f]+", digits):
            raise ValueError("%r is not hex; bytes look like 80 3F, 0x80 or 803F" % word)
        if len(digits) % 2:
            raise ValueError("%r has an odd number of digits; two make a byte" % word)
        out += bytes.fromhex(digits)
    if not out:
        raise ValueError("no bytes; they look like 80 3F, 0x80 or 803F")
    return bytes(out)
