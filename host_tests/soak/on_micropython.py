# Days of the whole app on littlefs in memory, with the power cut inside flash operations and the flash filled up by
# others meanwhile: on_micropython.py DAYS SEED ROOT HTTP_PORT; ROOT: of the firmware. Prints a line of JSON: the bytes
# that the heap keeps on each day, how often the block that was erased most was, and what is wrong.

import asyncio
import gc
import json
import os
import sys
from array import array

import ffi  # only the unix port has it
import uctypes
import vfs

from host.nor_flash import Flash
from soak.eye import TableMeter
from soak.house import House
from soak.trouble import DAY_MS, HOUR_MS, Troubles
from soak.visitor import Visitor
from soak.world import Chance, World

UNIX = 1767135600  # 2025-12-30 23:00 UTC
BLOCKS = 80  # 320 KB, of which the history may take 192: a sixth of what the chip has, so it wears the sooner
SERIAL = 68123456
HEAT = {
    60: (2, 55006, 0, 40),
    68: (40, 314131, -2, 70),
    80: (22, 41, -1, 0),
    74: (41, 86, 0, 0),
    86: (37, 6917, -2, 0),
    87: (37, 3127, -2, 0),
    89: (37, 3790, -2, 0),
    99: (0, 0, 0, 0),
    1004: (46, 1000, 0, 24),
    1001: (51, SERIAL, 0, 0),
}
FULL_FROM_MS, FULL_TO_MS = (
    DAY_MS // 2,
    DAY_MS,
)  # others fill the flash: what is said of it stays in the memory
QUIET_MS = 20 * 60000  # of an hour: between two readings
EVENTS = 12  # as many as a snapshot keeps
CUT_AFTER = 60  # flash operations at most
READ, MISDATED = 1, 2
LARGE = 1 << 30
WRONG_S = 60  # a record of then may stand behind one that was made later
ERASE = 6  # operation of ioctl


class Wearing(Flash):
    """Counts how often each block is erased. Its bytes stand outside of the heap: the collector takes whatever looks
    like an address for one, and some of these do."""

    def __init__(self, blocks):
        super().__init__(blocks)
        size = len(self.data)
        data = uctypes.bytearray_at(ffi.open(None).func("P", "malloc", "L")(size), size)
        data[:] = self.data
        self.data = data
        self.erased = array("I", [0] * blocks)

    def ioctl(self, operation, argument):
        if operation == ERASE:
            self.erased[argument] += 1
        return super().ioctl(operation, argument)


def fill(path):
    """Write until there is no room."""
    try:
        with open(path, "wb") as file:
            while True:
                file.write(bytes(512))
    except OSError:
        pass


class Soak:
    def __init__(self, days, seed, root, http_port):
        self.end_ms = days * DAY_MS
        self.chance = Chance(seed)
        self.world = World(UNIX)
        troubles = Troubles(self.chance, days)
        # The power is cut here, in the middle of what the flash does.
        self.cuts = [ms for ms, what, _ in troubles.moments if what == "power"]
        self.cut = 0  # which one comes next
        troubles.moments = [one for one in troubles.moments if one[1] != "power"]
        self.flash = Wearing(BLOCKS)
        vfs.VfsLfs2.mkfs(self.flash)
        self.read = bytearray(
            24 * days + 24
        )  # for each hour after UNIX: whether it was read while there was room
        self.latest = 0  # hour
        self.heap = [0] * (days + 1)  # of each day its least: what is kept whatever was said last
        self.sampled = -1  # the last hour
        self.full = False
        self.begun = None  # the app that the events were filled of
        settings = {
            "meter": "multical601",
            "port": "soak",
            "history_kib": 192,
            "interval_s": 3600,
            "budget_replies": 1000,
            "budget_awake_s": 86400,
            "http_host": "127.0.0.1",
            "http_port": http_port,
        }
        meter = TableMeter(HEAT, SERIAL)
        self.visitor = Visitor(http_port, "volume")
        self.house = House(
            self.world,
            meter,
            troubles,
            self.chance,
            root,
            settings,
            self.seen,
            between=self.between,
            visitor=self.visitor,
        )

    def seen(self, app, reading):
        if app is not self.begun:
            self.begun = app
            for _ in range(
                EVENTS
            ):  # what fills up to its bound in the first week does not look like growth then
                app.snapshot.events.append((app.snapshot.event_number, reading.uptime_s, UNIX, "gone", "x"))
        unix = reading.unix
        if unix and unix // 3600 >= self.latest and not self.full:  # a clock put back passes hours again
            self.latest = unix // 3600
            wrong = abs(unix - self.world.unix()) > WRONG_S
            self.read[(unix - UNIX) // 3600] = MISDATED if wrong else READ

    def between(self):
        """After each step. True: the power is gone."""
        ms = self.world.ms
        flash = self.flash
        if self.cut < len(self.cuts) and self.cuts[self.cut] <= ms:
            self.cut += 1
            flash.left = self.chance.below(CUT_AFTER)
            flash.torn = self.chance.below(2) == 1
        if self.full != (FULL_FROM_MS <= ms < FULL_TO_MS) and flash.left is None:
            self.full = not self.full
            if self.full:
                fill("/flash/other")
            else:
                os.remove("/flash/other")
        if ms // HOUR_MS != self.sampled and ms % HOUR_MS > QUIET_MS and self.house.idle():
            self.sampled = ms // HOUR_MS
            gc.collect()
            day = ms // DAY_MS
            self.heap[day] = min(self.heap[day] or LARGE, gc.mem_alloc())
        return flash.left is not None and flash.left < 0

    async def run(self):
        over = False
        lives = 0
        while not over:
            self.flash.left = None
            vfs.mount(vfs.VfsLfs2(self.flash), "/flash")
            os.chdir("/flash")
            over = await self.house.live(self.end_ms)
            lives += 1
            if not over:
                self.house.app = None
                os.chdir("/")
                vfs.umount("/flash")
        return lives


def main(days, seed, root, http_port):
    soak = Soak(days, seed, root, http_port)
    lives = asyncio.run(soak.run())
    soak.flash.left = None
    read = soak.read
    hours = len(read) - read.count(b"\0")
    missing = hours
    fell = before = 0
    for unix, _, values in soak.house.app.history.records("hour", 0, 1 << 32):
        hour = (unix - UNIX) // 3600
        missing -= read[hour] > 0
        volume = values["volume"][1]
        if read[hour] == READ:
            fell += volume < before
            before = volume
    print(
        json.dumps(
            {
                "heap": [one for one in soak.heap if one],
                "erased_most": max(soak.flash.erased),
                "lives": lives,
                "hours": hours,
                "missing": missing,
                "fell": fell,
                "met": list(soak.house.troubles.met),
                "answers": soak.visitor.answers,
                "unanswered": soak.visitor.wrong,
                "tasks": soak.house.tasks,
                "out_of_memory": soak.house.shortage.failed,
            }
        )
    )


main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
