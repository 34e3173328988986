"""docs/protocol.md is true: every frame in it is decoded and must say what stands behind its arrows.

Reads the page as text and the protocol with firmware/kmp; also holds its tables of commands, units, registers and
stuffing against the code, its CRC example against binascii, its links and its captures against what is published.
"""

import binascii
import json
import pathlib
import re

import pytest

from kmp.calendar import iso
from kmp.command import GET_REGISTER, GET_SERIAL, GET_TYPE, read_registers, read_serial, read_type
from kmp.dates import CLOCK, DATE, date_text
from kmp.frame import ACKNOWLEDGE, FRAME, FROM_METER, METER, TO_METER, Reader
from kmp.log import is_log, read_log
from kmp.meter import read_request
from kmp.names import unit_name
from kmp.registers import register_key
from kmp.service import CLEAR_EVENT_STATUS, GET_EVENT_STATUS, PUT_REGISTER, SET_CLOCK, name, read_event_status
from kmp.value import is_number, take_format, take_mantissa, text
from kmp_wire import events
from kmptool import loggers
from kmptool.decode import error_text
from kmptool.describe import named

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "protocol.md"
HEX = "[0-9A-F]{2}(?: [0-9A-F]{2})*"
LABELLED = re.compile(rf"^(to the meter|from the meter|wrong|value) +({HEX})$")
CONTINUED = re.compile(rf"^ +({HEX})$")
MEANS = re.compile(r"^ +→ (.+)$")
FRAME_LIKE = re.compile(r"\b[84]0(?: ?[0-9A-F]{2}){4,} ?0D\b", re.IGNORECASE)


def lines():
    return PAGE.read_text(encoding="utf-8").splitlines()


def examples():
    """(line number, label, bytes, lines behind arrows) of every example on the page."""
    out = []
    for number, line in enumerate(lines(), 1):
        if start := LABELLED.match(line):
            out.append((number, start[1], bytearray.fromhex(start[2]), []))
        elif (more := CONTINUED.match(line)) and out and not out[-1][3]:
            out[-1][2].extend(bytes.fromhex(more[1]))
        elif means := MEANS.match(line):
            out[-1][3].append(means[1])
    return out


EXAMPLES = examples()


def shown(register, unit, mantissa, exponent):
    number = text(mantissa, exponent) if is_number(unit) else date_text(unit, mantissa)
    return " ".join([str(register), register_key(register), "=", number, unit_name(unit)]).strip()


def asked(ids):
    return ", ".join("%d %s" % (register, register_key(register)) for register in ids)


def logger_words(application):
    told = loggers.request(application, named)
    words = "%(subcommand_name)s, log %(log)d" % told
    if "registers" in told:
        words += ", %s, %d records" % (asked([one["id"] for one in told["registers"]]), told["records"])
        words += " from record %(record)d" % told if "record" in told else " leaving out %(offset)d" % told
    return words


def logger_lines(application):
    told = loggers.reply(application, named, shown)
    if "depth" in told:
        return [
            "log %d, %d records deep, %d registers" % (told["log"], told["depth"], len(told["registers"]))
        ]
    lines = ["record %d: %s" % (one["record"], ", ".join(one["registers"])) for one in told["records"]]
    return ["log %d" % told["log"], *lines, "newest %d, info %04X" % (told["newest"], told["info"])]


def request_words(cid, fields):
    if cid == GET_REGISTER:
        return asked(fields["ids"])
    if cid == SET_CLOCK:
        return "%s %s" % (date_text(DATE, fields["date"]), date_text(CLOCK, fields["clock"]))
    if cid == PUT_REGISTER:
        register = [fields[key] for key in ("register", "unit", "mantissa", "exponent")]
        return "password %d, %s" % (fields["password"], shown(*register))
    if cid == CLEAR_EVENT_STATUS:
        return "conditional %(conditional)08X, unconditional %(unconditional)08X" % fields
    if is_log(cid):
        words = "log %d, %s" % (fields["log"], asked(fields["ids"]))
        words += ", %(records)d records in %(length)d bytes" % fields
        if "when" in fields:
            year, *rest = fields["when"][:6]
            words += ", from " + iso(2000 + year, *rest)
        if "record" in fields:
            words += ", from record %(record)d" % fields
        return words + (", leaving out %(offset)d" % fields if "offset" in fields else "")
    return ""


def reply_lines(application):
    cid = application[0]
    if cid == loggers.LOGGER:
        return logger_lines(application)
    if cid == GET_TYPE:
        return ["type %04X, revision %s" % read_type(application)]
    if cid == GET_SERIAL:
        return ["serial number %d" % read_serial(application)]
    if cid in (GET_EVENT_STATUS, CLEAR_EVENT_STATUS):
        return ["event status %08X" % read_event_status(application, cid)]
    if cid == GET_REGISTER:
        return [shown(*register) for register in read_registers(application)] or ["no register"]
    log, records, last, newest, info = read_log(application)
    words = [
        "record %d: %s" % (record, ", ".join(shown(*one) for one in values)) for record, values in records
    ]
    return ["log %d" % log, *words, "last %d, newest %d, info %02X" % (last, newest, info)]


