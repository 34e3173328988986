# The table of addresses: what it leads to, and that what needs much memory gives back only what it holds itself.
# The real routes and the real handler of /metrics; runs on CPython and on MicroPython.

from expose.one_app import app
from expose.one_exchange import Sink, reply
from kmpeye.expose.web import Routes
from kmpeye.system import forget


class Meanwhile(Sink):
    """Something else happens while the answer is sent."""

    def __init__(self, happens):
        super().__init__()
        self.happens = happens

    def write(self, data):
        self.happens()
        return super().write(data)


def asked(it, path, sink=None):
    it.forget = forget
    it.lean = lambda: None

    async def routed(exchange, app):
        _, handler, *rest = Routes(app).get(path)
        await handler(exchange, *rest)

    return reply(routed, it, path, sink=sink)


def test_an_address_that_is_not_in_the_table_leads_nowhere():
    for path in ("/nothing", "/metrics2", "/metric", "metrics", "/api", ""):
        assert Routes(app()).get(path) is None, path


def test_a_long_answer_holds_the_memory_while_it_is_sent():
    it = app()
    held = []
    status, _, _ = asked(it, "/metrics", Meanwhile(lambda: held.append(bool(it.reader.busy))))
    assert status == 200 and held[0], "what fits into the buffer goes out after it"
    assert not it.reader.busy


def test_a_long_answer_that_was_waited_for_too_long_does_not_free_what_the_reading_took_over():
    it = app()
    reading = object()

    def takes_over():
        it.reader.busy = reading

    status, _, _ = asked(it, "/metrics", Meanwhile(takes_over))
    assert status == 200 and it.reader.busy is reading
