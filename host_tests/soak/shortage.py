# Where memory runs out in a soak: each place throws a MemoryError once when it was armed. Runs on CPython and
# MicroPython; imports nothing of ours. Promises that everything behind a place is the app's own.

import json

# In the reader, the history, the files that are kept, the snapshot and the chores.
INSIDE = ("registers", "open", "keep", "dumps", "event", "look")
# In the client of a broker: its connection, what is due, the bytes of it, letting go of all that.
IN_CLIENT = ("connect", "feed", "publish", "rest")
IN_SERVER = ("answer",)


class Shortage:
    """failed: {place: MemoryErrors thrown there}, of every place. As json it is json, with memory that can run out."""

    loads = staticmethod(json.loads)

    def __init__(self, places):
        self.failed = dict.fromkeys(places, 0)
        self._places = places
        self._turn = 0
        self._armed = []

    def come(self):
        """Memory runs out the next time at one of the places, each in its turn."""
        self._armed.append(self._places[self._turn % len(self._places)])
        self._turn += 1

    def fail(self, place):
        """Throw what has come for this place."""
        if place in self._armed:
            self._armed.remove(place)
            self.failed[place] += 1
            raise MemoryError(place)

    def dumps(self, value):
        self.fail("dumps")
        return json.dumps(value)

    def before(self, owner, name, place):
        """Memory may run out when this is called."""
        called = getattr(owner, name)

        def failing(*given):
            self.fail(place)
            return called(*given)

        setattr(owner, name, failing)

    def into(self, app):
        """Into an app that has not begun to run."""
        self.before(app.reader.head, "registers", "registers")
        self.before(app.snapshot, "event", "event")
        self.before(app.chores, "look", "look")
        opened = app.recorder.open

        def failing_open():
            self.fail("open")
            history = opened()
            if history and "_keep" not in history.__dict__:
                self.before(history, "_keep", "keep")
            return history

        app.recorder.open = failing_open

    def into_way(self, way):
        """Into the client of a broker."""
        self.before(way, "_open", "connect")
        self.before(way, "feed", "feed")
        self.before(way, "_publish", "publish")
        self.before(way, "_let_go", "rest")

    def into_server(self, server):
        """Into the page's, so that an answer ends behind any of its pieces."""
        found = server._routes.get

        def failing_get(path):
            route = found(path)
            return route and (route[0], self._answer, route)

        server._routes.get = failing_get

    async def _answer(self, exchange, route):
        write = exchange.write

        async def failing_write(data):
            await write(self._pieces(data))

        exchange.write = failing_write
        await route[1](exchange, *route[2:])

    def _pieces(self, data):
        for piece in data:
            self.fail("answer")
            yield piece
