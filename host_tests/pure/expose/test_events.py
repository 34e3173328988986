# The stream of a page that stays open: who gets one, and when it ends. The real handler and Exchange with a socket
# that keeps what is sent.

from expose.one_app import app
from expose.one_exchange import Sink, Things, reply
from kmpeye.expose.events import events


class Page(Sink):
    """Still there, and silent."""

    def readinto(self, view):
        return None


def streaming(streams, low):
    it = app()
    it.streams = streams
    it.supervisor = Things(low=low)

    def status():
        it.supervisor.low = True  # the chip's memory becomes low once the stream has begun
        yield "{}"

    it.status_chunks = status
    return it


# streams that are open, memory low, status, why
WHO = (
    (0, False, 200, "the first page"),
    (1, False, 200, "a second one"),
    (2, False, 503, "a third one is told to poll"),
    (0, True, 503, "Wi-Fi needs the memory"),
)


def test_who_gets_a_stream():
    for streams, low, status, why in WHO:
        it = streaming(streams, low)
        got, _, body = reply(events, it, "/api/events", method="HEAD", sink=Page())
        assert got == status, (why, body)
        assert it.streams == streams, why


def test_an_open_stream_ends_when_the_chips_memory_becomes_low():
    it = streaming(0, False)
    status, _, body = reply(events, it, "/api/events", sink=Page())
    assert status == 200 and "event: status\ndata: {}\n\n" in body and it.streams == 0
