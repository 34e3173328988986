"""`kmp decode`: every published frame, exactly; what is wrong with bad ones, in words; the exit status.

Runs the command in this process, and once as the executable it is. Values are compared as the digits printed.
"""

import io
import json
import os
import subprocess
import sys

import pytest

from conftest import ROOT
from kmp.frame import BAD_BYTE, BAD_CRC, CUT, OVERRUN, SHORT
from kmptool.cli import main
from kmptool.decode import error_text

CAPTURES = [
    one
    for line in (ROOT / "host_tests" / "data" / "captures.jsonl").read_text(encoding="utf-8").splitlines()
    if (one := json.loads(line))["protocol"] == "KMP"
]
UNITS = {"C": "°C", "m3": "m³", "number": "", "yy:mm:dd": "", "hh:mm:ss": "", "RTC": ""}

VOLUME = "403F1000442804430004CB1329230D"  # a real MULTICAL 21: 314.131 m³


def decode(capsys, *arguments):
    """(exit status, lines, stderr); numbers with a point stay text."""
    status = main(["decode", *arguments])
    out, err = capsys.readouterr()
    return status, [json.loads(line, parse_float=str) for line in out.splitlines()], err


def usage_error(capsys, *arguments):
    with pytest.raises(SystemExit) as stopped:
        main(["decode", *arguments])
    assert stopped.value.code == 2
    return capsys.readouterr().err


def expected(digits, unit):
    if unit == "yy:mm:dd":
        digits = "20%s-%s-%s" % (digits[:2], digits[2:4], digits[4:])
    elif unit == "hh:mm:ss":
        digits = "%s:%s:%s" % (digits[:2], digits[2:4], digits[4:])
    elif unit == "RTC":
        digits = digits.replace(" ", "T")
    return digits, UNITS.get(unit, unit)


def shown(registers):
    return {str(one["id"]): (str(one["value"]), one["unit"]) for one in registers}


def streams(capture):
    return [capture[key] for key in ("request_hex", "response_hex") if capture.get(key)]


@pytest.mark.parametrize("capture", CAPTURES, ids=lambda one: one["id"])
def test_a_published_exchange_says_what_its_publisher_worked_out(capture, capsys):
    status, lines, _ = decode(capsys, *streams(capture))
    if capture.get("crc_ok") is not True:
        assert status == 1
        assert any("error" in line for line in lines)
        return
    assert status == 0, lines
    assert all(line.get("crc_ok", line.get("acknowledge")) is True for line in lines)
    told = capture.get("computed")
    if not told:
        return
    reply = lines[-1]
    assert reply["direction"] == "from_meter"
    if "type" in told:
        assert [reply["type"], reply["revision"]] == [told["type"][0], told["sw"][0]]
    elif "serial" in told:
        assert str(reply["serial"]) == told["serial"][0]
    elif "depth" in told:
        assert (reply["log"], reply["depth"]) == (told["log"], told["depth"])
        assert [one["id"] for one in reply["registers"]] == told["ids"]
    elif "records" in told:
        assert [reply[key] for key in ("log", "last", "newest", "info")] == [
            told[key] for key in ("log", "last", "newest", "info")
        ]
        assert [(one["record"], shown(one["registers"])) for one in reply["records"]] == [
            (one["id"], {key: expected(*value) for key, value in one["values"].items()})
            for one in told["records"]
        ]
    else:
        assert shown(reply["registers"]) == {key: expected(*value) for key, value in told.items()}


@pytest.mark.parametrize(
    "capture", [one for one in CAPTURES if one.get("crc_ok") is False], ids=lambda one: one["id"]
)
def test_a_frame_with_a_wrong_crc_is_named_and_says_no_values(capture, capsys):
    _, lines, _ = decode(capsys, *streams(capture))
    bad = [line for line in lines if line.get("crc_ok") is False]
    assert len(bad) == 1
    assert bad[0]["error"] == "wrong CRC"
    assert bad[0]["address"] == 63
    assert "registers" not in bad[0]


