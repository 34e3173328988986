# Modbus TCP byte by byte: requests out of a stream that is split and joined anywhere, answers and exceptions, and who
# the device says it is. Runs on every interpreter.

from kmpeye.expose.modbus.pdu import REPLY_MAX, Requests
from modbus_scene import App, Bus


def hexed(text):
    return bytes(int(one, 16) for one in text.split())


def scene():
    app = App()
    app.publish()
    return Bus(app)


# request PDU, answer PDU or its beginning, why
EXCHANGES = (
    ("03 00 00 00 02", "03 04 42 ac 00 00", "holding registers: 86 l/h"),
    ("04 00 00 00 02", "04 04 42 ac 00 00", "input registers are the same table"),
    ("03 00 98 00 02", "03 04 7f c0 00 00", "the last of Kamstrup's range"),
    ("03 03 e8 00 01", "03 02 00 01", "the map version"),
    ("03 00 99 00 02", "83 02", "over the end of Kamstrup's range"),
    ("03 01 f4 00 02", "83 02", "between the ranges"),
    ("03 03 e7 00 02", "83 02", "just before our own range"),
    ("03 ff ff 00 7d", "83 02", "the end of all addresses"),
    ("03 00 00 00 00", "83 03", "no register"),
    ("04 00 00 00 7e", "84 03", "126 registers"),
    ("03 00 00 ff ff", "83 03", "65535 registers"),
    ("03 00 00 00", "83 03", "a byte is missing"),
    ("03 00 00 00 02 00", "83 03", "a byte too many"),
    ("03", "83 03", "a function alone"),
    ("06 00 00 00 01", "86 01", "writing one register"),
    ("10 00 00 00 02 04 00 00 00 00", "90 01", "writing several"),
    ("01 00 00 00 01", "81 01", "coils"),
    ("11", "91 01", "report server id"),
    ("83 00 00 00 02", "83 01", "no function at all"),
    ("2b 0d 01 00", "ab 01", "another encapsulated protocol"),
    ("2b 0e 00 00", "ab 03", "a code that is too small"),
    ("2b 0e 05 00", "ab 03", "a code that is too large"),
    ("2b 0e 01", "ab 03", "without the object"),
    ("2b", "ab 01", "nothing encapsulated"),
    ("2b 0e 04 03", "ab 02", "an object we do not have"),
    ("2b 0e 04 80", "ab 02", "an extended one"),
    ("2b 0e 04 02", "2b 0e 04 82 00 00 01 02 05 30 2e 31 2e 30", "one object: the version"),
    ("2b 0e 01 00", "2b 0e 01 82 00 00 03 00 06 6b 6d 70 65 79 65 01 0b", "the basic ones"),
    ("2b 0e 01 01", "2b 0e 01 82 00 00 02 01 0b", "from the second one on"),
    ("2b 0e 01 09", "2b 0e 01 82 00 00 03 00 06", "one that is not there: from the first"),
    ("2b 0e 02 00", "2b 0e 02 82 00 00 06 00 06", "the regular ones"),
    ("2b 0e 03 00", "2b 0e 03 82 00 00 06 00 06", "extended: what there is"),
)


def test_each_request_has_its_answer():
    bus = scene()
    for request, expected, why in EXCHANGES:
        got = bus.exchange(hexed(request))
        expected = hexed(expected)
        assert got[: len(expected)] == expected, (why, got)
        if expected[0] & 0x80:
            assert len(got) == 2, why


def test_the_unit_is_echoed_whatever_it_is():
    bus = scene()
    for unit in (0, 1, 42, 247, 255):
        assert bus.exchange(b"\x03\0\0\0\x02", unit=unit)[0] == 3


def test_texts_of_the_identification_are_cut_so_that_one_reply_holds_all():
    app = App()
    app.publish()
    app.config = {"name": "ä" * 32}
    app.reader.profile.name, kept = "n" * 200, app.reader.profile.name
    bus = Bus(app)
    got = bus.exchange(b"\x2b\x0e\x02\0")
    app.reader.profile.name = kept
    assert got[5] == 0, "nothing follows"
    objects = []
    pos = 7
    while pos < len(got):
        objects.append((got[pos], bytes(got[pos + 2 : pos + 2 + got[pos + 1]])))
        pos += 2 + got[pos + 1]
    assert pos == len(got) and len(objects) == got[6] == 6
    assert objects[1] == (1, b"n" * 40)
    assert objects[5] == (6, "ä".encode() * 20)


def test_a_meter_that_nobody_knows_yet_has_an_empty_model():
    app = App()
    app.snapshot.meter.model = None
    assert Bus(app).exchange(b"\x2b\x0e\x04\x05")[5:] == b"\0\x01\x05\0"


def sizes(stream, chunk):
    """What a stream gives in chunks of that many bytes."""
    requests = Requests()
    found = []
    for start in range(0, len(stream), chunk):
        part = stream[start : start + chunk]
        pos = 0
        while pos < len(part):
            pos = requests.feed(part, pos, len(part))
            if requests.size:
                found.append((requests.size, bytes(requests.buffer[: min(requests.size, 12)])))
                if requests.size < 0:
                    return found
    return found


READ = hexed("00 01 00 00 00 06 01 03 00 00 00 02")
WHO = hexed("00 02 00 00 00 05 01 2b 0e 01 00")
WRITE = hexed("00 03 00 00 00 fe 01 10") + bytes(252)  # the longest there is


def test_requests_are_found_however_the_stream_is_cut():
    stream = READ + WHO + WRITE + READ + READ
    for chunk in (1, 2, 5, 7, 11, 12, 13, 36, 64, len(stream)):
        found = sizes(stream, chunk)
        assert [size for size, _ in found] == [12, 11, 260, 12, 12], chunk
        assert found[0][1] == found[3][1] == READ
        assert found[1][1] == WHO


# bytes, why
BROKEN = (
    ("00 01 00 01 00 06 01 03 00 00 00 02", "another protocol"),
    ("00 01 01 00 00 06 01 03 00 00 00 02", "another protocol, high byte"),
    ("00 01 00 00 00 01 01", "no room for a function"),
    ("00 01 00 00 00 00 01", "no length at all"),
    ("00 01 00 00 00 ff 01 03", "longer than Modbus has"),
    ("00 01 00 00 ff ff 01 03", "far longer"),
    ("47 45 54 20 2f 20 48 54", "a browser"),
    ("16 03 01 02 00 01 00 01", "TLS"),
)


def test_what_is_no_modbus_is_said_to_be_none():
    for data, why in BROKEN:
        for chunk in (1, 64):
            assert sizes(hexed(data), chunk)[-1][0] == -1, why


def test_the_longest_answer_fits_the_reply():
    bus = scene()
    assert len(bus.read(1000, 125)) == 250
    assert REPLY_MAX >= 7 + 2 + 250
