# Starts kmpeye. On the chip this file runs by itself after every start; on a PC tools/run starts it.
# Whatever ends the app is written to crash.txt, and a board restarts.

import asyncio
import io
import sys

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
    pins = board.pins(settings)
    forget("kmpeye.system.board", "kmpeye.system.config")  # needed once
    return App(settings, root, pins)


def main():
    root = __file__.rpartition("/")[0]
    app = _app(root + "/" if root else "")
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
