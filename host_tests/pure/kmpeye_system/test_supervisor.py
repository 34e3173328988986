# The supervisor in virtual time: death, standing still, growing pauses, what restarts the device, what feeds the
# watchdog, loops of restarts. Real asyncio tasks; the strict watchdog is fakes.machine's. Runs on three interpreters.

import asyncio

from fakes import machine
from kmpeye.system.boots import Boots
from kmpeye.system.log import Log
from kmpeye.system.supervisor import Supervisor
from virtual_tasks import TaskClock, scene


class Bench:
    """A supervisor with a log, a watchdog and boots, on a device whose restart is counted."""

    def __init__(self, memory=None, wdt_s=120, low=None):
        self.clock = TaskClock()
        self.log = Log(self.clock, console=None)
        self.restarts = 0
        self.watchdog = machine.WDT(timeout=wdt_s * 1000)
        self.watchdog.clock = self.clock
        self.boots = Boots(memory or machine.RTC().memory)
        self.supervisor = Supervisor(self.clock, self.log, self.restart, self.watchdog, self.boots, low)
        self.kept = []  # what goes into crash.txt
        self.supervisor.keep = self.kept.append
        self.starts = []  # uptime of each start of a task
        self.caught = 0

    def restart(self):
        self.restarts += 1

    def said(self, words):
        return [text for _, _, _, text in self.log.lines() if words in text]

    async def run_s(self, seconds):
        task = asyncio.create_task(self.supervisor.run())
        try:
            await self.clock.run_s(seconds)
        finally:
            task.cancel()
            try:
                await task
            except asyncio.CancelledError:
                pass

    def dies(self, error=None, after_s=0, lives=1000):
        """make() of a task that dies after a while, the first times it lives."""

        async def live():
            self.starts.append(self.clock.uptime_s())
            if after_s:
                await self.clock.sleep_ms(after_s * 1000)
            if len(self.starts) <= lives:
                if error:
                    raise error
                return
            while True:
                await self.clock.sleep_ms(1000)

        return live

    def beats(self, job, until_s, deaf=False):
        """make() of a task that shows signs of life until then, and stands still from then on."""

        async def live():
            self.starts.append(self.clock.uptime_s())
            while True:
                if self.clock.uptime_s() < until_s:
                    job[0].beat()
                try:
                    await self.clock.sleep_ms(5000)
                except asyncio.CancelledError:
                    self.caught += 1
                    if not deaf or self.caught > 1:  # the second time comes at the end of the test
                        raise

        return live


# error, seconds a life lasts, how often it dies, until, starts, why
PAUSES = (
    (OSError("gone"), 0, 1000, 40, [0, 2, 5, 10, 19, 36], "pauses 1, 2, 4, 8, 16 s, seen in rounds of 1 s"),
    (None, 0, 3, 60, [0, 2, 5, 10], "a task that just ends is started again, and lives"),
    (MemoryError(), 0, 1, 30, [0, 2], "no memory is an event, not an end"),
    (
        ValueError("x"),
        700,
        1000,
        1500,
        [0, 701, 1402],
        "who lived ten minutes starts with the first pause again",
    ),
)


def test_a_task_that_ends_is_started_again_after_a_growing_pause():
    for error, after_s, lives, until, starts, why in PAUSES:
        bench = Bench()
        bench.supervisor.add("task", bench.dies(error, after_s, lives))
        scene(bench.run_s(until))
        assert bench.starts == starts, (why, bench.starts)
        assert bench.restarts == 0, "not vital"


def test_the_longest_pause_is_five_minutes():
    bench = Bench()
    bench.supervisor.add("task", bench.dies(OSError("gone")))
    scene(bench.run_s(4000))
    gaps = [b - a for a, b in zip(bench.starts[:-1], bench.starts[1:])]
    assert max(gaps) == 301 and gaps[-3:] == [301] * 3, gaps


def test_a_vital_task_that_stays_dead_restarts_the_device_and_the_reason_is_kept():
    memory = machine.RTC().memory
    bench = Bench(memory)
    bench.supervisor.add("reader", bench.dies(RuntimeError("broken")), vital=True)
    scene(bench.run_s(25))
    assert bench.restarts == 1, bench.restarts
    assert bench.kept[-1] == "reader does not live: RuntimeError: broken"
    assert "Traceback" in bench.kept[0], "the death itself was kept with its place"
    again = Boots(memory)
    assert again.reason == "reader does not live: RuntimeError: broken"


def test_the_same_death_is_written_to_the_flash_once():
    bench = Bench()
    bench.supervisor.add("task", bench.dies(RuntimeError("broken")))
    scene(bench.run_s(2000))
    assert len(bench.starts) > 9 and len(bench.kept) == 1, bench.kept


