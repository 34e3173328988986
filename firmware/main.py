# Starts kmpeye. On the chip this file runs by itself after every start; on a PC tools/run starts it.
# Whatever ends the app is written to crash.txt, and a board restarts.

import asyncio
import io
import sys

from kmpeye.app import App
from kmpeye.system import board, config

_CRASH_FILE = "crash.txt"


def _record(e):
    text = io.StringIO()
    sys.print_exception(e, text)
    print(text.getvalue())
    with open(_CRASH_FILE, "w") as f:
        f.write(text.getvalue()[-2000:])  # the end names the place; flash is scarce


def main():
    root = __file__.rpartition("/")[0]
    settings = config.load()
    app = App(settings, root + "/" if root else "", board.pins(settings))
    try:
        asyncio.run(app.run())
    except KeyboardInterrupt:
        print("stopped")
    except Exception as e:
        _record(e)
        board.restart()


if __name__ == "__main__":
    main()
