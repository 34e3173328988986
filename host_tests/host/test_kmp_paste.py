"""`kmp decode` of what people paste: bytes in every notation, lines of logs, frames with parts missing, and anything.

Runs the command in this process. Values are compared as the digits printed.
"""

import json
import random
import re

import pytest

from conftest import ROOT
from kmptool import hexbytes
from kmptool.cli import main
from kmptool.decode import decode as decoded
from kmptool.jsonline import dumps

VOLUME = "403F1000442804430004CB1329230D"  # a real MULTICAL 21: 314.131 m³
CAPTURES = ROOT / "host_tests" / "data" / "captures.jsonl"


def decode(capsys, *arguments):
    """(exit status, lines); numbers with a point stay text."""
    status = main(["decode", *arguments])
    return status, [json.loads(line, parse_float=str) for line in capsys.readouterr().out.splitlines()]


def wires():
    """Every published frame as it travels."""
    for line in CAPTURES.read_text(encoding="utf-8").splitlines():
        capture = json.loads(line)
        for key in ("request_hex", "response_hex"):
            if capture["protocol"] == "KMP" and capture.get(key):
                yield bytes.fromhex(capture[key])


@pytest.mark.parametrize(
    "arguments",
    [
        [VOLUME],
        [VOLUME.lower()],
        [VOLUME[i : i + 2] for i in range(0, len(VOLUME), 2)],
        ["0x" + VOLUME],
        [", ".join("0x" + VOLUME[i : i + 2] for i in range(0, len(VOLUME), 2))],
        [":".join(VOLUME[i : i + 2] for i in range(0, len(VOLUME), 2))],
        ["  403f 1000\n442804 430004\tcb13", "29230d\n"],
        ["".join("\\x" + VOLUME[i : i + 2] for i in range(0, len(VOLUME), 2))],
        [" ".join("x" + VOLUME[i : i + 2].lower() for i in range(0, len(VOLUME), 2))],
        ["Rd:b'%s'" % VOLUME.lower()],
        [
            "[21:26:12][D][uart_debug:114]: <<< "
            + ":".join(VOLUME[i : i + 2] for i in range(0, len(VOLUME), 2))
        ],
        ["16:59:02.302 : 40\n16:59:02.349 : 3f 10 00 44 28 04 43\n16:59:02.396 : 00 04 cb 13 29 23 0d"],
        ["\x1b[36m2026-05-18 23:00:32.948 DEBUG (MainThread) [x.y] Read: %s\x1b[0m" % VOLUME],
        ["{0x" + ", 0x".join(VOLUME[i : i + 2] for i in range(0, len(VOLUME), 2)) + "};"],
        ["-".join(VOLUME[i : i + 2] for i in range(0, len(VOLUME), 2))],
        ["40 3F 10 0 44 28 4 43 0 4 CB 13 29 23 D"],
        ["403F10 0044280443000 4CB1329230D"],
        ["\ufeff" + VOLUME + "\r\n"],
        ["answer = 403F1000 442804 430004 CB13 2923 0D"],
        ["b'@?\\x10\\x00D(\\x04C\\x00\\x04\\xcb\\x13)#\\r'"],
        ["bytearray(b'" + "".join("\\x" + VOLUME[i : i + 2] for i in range(0, len(VOLUME), 2)) + "')"],
        ['[12:34:56.900][D][uart_debug:158]: <<< "@?\\x10\\0D(\\x04C\\x00\\x04\\xCB\\x13)#\\r"'],
        ["<<< 64:63:16:0:68:40:4:67:0:4:203:19:41:35:13"],
        ['{"payload": [64, 63, 16, 0, 68, 40, 4, 67, 0, 4, 203, 19, 41, 35, 13]}'],
        [
            "uint8_t answer[15] = {0x"
            + ", 0x".join(VOLUME[i : i + 2] for i in range(0, len(VOLUME), 2))
            + "};"
        ],
        ["DEBUG:heat:Received %s" % VOLUME.lower()],
        ["Tx[15]: " + VOLUME],
        ["RX %s (15 bytes)" % VOLUME],
        [VOLUME + "  -> V1: 314.131 m3"],
        ["> 2022/01/12 12:00:00.000123  length=15 from=0 to=14\n %s  @?..D(.C....)#." % VOLUME],
        ["2022-01-12T12:00:00.123Z " + VOLUME],
        ["00000000: 403f 1000 4428 0443 0004 cb13 2923 0d    @?..D(.C....)#."],
        ["0000   40 3f 10 00 44 28 04 43 00 04 cb 13 29 23 0d      @?..D(.C....)#."],
    ],
)
def test_bytes_may_be_written_as_people_paste_them(arguments, capsys):
    status, lines = decode(capsys, *arguments)
    assert status == 0
    assert lines == [
        {
            "direction": "from_meter",
            "address": 63,
            "cid": 16,
            "command": "GetRegister",
            "crc_ok": True,
            "registers": [{"id": 68, "name": "volume", "value": "314.131", "unit": "m³"}],
        }
    ]


@pytest.mark.parametrize(
    "text",
    [
        "-> 80 3F 10 01 00 44 4D C0 0D <- " + VOLUME,
        "803f1001 00444dc00d --> 403f10 0044280443000 4cb1329230d",
        "asked 803F100100444DC00D, heard %s, good" % VOLUME,
        # hexdump -C, where letters look like bytes and the second line does not begin a frame
        "00000000  80 3f 10 01 00 44 4d c0  0d 40 3f 10 00 44 28 04  |.?...DM..@?..D(.|\n"
        "00000010  43 00 04 cb 13 29 23 0d                           |C....)#.|\n00000018",
    ],
)
def test_a_question_and_its_answer_are_found_between_words(text, capsys):
    status, lines = decode(capsys, text)
    assert status == 0
    assert [line["direction"] for line in lines] == ["to_meter", "from_meter"]
    assert lines[1]["registers"][0]["value"] == "314.131"


