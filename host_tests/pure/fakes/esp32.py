# The part of the chip's esp32 module that the system uses: ESP-IDF's heaps. A test sets what is left of them.
# host/test_fakes.py holds every signature to the stubs.

HEAP_EXEC = 1
HEAP_DATA = 4

heaps = []  # (total, free, largest free piece, least ever free) of each


def idf_heap_info(capabilities):
    if capabilities not in (HEAP_EXEC, HEAP_DATA):
        raise ValueError("capabilities")
    return list(heaps)
