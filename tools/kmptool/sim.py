# `kmp sim`: a simulated meter on a TCP port or a pty. Arguments in, one JSON line on stdout when it is ready
# and one for each answered request; words on stderr. Imports kmpsim, and the protocol's values for printing.

import argparse
import re
import time

from kmp.calendar import day_number, is_date
from kmp.value import text
from kmpsim import eye, model
from kmpsim.faults import Odds
from kmpsim.hand import Hand
from kmpsim.meter import Options, SimMeter
from kmpsim.ports import PortError, PtyPort, TcpPort, say
from kmpsim.serve import serve
from kmptool.jsonline import dumps

# A second at this factor is a day; the meter's minutes are counted one by one, and more would not keep up.
_MAX_TIME_FACTOR = 86_400
_MAX_LATENCY_MS = 60_000  # beyond the 1.6 s that a head waits anything is silence; a minute is plenty

_HELP = """examples:
  kmp sim --meter multical21 --tcp 127.0.0.1:5000
  kmp sim --meter multical601 --pty /tmp/meter --echo --noise 0.05
  kmp sim --meter multical62 --tcp 127.0.0.1:0 --fast --frozen --seed 7
  kmp sim --meter multical403 --tcp 127.0.0.1:5000 --energy GJ --info 24 --eye magnet --magnet-file /tmp/magnet

The first needs nothing but a program that reads socket://127.0.0.1:5000, the second one that reads the serial
device /tmp/meter at the meter's speed (at another speed it gets what a real line gives: rubbish). Bytes come at
the pace of a real meter unless --fast. Kinds of eye: always on; magnet: 4 s after one is felt; dropout: off again
5 to 10 minutes later; replies12: mute after 12 replies until it was away for a minute; five12h: mute for 12 hours
after 5 replies; key: on for 4 minutes after a press. Without --magnet-file the magnet is there from the start and
stays, and the key is pressed once, at the start. Output on stdout:
  {"ready": "socket://127.0.0.1:5000", "meter": "MULTICAL 21", "serial": 68123456}
  {"request": "803f100100444dc00d", "reply": "403f10...0d", "registers": {"68": "314.131"}}
Ctrl-C ends it. Exit status: 0 ended, 1 the port cannot be had, 2 typed wrong."""


