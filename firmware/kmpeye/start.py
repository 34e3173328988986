# What main.py calls, which no update replaces: main(root) is a promise to every main.py that lies on a board.
# Imports the app and what it needs at the start. Whatever ends the app is written to crash.txt, and a board restarts.

import asyncio


def _app(root, boots):
    from kmpeye.app import App
    from kmpeye.system import board, config, forget

    settings = config.load()
    parts = board.load(settings)
    forget("kmpeye.system.board", "kmpeye.system.config")  # needed once
    return App(settings, root, parts, None, boots)


def main(root):
    """root: the folder of the modules, meters/ and www/, "" or with a slash at its end."""
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
