# Where memory runs out in a soak: each place throws a MemoryError when its turn has come. Runs on CPython and
# MicroPython; imports the app. Promises that everything behind a place is the app's own, and to touch no private name
# that the chip would have to keep for it.

import json

from kmpeye.expose import http

# In the reader, the history, the files that are kept, the snapshot and the chores.
INSIDE = ("registers", "open", "keep", "dumps", "event", "look")
# In the client of a broker: its connection, its bytes, what is due, what was sent, and what is left of all that.
IN_CLIENT = ("connect", "send", "feed", "done", "rest")
IN_SERVER = ("answer",)


class Shortage:
    """failed: {place: MemoryErrors thrown there}, of every place. As json it is json, with memory that can run out."""

    loads = staticmethod(json.loads)

    def __init__(self, places):
        self.failed = dict.fromkeys(places, 0)
        self._all = places
        self._shortages = 0
        self._armed = []

    def come(self):
        """Memory runs out the next time at one of the places, each in its turn."""
        self._armed.append(self._all[self._shortages % len(self._all)])
        self._shortages += 1

    def fail(self, place):
        """Throw what has come for this place."""
        if place in self._armed:
            self._armed.remove(place)
            self.failed[place] += 1
            raise MemoryError(place)

    def dumps(self, value):
        self.fail("dumps")
        return json.dumps(value)

    def before(self, place, called):
        """What is called instead: memory may run out."""

        def failing(*given):
            self.fail(place)
            return called(*given)

        return failing

    def into(self, app):
        """Into an app that has not begun to run."""
        head, recorder, snapshot, chores = app.reader.head, app.recorder, app.snapshot, app.chores
        head.registers = self.before("registers", head.registers)
        snapshot.event = self.before("event", snapshot.event)
        chores.look = self.before("look", chores.look)
        opened = recorder.open

        def failing_open():
            self.fail("open")
            history = opened()
            if history and "_keep" not in history.__dict__:
                history._keep = self.before("keep", history._keep)
            return history

        recorder.open = failing_open

    def into_client(self, client):
        """Into the client of a broker; its socket comes from elsewhere."""
        client.send = self.before("send", client.send)
        wanted = client.feed

        def failing_feed():
            self.fail("feed")
            feed = wanted()
            if "rest" not in feed.__dict__:
                feed.rest = self.before("rest", feed.rest)
                feed.done = self.before("done", feed.done)
            return feed

        client.feed = failing_feed

    def into_answers(self):
        """Into what the page's server writes, at any of its pieces."""

        def pieces(data):
            for piece in data:
                self.fail("answer")
                yield piece

        class Failing(http.Exchange):
            def write(self, data):
                return super().write(pieces(data))

        http.Exchange = Failing
