"""PyKMP, a client that nobody here wrote, reads the simulated meters; and both sides' frames fit each other.

PyKMP 0.0.2 undoes the stuffing pair by pair, so data that holds 1B before 7F, BF, F2 or F9 is wrong there and right
here. The seeds, serials and clock below give no such pair (checked in each exchange), and what it does with one is
held in a test of its own. Where it names units otherwise than we do, the unit's code is compared.
"""

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys
from decimal import Decimal

import pytest
from pykmp import client, codec, constants, messages

from conftest import ROOT
from kmp import command, meter
from kmp.encode import encode
from kmp.frame import FRAME, FROM_METER, METER, TO_METER, Reader, build
from kmpsim import model

TOOL = pathlib.Path(sys.executable).parent / "pykmp-tool"
CLOCK = "2026-11-22T06:40:00"


@contextlib.contextmanager
def simulated(name, *arguments):
    """(process, its socket:// address): a meter whose totals and clock stand still."""
    process = subprocess.Popen(
        [
            *(sys.executable, ROOT / "tools" / "kmp", "sim", "--meter", name, "--tcp", "127.0.0.1:0"),
            *("--frozen", "--clock", CLOCK, "--seed", "7", *arguments),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process, json.loads(process.stdout.readline())
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.communicate()


def tool(ready, *arguments):
    done = subprocess.run(
        [TOOL, "-d", ready["ready"], *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env={key: value for key, value in os.environ.items() if not key.startswith("PYKMP")},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def told(process):
    """What the simulator says it answered; sure that PyKMP can undo its stuffing."""
    line = json.loads(process.stdout.readline())
    assert not any(pair in line["reply"] for pair in ("1be47f", "1be4bf", "1be4f2", "1be4f9"))
    return line


@pytest.mark.parametrize("name", model.names())
def test_pykmp_tool_reads_every_register_exactly(name):
    known = model.load(name).registers
    with simulated(name, "--fast") as (process, ready):
        for i in range(0, len(known), 8):
            batch = known[i : i + 8]
            asked = [argument for one in batch for argument in ("--register", str(one.id))]
            output = json.loads(tool(ready, "get-register", *asked, "--json"))["register_data"]
            state = told(process)["registers"]
            assert {str(one["id_int"]): Decimal(one["value_str"]) for one in output} == {
                key: Decimal(value) for key, value in state.items()
            }
            assert {one["id_int"]: one["unit_int"] for one in output} == {one.id: one.unit for one in batch}


def test_pykmp_tool_reads_at_the_pace_of_the_wire():
    with simulated("multical21") as (process, ready):
        output = json.loads(tool(ready, "get-register", "--register", "68", "--register", "60", "--json"))
        assert [(one["id_int"], one["value_str"]) for one in output["register_data"]] == [(68, "314.131")]
        assert told(process)["registers"] == {"68": "314.131"}


def test_pykmp_tool_reads_the_serial_number():
    with simulated("multical62", "--fast", "--serial", "61777001") as (_, ready):
        assert ready["serial"] == 61777001
        assert tool(ready, "get-serial") == "Meter serial is: 61777001\n"


REQUESTS = [
    (messages.GetTypeRequest(), command.get_type()),
    (messages.GetSerialRequest(), command.get_serial()),
    (messages.GetRegisterRequest(registers=[60, 0x0680, 0x400D, 0x1B06]), None),
]


@pytest.mark.parametrize(("theirs", "ours"), REQUESTS, ids=lambda one: type(one).__name__)
def test_a_request_is_the_same_bytes_on_both_sides(theirs, ours):
    ids = getattr(theirs, "registers", None)
    ours = ours or command.get_register([int(one) for one in ids])
    wire = client.ClientCodec().encode(theirs).physical_bytes
    assert wire == build(TO_METER, METER, ours)


REPLIES = [
    (messages.GetTypeRequest, meter.type_reply(4, 6, 1)),
    (messages.GetSerialRequest, meter.serial_reply(0x01234567)),
    (
        messages.GetRegisterRequest,
        meter.register_reply(
            [(60, 3, 55006, -3, 4), (89, 38, -5, -2, 2), (74, 41, 6, 0, 2), (128, 22, 16, 63, 10)]
        ),
    ),
]


@pytest.mark.parametrize(("request_class", "ours"), REPLIES, ids=["type", "serial", "registers"])
def test_pykmp_reads_our_replies(request_class, ours):
    wire = build(FROM_METER, METER, ours)
    frame = client.EncodedClientResponse(physical_bytes=wire, request_cls=request_class)
    theirs = client.ClientCodec().decode(frame=frame)
    if request_class is messages.GetTypeRequest:
        assert (theirs.meter_type_bytes, theirs.software_revision) == (b"\0\4", "F1")
    elif request_class is messages.GetSerialRequest:
        assert theirs.serial == "19088743"
    else:
        assert [
            (one.id_, one.unit, codec.FloatCodec.decode(one.value)) for one in theirs.registers.values()
        ] == [
            (register, unit, Decimal(mantissa).scaleb(exponent))
            for register, unit, mantissa, exponent in command.read_registers(ours)
        ]


@pytest.mark.parametrize(
    "digits", ["0", "1", "-0.05", "314.131", "1875.56", "1E+5", "4294967295", "0.000001"]
)
def test_a_value_is_the_same_bytes_on_both_sides(digits):
    value = Decimal(digits)
    sign, numbers, exponent = value.normalize().as_tuple()
    mantissa = int("".join(map(str, numbers)))
    assert codec.FloatCodec.encode(to_encode=value) == encode(-mantissa if sign else mantissa, exponent, 4)


def test_the_pairs_that_pykmp_gets_wrong_are_right_here():
    for second in (0x7F, 0xBF, 0xF2, 0xF9):
        wire = build(FROM_METER, METER, meter.register_reply([(60, 3, 0x1B00 | second, -3, 4)]))
        reader = Reader()
        assert reader.feed(wire, 0, len(wire)) == len(wire)
        assert reader.event == FRAME
        assert command.read_registers(reader.application()) == [(60, 3, 0x1B00 | second, -3)]
        theirs = codec.PhysicalCodec(direction=codec.PhysicalDirection.FROM_METER).decode(wire)
        assert theirs != bytes(reader.buffer[: reader.length])


def test_the_registers_that_pykmp_names_are_units_we_know_too():
    from kmp.names import unit_name

    assert [code for code in constants.UNITS_NAMES if unit_name(code).startswith("unit ")] == []
