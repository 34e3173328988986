"""`kmp log`: records of simulated loggers and of real replies, digit for digit; all commands, both byte orders, and
what is said when there is nothing.

Starts one simulator and small meters of its own on the loopback, and ends them.
"""

import contextlib
import json
import signal
import socket
import subprocess
import sys
import threading

import pytest

from conftest import ROOT
from kmp.frame import FRAME, FROM_METER, Reader, build
from kmp.log import (
    GET_LOG_ID_PRESENT,
    GET_LOG_TIME_PAST,
    GET_LOG_TIME_PRESENT,
    OUTSIDE,
    read_log,
)
from kmp.meter import event_reply, log_reply, read_request
from kmptool.cli import main
from kmptool.jsonline import dumps
from kmptool.log import line_of

CAPTURES = [
    json.loads(line)
    for line in (ROOT / "host_tests" / "data" / "captures.jsonl").read_text(encoding="utf-8").splitlines()
]
REAL_LOGS = [one for one in CAPTURES if "-log" in one["id"] and "computed" in one]
UNITS = {"RTC": ""}
# 447 6.3: formats in the first record only, and more records than fitted.
DOCUMENT = bytes.fromhex("A001010001003C0304430000D6DE00020000D6DF00030000D6E00003000908")


def reply_of(capture):
    data = bytes.fromhex(capture["response_hex"])
    reader = Reader()
    reader.feed(data, 0, len(data))
    assert reader.event == FRAME and reader.start == FROM_METER
    return bytes(reader.application())


def lines_of(application):
    log, records, _, _, _ = read_log(application)
    return [json.loads(dumps(line_of(log, *one)), parse_float=str, parse_int=str) for one in records]


@pytest.mark.parametrize("capture", REAL_LOGS, ids=[one["id"] for one in REAL_LOGS])
def test_records_of_real_meters_are_printed_digit_for_digit(capture):
    expected = capture["computed"]
    lines = lines_of(reply_of(capture))
    assert len(lines) == len(expected["records"])
    for line, record in zip(lines, expected["records"], strict=True):
        assert (line["log"], line["record"]) == (str(expected["log"]), str(record["id"]))
        found = {one["id"]: [one["value"].replace("T", " "), one["unit"]] for one in line["registers"]}
        assert found == {
            key: [value, UNITS.get(unit, unit)] for key, (value, unit) in record["values"].items()
        }
        if "1047" in found:
            assert line["time"] == found["1047"][0].replace(" ", "T")


def test_there_are_real_replies_of_two_meters_and_three_logs():
    meters = {one["meter"] for one in REAL_LOGS}
    assert len(meters) == 2 and {one["computed"]["log"] for one in REAL_LOGS} == {1, 6, 7}


def test_the_documents_layout_has_its_units_and_digits_and_no_time():
    lines = lines_of(DOCUMENT)
    assert [(one["record"], one["registers"][0]["value"]) for one in lines] == [
        ("1", "55.006"),
        ("2", "55.007"),
        ("3", "55.008"),
    ]
    assert lines[0] == {
        "log": "1",
        "record": "1",
        "time": None,
        "registers": [{"id": "60", "name": "heat_energy", "value": "55.006", "unit": "MWh"}],
    }


@pytest.fixture(scope="module")
def module_67(tmp_path_factory):
    """URL of a MULTICAL 601 with a logger in its top module; its clock starts at 2026-11-22 06:40."""
    words = tmp_path_factory.mktemp("sim") / "stderr"
    arguments = ["--meter", "multical601-67-0b", "--tcp", "127.0.0.1:0", "--fast", "--quiet", "--frozen"]
    with words.open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, ROOT / "tools" / "kmp", "sim", *arguments, "--clock", "2026-11-22T06:40:00"],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    try:
        yield json.loads(process.stdout.readline())["ready"]
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def log(module_67, capsys):
    def run(*arguments):
        status = main(["log", "--port", module_67, "--retries", "0", *arguments])
        out, err = capsys.readouterr()
        return status, [json.loads(line, parse_float=str) for line in out.splitlines()], err

    return run


