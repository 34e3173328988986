# kmpeye.chores: when holes are looked for and when the meter's clock is, and that the code of both is let go of.
# A real backfill and a real clock comparison behind it; time is virtual. Runs on CPython and on MicroPython alike.

import asyncio
import sys

from kmp.frame import METER
from kmpeye.chores import Chores
from kmpeye_readings.night import DAY, HOUR, TOP, House, Profile
from virtual_line import drive


async def send(application):
    raise AssertionError("nothing may be written")


class Home(House):
    def __init__(self, logger=TOP):
        House.__init__(self, logger)
        self.chores = Chores(self, send)

    def again(self):
        House.again(self)
        self.chores = Chores(self, send)

    def look(self):
        """What was asked: {address: requests}."""
        self.logger.asked.clear()
        drive(self.chores.look())
        asked = self.logger.asked
        return {one: asked.count(one) for one in asked}


def test_the_first_reading_after_a_start_looks_for_what_was_missed():
    with Home() as home:
        home.read(0, 9)
        home.again()
        home.read(50, 50)
        assert home.look() == {METER: 2, TOP: 8}, "the hole, and the clock"
        assert home.chores.status() == {
            "filling": False,
            "filled_hours": 40,
            "fill_error": None,
            "drift_s": 0,
            "clock_error": None,
        }
        assert home.hours()[1] == list(range(10, 50))


def test_while_nothing_is_missing_nothing_is_asked_but_the_clock_once_a_day():
    with Home() as home:
        home.read(0, 0)
        assert home.look() == {METER: 1}
        days = 0
        for hour in range(1, 60):
            home.read(hour, hour)
            asked = home.look()
            assert asked in ({}, {METER: 1})
            days += bool(asked)
        assert days == 2


def test_a_hole_while_running_is_filled_at_the_next_reading():
    with Home() as home:
        home.read(0, 1)
        home.look()
        home.read(5, 5)
        assert home.look() == {METER: 1, TOP: 1}
        home.read(7, 7)
        assert home.look() == {}, "an hour is not worth it"
        assert home.chores.filled == 3


def test_what_failed_is_tried_again_after_an_hour_without_another_hole():
    with Home() as home:
        home.read(0, 9)
        home.read(20, 20)
        home.logger.says = ["budget_spent", "budget_spent"]
        home.look()
        assert "budget_spent" in home.chores.fill_error and "budget_spent" in home.chores.clock_error
        assert home.look() == {}
        home.read(21, 21)
        home.clock.pass_ms(HOUR * 1000)
        assert home.look() == {METER: 2, TOP: 2}
        assert (home.chores.fill_error, home.chores.clock_error) == (None, None)


def test_a_flash_or_memory_that_refuses_ends_nothing():
    for error in (OSError(5), MemoryError()):
        with Home() as home:
            home.read(0, 9)
            home.read(20, 20)

            def refuse(name, state, error=error):
                raise error

            home.save = refuse
            home.look()
            assert "stopped" in home.chores.fill_error
            assert home.chores.filled == 10, "what was filled is filled"
            del home.save
            home.clock.pass_ms(HOUR * 1000)
            home.look()
            assert home.chores.fill_error is None


def test_before_there_is_a_date_a_reading_or_a_history_nothing_is_done_and_nothing_is_missed():
    with Home() as home:
        assert home.look() == {}
        home.read(0, 3)
        home.again()
        home.read(9, 9)
        history, home.history = home.history, None  # it is opened by another task, perhaps later
        home.look()
        home.history = history
        assert home.look() == {METER: 1, TOP: 1}
        home.snapshot.reading.unix = None
        home.chores = Chores(home, send)
        assert home.look() == {}


def test_water_meters_are_not_asked_for_their_clock_and_meters_without_loggers_for_nothing_else():
    with Home() as home:
        home.reader.profile.kind = "water"
        home.reader.profile.loggers = ()
        home.read(0, 9)
        home.read(20, 20)
        assert home.look() == {}
        home.reader.profile.kind = "electricity"
        home.chores = Chores(home, send)
        home.look()
        assert "date and clock" in home.chores.clock_error, "this one has no RTC"
        home.reader.profile = Profile()  # it was learned which meter this is
        assert home.look() == {METER: 2, TOP: 2}


def test_the_code_is_let_go_of():
    with Home() as home:
        home.read(0, 9)
        home.read(20, 20)
        home.look()
        for name in (
            "kmpeye.backfill",
            "kmpeye.meter_clock",
            "kmpeye.readings.backfill",
            "kmpeye.readings.moment",
            "kmp.log",
            "kmp.service",
        ):
            assert name not in sys.modules, name


def test_a_drift_is_shown_in_seconds():
    with Home() as home:
        home.read(0, 0)
        home.logger.fast_s = -130
        home.look()
        assert abs(home.chores.drift_s + 130) <= 2
        home.clock.pass_ms(DAY * 1000)
        home.logger.fast_s = 5
        home.look()
        assert abs(home.chores.drift_s - 5) <= 2


def test_the_task_looks_when_something_was_published():
    class Counting(Chores):
        looks = 0

        async def look(self):
            self.looks += 1

    async def main(home):
        chores = Counting(home, send)
        task = asyncio.create_task(chores.run())
        for published in range(3):
            for _ in range(5):
                await asyncio.sleep(0)
            assert chores.looks == published
            home.snapshot.changed()
        for _ in range(5):
            await asyncio.sleep(0)
        assert chores.looks == 3
        task.cancel()

    with Home() as home:
        asyncio.run(main(home))
