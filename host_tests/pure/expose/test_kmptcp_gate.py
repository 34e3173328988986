# What the gate of KMP over TCP lets through to the meter: complete commands that read, and nothing else.
# Runs on every interpreter; the requests are built by the firmware's own protocol.

from kmp import command, log, service
from kmpeye.expose.kmptcp.server import only_reads

WHEN = log.time_bytes(2026, 11, 22, 6, 0, 0)

PASS = (
    (command.get_type(), "GetType"),
    (command.get_serial(), "GetSerialNo"),
    (command.get_register([68]), "one register"),
    (command.get_register([60, 68, 80, 74, 86, 87, 89, 99]), "eight registers"),
    (service.get_event_status(), "GetEventStatus"),
    (log.from_time(1, [60], 1, WHEN), "A0"),
    (log.from_last(1, [60, 68], 1), "A1"),
    (log.from_record(1, [60], 2, 77), "A2"),
    (log.back_from_time(1, [60], 2, WHEN), "A3"),
)

STOP = (
    (service.set_clock(261122, 64000), "SetClock"),
    (service.put_register(0, 0x45, 0, 1, 0, 4), "PutRegister"),
    (service.clear_event_status(0, 1), "ClearEventStatus clears"),
    (b"\x10", "GetRegister without its list"),
    (b"\x10\x00", "no register"),
    (b"\x10\x01\x00", "half an id"),
    (b"\x10\x01\x00\x3c\x00", "a byte too many"),
    (b"\x10\x09" + bytes(18), "nine registers"),
    (b"\x01\x00", "GetType with data"),
    (b"\x9b\x00\x00\x00\x00", "events with data"),
    (b"\xa0\x01", "a log without its rest"),
    (b"\x9f", "just below the logs"),
    (b"\xa4\x01\x01\x00\x3c\x01\x80", "just above the logs"),
    (b"\x00", "no command known"),
    (b"\xff" * 255, "the longest nonsense"),
)


def test_every_single_byte_is_decided_as_a_command():
    passed = [cid for cid in range(256) if only_reads(bytes((cid,)))]
    assert passed == [0x01, 0x02, 0x9B]


def test_commands_that_read_pass():
    for application, why in PASS:
        assert only_reads(application), why


def test_what_writes_is_unknown_or_incomplete_stops():
    for application, why in STOP:
        assert not only_reads(application), why
