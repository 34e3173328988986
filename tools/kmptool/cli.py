# The `kmp` command: finds the subcommand and runs it. JSON goes to stdout, words go to stderr;
# exit 0 is good, 1 means that the meter or the data is bad, 2 that the command was typed wrong.
# A new subcommand is one row here and one file with add_parser(subparsers), which makes the parser and sets
# the defaults func (takes the parsed arguments, returns the exit status) and parser (for usage errors).

import argparse
import importlib
import os
import sys

# name, module, what `kmp --help` says. The module is imported only when its name is typed.
_COMMANDS = (
    ("decode", "kmptool.decode", "take KMP frames out of hex bytes and say what they mean"),
    ("read", "kmptool.read", "read registers of a meter once"),
    ("log", "kmptool.log", "read records of a meter's own logger"),
    ("sim", "kmptool.sim", "be a meter, on a TCP port or a pty"),
)

_EXAMPLES = """examples:
  kmp decode 40 3F 10 00 44 28 04 43 00 04 CB 13 29 23 0D
  kmp read --port /dev/ttyUSB0 --register volume
  kmp log --port /dev/ttyUSB0 --address 127 --register 60 --from 2026-11-01
  kmp sim --meter multical21 --tcp 127.0.0.1:5000

`kmp COMMAND --help` says more. Exit status: 0 good, 1 the meter or the data is bad, 2 typed wrong."""


def main(argv):
    """Run one command; returns the exit status. Typed wrong: SystemExit(2), as argparse does."""
    parser = argparse.ArgumentParser(
        prog="kmp",
        description="Talk KMP, the protocol of Kamstrup's meters, from a PC.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    subparsers = parser.add_subparsers(metavar="COMMAND", dest="command", required=True)
    for name, module, summary in _COMMANDS:
        if argv[:1] == [name]:
            importlib.import_module(module).add_parser(subparsers)
        else:
            subparsers.add_parser(name, help=summary)
    args = parser.parse_args(argv)
    return args.func(args)


def run():
    """What the executable does: main() with the process around it."""
    if sys.stderr is None:  # closed by the caller (2>&-); words would go to stdout
        sys.stderr = open(os.devnull, "w")
    if sys.stdout is None:
        sys.exit("kmp: there is no stdout to write to")
    sys.stdin = sys.stdin or open(os.devnull)
    sys.stdin.reconfigure(encoding="utf-8", errors="surrogateescape")  # logs may hold anything
    sys.stdout.reconfigure(encoding="utf-8")  # units are m³ and °C whatever the locale says
    sys.stderr.reconfigure(errors="backslashreplace")
    try:
        status = main(sys.argv[1:])
        sys.stdout.flush()
    except OSError as error:
        if not isinstance(error, BrokenPipeError):  # the reader of our output has left: `kmp decode - | head`
            print("kmp: %s" % error.strerror, file=sys.stderr)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what Python still holds
        status = 1
    except KeyboardInterrupt:
        status = 130  # what a shell says of a program ended by Ctrl-C
    sys.exit(status)