def add_parser(subparsers):
    parser = subparsers.add_parser(
        "sim",
        description="Be a Kamstrup meter on a TCP port or a pty: answers KMP as a real one does, with its timing, "
        "its silences, and the faults that are asked for.",
        epilog=_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--meter", required=True, metavar="NAME", type=_model, help=", ".join(model.names()))
    port = parser.add_mutually_exclusive_group(required=True)
    port.add_argument(
        "--tcp", metavar="HOST:PORT", type=_address, help="listen here; port 0 takes a free one"
    )
    port.add_argument("--pty", metavar="LINK", help="make a serial device and this link to it")
    parser.add_argument("--fast", action="store_true", help="light takes no time, the meter answers at once")
    parser.add_argument(
        "--echo", action="store_true", help="the head hears its own light, as passive heads do"
    )
    chance = {"metavar": "P", "type": _probability, "default": 0.0}
    parser.add_argument(
        "--noise", help="stray bytes before and after replies and each second, 0 to 1", **chance
    )
    parser.add_argument("--loss", help="replies that do not arrive, 0 to 1", **chance)
    parser.add_argument("--cut", help="replies that stop in the middle, 0 to 1", **chance)
    parser.add_argument("--bad-crc", help="replies with one wrong bit, 0 to 1", **chance)
    parser.add_argument("--zero", help="replies with an unasked 00 before them, 0 to 1", **chance)
    parser.add_argument(
        "--latency", metavar="MS", type=_latency, help="pause before replies; otherwise the model's"
    )
    parser.add_argument(
        "--seed", metavar="N", type=int, default=0, help="another seed, other faults and flow"
    )
    parser.add_argument("--serial", metavar="N", type=_serial, help="serial number")
    parser.add_argument(
        "--clock", metavar="TIME", type=_moment, help="its clock, 2026-11-22T06:40:00; otherwise now"
    )
    parser.add_argument(
        "--info", metavar="N", type=_code, help="its info code (register 99); otherwise the model's"
    )
    parser.add_argument(
        "--energy", choices=sorted(model.ENERGY), help="a heat meter that counts in this unit"
    )
    parser.add_argument("--eye", choices=eye.KINDS, default="always", help="when it hears; otherwise always")
    parser.add_argument(
        "--magnet-file",
        metavar="PATH",
        help="a file that holds 1 while the magnet is there or the key down, or 0",
    )
    pace = parser.add_mutually_exclusive_group()
    pace.add_argument(
        "--time-factor", metavar="X", type=_factor, default=1.0, help="the meter's life runs X times faster"
    )
    pace.add_argument(
        "--frozen", action="store_const", const=0.0, dest="time_factor", help="totals and clock stand still"
    )
    parser.add_argument("--quiet", action="store_true", help="no line for each request")
    parser.set_defaults(func=run, parser=parser)


def run(args):
    """Be the meter until a signal comes; returns the exit status."""
    try:
        if args.energy is not None:
            args.meter = model.with_energy(args.meter, args.energy)
        if args.info is not None:
            args.meter = model.with_info(args.meter, args.info)
    except ValueError as error:
        args.parser.error(str(error))
    options = Options(
        echo=args.echo,
        fast=args.fast,
        latency_ms=args.latency,
        time_factor=args.time_factor,
        start_s=_seconds_2000(time.localtime()[:6]) if args.clock is None else args.clock,
        serial=args.serial,
        eye=args.eye,
        odds=Odds(noise=args.noise, loss=args.loss, cut=args.cut, bad_crc=args.bad_crc, zero=args.zero),
    )
    try:
        hand = Hand(args.magnet_file)
    except (OSError, ValueError) as error:
        say("kmp sim: --magnet-file: %s" % error)
        return 1
    try:
        port = TcpPort(*args.tcp) if args.tcp else PtyPort(args.pty, args.meter.baud)
    except PortError as error:
        say("kmp sim: %s" % error)
        return 1

    def meter_at(now_ms):
        return SimMeter(args.meter, now_ms, args.seed, options, None if args.quiet else _print_answer)

    def ready():
        serial = args.meter.serial if args.serial is None else args.serial
        print(dumps({"ready": port.url, "meter": args.meter.name, "serial": serial}), flush=True)
        say("%s %d listening on %s" % (args.meter.name, serial, port.url))

    try:
        serve(meter_at, port, hand, ready)
    finally:
        port.close()
    return 0


def _print_answer(request, reply, registers, faults):
    line = {
        "request": request.hex(),
        "reply": reply.hex(),
        "registers": {str(one[0]): text(one[2], one[3]) for one in registers},
    }
    if faults:
        line["faults"] = faults
    print(dumps(line), flush=True)


def _model(name):
    try:
        return model.load(name)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _address(value):
    host, colon, port = value.rpartition(":")
    if not colon or not host or not re.fullmatch("[0-9]{1,5}", port) or int(port) > 65535:
        raise argparse.ArgumentTypeError("%r is not HOST:PORT, like 127.0.0.1:5000" % value)
    return host.strip("[]"), int(port)


def _number(value, low, high, what):
    try:
        number = float(value)
    except ValueError:
        number = None
    if number is None or not low <= number <= high:
        raise argparse.ArgumentTypeError("%s is %s to %s, not %r" % (what, low, high, value))
    return number


def _probability(value):
    return _number(value, 0, 1, "a probability")


def _latency(value):
    return _number(value, 0, _MAX_LATENCY_MS, "a latency in ms")


def _factor(value):
    return _number(value, 0, _MAX_TIME_FACTOR, "a time factor")


def _code(value):
    if not re.fullmatch("[0-9]{1,10}", value):
        raise argparse.ArgumentTypeError("an info code is a number, not %r" % value)
    return int(value)


def _serial(value):
    if not re.fullmatch("[0-9]{1,10}", value) or int(value) >> 32:
        raise argparse.ArgumentTypeError("a serial number is 0 to 4294967295, not %r" % value)
    return int(value)


def _moment(value):
    match = re.fullmatch(r"(20\d\d)-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)", value, re.ASCII)
    fields = [int(one) for one in match.groups()] if match else None
    if not fields or not is_date(*fields[:3]) or fields[3] > 23 or fields[4] > 59 or fields[5] > 59:
        raise argparse.ArgumentTypeError("%r is not a time like 2026-11-22T06:40:00" % value)
    return _seconds_2000(fields)


def _seconds_2000(fields):
    year, month, day, hour, minute, second = fields
    return day_number(year, month, day) * 86400 + hour * 3600 + minute * 60 + second
