# What differs between the three interpreters and must not show: const, integers past the small ones, imports.
# Imports the firmware's pure packages only; runs on CPython and on MicroPython alike.

import os

from micropython import const

_TABLE = const(0x3FFFFFFF)  # the largest integer 32-bit MicroPython holds without memory of its own

# Packages that need no chip and no socket: everything in them has to import everywhere.
PURE_PACKAGES = ("kmp", "kmpeye/readings", "kmpeye/meter")


def test_const_is_the_number():
    assert _TABLE == 1073741823


def test_integers_stay_exact_past_every_word_size():
    for bits in (30, 31, 32, 53, 62, 63, 64, 80):
        number = (1 << bits) + 1
        assert number - 1 == 1 << bits
        assert int(str(number)) == number
        assert number.to_bytes(11, "big")[-1] == 1


def test_every_pure_module_imports():
    imported = 0
    for package in PURE_PACKAGES:
        for name in sorted(os.listdir("firmware/" + package)):
            stem, _, suffix = name.rpartition(".")
            if suffix == "py" and stem != "__init__":
                __import__(package.replace("/", ".") + "." + stem)
                imported += 1
    assert imported >= 7