def test_a_task_without_memory_is_counted_and_not_written_to_the_flash():
    bench = Bench()
    bench.supervisor.add("task", bench.dies(MemoryError(), 0, 2))
    scene(bench.run_s(60))
    assert bench.supervisor.out_of_memory == 2 and not bench.kept


def test_a_task_that_stands_still_is_ended_and_started_again():
    bench = Bench()
    job = []
    job.append(bench.supervisor.add("reader", bench.beats(job, 100), stuck_s=60))
    scene(bench.run_s(190))
    assert bench.starts[0] == 0 and 155 <= bench.starts[1] <= 165 and len(bench.starts) == 2, bench.starts
    assert bench.caught == 2, "the standing one, and the last one at the end"
    assert bench.said("no sign of life for 61 s")


def test_a_vital_task_that_stands_still_in_each_of_its_lives_restarts_the_device():
    # uptime up to which it beats, in how many hours, restarts, why
    for until_s, hours, restarts, why in (
        (0, 1, 1, "it stands still from the beginning of each life: ten minutes of that are no sign of life"),
        (2000, 2, 1, "a life that was long is followed by five that are not"),
        (9000, 2, 0, "it beats"),
    ):
        bench = Bench()
        job = []
        job.append(bench.supervisor.add("reader", bench.beats(job, until_s), vital=True, stuck_s=600))
        scene(bench.run_s(3600 * hours))
        assert bench.restarts >= restarts and (restarts or not bench.restarts), (why, bench.starts)


def test_a_task_that_beats_is_left_alone():
    bench = Bench()
    job = []
    job.append(bench.supervisor.add("reader", bench.beats(job, 10000), vital=True, stuck_s=60))
    scene(bench.run_s(9000))
    assert bench.starts == [0] and not bench.said("reader")


def test_a_task_that_cannot_be_ended_is_told_once_and_restarts_the_device_when_vital():
    for vital in (False, True):
        bench = Bench()
        job = []
        job.append(bench.supervisor.add("deaf", bench.beats(job, 100, True), vital, 60))

        async def act(bench=bench, job=job):
            await bench.run_s(1000)

        try:
            scene(act())
        except asyncio.CancelledError:
            pass
        assert bench.restarts == (1 if vital else 0)
        assert len(bench.said("deaf: stands still and cannot be ended")) == 1
        assert bench.supervisor.status()["deaf"][0] == "stuck"


def test_the_watchdog_is_fed_while_every_vital_task_lives_and_not_for_the_others():
    bench = Bench()
    bench.supervisor.add("reader", bench.dies(None, 0, 0), vital=True)
    bench.supervisor.add("mqtt", bench.dies(OSError("x")))
    scene(bench.run_s(600))
    assert not bench.watchdog.bitten() and bench.watchdog.fed >= 599


def test_the_watchdog_is_not_fed_while_a_vital_task_is_dead_or_stands_still():
    bench = Bench(wdt_s=30)
    job = []
    job.append(bench.supervisor.add("reader", bench.beats(job, 100, True), vital=True, stuck_s=60))
    scene(bench.run_s(400))
    assert bench.watchdog.bitten(), "nobody else would have restarted a device whose restart() does nothing"
    assert 155 <= bench.watchdog.fed <= 158, bench.watchdog.fed


def test_other_tasks_run_on_while_one_dies():
    bench = Bench()
    bench.supervisor.add("mqtt", bench.dies(OSError("x")))
    other = Bench()
    other.clock = bench.clock
    bench.supervisor.add("reader", other.dies(None, 0, 0), vital=True)
    scene(bench.run_s(3600))
    assert other.starts == [0]
    assert bench.supervisor.status() == {"mqtt": ("dead", bench.supervisor.jobs[0].deaths, "OSError: x")}


def test_tasks_end_with_the_supervisor():
    bench = Bench()
    job = []
    job.append(bench.supervisor.add("reader", bench.beats(job, 1000)))
    scene(bench.run_s(10))
    assert bench.caught == 1


# --- loops of restarts ---------------------------------------------------------------------------------------------

# seconds that the starts before this one lived, safe, why
LOOPS = (
    ((), False, "the first start"),
    ((10, 10, 10), False, "the fourth start"),
    ((10, 10, 10, 10), True, "the fifth in 40 s"),
    ((0, 0, 0, 0), True, "they died before the first tick"),
    ((149, 150, 150, 150), True, "the fifth in 599 s, as seen every 10 s"),
    ((160, 160, 160, 160), False, "the fifth in 640 s"),
    ((700, 10, 10, 10), False, "the first one had lived"),
    ((10, 10, 10, 700, 10, 10), False, "a long life in between"),
    ((10, 10, 10, 700, 10, 10, 10, 10), True, "and then a loop"),
)