@pytest.mark.parametrize(
    "capture", [one for one in CAPTURES if one.get("crc_ok") is None], ids=lambda one: one["id"]
)
def test_an_excerpt_of_a_frame_is_an_error_and_no_value(capture, capsys):
    status, lines, _ = decode(capsys, *streams(capture))
    assert status == 1
    assert "error" in lines[-1]
    assert not any("registers" in line for line in lines)


def test_the_digits_of_a_value_do_not_go_through_a_float(capsys):
    main(["decode", "403F10001B7F160411012AF02463030D"])
    assert '"value": 1959120400000000000000000,' in capsys.readouterr().out


@pytest.mark.parametrize(
    ("stream", "fields"),
    [
        ("803F1001001B7FD4080D", {"registers": [{"id": 128, "name": "max_power_this_year"}]}),
        ("803F01058A0D", {"command": "GetType"}),
        ("803F090001144A00027715774E0D", {"date": "2007-07-30", "clock": "16:15:57"}),
        (
            "803FA0010100440C1B7F170509172D00000000F10D",
            {"log": 1, "when": "2023-05-09T23:45:00", "records": 12, "length": 128},
        ),
        ("403F10079A0D", {"registers": []}),
        ("06", {"direction": "from_meter", "acknowledge": True}),
        ("0006", {"acknowledge": True}),
    ],
)
def test_requests_and_short_replies_show_their_fields(stream, fields, capsys):
    status, lines, _ = decode(capsys, stream)
    assert status == 0
    assert len(lines) == 1
    assert {key: lines[0][key] for key in fields} == fields


LETTERS = "00FE360C0030324B35324143314137435A"  # register 254 of a MULTICAL 603, as its owner published it


def framed(content):
    from kmp.frame import FROM_METER, build

    return build(FROM_METER, 63, bytes.fromhex("10" + content)).hex()


@pytest.mark.parametrize(
    ("content", "value", "unit"),
    [
        (LETTERS, "02K52AC1A7CZ", ""),
        ("015C4F0700 3C10061E0E3037", "2016-06-30T14:48:55", ""),
        ("0044280A43 0000000000000004CB13", "314.131", "m³"),
        ("0044550100 2A", 42, "%RH"),
        ("0044640100 2A", 42, "unit 100"),
    ],
)
def test_values_of_the_newer_meters(content, value, unit, capsys):
    status, lines, _ = decode(capsys, framed(content))
    assert status == 0
    assert [(one["value"], one["unit"]) for one in lines[0]["registers"]] == [(value, unit)]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("0044280B43 000000000000000004CB13", "a value of 11 bytes; 1 to 10 are possible"),
        ("0044280043", "a value of 0 bytes"),
        ("00FE364100" + "30" * 65, "a value of 65 bytes; 1 to 64 are possible"),
    ],
)
def test_values_of_impossible_lengths_are_refused(content, words, capsys):
    status, lines, _ = decode(capsys, framed(content))
    assert status == 1
    assert lines[0]["crc_ok"] is True
    assert words in lines[0]["error"]


@pytest.mark.parametrize(
    ("content", "fields"),
    [
        ("B805", {"error": "a logger command that ends too early, after 2 bytes"}),
        ("B8FF", {"error": "a logger command that ends too early, after 2 bytes"}),
        ("B8050200", {"error": "1 bytes too many in a logger command"}),
        ("B80707FFFF0001FF03EA", {"error": "a logger command that ends too early, after 10 bytes"}),
        ("B80902AB", {"subcommand": 9, "subcommand_name": None, "log": 2, "data": "ab"}),
    ],
)
def test_a_logger_command_that_is_broken_or_unknown_says_so(content, fields, capsys):
    from kmp.frame import TO_METER, build

    status, lines, _ = decode(capsys, build(TO_METER, 63, bytes.fromhex(content)).hex())
    assert status == ("error" in fields)
    assert lines[0]["command"] == "Logger"
    assert {key: lines[0].get(key) for key in fields} == fields


