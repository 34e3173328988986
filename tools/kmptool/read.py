# `kmp read`: ask a meter once, with the firmware's own head code: the same timing, retries and echo handling
# as on the chip. One JSON line on stdout; why there is no answer, in words, on stderr.

import argparse
import asyncio
import re
import sys

from kmp.command import MAX_REGISTERS, get_serial, get_type, read_serial, read_type
from kmp.frame import ProtocolError
from kmp.registers import register_id, register_key
from kmpeye.head.line import Line
from kmpeye.head.transaction import RETRIES, Head, NoAnswer
from kmpeye.system.clock import Clock
from kmptool.describe import valued
from kmptool.jsonline import dumps

# What is asked without --register: three requests that fit every kind of meter.
_USUAL = [60, 63, 68, 80, 74, 86, 87, 89]
_USUAL += [99, 1004, 1001, 1003, 1002, 243, 292, 299]
_USUAL += [1, 2, 13, 1023, 84, 85, 266, 239]

BAUDS = (300, 1200, 2400, 9600)  # what a serial device can be set to (port_tty)

_HELP = """Reads registers of a meter once and prints one JSON line:
  {"port", "address", "baud", "registers": [{"id", "name", "value", "unit"}], "not_offered": [...]}
Registers the meter does not know are listed as not offered: that is no error. A meter that falls silent after some of
them is one; what it said before is printed with the "error".

examples:
  kmp read --port /dev/ttyUSB0
  kmp read --port /dev/ttyUSB0 --register volume --register 74
  kmp read --port socket://127.0.0.1:5000 --type
"""


def number(text):
    return int(text, 0)


def register_id_or_key(text):
    number = register_id(text)
    if number is None:
        try:
            number = int(text, 0)
        except ValueError:
            right = "a name like volume, or an id like 68 or 0x44"
            raise argparse.ArgumentTypeError("%r is no register: %s" % (text, right)) from None
    if not 0 <= number <= 0xFFFF:
        raise argparse.ArgumentTypeError("a register id is 0 to 65535, not %d" % number)
    return number


def port(text):
    """A device or an address to connect to, as argparse's type; what is no address at all was typed wrong."""
    found = re.fullmatch(r"socket://(.+):(\d+)", text)
    if not text or ("://" in text and not (found and 0 < int(found[2]) <= 65535)):
        raise argparse.ArgumentTypeError("%r is no port: a serial device, or socket://HOST:PORT" % text)
    return text


def unique(groups):
    """The ids of all --register, each once, in their order."""
    return list(dict.fromkeys(one for group in groups or () for one in group))


def add_parser(subparsers):
    parser = subparsers.add_parser(
        "read",
        help="read registers of a meter once",
        description=_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--port", required=True, type=port, help="a serial device, or socket://HOST:PORT")
    parser.add_argument(
        "--register",
        action="append",
        nargs="+",
        type=register_id_or_key,
        metavar="ID",
        help="name or id; may be repeated",
    )
    parser.add_argument(
        "--address", type=number, default=63, help="KMP address (63 meter, 127 and 191 loggers)"
    )
    parser.add_argument("--baud", type=int, default=1200, choices=BAUDS, help="1200; electricity meters 9600")
    parser.add_argument(
        "--retries", type=int, default=RETRIES, choices=range(10), help="tries after the first"
    )
    parser.add_argument(
        "--type", action="store_true", help="also ask for type and serial number (two more requests)"
    )
    parser.set_defaults(func=run, parser=parser)


def run(args):
    """Returns the exit status: 0 read, 1 no answer or no port."""
    if not 0 <= args.address <= 255:
        args.parser.error("--address is 0 to 255, not %d" % args.address)
    return asyncio.run(_read(args))


async def _read(args):
    line = Line(args.port, args.baud, Clock())
    head = Head(line, args.address)
    ids = unique(args.register) or _USUAL
    out = {"port": args.port, "address": args.address, "baud": args.baud}
    found = []
    try:
        # What came stays, whatever becomes of the next request.
        for start in range(0, len(ids), MAX_REGISTERS):
            asked = ids[: start + MAX_REGISTERS]
            found += await head.registers(asked[start:], args.retries)
            out["registers"] = [valued(*one) for one in found]
            offered = [one[0] for one in found]
            out["not_offered"] = [register_key(one) for one in asked if one not in offered]
        if args.type:
            out["type"], out["revision"] = await _asked(head, get_type(), read_type, (None, None))
            out["type"] = None if out["type"] is None else "%04X" % out["type"]
            out["serial"] = await _asked(head, get_serial(), read_serial, None)
    except NoAnswer as e:
        print("kmp read: %s" % e, file=sys.stderr)
        print(dumps({**out, "error": e.reason}))
        return 1
    finally:
        line.close()
    print(dumps(out))
    if not found:
        print("kmp read: the meter answers, but offers none of these registers", file=sys.stderr)
    return 0


async def _asked(head, request, read, otherwise):
    """Meters may refuse GetType and GetSerialNo by silence: that is not an error of the reading."""
    try:
        return read(await head.ask(request, 0))
    except (NoAnswer, ProtocolError):
        return otherwise
