# The recorder: one record an hour of what was measured, and no History in memory while nobody asks. The flash is a
# folder in memory.

import asyncio

from kmpeye.readings import recorder
from kmpeye.readings.snapshot import Meter, Reading, Snapshot

UNIX = 1795330980
REAL = []  # the class that a scene stands in for


class Profile:
    def __init__(self, *keys):
        self.registers = [(number, key) for number, key in enumerate(keys)]


def test_six_registers_at_most_the_wanted_first():
    keys = ("ambient_temperature", "flow", "volume", "power", "heat_energy", "input_b", "input_a", "volume_2")
    keys += ("return_temperature", "flow_temperature")
    assert recorder.registers(Profile(*keys)) == [
        "heat_energy",
        "volume",
        "flow_temperature",
        "return_temperature",
        "ambient_temperature",
        "volume_2",
    ]
    assert recorder.registers(Profile("flow")) == []


class History:
    """What recorder uses of one."""

    made = 0

    def __init__(self, folder, registers, serial, limit_bytes, zone):
        History.made += 1
        self.registers = tuple(registers)
        self.serial = serial
        self.limit_bytes = limit_bytes
        self.notes = []
        self.damaged = []
        self.dates = []
        App.records = getattr(App, "records", [])

    def append(self, unix, uptime_s, values):
        App.records.append((unix, uptime_s, values))
        return True

    def clock_known(self, unix, uptime_s):
        self.dates.append((unix, uptime_s))
        return not App.refuses


class Clock:
    now_s = 0
    known = True

    def uptime_s(self):
        return self.now_s

    def unix(self):
        return UNIX + self.now_s if self.known else None


class App:
    config = {"history_kib": None}
    refuses = False

    def __init__(self):
        App.records = []
        History.made = 0
        self.clock = Clock()
        self.snapshot = Snapshot(Meter("x"))
        self.reader = self
        self.busy = False
        self.profile = Profile("volume", "operating_hours", "reverse_volume")
        self.lines = []

    def log(self, text):
        self.lines.append(text)

    def zone(self):
        return None

    def forget(self, *names):
        pass

    def reading(self, *taken):
        now = self.clock.now_s
        rows = [("volume", 68, 40, 1000 + now, -3), ("reverse_volume", 243, 40, 5, -3)]
        unix = self.clock.unix()
        self.snapshot.reading = Reading(rows, now, unix, [now, now if not taken else taken[0]])


def recorded(app, one):
    one._record(app.snapshot.reading, app.clock.unix())


def scene():
    app = App()
    one = recorder.Recorder(app)
    from kmpeye.readings.history import store

    if not REAL:
        REAL.append(store.History)
    store.History = History
    return app, one


def over():
    from kmpeye.readings.history import store

    store.History = REAL[0]


def test_only_what_was_measured_now_is_recorded():
    app, one = scene()
    try:
        app.clock.now_s = 7200
        app.reading(100)
        recorded(app, one)
        [(unix, uptime_s, values)] = App.records
        assert (unix, uptime_s, sorted(values)) == (UNIX + 7200, 7200, ["volume"])
        assert values["volume"] == (40, 8200, -3)
    finally:
        over()


def test_the_setting_says_how_much_flash_else_the_board_else_400_kib():
    for setting, board, kib in ((None, None, 400), (None, 200, 200), (64, 200, 64), (800, None, 800)):
        app, one = scene()
        try:
            app.config = {"history_kib": setting}
            one = recorder.Recorder(app, board)
            assert one.open().limit_bytes == kib << 10
        finally:
            over()


def test_it_is_let_go_of_when_idle_but_not_while_records_wait_for_their_date():
    app, one = scene()
    try:
        app.reading()
        recorded(app, one)
        assert one.open() is one.open() and History.made == 2, "let go of after the record"
        app.clock.now_s = 5
        one._close()
        one.open()
        assert History.made == 2, "in use"
        app.reading()
        recorded(app, one)
        one.open()
        assert History.made == 2, "a record of an hour does not take it from who uses it"
        app.clock.now_s = 60
        one._close()
        one.open()
        assert History.made == 3, "let go of, opened again"
        one.lean()
        one.open()
        assert History.made == 4, "memory was wanted"
        app.clock.known = False
        app.reading()
        recorded(app, one)
        app.clock.now_s = 600
        one._close()
        one.lean()
        one.open()
        assert History.made == 4, "records wait for their date"
    finally:
        over()


async def stopped(task):
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        pass


async def turns():
    for _ in range(5):
        await asyncio.sleep(0)


def test_records_get_their_date_as_soon_as_there_is_one_and_the_history_is_let_go_of():
    for refuses in (False, True):
        app, one = scene()
        App.refuses = refuses

        async def run(app=app, one=one):
            task = asyncio.create_task(one.run())
            app.clock.known = False
            app.reading()
            app.snapshot.changed()
            await turns()
            history = one.open()
            for now_s, known in ((100, False), (200, True), (300, True)):
                app.clock.now_s = now_s
                app.clock.known = known
                app.snapshot.changed()
                await turns()
            await stopped(task)
            return history

        try:
            history = asyncio.run(run())
            assert history.dates == [(UNIX, 0)], "the reading's own time"
            assert App.records[-1][:2] == (UNIX, 0), "its hour may be another than the one before it"
            assert (one.open() is history) == refuses, "what the flash refuses is tried with the next reading"
        finally:
            App.refuses = False
            over()


def test_other_registers_of_the_meter_do_not_cost_records_that_wait_for_their_date():
    app, one = scene()
    try:
        app.clock.known = False
        app.reading()
        recorded(app, one)
        history = one.open()
        app.profile = Profile("volume")
        assert one.open() is history and history.registers == ("volume",)
    finally:
        over()


def test_the_task_records_each_hour_once():
    app, one = scene()

    async def run():
        task = asyncio.create_task(one.run())
        for second in (0, 10, 20, 3700, 3710, 7300):
            app.clock.now_s = second
            app.reading()
            app.snapshot.changed()
            await turns()
        await stopped(task)

    try:
        asyncio.run(run())
        assert [uptime_s for _, uptime_s, _ in App.records] == [0, 3700, 7300]
    finally:
        over()
