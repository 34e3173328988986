# The recorder with the history that it opens anew for each reading, on real files: what a History knows of the run
# must not go with it. Runs on CPython and on MicroPython alike.

import os

from kmpeye.readings.recorder import Recorder
from kmpeye.readings.snapshot import Meter, Reading, Snapshot
from kmpeye_history.scene import CET, DAY, HOUR, LITRE, M3, NEW_YEAR, Scene

FOLDER = "history"


class House:
    """The app, as far as a Recorder sees it; it is its own clock and reader, and runs since a month."""

    config = {"history_kib": None}
    registers = ((68, "volume"),)

    def __init__(self):
        self.clock = self.reader = self.profile = self
        self.snapshot = Snapshot(Meter("x"))
        self.hour = 0

    def uptime_s(self):
        return 30 * DAY + self.hour * HOUR

    def log(self, text):
        pass

    def forget(self, *names):
        """Their modules stay: to load them anew takes most of the time."""

    def zone(self):
        return CET


def test_what_changes_too_often_does_not_eat_the_past():
    # how far the clock jumps every second hour, the unit of those hours, what the notes say
    for ahead_s, unit, says in ((90 * DAY, M3, "the clock jumped"), (0, LITRE, "changes its unit")):
        home = os.getcwd()
        with Scene() as flash:
            os.chdir(flash.folder)
            try:
                house = House()
                recorder = Recorder(house)
                said = False
                for hour in range(150):
                    house.hour = hour
                    odd = hour % 2 if hour >= 60 else 0
                    now = house.uptime_s()
                    row = ("volume", 68, unit if odd else M3, hour, -3)
                    recorder._record(Reading([row], now, None, [now]), NEW_YEAR + hour * HOUR + odd * ahead_s)
                    said = said or says in " ".join(recorder.notes)
                first = next(recorder.open().records("hour", 0, 1 << 32))[0]
                segments = os.listdir(FOLDER)
            finally:
                os.chdir(home)
                for name in os.listdir(flash.path(FOLDER)):
                    os.remove(flash.path("%s/%s" % (FOLDER, name)))
                os.rmdir(flash.path(FOLDER))
            assert said, says
            assert first == NEW_YEAR and len(segments) < 20, segments