TOP = ("--address", "127", "--log", "1", "--register", "60", "--register", "68")


def times(lines):
    return [line["time"] for line in lines]


def hour(day, hour):
    return "2026-11-%02dT%02d:00:00" % (day, hour)


def test_from_a_day_on_to_the_newest_record(log):
    status, lines, err = log(*TOP, "--from", "2026-11-21")
    assert (status, err) == (0, "kmp log: 31 records\n")
    assert times(lines) == [hour(21, n) for n in range(24)] + [hour(22, n) for n in range(7)]
    assert [line["record"] for line in lines] == list(range(65470, 65501))
    assert [one["id"] for one in lines[0]["registers"]] == [1003, 1002, 60, 68]


def test_up_to_a_moment(log):
    status, lines, _ = log(*TOP, "--from", "2026-11-21T20:00", "--to", "2026-11-21T22:00")
    assert (status, times(lines)) == (0, [hour(21, n) for n in (20, 21, 22)])


def test_into_the_past_over_several_pages(log):
    _, lines, _ = log(*TOP, "--to", "2026-11-22T03:30", "--count", "12")
    assert times(lines) == [hour(22, n) for n in (3, 2, 1, 0)] + [hour(21, n) for n in range(23, 15, -1)]
    _, lines, _ = log(*TOP, "--count", "1")
    assert times(lines) == [hour(22, 6)], "the newest"


def test_by_number_and_after_the_last_one_read(log):
    _, lines, _ = log(*TOP, "--record", "65490", "--count", "7")
    assert [line["record"] for line in lines] == list(range(65490, 65497))
    status, lines, _ = log(*TOP, "--next")
    assert (status, [line["record"] for line in lines]) == (0, list(range(65497, 65501)))
    assert log(*TOP, "--next") == (0, [], "kmp log: 0 records\n"), "nothing new is no failure"


def test_a_register_by_name_and_no_more_date_than_asked_for(log):
    _, lines, _ = log("--address", "0x7F", "--register", "volume", "clock", "--record", "65500")
    assert [one["name"] for one in lines[0]["registers"]] == ["volume", "clock"]
    assert lines[0]["time"] is None


@pytest.mark.parametrize(
    "arguments, said",
    [
        ((*TOP, "--from", "2026-12-24"), "the asked time or record is not in the log"),
        ((*TOP, "--record", "7"), "the asked time or record is not in the log"),
        (("--address", "127", "--log", "9", "--register", "60", "--next"), "the log is empty"),
        (("--address", "191", "--register", "60", "--next"), "Not one byte comes back"),
        (("--address", "127", "--events"), "Not one byte comes back"),
    ],
)
def test_where_nothing_is_to_be_had_it_says_why(log, arguments, said):
    status, lines, err = log(*arguments)
    assert lines == [] and said in err
    assert status == (0 if "--next" in arguments and "empty" in said else 1)


@pytest.mark.parametrize(
    "arguments, said",
    [
        (("--next",), "name a --register"),
        (("--register", "60", "--events"), "name a --register"),
        (("--register", "60", "--next", "--record", "3"), "take one"),
        (("--register", *"123456789"), "not 9"),
        (("--register", "60", "--from", "2026-02-30"), "is no time"),
        (("--register", "60", "--from", "yesterday"), "is no time"),
        (("--register", "60", "--record", "65536"), "no number from 0 to 65535"),
        (("--register", "60", "--address", "5"), "invalid choice"),
        (("--register", "heat"), "is no register"),
    ],
)
def test_what_is_typed_wrong_is_named(arguments, said, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["log", "--port", "socket://127.0.0.1:9", *arguments])
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


@contextlib.contextmanager
def meter(answer):
    """URL of a meter: answer(cid, fields) gives the reply's application, or None for silence."""
    server = socket.create_server(("127.0.0.1", 0))
    server.settimeout(30)

    def serve():
        client = server.accept()[0]
        with client:
            reader = Reader()
            while data := client.recv(500):
                pos = 0
                while pos < len(data):
                    pos = reader.feed(data, pos, len(data))
                    if reader.event == FRAME:
                        reply = answer(*read_request(bytes(reader.application())))
                        if reply is not None:
                            client.sendall(build(FROM_METER, reader.address, reply))

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield "socket://127.0.0.1:%d" % server.getsockname()[1]
    finally:
        thread.join(30)
        server.close()
    assert not thread.is_alive()