@pytest.mark.parametrize(
    ("stream", "fields", "words"),
    [
        # stuffing that yields no reserved byte; the rest of that frame says nothing more
        ("403F101B000D", {"direction": "from_meter", "address": 63, "cid": 16, "crc_ok": None}, "stuffing"),
        ("803F06100D", {"direction": "to_meter", "address": 63, "crc_ok": None}, "stuffing"),
        ("403F0D", {"direction": "from_meter", "address": 63, "crc_ok": None}, "too short"),
        ("400D", {"direction": "from_meter", "crc_ok": None}, "too short"),
        ("403F1000", {"address": 63, "cid": 16, "crc_ok": None}, "end inside a frame"),
        ("40" + "3F" * 300 + "0D", {"address": 63, "crc_ok": None}, "longer"),
        ("AABB", {"stray": "aabb"}, "2 bytes outside"),
        ("0000", {"stray": "0000"}, "2 bytes outside"),
    ],
)
def test_a_bad_stream_says_what_is_known_and_what_is_wrong(stream, fields, words, capsys):
    status, lines, _ = decode(capsys, stream)
    assert status == 1
    assert len(lines) == 1
    assert {key: lines[0][key] for key in fields} == fields
    assert words in lines[0]["error"]


def test_what_follows_a_broken_frame_is_read(capsys):
    status, lines, _ = decode(capsys, "80 3F 10 01", VOLUME)
    assert status == 1
    assert [line["direction"] for line in lines] == ["to_meter", "from_meter"]
    assert "start of another frame" in lines[0]["error"]
    assert lines[1]["registers"][0]["value"] == "314.131"


def test_a_good_crc_around_broken_content_is_an_error(capsys):
    from kmp.frame import FROM_METER, build

    status, lines, _ = decode(capsys, build(FROM_METER, 63, bytes.fromhex("10004428044300")).hex())
    assert status == 1
    assert lines[0]["crc_ok"] is True
    assert "registers" not in lines[0]
    assert "4 bytes was announced" in lines[0]["error"]


def test_each_line_of_stdin_is_a_stream_of_its_own(capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("403F10\n\n%s\n" % VOLUME))
    status, lines, _ = decode(capsys, "-")
    assert status == 1
    assert "end inside" in lines[0]["error"]
    assert lines[1]["registers"][0]["value"] == "314.131"


@pytest.mark.parametrize(
    ("text", "errors"),
    [
        # a log with a byte a line, and with other lines between
        ("".join("[x] Read: %s\n" % VOLUME[i : i + 2] for i in range(0, 30, 2)), [None]),
        ("16:59:02.302 : 40\n16:59:02.349 : 3f 10 00 44 28\n\n16:59:02.396 : 04430004cb1329230d\n", [None]),
        (VOLUME + "\n" + VOLUME[:10] + "\n" + VOLUME[10:] + "\n", [None, None]),
        # the stop byte on a line of its own, or nowhere
        (VOLUME[:-2] + "\n0D\n" + VOLUME[:-2] + "\n" + VOLUME[:-2], [None] + 2 * ["stop byte"]),
        # a single 00 says nothing
        ("00\n" + VOLUME[:10] + "\n" + VOLUME[10:] + "\n00\n", [None]),
        # what begins and is not gone on with
        (VOLUME[:10] + "\n" + VOLUME[:12] + "\n" + VOLUME, ["end inside", "end inside", None]),
        (VOLUME[:10] + "\n" + VOLUME[12:] + "\n" + VOLUME, ["end inside", "outside any", None]),
    ],
)
def test_a_frame_may_go_over_several_lines_of_stdin(text, errors, capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))
    status, lines, _ = decode(capsys, "-")
    assert status == any(errors)
    assert len(lines) == len(errors)
    for line, error in zip(lines, errors, strict=True):
        assert (error in line["error"]) if error else line["registers"][0]["value"] == "314.131"


