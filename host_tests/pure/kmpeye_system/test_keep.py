# Files that survive: what write() does when the flash refuses or lies, and what load() takes for damaged.
# Runs on CPython and MicroPython, on real files in the working directory.

import os

from kmpeye.system import keep

PATH = "test-keep.json"


def remove(*names):
    for name in names:
        try:
            os.remove(name)
        except OSError:
            pass


def names():
    return [name for name in os.listdir(".") if name.startswith(PATH)]


class Torn:
    """A file on a flash that is full after so many bytes."""

    def __init__(self, path, mode, most):
        self._file = open(path, mode)
        self._most = most

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._file.close()

    def write(self, data):
        self._file.write(data[: self._most])
        raise OSError(28)


def torn(most):
    return lambda path, mode: Torn(path, mode, most)


def damaging(place):
    """An opener whose writes lose a bit."""

    def opener(path, mode):
        if mode == "wb":
            with open(path, mode) as file:
                data = bytearray(TEXT)
                data[place] ^= 1
                file.write(data)
            return open(path + ".nowhere", mode)
        return open(path, mode)

    return opener


TEXT = b'{"a": "' + b"x" * 300 + b'"}'


def test_what_is_saved_is_loaded():
    try:
        for state in ({}, {"a": None, "b": [1, "é", True]}, [1], []):
            keep.save(PATH, state)
            assert keep.load(PATH) == state
            assert names() == [PATH], "nothing is left beside it"
    finally:
        remove(PATH)


def test_a_full_flash_leaves_the_old_file():
    keep.save(PATH, {"old": 1})
    try:
        for most in (0, 1, 100):
            try:
                keep.write(PATH, TEXT, opener=torn(most))
                raise AssertionError("it is said")
            except OSError:
                pass
            assert keep.load(PATH) == {"old": 1}
            assert names() == [PATH]
    finally:
        remove(PATH)


def test_a_flash_that_gives_back_something_else_leaves_the_old_file():
    keep.save(PATH, {"old": 1})
    try:
        for place in (0, 127, 128, len(TEXT) - 1):
            try:
                keep.write(PATH, TEXT, opener=damaging(place))
                raise AssertionError("it is said: %d" % place)
            except OSError:
                pass
            assert keep.load(PATH) == {"old": 1}
    finally:
        remove(PATH, PATH + ".new", PATH + ".new.nowhere")


DAMAGED = (
    (b"", "nothing"),
    (b'{"a":1', "cut off"),
    (b'{"a":1}}', "too much"),
    (b'{"a":1}x', "something behind it"),
    (b'{"a":"\xff"}', "not UTF-8"),
    (b"\0" * 100, "erased"),
    (b"\xff" * 100, "erased, on flash"),
    (b"1", "neither an object nor a list"),
    (b'{"a":"' + b"x" * 100 + b'"}', "longer than allowed"),
)


def test_a_damaged_file_is_none():
    try:
        for data, why in DAMAGED:
            with open(PATH, "wb") as file:
                file.write(data)
            assert keep.load(PATH, 100) is None, why
    finally:
        remove(PATH)
    assert keep.load(PATH) is None, "no such file"


def test_a_line_end_by_an_editor_is_no_damage():
    try:
        with open(PATH, "wb") as file:
            file.write(b'{"a": 1}\r\n')
        assert keep.load(PATH) == {"a": 1}
    finally:
        remove(PATH)
