# kmpeye.head.wake.Session with a servo, a coil and a key: let go of the meter on every way out. Driven step by step
# in the virtual time of bench_board.py, so every pin is known at every instant, on CPython and MicroPython alike.

import asyncio

import micropython

from kmpeye.head.wake import Session, make_waker
from kmpeye_head.bench_board import (
    COIL,
    COIL_LOW,
    ENDS,
    KEY_COIL,
    KEY_SERVO,
    REST_NS,
    SERVO,
    SETTLE_MS,
    WAKE_NS,
    Board,
    drive,
    reading,
    scene,
)

# kind, settings, changes to every pin in a session of 3 s (after the start), milliseconds awake, why
SESSIONS = (
    ("none", {}, [], 3000, "nothing to move, nothing to wait for"),
    ("fixed", {}, [], 3000, "the magnet is there already, the eye has long started"),
    ("coil", COIL, [(1000, 32, 1), (8500, 32, 0)], 7500, "on for settling and reading"),
    ("coil", COIL_LOW, [(1000, 32, 0), (8500, 32, 1)], 7500, "a coil that is on at low level"),
    (
        "servo",
        SERVO,
        [(1000, 33, WAKE_NS), (1600, 33, 0), (9100, 33, REST_NS), (9700, 33, 0)],
        8100,
        "there, silent while it is there, back, silent",
    ),
    (
        "key",
        KEY_SERVO,
        [(1000, 33, WAKE_NS), (1600, 33, 0), (1900, 33, REST_NS), (2500, 33, 0)],
        8400,
        "the key is free while the meter starts",
    ),
    ("key", KEY_COIL, [(1000, 32, 1), (1300, 32, 0)], 7800, "pressed 300 ms"),
)

MOVING = [row for row in SESSIONS if row[2]]


def test_the_pins_are_right_at_every_instant_of_a_session():
    for kind, settings, expected, awake_ms, why in SESSIONS:
        board, waker = scene(kind, settings)
        board.pass_ms(1000)
        del board.journal[:]
        session = Session(waker, board, SETTLE_MS)
        assert drive(session.run(reading(board))) == (True, "reading"), why
        board.pass_ms(100000)
        assert board.journal == expected, (why, board.journal)
        assert session.awake_ms == awake_ms, (why, session.awake_ms)


# The first thing that happens to a pin, whatever the last program left there.
STARTS = (
    ("coil", COIL, [(0, 32, 0)], "off"),
    ("coil", COIL_LOW, [(0, 32, 1)], "off is high"),
    ("key", KEY_COIL, [(0, 32, 0)], "off"),
    ("servo", SERVO, [(0, 33, 0), (0, 33, REST_NS), (600, 33, 0)], "to rest: it may have stopped anywhere"),
    ("key", KEY_SERVO, [(0, 33, 0), (0, 33, REST_NS), (600, 33, 0)], "to rest"),
)


def test_starting_switches_off_and_goes_to_rest():
    for kind, settings, expected, why in STARTS:
        board, waker = scene(kind, settings)
        board.pass_ms(100000)
        assert board.journal == expected, (why, board.journal)
        waker.release()
        waker.release()
        board.pass_ms(100000)
        assert board.journal == expected, "releasing twice changes nothing"


def let_go(board, settings):
    """The coil is off, or the servo is at rest or on its way there."""
    if "on_level" in settings:
        return board.levels[32] == 1 - settings["on_level"]
    moves = [value for _, pin, value in board.journal if pin == 33 and value]
    return moves[-1] == REST_NS


def silent(board, settings):
    return "on_level" in settings or board.levels[33] == 0


def test_whatever_ends_a_session_at_any_await_the_meter_is_let_go():
    for kind, settings, _, _, _ in MOVING:
        for end in ENDS:
            cuts = 0
            while True:
                board, waker = scene(kind, settings)
                board.pass_ms(1000)
                session = Session(waker, board, SETTLE_MS)
                coroutine = session.run(reading(board))
                done, _ = drive(coroutine, cuts + 1)
                if done:
                    break
                end(coroutine)
                where = (kind, settings, end, cuts)
                assert let_go(board, settings), where
                board.pass_ms(100000)
                assert let_go(board, settings) and silent(board, settings), where
                assert all(timer.due is None for timer in board.timers.values()), where
                # and the next session finds everything as if nothing had been
                assert drive(session.run(reading(board))) == (True, "reading"), where
                assert let_go(board, settings), where
                cuts += 1
            assert cuts >= 4, "a session has at least settling and three waits"


