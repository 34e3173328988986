# Command B8, the loggers of the newer meters (MULTICAL 303 and 603 among them), as a dict for JSON. It is in no
# description; the layout is what the owner of such meters saw between Kamstrup's LogView and them (jktjkt/PyKMP).
# Promise: a dict, or ProtocolError where the content breaks the rules. Imports the protocol package.

from kmp.command import id_list
from kmp.encode import octets, unsigned_bytes
from kmp.frame import ProtocolError
from kmp.value import take_format, take_mantissa, unsigned

LOGGER = 0xB8
EMPTY = 1  # bits of info
OUTSIDE = 2
OLDEST = 0x40
_CONFIGURATION = 5
_FROM_RECORD = 6  # from a record number into the past
_FROM_NEWEST = 7  # from the newest record into the past, leaving out the first ones
_NAMES = {
    _CONFIGURATION: "GetConfiguration",
    _FROM_RECORD: "GetLogIDPastAbs",
    _FROM_NEWEST: "GetLogLastEntryPastAbs",
}

_INFO = (
    (EMPTY, "the log is empty"),
    (OUTSIDE, "the asked record is not in the log"),
    (0x0008, "a register is not in the log"),
    (0x0010, "more records would not have fitted"),
    (0x0020, "the format changes here"),
    (OLDEST, "the oldest record is among them"),
    (0x0080, "the newest record is among them"),
    (0x0100, "memory error"),
    (0x0200, "invalid request"),
    (0x2000, "more registers would not have fitted"),
)


class _Fields:
    """The fields of an application one after the other."""

    def __init__(self, data):
        self.data = data
        self.pos = 1

    def number(self, count):
        """An integer of so many bytes."""
        if self.pos + count > len(self.data):
            raise ProtocolError("a logger command that ends too early, after %d bytes" % len(self.data))
        self.pos += count
        return unsigned(self.data, self.pos - count, count)

    def ids(self):
        """A list of registers with its length in front."""
        return [self.number(2) for _ in range(self.number(1))]

    def end(self):
        """Refuse what follows."""
        if self.pos != len(self.data):
            raise ProtocolError("%d bytes too many in a logger command" % (len(self.data) - self.pos))


def _begin(application):
    fields = _Fields(application)
    kind = fields.number(1)
    out = {"subcommand": kind, "subcommand_name": _NAMES.get(kind), "log": fields.number(1)}
    return fields, kind, out


def ask(log, record, records, ids):
    """The request for so many records into the past: from a record number on, or from the newest where it is None."""
    start = octets(LOGGER, _FROM_NEWEST, log, 0, 0)
    if record is not None:
        start = octets(LOGGER, _FROM_RECORD, log) + unsigned_bytes(record, 4)
    return start + unsigned_bytes(records, 2) + id_list(ids)


def request(application, named):
    """named: what makes a dict of a register's id."""
    fields, kind, out = _begin(application)
    if kind in (_FROM_RECORD, _FROM_NEWEST):
        if kind == _FROM_RECORD:
            out["record"] = fields.number(4)
        else:
            out["offset"] = fields.number(2)
        out["records"] = fields.number(2)
        out["registers"] = [named(one) for one in fields.ids()]
    elif kind != _CONFIGURATION:
        out["data"] = bytes(application[fields.pos :]).hex()
        return out
    fields.end()
    return out


def reply(application, named, valued):
    """valued: what makes a dict of a register's id, unit, mantissa and exponent."""
    fields, kind, out = _begin(application)
    if kind == _CONFIGURATION:
        for key, count in (("date_1", 2), ("date_2", 2), ("most_records", 1), ("interval", 1)):
            out[key + "_format"] = fields.number(1)
            out[key] = fields.number(count)
        out["depth"] = fields.number(2)
        out["registers"] = [named(one) for one in fields.ids()]
    elif kind in (_FROM_RECORD, _FROM_NEWEST):
        records = fields.number(2)
        registers = fields.number(1)
        first = fields.number(4)
        newest = fields.number(4)
        info = fields.number(2)
        out["records"] = _records(fields, first, records, registers, valued)
        out["last"] = out["records"][-1]["record"] if records else None
        out.update(newest=newest, info=info, info_text=[words for bit, words in _INFO if info & bit])
    else:
        out["data"] = bytes(application[fields.pos :]).hex()
        return out
    fields.end()
    return out


def _records(fields, first, records, registers, valued):
    """Ids and formats stand in the first record only; record numbers fall."""
    formats = []
    out = []
    for i in range(records):
        values = []
        for k in range(registers):
            if not i:
                formats.append((fields.number(2), fields.number(1), *take_format(fields.data, fields.pos)))
                fields.pos += 2
            register, unit, nob, sign, exponent = formats[k]
            mantissa = take_mantissa(fields.data, fields.pos, nob, sign)
            fields.pos += nob
            values.append(valued(register, unit, mantissa, exponent))
        out.append({"record": first - i, "registers": values})
    return out