def test_five_starts_within_ten_minutes_are_a_loop():
    for lives, safe, why in LOOPS:
        memory = machine.RTC().memory
        memory(b"")
        boots = Boots(memory)
        for life in lives:
            assert not boots.safe, why
            for uptime in range(life + 1):
                boots.tick(uptime)
            boots = Boots(memory)
        assert boots.safe == safe, why


def test_a_safe_start_is_followed_by_a_usual_one():
    memory = machine.RTC().memory
    memory(b"")
    seen = [Boots(memory).safe for _ in range(11)]
    assert seen == [False] * 4 + [True] + [False] * 3 + [True] + [False] * 2, seen


def test_a_life_that_was_long_is_no_part_of_a_loop_whatever_ends_it():
    memory = machine.RTC().memory
    for _ in range(6):
        boots = Boots(memory)
        assert not boots.safe
        for uptime in range(0, 1000, 5):
            boots.tick(uptime)
        boots.end("main: where nobody knows how long it ran", 0)


def test_restarts_that_somebody_wanted_are_no_loop():
    memory = machine.RTC().memory
    memory(b"")
    for _ in range(12):
        boots = Boots(memory)
        assert not boots.safe
        boots.end("settings were changed", 5, True)
    assert Boots(memory).reason == "settings were changed"


def test_foreign_memory_is_a_first_start():
    for data in (
        b"",
        b"\xff\xfe",
        b"kmpeye",
        b"kmpeye |",
        b"kmpeye a|",
        b"kmpeye -5 1|x",
        b"other 1 2|x",
        b"|" * 99,
    ):
        memory = machine.RTC().memory
        memory(data)
        boots = Boots(memory)
        assert boots.reason == "" and boots.lives == [] and not boots.safe, data


def test_a_flash_that_counts_starts_is_written_twice_a_start():
    writes = []

    def memory(data=None):
        if data is None:
            return writes[-1] if writes else b""
        writes.append(data)

    boots = Boots(memory, True)
    for uptime in range(0, 5000, 3):
        boots.tick(uptime)
    assert len(writes) == 2, writes
    assert not Boots(memory, True).lives == [] and Boots(memory, True).lives[0] == 600


def test_safe_mode_ends_by_a_restart_after_an_hour():
    memory = machine.RTC().memory
    memory(b"kmpeye 1 1 1 1|x")
    bench = Bench(memory)
    assert bench.boots.safe
    bench.supervisor._restart = lambda: _restarted(bench)
    scene(bench.run_s(3590))
    assert bench.restarts == 0


def _restarted(bench):
    bench.restarts += 1
    bench.boots.safe = False


def test_safe_mode_lasts_an_hour():
    memory = machine.RTC().memory
    memory(b"kmpeye 1 1 1 1|x")
    bench = Bench(memory)
    bench.supervisor._restart = lambda: _restarted(bench)
    scene(bench.run_s(3610))
    assert bench.restarts == 1 and not Boots(memory).safe


def test_when_the_chips_memory_is_low_one_way_out_after_the_other_lets_its_clients_go():
    looks = []  # uptime of each

    def low():
        looks.append(bench.clock.uptime_s())
        return 20 <= looks[-1] < 60

    bench = Bench(low=low)
    supervisor = bench.supervisor
    lives = {}

    def make(name):
        async def live():
            lives[name] = lives.get(name, 0) + 1
            await bench.clock.sleep_ms(1000000)

        return live

    for name in ("reader", "modbus", "kmptcp"):
        job = supervisor.add(name, make(name), name == "reader")
        if name != "reader":
            supervisor.guests.append(job)

    async def story():
        task = asyncio.create_task(supervisor.run())
        await bench.clock.run_s(19)
        assert not supervisor.low and supervisor.status() == {}
        await bench.clock.run_s(10)
        assert supervisor.low and list(supervisor.status()) == ["modbus"], "the first one first"
        await bench.clock.run_s(91)
        task.cancel()

    scene(story())
    assert not supervisor.low and lives["reader"] == 1, lives
    assert lives["modbus"] > 1 and lives["kmptcp"] > 1, "they come back"
    assert len(bench.said("modbus: the chip's memory is low")) > 1 and not bench.restarts and not bench.kept
    gaps = [b - a for a, b in zip(looks[:-1], looks[1:])]  # noqa: RUF007  (MicroPython)
    assert min(gaps) >= 8, "each look makes garbage"


def test_memory_that_runs_out_while_the_chips_memory_is_looked_at_ends_nothing():
    bench = Bench()
    looks = []

    def low():
        looks.append(bench.clock.uptime_s())
        if len(looks) == 2:
            raise MemoryError
        return False

    bench.supervisor._look_low = low
    bench.supervisor.add("reader", bench.dies(None, 0, 0), vital=True)
    scene(bench.run_s(100))
    assert len(looks) > 10 and bench.starts == [0] and bench.watchdog.fed > 90
    assert bench.supervisor.out_of_memory == 1
