# Long texts, line by line. In the sources they are texts; the build packs what is given to lines() by name
# (tools/packed_texts.py), as a text for people takes a third of the flash then. Imports nothing of ours. Promises the
# same lines either way, and less than 3 KB of heap while they are read.

from io import BytesIO

from micropython import const

_WINDOW_BITS = const(10)  # 1 KB, as tools/packed_texts.py packs; half of that would cost 650 bytes of flash


def lines(text):
    """Yields the lines of a text that begins and ends with a line feed, or of what the build made of it."""
    if isinstance(text, str):
        yield from text.strip("\n").split("\n")
        return
    from deflate import RAW, DeflateIO

    file = DeflateIO(BytesIO(text), RAW, _WINDOW_BITS)
    while True:
        line = file.readline()
        if not line:
            return
        yield str(line, "utf-8")[:-1]
