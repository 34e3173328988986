# Starts kmpeye. On the chip this file runs by itself after every start; on a PC tools/run starts it.
# Whatever ends the app is written to crash.txt, and a board restarts.

import asyncio
import os
import sys

_ROM = "/rom"  # where MicroPython mounts the ROMFS partition of a board that has one


def _app(root, boots):
    from kmpeye.app import App
    from kmpeye.system import board, config, forget

    settings = config.load()
    parts = board.load(settings)
    forget("kmpeye.system.board", "kmpeye.system.config")  # needed once
    return App(settings, root, parts, None, boots)


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
    root = _root()
    from kmpeye.system.boots import of_this_board

    boots = of_this_board()
    try:
        asyncio.run(_app(root, boots).run())
    except KeyboardInterrupt:
        boots.end("stopped", 0, True)
        print("stopped")
    except Exception as e:
        from kmpeye.system import board, crash

        text = crash.trace(e)
        print(text)
        crash.record(text, 0)
        boots.end("main: %r" % e, 0)
        board.restart()


if __name__ == "__main__":
    main()
