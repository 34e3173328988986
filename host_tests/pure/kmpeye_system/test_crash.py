# What ended the firmware, on flash: two slots, bounded, whole whatever happens. The flash is a dict that can refuse.

from kmpeye.system import crash


class File:
    def __init__(self, flash, path, mode):
        self.flash = flash
        self.path = path
        self.data = b""
        self.place = 0
        if mode == "rb":
            if path not in flash.files:
                raise OSError("ENOENT")
            self.data = flash.files[path]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.place == 0 and self.data and self.path not in self.flash.files:
            self.flash.files[self.path] = self.data

    def write(self, data):
        if self.flash.full:
            raise OSError("ENOSPC")
        self.data += bytes(data)
        self.flash.files[self.path] = self.data

    def read(self, count):
        return self.data[:count]

    def readinto(self, buffer):
        part = self.data[self.place : self.place + len(buffer)]
        buffer[: len(part)] = part
        self.place += len(part)
        return len(part)


class Flash:
    """A file system with the calls that os has."""

    def __init__(self):
        self.files = {}
        self.full = False

    def open(self, path, mode):
        return File(self, path, mode)

    def rename(self, old, new):
        if old not in self.files:
            raise OSError("ENOENT")
        self.files[new] = self.files.pop(old)

    def remove(self, path):
        if path not in self.files:
            raise OSError("ENOENT")
        del self.files[path]

    def record(self, text, uptime_s=5, date="2026-11-22T06:40:00Z", version=None):
        return crash.record(text, uptime_s, date, version, self, self.open)

    def texts(self):
        return list(crash.texts(self.open))


def test_the_newest_comes_first_and_two_are_kept():
    flash = Flash()
    assert flash.texts() == []
    for number in (1, 2, 3):
        assert flash.record("reason %d" % number, number)
    assert flash.texts() == [
        "2026-11-22T06:40:00Z after 3 s of uptime\nreason 3\n",
        "2026-11-22T06:40:00Z after 2 s of uptime\nreason 2\n",
    ]
    assert sorted(flash.files) == ["crash.old.txt", "crash.txt"]


def test_without_a_date_it_says_so():
    flash = Flash()
    flash.record("x", 7, None)
    assert flash.texts() == ["no date, after 7 s of uptime\nx\n"]


def test_the_version_says_which_sources_the_traceback_is_of():
    flash = Flash()
    flash.record("x", 7, None, "0.2.0")
    assert flash.texts() == ["kmpeye 0.2.0, no date, after 7 s of uptime\nx\n"]


def test_of_a_long_one_the_head_and_the_end_are_kept():
    flash = Flash()
    flash.record("begin " + "x" * 5000 + " end")
    text = flash.texts()[0]
    assert len(text) == 1500 and text.startswith("2026-11-22T06:40:00Z after") and text.endswith(" end\n")


def test_a_full_flash_keeps_the_one_before():
    flash = Flash()
    flash.record("first")
    flash.full = True
    assert not flash.record("second")
    assert [text.split("\n")[1] for text in flash.texts()] == ["first"]


def test_what_is_not_text_is_not_shown():
    flash = Flash()
    flash.record("first")
    flash.files["crash.txt"] = b"\xff\xfe\x00"
    assert flash.texts() == []


def test_a_traceback_names_the_error():
    try:
        {}["nothing"]
    except KeyError as e:
        assert "KeyError" in crash.trace(e) and "nothing" in crash.trace(e)
