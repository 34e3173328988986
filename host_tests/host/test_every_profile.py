"""Every meter profile read end to end: `kmp sim` as a process, the firmware's head and the profile on MicroPython.

Held to two strangers: what the simulator printed that it sent, and the frames of real meters where there are any.
A profile's register that its simulated meter does not have must be left out, not invented.
"""

import contextlib
import json
import signal
import subprocess
import sys

import pytest

from conftest import ROOT, interpreter
from kmp.command import GET_REGISTER, GET_TYPE, read_registers
from kmp.frame import FRAME, FROM_METER, METER, Reader, build
from kmp.log import is_log, read_log
from kmp.meter import log_reply, register_reply, type_reply
from kmp.value import token
from kmpeye.meter.profile import load, names
from kmpsim import model

METERS = ROOT / "firmware" / "meters"
PROFILES = names(str(METERS))

# What a profile asks in the hope that some meter has it.
LEFT_OUT = {
    "multical21": {582, 1005, 153, 168},
    "flowiq2101": {582, 1005, 153, 168},
    "flowiq2200": {1005, 153, 168},
    "flowiq3100": {582, 1005, 153, 168},
}

READ = """
import asyncio, json, sys
from kmpeye.head.line import Line
from kmpeye.head.transaction import Head
from kmpeye.meter.profile import load
from kmpeye.system.clock import Clock

async def main(name, folder, port):
    profile = load(name, folder)
    line = Line(port, profile.baud, Clock())
    head = Head(line, profile.address)
    asked = list(profile.live) + list(profile.slow) + list(profile.once)
    try:
        found = await head.registers([register for register, _ in asked])
    finally:
        line.close()
    print(json.dumps([[one, unit, str(mantissa), exponent] for one, unit, mantissa, exponent in found]))

asyncio.run(main(*sys.argv[1:]))
"""


@contextlib.contextmanager
def simulated(name, *port):
    """The simulator as a process and its address; ended as its user would."""
    command = [sys.executable, ROOT / "tools" / "kmp", "sim", "--meter", name, *port, "--frozen"]
    process = subprocess.Popen(
        [*command, "--clock", "2026-11-22T06:40:00", "--seed", "3"], stdout=subprocess.PIPE, text=True
    )
    try:
        yield process, json.loads(process.stdout.readline())["ready"]
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)
        process.stdout.close()


def read(bits, name, port):
    """What the firmware reads: {id: (unit, mantissa, exponent)}."""
    done = subprocess.run(
        [interpreter(bits), "-c", READ, name, METERS, port],
        capture_output=True,
        text=True,
        timeout=60,
        env={"MICROPYPATH": ".frozen:%s" % (ROOT / "firmware")},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return {one: (unit, int(mantissa), exponent) for one, unit, mantissa, exponent in json.loads(done.stdout)}


def check(bits, name, *port):
    profile = load(name, str(METERS))
    asked = [register for register, _ in [*profile.live, *profile.slow, *profile.once]]
    with simulated(name, *port) as (process, address):
        found = read(bits, name, address)
        printed = {}
        for _ in range(0, len(asked), 8):
            printed.update(json.loads(process.stdout.readline())["registers"])
    assert {str(one): text_of(*value) for one, value in found.items()} == printed
    assert set(asked) - set(found) == LEFT_OUT.get(name, set())
    registers = {register.id: register for register in model.load(name).registers}
    assert {one: (unit, exponent) for one, (unit, _, exponent) in found.items()} == {
        one: (registers[one].unit, registers[one].exponent) for one in found
    }


def text_of(unit, mantissa, exponent):
    """The number as the simulator prints it: in the meter's digits, whatever it means."""
    return token(0, mantissa, exponent).strip('"')


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_is_read_from_its_meter_on_micropython(name):
    check(64, name, "--tcp", "127.0.0.1:0", "--fast")


@pytest.mark.parametrize("name", ["multical403", "kamstrup382"])
def test_a_profile_is_read_in_32_bits_on_a_serial_line_at_the_meters_own_pace(name, tmp_path):
    check(32, name, "--pty", str(tmp_path / "meter"), "--echo")


def test_more_than_what_a_profile_asks_is_there():
    """So that a profile that asks for the wrong thing cannot pass by chance."""
    for name in PROFILES:
        profile = load(name, str(METERS))
        asked = {register for register, _ in [*profile.live, *profile.slow, *profile.once]}
        assert {register.id for register in model.load(name).registers} - asked, name


def test_types_and_loggers_are_those_of_the_profile():
    for name in PROFILES:
        profile = load(name, str(METERS))
        meter = model.load(name)
        if profile.types:
            assert "%04X" % meter.type_id in profile.types, name
        offered = {(one.address, one.log) for one in meter.loggers}
        if name == "multical601":  # its loggers are modules that a meter may have
            offered = {(one.address, one.log) for one in model.load("multical601-67-0b").loggers}
        assert offered <= {(address, number) for address, number, _ in profile.loggers}, name
        for one in meter.loggers:
            [asked] = [
                ids for address, number, ids in profile.loggers if (address, number) == (one.address, one.log)
            ]
            assert set(asked) <= set(one.registers), name


# Captures whose meter is simulated with the formats of that very meter: (model, beginnings of the captures' ids).
HELD = {
    "multical403": ("tasmota38-",),
    "multical21": ("mc21-",),
    "multical601": ("ml-",),
    "multical602": ("mc602-",),
    "kamstrup382": ("k382-energy-", "k382-aimir-"),
    "omnipower": ("omnipower-", "k382-aimir-b-2"),
}
# The second meter of that source has other formats; of the first, a debiting log of maxima is not simulated.
OTHERWISE = ("k382-aimir-b-", "k382-aimir-9-")


def held_captures():
    rows = []
    with open(ROOT / "host_tests" / "data" / "captures.jsonl", encoding="utf-8") as file:
        captures = [json.loads(line) for line in file]
    for name, beginnings in HELD.items():
        for capture in captures:
            at_all = capture["id"].startswith(beginnings) and capture["kind"] == "real"
            own = name == "omnipower" or not capture["id"].startswith(OTHERWISE)
            if at_all and own and "response_hex" in capture:
                rows.append(pytest.param(name, capture, id="%s-%s" % (name, capture["id"])))
    return rows


@pytest.mark.parametrize(("name", "capture"), held_captures())
def test_a_simulated_meter_with_the_values_of_a_real_one_sends_the_real_ones_bytes(name, capture):
    data = bytes.fromhex(capture["response_hex"])
    frame = data[data.index(0x40) :]  # behind the echo
    reader = Reader()
    assert reader.feed(frame, 0, len(frame)) == len(frame)
    assert reader.event == FRAME
    application = bytes(reader.application())
    formats = {one.id: (one.unit, one.exponent, one.nob) for one in model.load(name).registers}

    def as_simulated(values):
        return [(one, formats[one][0], mantissa, *formats[one][1:]) for one, _, mantissa, _ in values]

    if is_log(application[0]):
        number, records, last, newest, info = read_log(application)
        [log] = [one for one in model.load(name).loggers if one.log == number]
        assert {one[0] for _, values in records for one in values} <= set(log.registers)
        assert len(application) <= log.longest
        records = [(record, as_simulated(values)) for record, values in records]
        reply = log_reply(application[0], number, records, last, newest, info)
    elif application[0] == GET_TYPE:
        reply = type_reply(model.load(name).type_id, *model.load(name).revision)
    else:
        assert application[0] == GET_REGISTER
        reply = register_reply(as_simulated(read_registers(application)))
    assert build(FROM_METER, METER, reply) == frame
