# kmpeye.head.port_uart on a strict chip: the line's settings, the dark LED, the drained receiver, the refusals.
# Runs on CPython and MicroPython alike; time and meter are those of virtual_line.py.

import sys

from kmp.command import get_register
from kmp.frame import FROM_METER, METER, build
from kmpeye.head.line import Line, PortError
from kmpeye.head.transaction import Head
from kmpeye.head.wake_iec import Iec
from kmpeye_head import uart_chip
from virtual_line import VirtualClock, drive


def load():
    """kmpeye.head.port_uart with the strict chip as its machine."""
    before = sys.modules.get("machine")
    sys.modules["machine"] = uart_chip
    try:
        sys.modules.pop("kmpeye.head.port_uart", None)
        from kmpeye.head import port_uart

        return port_uart
    finally:
        del sys.modules["machine"], sys.modules["kmpeye.head.port_uart"]
        if before:
            sys.modules["machine"] = before


port_uart = load()

# A flash shorter than a tenth of a bit at 9600 baud, the fastest a meter's eye listens at, is no start bit for it.
NO_START_BIT_US = 104

PLAIN = {"id": 1, "tx": 27, "rx": 26}

# what the head is, the board's uart, level at which its LED shines
HEADS = (
    ("LED from 3V3 into the pin", {}, 0),
    ("the same, flags as in the board files", {"invert_tx": False, "invert_rx": False}, 0),
    ("the same at full strength", {"drive": 3}, 0),
    ("LED from the pin to GND", {"invert_tx": True}, 1),
    ("phototransistor as emitter follower", {"invert_rx": True}, 0),
    ("both", {"invert_tx": True, "invert_rx": True}, 1),
)


def port(pins, lit_at=0, baud=1200):
    uart_chip.pad = uart_chip.Pad(27, lit_at)
    return port_uart.UartPort(baud, pins)


def with_(more):
    pins = dict(PLAIN)
    pins.update(more)
    return pins


def test_the_line_has_eight_bits_no_parity_and_two_stop_bits_at_every_speed():
    head = port(PLAIN)
    lines = [head._uart.line]
    for baud in (300, 2400, 9600, 1200):
        head.set_baud(baud)
        lines.append(head._uart.line)
    assert lines == [(baud, 8, None, 2) for baud in (1200, 300, 2400, 9600, 1200)]


def test_the_led_is_dark_from_the_first_moment_on():
    for what, pins, lit_at in HEADS:
        uart_chip.pad = pad = uart_chip.Pad(27, lit_at)
        port_uart.darken(with_(pins))
        assert pad.level is not None and not pad.lit(), what


def test_the_led_stays_dark_while_the_port_is_opened_changed_and_closed():
    for what, pins, lit_at in HEADS:
        head = port(with_(pins), lit_at)
        pad = uart_chip.pad
        for baud in (300, 1200):
            assert not pad.lit() and pad.lit_us < NO_START_BIT_US, (what, pad.lit_us)
            pad.lit_us = 0
            head.set_baud(baud)
        head.close()
        assert pad.level is not None and not pad.lit(), what
        assert pad.lit_us < NO_START_BIT_US, what


def test_a_wrong_inversion_shines_so_the_table_above_can_fail():
    port(with_({"invert_tx": True}), lit_at=0)
    assert uart_chip.pad.lit()


def test_inversion_and_strength_are_those_of_the_head():
    for what, pins, _ in HEADS:
        head = port(with_(pins))
        inverted = head._uart.inverted
        assert bool(inverted & uart_chip.UART.INV_TX) == pins.get("invert_tx", False), what
        assert bool(inverted & uart_chip.UART.INV_RX) == pins.get("invert_rx", False), what
        assert uart_chip.pad.drive == pins.get("drive", 2), what


def test_what_is_received_is_there_without_waiting():
    head = port(PLAIN)
    buffer = bytearray(8)
    assert not head.any() and head.readinto(buffer) is None
    head._uart.received = b"\x40\x3f\x10"
    assert head.any() and head.readinto(buffer) == 3 and buffer[:3] == b"\x40\x3f\x10"


# what the board file says, words of the sentence
REFUSED = (
    (None, "no board file"),
    ({}, "no board file"),
    ({"id": 1, "tx": 27}, "no board file"),
    ({"id": 1, "tx": "27", "rx": 26}, "no board file"),
    ({"id": 0, "tx": 27, "rx": 26}, "UART 0"),
    ({"id": 3, "tx": 27, "rx": 26}, "does not exist"),
    ({"id": 1, "tx": 99, "rx": 26}, "invalid pin"),
    ({"id": 1, "tx": 27, "rx": 99}, "invalid pin"),
    ({"id": 1, "tx": 34, "rx": 26}, "only be input"),
)


async def opener(where, baud, clock, pins):
    return port_uart.UartPort(baud, pins)


def test_pins_that_cannot_be_are_said_and_the_reader_runs_on():
    for pins, said in REFUSED:
        uart_chip.pad = uart_chip.Pad(27, 0)
        line = Line("uart", 1200, VirtualClock(), pins, opener)
        try:
            drive(line.open())
        except PortError as e:
            assert said in str(e), (said, str(e))
        else:
            raise AssertionError("%r was taken" % (pins,))


def opened():
    """(line, clock, the chip's UART) of a head that is connected."""
    uart_chip.pad = uart_chip.Pad(27, 0)
    clock = VirtualClock()
    line = Line("uart", 1200, clock, PLAIN, opener)
    drive(line.open())
    return line, clock, line._port._uart


def test_the_meter_is_let_alone_for_as_long_as_a_flash_of_the_start_keeps_it_deaf():
    _, clock, _ = opened()
    assert clock.now >= 1600


def test_the_receiver_is_empty_when_a_request_leaves():
    line, clock, uart = opened()
    reply = build(FROM_METER, METER, b"\x10\x00\x44\x28\x04\x43\x00\x04\xcb\x13")
    uart.received = reply + b"\x00\xff" + reply  # late, and what a chip makes of its own start
    left = []

    def at_write(data):
        left.append(uart.received)
        uart.received = reply

    uart.at_write = at_write
    answer = drive(Head(line).ask(get_register([0x44])))
    assert left == [b""] and answer == reply[2:-3], (left, answer)


def bits(data, width, parity, stop):
    """Levels of the line for these bytes, one a bit."""
    for byte in data:
        levels = [byte >> place & 1 for place in range(width)]
        if parity:
            levels.append(sum(levels) & 1)  # even
        yield from [0] + levels + [1] * stop


def test_the_greeting_of_iec_61107_is_on_the_wire_as_7_bits_even_parity_2_stop_bits():
    line, _, uart = opened()
    drive(Iec(line).wake())
    (baud, width, parity, stop), data = uart.sent[0]
    assert (baud, parity) == (300, None)
    assert list(bits(data, width, False, stop)) == list(bits(b"/#1", 7, True, 2))
    assert uart.line == (1200, 8, None, 2)
