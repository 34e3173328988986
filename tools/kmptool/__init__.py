# The subcommands of tools/kmp, for Python 3.10 and newer on a PC with nothing installed. One file each, with
# add_parser(subparsers); listed in cli.py. They may import firmware/ (what is pure) and kmpsim.