def test_a_meter_that_wants_the_bytes_of_a_time_reversed_is_understood(capsys):
    asked = []

    def answer(cid, fields):
        asked.append((cid, fields.get("when", b"").hex(), fields.get("offset"), fields["records"]))
        when = fields.get("when")
        if when and when[7] != 26:
            return log_reply(cid, 1, [], 0, 9, OUTSIDE)
        first = fields["record"] if cid == GET_LOG_ID_PRESENT else 8
        numbers = (first,) if cid != GET_LOG_TIME_PAST else (9 - fields["offset"],)
        rows = [(number, [(68, 40, 314000 + number, -3, 4)]) for number in numbers]
        return log_reply(cid, 1, rows, numbers[-1], 9, 0)

    with meter(answer) as url:
        assert main(["log", "--port", url, "--register", "68", "--from", "2026-11-29T12:30"]) == 0
    lines = [json.loads(line, parse_float=str) for line in capsys.readouterr().out.splitlines()]
    assert [(line["record"], line["registers"][0]["value"]) for line in lines] == [
        (8, "314.008"),
        (9, "314.009"),
    ]
    assert [row[:2] for row in asked] == [
        (GET_LOG_TIME_PRESENT, "1a0b1d0c1e000000"),
        (GET_LOG_TIME_PRESENT, "0000001e0c1d0b1a"),
        (GET_LOG_ID_PRESENT, ""),
    ]


def test_a_log_without_dates_cannot_be_read_up_to_one(capsys):
    def answer(cid, fields):
        return log_reply(cid, 1, [(3, [(68, 40, 5, 0, 4)])], 3, 3, 0)

    with meter(answer) as url:
        arguments = ["--register", "68", "--from", "2026-11-29", "--to", "2026-11-30"]
        assert main(["log", "--port", url, *arguments]) == 1
    assert "no date" in capsys.readouterr().err


@pytest.mark.parametrize("content", ["a10101000100", "a101010001003c03044300"])
def test_a_reply_with_wrong_content_is_an_error(content, capsys):
    with meter(lambda cid, fields: bytes.fromhex(content + "00030009" + "00")) as url:
        assert main(["log", "--port", url, "--register", "60", "--next"]) == 1
    out, err = capsys.readouterr()
    assert out == "" and "breaks the rules" in err


def test_events_are_read_and_cleared_by_their_own_commands(capsys):
    seen = []

    def answer(cid, fields):
        seen.append((cid, fields))
        return event_reply(0x00010003, cid)

    with meter(answer) as url:
        assert main(["log", "--port", url, "--address", "191", "--events"]) == 0
    with meter(answer) as url:
        assert main(["log", "--port", url, "--clear-events", "0x3", "0"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == {"address": 191, "event_status": 65539, "hex": "00010003"}
    assert lines[1]["hex"] == "00010003"
    assert seen == [(0x9B, {}), (0x9C, {"conditional": 3, "unconditional": 0})]


def test_the_longest_reply_may_be_chosen(capsys):
    asked = []

    def answer(cid, fields):
        asked.append((cid, fields["records"], fields["length"]))
        return log_reply(cid, 1, [(9, [(68, 40, 5, 0, 4)])], 9, 9, 0)

    for arguments in ((), ("--address", "127"), ("--length", "60")):
        with meter(answer) as url:
            assert main(["log", "--port", url, "--register", "68", "clock", "--record", "9", *arguments]) == 0
    assert asked == [
        (GET_LOG_ID_PRESENT, 23, 255),
        (GET_LOG_ID_PRESENT, 11, 128),
        (GET_LOG_ID_PRESENT, 4, 60),
    ]
    capsys.readouterr()