def read_value(data):
    nob, sign, exponent = take_format(data, 0)
    assert len(data) == 2 + nob
    return [text(take_mantissa(data, 2, nob, sign), exponent)]


def meaning(label, data):
    """The lines that have to stand behind the arrows of an example."""
    if label == "value":
        return read_value(data)
    got = events(Reader(), data)
    assert len(got) == 1, "not one frame but %r" % (got,)
    event, *frame = got[0]
    if label == "wrong":
        assert event != FRAME, "marked as wrong, and it is right"
        return [error_text(event)]
    if event == ACKNOWLEDGE and label == "from the meter":
        return ["acknowledge"]
    assert event == FRAME, error_text(event)
    start, address, application = frame
    assert start == (TO_METER if label == "to the meter" else FROM_METER)
    prefix = [] if address == METER else ["address %02X" % address]
    if start == FROM_METER:
        return prefix + reply_lines(application)
    cid, fields = read_request(application)
    words = logger_words(application) if cid == loggers.LOGGER else request_words(cid, fields)
    return [*prefix, "%s: %s" % (name(cid), words) if words else name(cid)]


@pytest.mark.parametrize("number, label, data, means", EXAMPLES, ids=["line %d" % row[0] for row in EXAMPLES])
def test_an_example_says_what_its_bytes_say(number, label, data, means):
    assert meaning(label, data) == means, "docs/protocol.md line %d" % number


def test_no_frame_escapes_the_test():
    read = {bytes(data) for _, _, data, _ in EXAMPLES}
    for number, line in enumerate(lines(), 1):
        if LABELLED.match(line) or CONTINUED.match(line):
            continue
        for found in FRAME_LIKE.findall(line):
            assert bytes.fromhex(found) in read, "line %d: put %s into an example" % (number, found)


def test_every_command_has_an_example_of_both_sides():
    seen = set()
    for _, label, data, _ in EXAMPLES:
        for event, *frame in events(Reader(), data):
            if event == FRAME:
                seen.add((label, frame[2][0]))
    acknowledged = (SET_CLOCK, PUT_REGISTER)
    for cid in (cid for cid in range(256) if name(cid)):
        assert ("to the meter", cid) in seen, name(cid)
        assert cid in acknowledged or ("from the meter", cid) in seen, name(cid)


def test_examples_that_are_not_called_composed_were_published():
    captures = (ROOT / "host_tests" / "data" / "captures.jsonl").read_text(encoding="utf-8").splitlines()
    published = "".join(
        json.loads(line).get(key, "") for line in captures for key in ("request_hex", "response_hex")
    )
    composed = [
        number for number, label, data, _ in EXAMPLES if label != "value" and data.hex() not in published
    ]
    page = lines()
    headings = {
        max(line for line in range(1, number) if page[line - 1].startswith("#")) for number in composed
    }
    for heading in headings:
        end = next((n for n in range(heading + 1, len(page) + 1) if page[n - 1].startswith("#")), len(page))
        assert "composed" in " ".join(page[heading:end]), page[heading - 1]


def rows(heading):
    """Cells of the table rows below a heading."""
    inside = False
    for line in lines():
        if line.startswith("#"):
            inside = line.lstrip("# ") == heading
        elif inside and line.startswith("|") and not line.startswith("|---"):
            yield [cell.strip() for cell in line.strip("|").split("|")]


def test_the_stuffing_table_is_the_codes():
    pairs = {bytes.fromhex(row[0]): bytes.fromhex(row[1]) for row in rows("Stuffing") if row[0] != "byte"}
    assert pairs == {bytes((byte,)): bytes((0x1B, byte ^ 0xFF)) for byte in (0x80, 0x40, 0x0D, 0x06, 0x1B)}


def test_the_command_table_is_the_codes():
    table = {int(row[0], 16): row[1] for row in rows("Commands") if row[0] != "command"}
    assert table == {cid: name(cid) for cid in range(256) if name(cid)}


def test_the_unit_table_is_the_codes():
    table = {}
    for row in rows("Units"):
        for code, sign in zip(row[::2], row[1::2], strict=True):
            if code.isdigit():
                table[int(code)] = sign
    known = {unit: unit_name(unit) for unit in range(256)}
    assert table == {unit: sign for unit, sign in known.items() if sign and sign != "unit %d" % unit}


def test_the_register_table_is_the_codes():
    table = [(int(row[0]), row[1]) for row in rows("Registers") if row[0].isdigit()]
    assert len(table) > 20
    for register, key in table:
        assert register_key(register) == key


def test_the_crc_printed_on_the_page_is_the_right_one():
    source = re.search(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[1]
    namespace = {}
    exec(source, namespace)
    for data in (b"", b"123456789", bytes(range(256))):
        assert namespace["crc"](data) == binascii.crc_hqx(data, 0)
    assert namespace["crc"](b"123456789") == 0x31C3


def test_links_lead_somewhere():
    page = PAGE.read_text(encoding="utf-8")
    headings = {
        re.sub(r"[^a-z0-9 -]", "", line.lstrip("# ").lower()).replace(" ", "-")
        for line in lines()
        if line.startswith("#")
    }
    for target in re.findall(r"\]\(([^)]+)\)", page):
        if target.startswith("#"):
            assert target[1:] in headings, target
        else:
            assert (PAGE.parent / target).exists(), target