def test_lines_of_stdin_that_begin_a_frame_and_never_end_it_are_not_kept_for_ever(capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("40 3F\n" + "01\n" * 2000 + VOLUME))
    _, lines, _ = decode(capsys, "-")
    assert len(lines) > 1000
    assert lines[-1]["registers"][0]["value"] == "314.131"


def test_a_line_of_stdin_that_is_not_hex_is_named_by_its_number(capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("%s\nhello\n" % VOLUME))
    err = usage_error(capsys, "-")
    assert "line 2" in err
    assert "'hello'" in err


def test_a_line_of_stdin_that_is_not_hex_hides_no_frame_after_it(capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("Starting up\n%s\nbye\n" % VOLUME))
    with pytest.raises(SystemExit) as stopped:
        main(["decode", "-"])
    out, err = capsys.readouterr()
    assert stopped.value.code == 2
    assert "line 1: 'Starting'" in err
    assert json.loads(out)["registers"][0]["id"] == 68


def test_an_empty_stdin_is_no_success(capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n\n"))
    assert "no bytes on stdin" in usage_error(capsys, "-")


@pytest.mark.parametrize(
    ("given", "status", "words"),
    [
        (VOLUME.encode() + b" \xb3\n\xff\xfe\n", 2, "line 2: "),
        (b"", 2, "no bytes on stdin"),
        (None, 2, "no bytes on stdin"),
    ],
)
def test_whatever_stdin_is_there_is_no_traceback(given, status, words):
    shell = "%s %s decode - %s" % (sys.executable, ROOT / "tools" / "kmp", "<&-" if given is None else "")
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8:strict"}  # as under a locale like da_DK.UTF-8
    done = subprocess.run(["bash", "-c", shell], input=given, capture_output=True, env=environment)
    assert done.returncode == status
    assert b"Traceback" not in done.stderr
    assert words in done.stderr.decode()
    assert (b"314.131" in done.stdout) == bool(given)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="only Linux has a disk that is always full")
def test_a_full_disk_is_said_in_one_line():
    with open("/dev/full", "w") as full:
        command = [sys.executable, ROOT / "tools" / "kmp", "decode", VOLUME]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (1, "kmp: No space left on device\n")


def test_the_executable_works_alone_from_anywhere(tmp_path):
    done = subprocess.run(
        [ROOT / "tools" / "kmp", "decode", VOLUME],
        cwd=tmp_path,
        capture_output=True,
        env={"LC_ALL": "C", "PATH": "%s:/usr/bin:/bin" % os.path.dirname(sys.executable)},
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert json.loads(done.stdout.decode("utf-8"))["registers"][0]["unit"] == "m³"


def test_a_reader_that_leaves_early_is_no_traceback():
    kmp = "%s %s" % (sys.executable, ROOT / "tools" / "kmp")
    command = "while :; do echo %s; done | head -5000 | %s decode - | head -1" % (VOLUME, kmp)
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert done.stdout.count("\n") == 1
    assert done.stderr == ""


def test_the_readme_shows_what_is_printed(capsys):
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    shown = [i for i, line in enumerate(lines) if line.startswith("    $ tools/kmp decode ")]
    assert shown
    for i in shown:
        assert main(lines[i].split()[2:]) == 0
        assert capsys.readouterr().out == lines[i + 1].strip() + "\n"


def test_every_broken_frame_is_put_into_words():
    words = [error_text(event) for event in (BAD_CRC, BAD_BYTE, OVERRUN, SHORT, CUT)]
    for word, part in zip(words, ("CRC", "may not stand there", "longer", "short", "cut off"), strict=True):
        assert part in word
    assert len(set(words)) == 5
