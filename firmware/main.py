# Starts kmpeye. On the chip this file runs by itself after every start; on a PC tools/run starts it.
# Whatever ends the app is written to crash.txt, and a board restarts.

import asyncio
import io
import os
import sys

_ROM = "/rom"  # where MicroPython mounts the ROMFS partition of a board that has one
_CRASH_FILE = "crash.txt"


def _record(e):
    text = io.StringIO()
    sys.print_exception(e, text)
    print(text.getvalue())
    with open(_CRASH_FILE, "w") as f:
        f.write(text.getvalue()[-2000:])  # the end names the place; flash is scarce


def _app(root):
    from kmpeye.app import App
    from kmpeye.system import board, config, forget

    settings = config.load()
    parts = board.load(settings)
    forget("kmpeye.system.board", "kmpeye.system.config")  # needed once
    return App(settings, root, parts)


def _root():
    """The folder of the modules, meters/ and www/: the image in flash, or else the one of this file."""
    try:
        os.stat(_ROM + "/kmpeye")
    except OSError:
        folder = __file__.rpartition("/")[0]
        return folder + "/" if folder else ""
    sys.path.insert(0, _ROM)  # before modules as files that an earlier firmware may have left
    return _ROM + "/"


def main():
    app = _app(_root())
    try:
        asyncio.run(app.run())
    except KeyboardInterrupt:
        print("stopped")
    except Exception as e:
        _record(e)
        from kmpeye.system import board

        board.restart()


if __name__ == "__main__":
    main()
