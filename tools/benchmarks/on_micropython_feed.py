# Feeds a stream of replies, echoes and damage to the frame reader and counts what it allocates, collector off.
# Usage: on_micropython_feed.py BYTES, the stream in hex on stdin.
# Prints one JSON line: {"fed", "allocated", "frames", "bad_crc"}

import gc
import json
import sys
from binascii import unhexlify

from kmp.frame import Reader

_CHUNK = 64  # what the line takes per read


def feed(reader, chunk, count):
    """The loop of kmpeye.head.line, without the port."""
    pos = 0
    while pos < count:
        pos = reader.feed(chunk, pos, count)


def fill(chunk, stream, start):
    """The next chunk of the endless repetition of stream; where to go on."""
    i = 0
    while i < _CHUNK:
        chunk[i] = stream[start]
        start += 1
        if start == len(stream):
            start = 0
        i += 1
    return start


def run(reader, chunk, stream, count):
    start = fed = 0
    while fed < count:
        start = fill(chunk, stream, start)
        feed(reader, chunk, _CHUNK)
        fed += _CHUNK
    return fed


def main(count, stream):
    reader = Reader()
    chunk = bytearray(_CHUNK)
    run(reader, chunk, stream, len(stream))
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    fed = run(reader, chunk, stream, count)
    allocated = gc.mem_alloc() - before
    gc.enable()
    print(
        json.dumps({"fed": fed, "allocated": allocated, "frames": reader.frames, "bad_crc": reader.bad_crc})
    )


main(int(sys.argv[1]), unhexlify(sys.stdin.read().strip()))
