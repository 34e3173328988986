# Memory: when to collect, and how much the rest of the chip has left. Python's heap and ESP-IDF's (Wi-Fi, sockets, TLS)
# are taken from the same RAM: what Python takes beyond its first piece, Wi-Fi lacks. Imports nothing of ours.

import gc

from micropython import const

_THRESHOLD = const(8192)  # bytes between two collections at most: a seventh of the chip's first heap
_LOW = const(24576)  # free bytes of ESP-IDF's heap; below them Wi-Fi drops packets and a TLS handshake fails
_LOW_PIECE = const(8192)  # its largest piece; a busy connection takes 4 to 7 KB, in packets of 1.6 KB


def settle():
    """At the end of the start: collect, and from now on collect often enough that garbage never makes the heap grow."""
    gc.collect()
    if hasattr(gc, "mem_alloc"):  # CPython counts otherwise
        gc.threshold(_THRESHOLD)


def idf():
    """(free, largest piece, least ever free) bytes of ESP-IDF's heap, or None where there is none."""
    try:
        from esp32 import HEAP_DATA, idf_heap_info
    except ImportError:
        return None
    free = largest = least = 0
    for _, now, piece, ever in idf_heap_info(HEAP_DATA):
        free += now
        largest = max(largest, piece)
        least += ever
    return free, largest, least


def low():
    """True when servers should let clients go before Wi-Fi suffers."""
    figures = idf()
    return figures is not None and (figures[0] < _LOW or figures[1] < _LOW_PIECE)


def as_json():
    """A JSON object for /api/status; {} where nobody counts."""
    figures = idf()
    parts = []
    if hasattr(gc, "mem_alloc"):
        parts.append('"alloc":%d,"free":%d' % (gc.mem_alloc(), gc.mem_free()))
    if figures:
        parts.append('"idf_free":%d,"idf_largest":%d,"idf_least":%d' % figures)
    return "{%s}" % ",".join(parts)
