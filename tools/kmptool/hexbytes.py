# Bytes as people paste them: "80 3F", "0x80, 0x3f", "80:3f", "\x80\x3f", "803f", b'\x80?\x10', [128, 63, 16, 13], hex
# dumps, the lines of logs with what stands before the bytes ("16:59:02.302 : 40 3f", "[D][uart_debug:114]: <<< 40:3F",
# "Rd:b'403f'"), and whole frames between words. Imports nothing of ours. Promise: the bytes, or a ValueError whose
# message names the text that is not hex.

import re

_COLOUR = re.compile(r"\x1b?\[\d*m")  # of a terminal
_TIME = re.compile(
    r"[\s\[<>]*(?:\d{4}[-/]\d\d[-/]\d\d[T ]+)?[012]\d:[0-5]\d:[0-5]\d(?:[.,]\d+|Z|\]|\s|\Z)[Z\s:>|]*"
    r"(?:length=\d+ from=\d+ to=\d+)?"  # socat
)
_LABEL = re.compile(r"\b([A-Za-z_]\w*)(\[\w*\])?[\])}'\"]*\s*[:=]")
_BETWEEN = re.compile(
    r"<?[-=]{1,4}>|<[-=]{1,4}|[\s\ufeff,:;|/\\'\"`*(){}\[\]<>]+|"
    r"(?<=[0-9A-Fa-f])(?<![0-9A-Fa-f]{3})[-.](?=[0-9A-Fa-f]{1,2}(?![0-9A-Fa-f]))"  # no 6906867.0
)
_BYTES = re.compile(r"(?:0x|x)?([0-9a-f]+)h?", re.IGNORECASE)

# What begins like a frame of a meter or its logger and goes on in bytes, to be found between words.
_RUN = re.compile(
    r"(?<!\w)(?:0x|\\?x)?(?:40|80){0}(?:3F|7F|BF)(?:{0}[0-9a-f]{{2}}){{3,}}(?!\w)".format(
        r"[\s,:.'\"-]{0,3}(?:0x|\\?x)?"
    ),
    re.IGNORECASE,
)

# Bytes as Python and ESPHome print them: b'@?\x10\x00D(' and "\x80?\x10\r"
_QUOTED = re.compile(r"""["]((?:[^"\\]|\\.)*)["]|[']((?:[^'\\]|\\.)*)[']""")
_LETTER = re.compile(r"\\x([0-9a-f]{2})|\\(.)|(.)", re.IGNORECASE | re.DOTALL)
_ESCAPES = {"0": 0, "a": 7, "b": 8, "t": 9, "n": 10, "v": 11, "f": 12, "r": 13, "e": 27}

_DECIMAL = re.compile(r"(?:64|128)[,:\s]+(?:63|127|191)(?:[,:\s]+\d{1,3})+[,:\s]+13")

# A line of xxd, hexdump -C or Wireshark: where it is, at most 16 bytes, the same as letters.
_DUMP = re.compile(r"\s*([0-9a-f]{4,8})(?::|  )\s*((?:[0-9a-f]{2} {0,2}){1,16})(?:[\s|].*)?", re.IGNORECASE)


def parse(text):
    """The bytes of a piece of text, of all its lines."""
    lines = text.splitlines()
    out = _dump(lines) or _decimals(text)
    if out:
        return bytes(out)
    words = [word for line in lines for word in _words(line)]
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


def _words(line):
    """The words of a line that are to be bytes, those of whole frames where other words stand beside them."""
    line = _COLOUR.sub("", line)
    quoted = [_letters(one) for pair in _QUOTED.findall(line) for one in pair if "\\x" in one]
    if quoted:
        return [one.hex() for one in quoted]
    start = _start(line)
    if _RUN.search(line[:start]):  # what looked like a label stands behind the bytes
        start = 0
    words = [word for word in _BETWEEN.split(re.sub(r"\bb(?=['\"])", "", line[start:])) if word]
    return words if all(_BYTES.fullmatch(word) for word in words) else _framed(line) or words


def _framed(line):
    """The bytes of the frames in a line, as words; none where no frame is whole or words follow without a break."""
    runs = [re.sub(r"0x|\\?x|[^0-9a-f]", "", one[0].lower()) for one in _RUN.finditer(line)]
    rest = _RUN.split(line)[-1].lstrip("'\"` \t")
    if not runs or rest[:1].isalnum() or not any(b"\r" in bytes.fromhex(one) for one in runs):
        return []
    return runs


def _start(line):
    """Where the bytes begin in a line of a log."""
    time = _TIME.match(line)
    start = time.end() if time else 0
    for arrow in ("\0\0\0", "<<<", ">>>"):
        if arrow in line:
            start = max(start, line.rindex(arrow) + len(arrow))
    for label in _LABEL.finditer(line, start):
        if not _BYTES.fullmatch(label[1]):
            start = max(start, label.end())
    return start


def _letters(text):
    """The bytes of a text in which those that are no letters stand as \\x80."""
    out = bytearray()
    for code, escaped, plain in _LETTER.findall(text):
        byte = int(code, 16) if code else _ESCAPES.get(escaped, ord(escaped or plain))
        if (byte > 126 and not code) or escaped == "x":
            raise ValueError("%r is no text of bytes" % text)
        out.append(byte)
    return bytes(out)


def _decimals(text):
    """The bytes of a frame that a program printed as numbers, [128, 63, 16, 1, 0, 68, 77, 192, 13]. None for anything
    else: three digits in a row and the start of a frame are no hex bytes."""
    text = text[_start(text) :].strip("[](){}; \n")
    numbers = [int(one) for one in re.findall(r"\d+", text)] if _DECIMAL.fullmatch(text) else [0]
    return numbers if 99 < max(numbers) < 256 else None


def _dump(lines):
    """The bytes of a hex dump: each line begins with the number of bytes before it. None for anything else."""
    out = bytearray()
    for line in lines:
        found = _DUMP.fullmatch(line)
        if found and int(found[1], 16) == len(out):
            out += bytes.fromhex(found[2])
        elif line.strip() and line.strip() != "%08x" % len(out):
            return None
    return out


def _digits(word):
    found = _BYTES.fullmatch(word)
    if not found:
        raise ValueError("%r is not hex; bytes look like 80 3F, 0x80 or 803F" % word)
    return found[1]


def _odd(word):
    return ValueError("%r has an odd number of digits; two make a byte" % word)
