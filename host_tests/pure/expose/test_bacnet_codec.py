# Tagged values both ways against bytes that other BACnet programs make, and requests that end too early.
# Runs on CPython and MicroPython.

from bacnet_vectors import data
from kmpeye.expose.bacnet.codec import Refused, Request, Writer
from kmpeye.readings.ieee import double, single

REJECT, ABORT = 6, 7

# method, its arguments, bytes (as bacpypes3 and bacnet-stack write them), why
WRITTEN = (
    ("unsigned", (0,), "21 00", "zero has a byte"),
    ("unsigned", (255,), "21 ff", ""),
    ("unsigned", (256,), "22 01 00", ""),
    ("unsigned", (1476,), "22 05 c4", ""),
    ("unsigned", (4294967295,), "24 ff ff ff ff", "beyond a small integer"),
    ("unsigned", (900, 3), "3a 03 84", "a context tag"),
    ("primitive", (4, None, single(72, 0).to_bytes(4, "big")), "44 42 90 00 00", "a real"),
    ("primitive", (5, None, double(72, 0).to_bytes(8, "big")), "55 08 40 52 00 00 00 00 00 00", "a double"),
    ("text", ("°C",), "74 00 c2 b0 43", "the first byte is the character set"),
    ("text", ("",), "71 00", ""),
    ("text", ("abcdefghijklmnopqrstuvwx",), "75 19 00 61 62 63 64 65 66 67 68 69 6a 6b 6c 6d 6e 6f 70 71 72 73 "
     "74 75 76 77 78", "25 bytes"),
    ("enumerated", (19,), "91 13", ""),
    ("enumerated", (47925,), "92 bb 35", ""),
    ("object", (0, 15), "c4 00 00 00 0f", ""),
    ("object", (8, 260001), "c4 02 03 f7 a1", ""),
    ("object", (40, 3), "c4 0a 00 00 03", ""),
    ("object", (0, 1, 0), "0c 00 00 00 01", "a context tag"),
    ("tag", (0x3E,), "3e", "an opening tag"),
)  # fmt: skip


def test_values_are_written_as_others_write_them():
    for method, arguments, wanted, why in WRITTEN:
        writer = Writer(b"", 64)
        getattr(writer, method)(*arguments)
        assert writer.packet() == data("81 0a 00 %02x 01 00 " % len(writer.data) + wanted), (arguments, why)


def test_a_text_longer_than_253_bytes_has_its_length_in_two():
    writer = Writer(b"", 400)
    writer.text("m" * 300)
    assert writer.data[6:11] == b"\x75\xfe\x01\x2d\0"
    assert len(writer.data) == 6 + 305


def refusal(function, *arguments):
    try:
        function(*arguments)
    except Refused as e:
        return e.args
    return None


def test_nothing_is_written_behind_the_limit():
    for method, arguments, wanted, _ in WRITTEN:
        size = len(data(wanted))
        for limit in range(size):
            for route in (b"", b"\0\5\1\n"):  # what is around the APDU does not count
                writer = Writer(route, limit)
                before = bytes(writer.data)
                assert refusal(getattr(writer, method), *arguments) == (ABORT, 4), (method, limit)
                assert writer.data == before, (method, limit)


INVALID = (REJECT, 4)
MISSING = (REJECT, 5)

# method, context, bytes, result or refusal, why
TAKEN = (
    ("unsigned", 0, "09 12", 18, ""),
    ("unsigned", 3, "3a 03 84", 900, ""),
    ("unsigned", 0, "0c ff ff ff ff", 4294967295, ""),
    ("unsigned", 0, "0d 03 01 00 00", 65536, "the length may follow the tag, needless as it is"),
    ("unsigned", 2, "29 00", 0, "a boolean behind a context tag has a byte"),
    ("unsigned", 0, "09", INVALID, "the content is missing"),
    ("unsigned", 0, "0d", INVALID, "the length is missing"),
    ("unsigned", 0, "0d fe 01 00", INVALID, "longer than any number"),
    ("unsigned", 0, "0d 05 01 02 03 04 05", INVALID, "a number of five bytes"),
    ("unsigned", 0, "08", INVALID, "a number of no bytes"),
    ("unsigned", 0, "0e", INVALID, "an opening tag"),
    ("unsigned", 0, "19 01", INVALID, "another context tag"),
    ("unsigned", 0, "21 01", INVALID, "an application tag"),
    ("object", 0, "0c 02 03 f7 a1", (8, 260001), ""),
    ("object", 0, "0b 02 03 f7", INVALID, "an identifier of three bytes"),
    ("object", 1, "1c ff ff ff ff", (1023, 4194303), "the largest of all"),
)  # fmt: skip


def test_parameters_are_taken_or_refused():
    for method, context, given, wanted, why in TAKEN:
        content = data(given)
        for before in (b"", b"\x0c\x01"):  # wherever they stand
            request = Request(before + content, len(before))
            try:
                found = getattr(request, method)(context)
                assert not request.more(), why
            except Refused as e:
                found = e.args
            assert found == wanted, (given, why)


def test_a_parameter_that_is_not_there_is_told_from_a_wrong_one():
    for method in ("unsigned", "object"):
        assert refusal(getattr(Request(b"", 0), method), 0) == MISSING
    assert refusal(Request(b"\x1e", 1).need, 0x1E) == MISSING
    assert refusal(Request(b"\x1f", 0).need, 0x1E) == INVALID


def test_a_tag_is_recognized_by_number_and_class():
    # bytes, octet, is it? A context tag counts whatever its length is; extended numbers are none of ours.
    for given, octet, wanted in (
        ("09 01", 0x08, True),
        ("0d 05", 0x08, True),
        ("0e", 0x08, False),
        ("0f", 0x08, False),
        ("01 01", 0x08, False),
        ("19 01", 0x08, False),
        ("f9 01 00", 0x08, False),
        ("1e", 0x1E, True),
        ("1f", 0x1E, False),
        ("1f", 0x1F, True),
    ):
        content = data(given)
        assert Request(content, 0).at(octet) == wanted, (given, octet)
