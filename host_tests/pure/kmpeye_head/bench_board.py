# A board in virtual time for the tests of waking: its clock, pins, PWM and timers, wakers on it, and the ways a
# session can end. Strict: it refuses what the chip refuses. Promises a journal of every change of a pin or of the
# pulses on it, with the millisecond.

import asyncio

from kmpeye.head.wake import make_waker
from virtual_line import VirtualClock

OUTPUTS = (4, 5, 32, 33)
INPUTS = (34, 35)
PERIOD_NS = 20000000  # of 50 Hz


class Board(VirtualClock):
    """Time passes in pass_ms and nowhere else; timers go off at their instant on the way."""

    def __init__(self):
        super().__init__()
        self.journal = []  # (ms, pin, level), or (ms, pin, pulse in ns) where PWM has the pin
        self.quiet = False  # True: no journal, which takes memory
        self.levels = {}  # outputs keep their level when the program starts anew
        self.timers = {}
        self.timers_left = True  # False: the chip has no interrupt for another timer
        self.Pin = Pin
        Pin.board = self

    def Timer(self, number):
        if number not in (0, 1):  # the C3 has two
            raise ValueError("invalid Timer number, max 2")
        return self.timers.setdefault(number, Timer(self))

    def PWM(self, pin, freq, duty_ns):
        return Pwm(self, pin, freq, duty_ns)

    def note(self, pin, value):
        if not self.quiet and self.levels.get(pin) != value:
            self.journal.append((self.now, pin, value))
        self.levels[pin] = value

    def pass_ms(self, ms):
        end = self.now + ms
        while True:
            due = [timer for timer in self.timers.values() if timer.due is not None and timer.due <= end]
            if not due:
                break
            timer = min(due, key=lambda timer: timer.due)
            self.now = max(self.now, timer.due)
            timer.go_off()
        self.now = end

    def restart(self):
        """As after a soft reset: timers are gone, outputs stay as they were."""
        self.timers = {}


class Pin:
    OUT = 3
    board = None

    def __init__(self, number, mode, value):
        if number in INPUTS:
            raise ValueError("pin can only be input")
        if number not in OUTPUTS:
            raise ValueError("invalid pin")
        assert mode == self.OUT
        self.number = number
        self.value(value)

    def value(self, level):
        assert level in (0, 1) and not isinstance(level, bool)
        self.board.note(self.number, level)


class Pwm:
    def __init__(self, board, pin, freq, duty_ns):
        assert isinstance(pin, Pin) and freq == 50
        self._board = board
        self._number = pin.number
        self.duty_ns(duty_ns)

    def duty_ns(self, ns):
        assert isinstance(ns, int) and 0 <= ns <= PERIOD_NS
        self._board.note(self._number, ns)


class Timer:
    ONE_SHOT = 0
    PERIODIC = 1

    def __init__(self, board):
        self._board = board
        self.due = None

    def init(self, mode, period, callback):
        if not self._board.timers_left:
            raise OSError("ESP_ERR_NOT_FOUND")
        assert mode in (self.ONE_SHOT, self.PERIODIC) and period > 0 and callable(callback)
        self.due = self._board.now + period
        self._period = period if mode == self.PERIODIC else None
        self._callback = callback

    def deinit(self):
        self.due = None

    def go_off(self):
        self.due = self.due + self._period if self._period else None
        self._callback(self)


SETTLE_MS = 4500

SERVO = {"pin": 33, "rest_deg": 0, "wake_deg": 90, "travel_ms": 600}
COIL = {"pin": 32, "on_level": 1, "max_on_ms": 20000}
COIL_LOW = {"pin": 32, "on_level": 0, "max_on_ms": 20000}
KEY_SERVO = dict(SERVO, how="servo", press_ms=300)
KEY_COIL = dict(COIL, how="coil", press_ms=300)

REST_NS = 500000  # 0 degrees
WAKE_NS = 1500000  # 90 degrees


def drive(coroutine, steps=1000):
    """Run it for at most so many steps: (whether it ended, its result)."""
    try:
        for _ in range(steps):
            coroutine.send(None)
    except StopIteration as e:
        return True, e.value
    return False, None


def scene(kind, settings):
    board = Board()
    return board, make_waker(kind, settings, board, None, board)


def reading(board):
    """A request with two retries: three waits."""

    async def work():
        for _ in range(3):
            await board.sleep_ms(1000)
        return "reading"

    return work


def cancel(coroutine):
    thrown(coroutine, asyncio.CancelledError())


def interrupt(coroutine):
    thrown(coroutine, KeyboardInterrupt())


def lose_port(coroutine):
    thrown(coroutine, OSError(5))


def thrown(coroutine, error):
    try:
        coroutine.throw(error)
    except BaseException as e:
        assert type(e) is type(error), e
    else:
        raise AssertionError("the session swallowed %r" % error)


def close(coroutine):
    coroutine.close()


ENDS = (cancel, interrupt, lose_port, close)