def test_letters_among_the_escapes_of_a_text_are_no_hex_digits(capsys):
    status, lines = decode(capsys, r'"\x80?\x10\x01DD\x8c\xc8\r"')
    assert status == 0
    assert [one["id"] for one in lines[0]["registers"]] == [0x4444]


def test_a_bad_frame_between_words_is_not_passed_over(capsys):
    status, lines = decode(capsys, "heard %s24 0D (1)" % VOLUME[:-4])
    assert status == 1
    assert [line["error"] for line in lines] == ["wrong CRC"]


# Seven registers of a real MULTICAL 21, without start and stop byte.
SEVEN = (
    "3F100044280443000CAFAB03EC3304000000D66800633302000000"
    "004A290200000000F328044300000000012425010014012B25010015912B"
)


@pytest.mark.parametrize(
    ("stream", "direction", "count", "error"),
    [
        (SEVEN + "0D", "from_meter", 7, "the start byte is missing"),
        ("40" + SEVEN, "from_meter", 7, "the stop byte 0D is missing"),
        (SEVEN, "from_meter", 7, "the start and stop bytes are missing"),
        ("3F1001003CB25F0D", "to_meter", 1, "the start byte is missing"),
        (
            "403F1000020204000000000009060D",
            "from_meter",
            1,
            "not stuffed: it travels as 403f1000020204000000000009",
        ),
    ],
)
def test_a_frame_that_a_log_printed_in_part_is_read_and_says_what_is_missing(
    stream, direction, count, error, capsys
):
    status, lines = decode(capsys, stream)
    assert status == 1
    assert len(lines) == 1
    assert (lines[0]["direction"], lines[0]["crc_ok"], len(lines[0]["registers"])) == (direction, True, count)
    assert lines[0]["error"].startswith(error)


def test_frames_whose_stuffing_is_undone_are_read_among_others(capsys):
    asked, undone = "803F1001000265C20D", "403F1000020204000000000009060D"
    status, lines = decode(capsys, asked + undone + asked + VOLUME)
    assert status == 1
    assert [line.get("error", "")[:11] for line in lines] == ["", "not stuffed", "", ""]
    assert [line["registers"][0].get("value") for line in lines] == [None, 0, None, "314.131"]


def test_no_good_frame_is_taken_for_the_inside_of_one_whose_stuffing_is_undone(capsys):
    """The CRC of all these bytes together fits by chance."""
    first = "403F10003A0004000000000301803F"
    status, lines = decode(capsys, first + "10010096A6FF0D")
    assert status == 1
    assert [line["direction"] for line in lines] == ["from_meter", "to_meter"]
    assert lines[1]["registers"][0]["id"] == 150


@pytest.mark.timeout(60)  # of a moment; with each byte tried anew it would be an hour
def test_a_long_stream_with_a_bad_frame_is_read_in_a_moment():
    stream = (bytes.fromhex(VOLUME) * 20 + b"\x40\x3f") * 50
    lines = decoded(stream)
    assert sum("registers" in line for line in lines) == 1000


def test_frames_without_their_start_bytes_are_told_apart_from_noise(capsys):
    _, lines = decode(capsys, "AABB0D" + VOLUME[2:] + "CC")
    assert [line.get("stray") for line in lines] == ["aabb0d", None, "cc"]
    assert lines[1]["registers"][0]["value"] == "314.131"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["40", "zz"], "'zz'"),
        (["hello"], "'hello'"),
        (["b'@?\\x10\\x00"], "'@?'"),
        (["403"], "'403'"),
        (["4033F", "1000"], "'4033F'"),
        (["40", "3"], "'3'"),
        (["0x"], "'0x'"),
        ([" "], "no bytes"),
        (["40", "-"], "'-'"),
        ([VOLUME, "zz"], "'zz'"),
        (["New value for sensor 1001, value: 6906867.0 "], "'6906867.0'"),
        (["Volume: 314.131 m3"], "'314.131'"),
        ([VOLUME, "volume: 314.131"], "'volume'"),
        (["40 3F 10 00 44 28 04 43 00 04 CB 13 29 2G 0D"], "'2G'"),
        (["hello 40 3F 10 00"], "'hello'"),
        ([r"b'\x40\xé'"], "no text of bytes"),
    ],
)
def test_what_is_not_hex_is_named(arguments, named, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["decode", *arguments])
    assert stopped.value.code == 2
    assert named in capsys.readouterr().err


def test_whatever_is_pasted_gives_lines_and_no_traceback():
    rng = random.Random(20261123)
    published = list(wires())
    for _ in range(3000):
        data = bytearray(rng.choice(published) + rng.choice(published))
        for _ in range(rng.randint(1, 4)):
            where = rng.randrange(len(data))
            data[where : where + rng.randint(0, 2)] = rng.choice(
                (b"", b"\0", b"\x1b", b"@", bytes((where % 256,)))
            )
        for line in decoded(bytes(data)):
            json.loads(dumps(line))


def test_whatever_is_typed_gives_bytes_or_names_what_is_wrong():
    rng = random.Random(20261123)
    for _ in range(3000):
        text = "".join(
            rng.choice("0123456789abcdefXx :;,.-\\'\"[]<>=hbR\n\0é") for _ in range(rng.randint(0, 40))
        )
        try:
            assert hexbytes.parse(text)
        except ValueError as error:
            assert re.search("is not hex|odd number|no bytes|no text of bytes", str(error))
