# Bytes as people paste them: "80 3F", "0x80, 0x3f", "80:3f", "\x80\x3f", "803f", and the lines of logs with what
# stands before the bytes ("16:59:02.302 : 40 3f", "[D][uart_debug:114]: <<< 40:3F", "Rd:b'403f'"). Imports nothing of
# ours. Promise: the bytes, or a ValueError whose message names the text that is not hex.

import re

_COLOUR = re.compile(r"\x1b?\[\d*m")  # of a terminal
_TIME = re.compile(r"^[\s\[]*(\d{4}-\d\d-\d\d[T ]+)?[012]\d:[0-5]\d:[0-5]\d([.,]\d+|\]|\s|\Z)[\s:>|]*")
_LABEL = re.compile(r"\b([A-Za-z_]\w*)[\])}]*\s*[:=]")
_BETWEEN = re.compile(r"[\s\ufeff,:;|/\\'\"`*(){}\[\]<>]+|(?<=[0-9A-Fa-f])[-.](?=[0-9A-Fa-f])")
_BYTES = re.compile(r"(?:0x|x)?([0-9a-f]+)h?", re.IGNORECASE)


def parse(text):
    """The bytes of a piece of text, of all its lines."""
    words = [word for line in text.splitlines() for word in _BETWEEN.split(_without_label(line)) if word]
    digits = [_digits(word) for word in words]
    # Arduino prints bytes without their zeros: then no word has more than two digits.
    if len(digits) > 4 and max(map(len, digits)) == 2:
        digits = [one.zfill(2) for one in digits]
    out = bytearray()
    half = ""  # a word that ends within a byte; the next one goes on with it
    for word, one in zip(words, digits, strict=True):
        odd = len(one) % 2
        if odd and not half and len(one) > 2:
            half = one
        elif odd == bool(half):
            out += bytes.fromhex(half + one)
            half = ""
        else:
            raise _odd(half or word)
    if half:
        raise _odd(half)
    if not out:
        raise ValueError("no bytes; they look like 80 3F, 0x80 or 803F")
    return bytes(out)


def _without_label(line):
    """A line of a log from where its bytes begin."""
    line = _TIME.sub("", _COLOUR.sub("", line), count=1)
    start = max(line.rfind(arrow) + 3 for arrow in ("\0\0\0", "<<<", ">>>"))
    start = start if start > 2 else 0
    for label in _LABEL.finditer(line):
        if not _BYTES.fullmatch(label[1]):
            start = max(start, label.end())
    return re.sub(r"\bb(?=['\"])", "", line[start:])  # b'403f' of Python


def _digits(word):
    found = _BYTES.fullmatch(word)
    if not found:
        raise ValueError("%r is not hex; bytes look like 80 3F, 0x80 or 803F" % word)
    return found[1]


def _odd(word):
    return ValueError("%r has an odd number of digits; two make a byte" % word)