def test_after_a_power_cut_at_any_await_the_next_start_lets_go():
    for kind, settings, _, _, _ in MOVING:
        cuts = 0
        done = False
        while not done:
            board, waker = scene(kind, settings)
            board.pass_ms(1000)
            coroutine = Session(waker, board, SETTLE_MS).run(reading(board))
            done, _ = drive(coroutine, cuts + 1)
            board.restart()  # nothing of the program runs any more; the pins stay
            now = board.now
            make_waker(kind, settings, board, None, board)
            assert board.now == now and let_go(board, settings), (kind, settings, cuts)
            board.pass_ms(100000)
            assert let_go(board, settings) and silent(board, settings), (kind, settings, cuts)
            if not done:
                coroutine.close()
            cuts += 1


class Odd(BaseException):
    pass


def test_an_error_of_the_work_comes_through_after_the_release():
    for error in (ValueError("x"), asyncio.CancelledError(), Odd()):
        for kind, settings, _, _, _ in MOVING:
            board, waker = scene(kind, settings)

            async def work(error=error):
                raise error

            try:
                drive(Session(waker, board, SETTLE_MS).run(work))
            except BaseException as e:
                assert e is error
            else:
                raise AssertionError("swallowed")
            assert let_go(board, settings)


def test_a_coil_goes_off_by_itself_when_the_program_hangs_or_sleeps():
    for settings, off in ((COIL, 0), (COIL_LOW, 1)):
        for hang in (True, False):
            board, waker = scene("coil", settings)

            async def work(board=board, hang=hang):
                if hang:
                    board.pass_ms(600000)  # never comes to an await
                else:
                    await board.sleep_ms(600000)

            drive(Session(waker, board, SETTLE_MS).run(work))
            assert board.journal == [(0, 32, off), (0, 32, 1 - off), (20000, 32, off)], board.journal


def test_a_coil_goes_off_when_memory_is_used_up():
    board, waker = scene("coil", COIL)
    drive(waker.wake())
    coil = board.timers[0]
    board.quiet = True
    if hasattr(micropython, "heap_lock"):  # CPython has none; there the call alone is tried
        micropython.heap_lock()
        try:
            coil.go_off()
        finally:
            micropython.heap_unlock()
    else:
        coil.go_off()
    assert board.levels[32] == 0


def test_without_a_timer_the_coil_is_not_switched_on():
    board, waker = scene("coil", COIL)
    board.timers_left = False
    try:
        drive(Session(waker, board, SETTLE_MS).run(reading(board)))
    except OSError:
        pass
    else:
        raise AssertionError("a coil without its limit was used")
    assert board.journal == [(0, 32, 0)]


def test_without_a_timer_the_servo_still_goes_to_rest():
    board, waker = scene("servo", SERVO)
    session = Session(waker, board, SETTLE_MS)
    coroutine = session.run(reading(board))
    drive(coroutine, 3)
    board.timers_left = False
    coroutine.close()
    assert let_go(board, SERVO)


def test_a_servo_called_while_it_goes_to_rest_arrives_at_the_meter():
    board, waker = scene("servo", SERVO)
    board.pass_ms(300)
    del board.journal[:]
    drive(waker.wake())
    assert board.journal == [(300, 33, WAKE_NS), (900, 33, 0)], board.journal


def test_angles_become_pulses_without_a_float():
    for deg, ns in ((0, 500000), (1, 511111), (45, 1000000), (90, 1500000), (179, 2488888), (180, 2500000)):
        board, _ = scene("servo", dict(SERVO, rest_deg=deg, wake_deg=91))
        assert board.journal[-1] == (0, 33, ns), deg


class Turns:
    """A clock for tasks: time passes when it sleeps, and every sleep lets the others have a turn."""

    def __init__(self):
        self.now = 0

    def ticks(self):
        return self.now

    def since(self, ticks):
        return self.now - ticks

    async def sleep_ms(self, ms):
        self.now += ms
        await asyncio.sleep(0)


def test_two_sessions_at_once_take_turns():
    board = Board()
    clock = Turns()
    waker = make_waker("coil", COIL, clock, None, board)
    session = Session(waker, clock, SETTLE_MS)
    levels = []

    def work(steps):
        async def read():
            for _ in range(steps):
                levels.append(board.levels[32])
                await clock.sleep_ms(1000)

        return read

    async def both():
        await asyncio.gather(session.run(work(1)), session.run(work(3)))

    asyncio.run(both())
    assert levels == [1] * 4, "the shorter one would have released under the other's reading"
    assert board.levels[32] == 0
