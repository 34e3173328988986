# kmpeye.head.wake_iec: the greeting at 300 baud, and the line at the meter's speed again whatever happens.
# Runs on CPython and MicroPython alike, in the virtual time of bench_board.py.

from kmpeye.head.line import PortError
from kmpeye.head.wake import Session, make_waker
from kmpeye_head.bench_board import ENDS, Board, drive, reading


class Line:
    """What Iec needs of kmpeye.head.line.Line; `fails` says at which call the port is lost."""

    def __init__(self, board, fails=None):
        self.clock = board
        self.baud = 1200
        self.fails = fails
        self.journal = []

    def _call(self, name, what):
        if self.fails == (name, what):
            raise PortError("the port is gone")
        self.journal.append((self.clock.now, name, what))

    async def open(self):
        self._call("open", None)
        await self.clock.sleep_ms(1700)

    def set_baud(self, baud):
        self.baud = baud
        self._call("set_baud", baud)

    def write(self, data):
        assert self.baud == 300
        self._call("write", data)


def test_iec_greets_at_300_baud_and_is_back_before_an_answer_can_begin():
    board = Board()
    line = Line(board)
    session = Session(make_waker("iec", {}, board, line, None), board, 1000)
    assert drive(session.run(reading(board))) == (True, "reading")
    assert line.journal == [
        (0, "open", None),
        (1700, "set_baud", 300),
        (1700, "write", b"\xaf\xa3\xb1"),
        (1830, "set_baud", 1200),
    ], line.journal
    assert session.awake_ms == 1700 + 130 + 1700 + 1000 + 3000


def test_the_greeting_has_seven_bits_and_even_parity():
    board = Board()
    line = Line(board)
    drive(make_waker("iec", {}, board, line, None).wake())
    greeting = next(what for _, name, what in line.journal if name == "write")
    assert bytes(byte & 0x7F for byte in greeting) == b"/#1"
    assert all(sum(byte >> bit & 1 for bit in range(8)) % 2 == 0 for byte in greeting)


def test_whatever_ends_the_greeting_the_line_has_the_speed_of_the_meter():
    for end in ENDS:
        for cut in range(7):
            board = Board()
            line = Line(board)
            coroutine = Session(make_waker("iec", {}, board, line, None), board, 1000).run(reading(board))
            drive(coroutine, cut + 1)
            end(coroutine)
            assert line.baud == 1200, (end, cut)


def test_a_port_lost_during_the_greeting_is_left_to_the_question_that_follows():
    for fails in (("open", None), ("set_baud", 300), ("write", b"\xaf\xa3\xb1"), ("set_baud", 1200)):
        board = Board()
        line = Line(board, fails)
        waker = make_waker("iec", {}, board, line, None)
        assert drive(Session(waker, board, 1000).run(reading(board))) == (True, "reading"), fails
        assert line.baud == 1200, fails
        waker.release()
