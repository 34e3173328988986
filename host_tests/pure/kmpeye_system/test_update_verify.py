# Which bundles are taken: the signature bit by bit, what the first line may say, versions, chips.
# Runs on CPython and MicroPython; update_vectors.py was made with another implementation of RSA.

import json

from kmpeye.system.update_verify import Wrong, check, chip_of, head, seems, signed, version_of
from update_vectors import KEY, LINE, SIGNATURE, TRAILING


def word(function, *arguments):
    """The word of the refusal, or None."""
    try:
        function(*arguments)
    except Wrong as wrong:
        assert len(wrong.args[1]) > 20, "a sentence says what would be right"
        return wrong.args[0]
    return None


def flipped(data, bit):
    changed = bytearray(data)
    changed[bit >> 3] ^= 1 << (bit & 7)
    return bytes(changed)


def test_the_owners_signature_is_right():
    assert signed(LINE, SIGNATURE, KEY)


def test_one_wrong_bit_anywhere_makes_it_wrong():
    for bit in range(0, 2048, 97):
        assert not signed(LINE, flipped(SIGNATURE, bit), KEY), bit
        assert not signed(LINE, SIGNATURE, flipped(KEY, bit)), bit
    for bit in range(0, 8 * len(LINE), 211):
        assert not signed(flipped(LINE, bit), SIGNATURE, KEY), bit


def test_what_only_resembles_a_signature_is_none():
    table = (
        (TRAILING, KEY, "the digest in the middle of the block"),
        (b"", KEY, "nothing"),
        (SIGNATURE[1:], KEY, "a byte short"),
        (SIGNATURE + b"\0", KEY, "a byte long"),
        (bytes(256), KEY, "zero is its own power"),
        (bytes(255) + b"\1", KEY, "so is one"),
        (KEY, KEY, "the modulus"),
        (b"\xff" * 256, KEY, "larger than the modulus"),
        (SIGNATURE, KEY[:128], "half a key"),
        (SIGNATURE, b"", "no key"),
    )
    for signature, key, why in table:
        assert not signed(LINE, signature, key), why


def test_the_first_line_says_what_it_is_about():
    found = head(LINE)
    assert (found["version"], found["size"], found["chips"], found["mpy"]) == ("0.3.0", 5, ["esp32", "pc"], 6)
    assert len(found["sha256"]) == 32


def test_a_first_line_of_another_kind_is_no_bundle():
    good = json.loads(LINE.decode())
    for key, value in (
        ("bundle", 2),
        ("version", "new"),
        ("version", 3),
        ("size", 0),
        ("size", "5"),
        ("sha256", "12"),
        ("sha256", None),
        ("chips", "esp32"),
        ("mpy", None),
    ):
        line = json.dumps(dict(good, **{key: value})).encode()
        assert word(lambda line: check(head(line), "esp32", 6, "0.2.0", 100, False), line), (key, value)
    for line in (b"", b"[]\n", b"null\n", b"\xff\xfe", b'{"bundle":1}\n', LINE[:50]):
        assert word(head, line) == "not_a_bundle", line


def test_the_beginning_of_a_bundle_is_known_from_its_first_byte_on():
    for size in range(len(LINE)):
        assert seems(LINE[:size]), size
    for other in (b"\xd2\xcd\x31", b"{}", b"PK\3\4", b'{"bundl?'):
        assert not seems(other), other


# what the bundle says besides, chip, .mpy of the interpreter, what runs, room, downgrade, word
CHECKS = (
    ({}, "esp32", 6, "0.2.0", 5, False, None),
    ({}, "esp32", 6, "0.3.0", 5, False, None),
    ({}, "esp32", 0x706, "0.2.0", 5, False, None),
    ({}, "esp32c3", 6, "0.2.0", 5, False, "other_board"),
    ({}, "esp32", 5, "0.2.0", 5, False, "other_micropython"),
    ({"mpy": 7}, "esp32", 7, "0.2.0", 5, False, "other_micropython"),
    ({}, "esp32", 6, "0.2.0", 4, False, "too_large"),
    ({}, "esp32", 6, "0.3.1", 5, False, "downgrade"),
    ({}, "esp32", 6, "0.3.1", 5, True, None),
    ({}, "esp32", 6, "0.10.0", 5, False, "downgrade"),
    ({"version": "0.10.0"}, "esp32", 6, "0.9.9", 5, False, None),
    ({"version": "1.0"}, "esp32", 6, "1.0.1", 5, False, "downgrade"),
)


def test_a_bundle_has_to_fit_this_board():
    for said, chip, mpy, running, room, downgrade, wanted in CHECKS:
        found = dict(head(LINE), **said)
        assert word(check, found, chip, mpy, running, room, downgrade) == wanted, (said, chip, running)


def test_versions_are_numbers_not_texts():
    assert version_of("0.9.10") > version_of("0.9.9") > version_of("0.9")


def test_the_chip_is_in_micropythons_name_of_the_board():
    for machine, chip in (
        ("Generic ESP32 module with ESP32", "esp32"),
        ("Generic ESP32C3 module with ESP32C3", "esp32c3"),
        ("LOLIN_S2_MINI with ESP32-S2FN4R2", "esp32s2"),
        ("Generic ESP32S3 module with Octal-SPIRAM with ESP32S3", "esp32s3"),
        ("M5Stack Atom with ESP32-PICO-D4", "esp32"),
        ("a board with ESP32-D0WD", "esp32"),
    ):
        assert chip_of("esp32", machine) == chip, machine
    assert chip_of("linux", "linux [GCC 15.2.0] version") == "pc"
