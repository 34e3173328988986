# What main.py calls, which no update replaces: main(root) is a promise to every main.py that lies on a board.
# Imports the app and what it needs at the start. Whatever ends the app is written to crash.txt, and a board restarts.

import asyncio
import gc

from micropython import const

# Bytes between two collections during the start: garbage is reused at once, and what stays lies together. Measured
# with 112 KB in 32 bits: the largest free piece afterwards is 30 KB instead of 6.
_COLLECT = const(2048)
_START_MS = const(120000)  # as the app has it; the start needs a few seconds


def _app(root, boots):
    from kmpeye.app import App
    from kmpeye.system import board, config, forget

    settings = config.load()
    parts = board.load(settings)
    if settings["port"] == "uart":
        _darken(parts)
    forget("system.board", "system.config")  # needed once
    return App(settings, root, parts, None, boots)


def _darken(parts):
    """The LED, before the long rest of the start."""
    try:
        from kmpeye.head.port_uart import darken

        darken(parts["uart"])
    except (ImportError, KeyError, TypeError, ValueError):  # opening the port says what is wrong
        pass


def _watch():
    """From here on: an end that cannot even be recorded leaves the board at its prompt, where nobody is."""
    try:
        from machine import WDT

        WDT(timeout=_START_MS)
    except (ImportError, OSError):  # a PC; a chip that gives none, which the app says
        pass


def main(root):
    """root: the folder of the modules, meters/ and www/, "" or with a slash at its end."""
    if hasattr(gc, "threshold") and hasattr(gc, "mem_alloc"):  # CPython counts otherwise
        gc.threshold(_COLLECT)
    _watch()
    from kmpeye.system.boots import of_this_board

    boots = of_this_board()
    app = None
    try:
        app = _app(root, boots)
        asyncio.run(app.run())
    except KeyboardInterrupt:
        from kmpeye.system import board

        if app:
            app.stopped()
        boots.end("stopped", 0, True)
        board.patience()
        print("stopped")
    except Exception as e:
        try:
            _end(e, boots)
        except MemoryError:  # what matters is to begin anew
            from machine import reset

            reset()


def _end(error, boots):
    from kmpeye.system import board, crash

    text = crash.trace(error)
    print(text)
    crash.record(text, 0)
    boots.end("main: %r" % error, 0)
    board.restart()
