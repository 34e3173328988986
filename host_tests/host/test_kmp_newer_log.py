"""`kmp log --newer`: the loggers of MULTICAL 303 and 603 (command B8) page by page, into the past. The meter here
answers with what real ones were seen to send, and with records made in their layout.
"""

import json
import socket
import threading

import pytest

from conftest import ROOT
from kmp.frame import FRAME, FROM_METER, TO_METER, Reader, build
from kmptool import loggers
from kmptool.cli import main

CAPTURES = {
    one["id"]: one
    for line in (ROOT / "host_tests" / "data" / "captures.jsonl").read_text(encoding="utf-8").splitlines()
    if (one := json.loads(line))
}
OLDEST = 0x40


def made(log, first, records, newest, info):
    """A reply: register 68 and nothing else, 1000 litres a record."""
    head = bytes((0xB8, 6, log)) + len(records).to_bytes(2, "big") + b"\1" + first.to_bytes(4, "big")
    rows = b"".join((one * 1000).to_bytes(4, "big") for one in records)
    return head + newest.to_bytes(4, "big") + info.to_bytes(2, "big") + bytes.fromhex("0044280443") + rows


def read(answer, capsys, *arguments):
    """(exit status, lines, stderr, questions in hex) of a meter that gives answer(question) as bytes on the wire."""
    server = socket.create_server(("127.0.0.1", 0))
    server.settimeout(30)
    asked = []

    def serve():
        client = server.accept()[0]
        reader = Reader()
        with client:
            while data := client.recv(500):
                reader.feed(data, 0, len(data))
                if reader.event == FRAME:
                    asked.append(bytes(reader.application()).hex())
                    client.sendall(answer(bytes(reader.application())))

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        port = "socket://127.0.0.1:%d" % server.getsockname()[1]
        status = main(["log", "--port", port, "--newer", *arguments])
    finally:
        thread.join(30)
        server.close()
    out, err = capsys.readouterr()
    return status, [json.loads(line, parse_float=str) for line in out.splitlines()], err, asked


def real(name):
    return lambda question: bytes.fromhex(CAPTURES[name]["response_hex"])


def test_a_real_log_of_days_is_printed_with_its_times(capsys):
    wanted = ("--log", "4", "--record", "188", "--register", "1002", "1003", "348")
    status, lines, err, asked = read(real("mc603-b8-days"), capsys, *wanted)
    assert (status, err) == (0, "kmp log: 3 records\n")
    assert asked == ["b80604" + "000000bc" + "0008" + "03" + "03ea03eb015c"]
    assert [(line["log"], line["record"], line["time"]) for line in lines] == [
        (4, 188, "2024-12-31T00:00:04"),
        (4, 187, "2024-12-30T00:00:04"),
        (4, 186, "2024-12-29T00:00:04"),
    ]
    assert [one["value"] for one in lines[0]["registers"]] == [
        "00:00:04",
        "2024-12-31",
        "2024-12-31T00:00:04",
    ]


def test_a_question_is_asked_in_the_bytes_that_the_owner_saw():
    question = build(TO_METER, 63, loggers.ask(2, 2, 2, [1003]))
    assert question.hex() == CAPTURES["mc603-b8-years"]["request_hex"]


def test_pages_follow_each_other_to_the_oldest_record(capsys):
    def answer(question):
        if question[1] == 7:
            return build(FROM_METER, 63, made(5, 70000, [70000, 69999], 70000, 0x80))
        first = int.from_bytes(question[3:7], "big")
        return build(FROM_METER, 63, made(5, first, [first], 70000, OLDEST if first == 69997 else 0))

    status, lines, _, asked = read(answer, capsys, "--log", "5", "--register", "68")
    assert status == 0
    assert [(line["record"], line["registers"][0]["value"], line["time"]) for line in lines] == [
        (70000, "70000.000", None),
        (69999, "69999.000", None),
        (69998, "69998.000", None),
        (69997, "69997.000", None),
    ]
    assert [one[:4] for one in asked] == ["b807", "b806", "b806"]


def test_no_more_than_was_asked_for(capsys):
    def answer(question):
        return build(FROM_METER, 63, made(5, 9, [9, 8], 9, 0x80))

    status, lines, _, asked = read(answer, capsys, "--register", "68", "--count", "2")
    assert (status, len(lines), len(asked)) == (0, 2, 1)


def test_an_empty_log_is_said(capsys):
    status, lines, err, _ = read(real("mc603-b8-empty"), capsys, "--log", "7", "--register", "60")
    assert (status, lines, err) == (1, [], "kmp log: the log is empty\n")


@pytest.mark.parametrize("content", ["b80605", "b8060500020100000009", "b80905"])
def test_a_broken_reply_is_an_error(content, capsys):
    status, lines, err, _ = read(
        lambda question: build(FROM_METER, 63, bytes.fromhex(content)),
        capsys,
        "--log",
        "5",
        "--register",
        "60",
    )
    assert (status, lines) == (1, [])
    assert "breaks the rules" in err


@pytest.mark.parametrize(
    "other", [("--from", "2026-11-01"), ("--to", "2026-11-01"), ("--next",), ("--length", "60")]
)
def test_what_does_not_go_with_it_is_refused(other, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["log", "--port", "x", "--newer", "--register", "60", *other])
    assert ended.value.code == 2
    assert "--newer goes with --log, --record, --count and --register alone" in capsys.readouterr().err
