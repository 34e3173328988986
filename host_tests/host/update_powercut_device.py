# Runs on MicroPython: a board in memory (littlefs and a ROMFS partition on NOR flash), an update of it from the first
# byte to the proof, and the power cut at each flash operation of all that. The real main.py chooses what runs.
# Usage: update_powercut_device.py MAIN_PY OLD_IMAGE NEW_BUNDLE KEY. Prints one JSON object: how many operations there
# are, how the device stood after each cut, and what was wrong.

import asyncio
import json
import os
import sys
from hashlib import sha256

import vfs
from nor_flash import Flash

from kmpeye.system import update
from kmpeye.system.update_trial import Trial

_FILES_BLOCKS = 12
_ROM_BLOCKS = 8  # four in each half
_BLOCK = 4096


class Power:
    """One supply for both chips: after `left` operations nothing works any more."""

    def __init__(self):
        self.left = None
        self.count = 0


class Chip(Flash):
    def __init__(self, blocks, power):
        super().__init__(blocks)
        self._supply = power

    def _power(self, count):
        power = self._supply
        power.count += 1
        if power.left is None:
            return count
        power.left -= 1
        if power.left >= 0:
            return count
        return count // 2 if self.torn and power.left == -1 else 0

    def _state(self):
        return -5 if self._supply.left is not None and self._supply.left < 0 else 0


class Cut(Exception):
    pass


def never(reason, wanted):
    raise AssertionError(reason)


class Things:
    def __init__(self, **named):
        for name, value in named.items():
            setattr(self, name, value)


class Exchange:
    """A bundle that comes in pieces of many sizes, as from a network."""

    def __init__(self, data):
        self._data = memoryview(data)
        self.size = len(data)
        self.buffer = bytearray(1024)
        self._step = 7

    async def more(self):
        self._step = self._step * 5 % 1021 + 1
        piece = self._data[: self._step]
        self._data = self._data[len(piece) :]
        self.size -= len(piece)
        return piece


class Clock:
    async def sleep_ms(self, ms):
        pass


class Board:
    def __init__(self, main_py, old, bundle, key):
        self.main_py = main_py
        self.bundle = bundle
        self.power = Power()
        self.files = Chip(_FILES_BLOCKS, self.power)
        self.rom = Chip(_ROM_BLOCKS, self.power)
        vfs.VfsLfs2.mkfs(self.files)
        self.rom.data[: len(old)] = old
        vfs.mount(vfs.VfsLfs2(self.files), "/flash")
        os.chdir("/flash")
        with open("update.pub", "wb") as file:
            file.write(key)
        self.mounted = True
        self.off()
        self.image = bytes(self.files.data), bytes(self.rom.data)

    def restore(self, torn):
        self.files.data[:], self.rom.data[:] = self.image
        self.files.torn = self.rom.torn = torn
        self.power.left = None

    def off(self):
        self.power.left = None
        if self.mounted:
            os.chdir("/")
            vfs.umount("/flash")
            try:
                vfs.umount("/rom")
            except OSError:
                pass
            self.mounted = False

    def start(self):
        """What runs after main.py has chosen: the version in /rom, read whole; None where nothing does."""
        vfs.mount(vfs.VfsLfs2(self.files), "/flash")
        self.mounted = True
        os.chdir("/flash")
        try:
            vfs.mount(vfs.VfsRom(self.rom.data), "/rom")  # as MicroPython does before main.py
        except OSError:
            pass
        sys.modules["vfs"] = Things(
            rom_ioctl=lambda operation, number: self.rom.data,
            VfsRom=vfs.VfsRom,
            mount=vfs.mount,
            umount=vfs.umount,
        )
        space = {"__name__": "main", "__file__": "/main.py"}
        try:
            exec(self.main_py, space)
            space["_root"]()
        finally:
            del sys.modules["vfs"]
            if "/rom" in sys.path:
                sys.path.remove("/rom")
        return self.version()

    def version(self):
        try:
            with open("/rom/version") as file:
                version = file.read()
            digest = sha256()
            for name in ("a", "b"):
                with open("/rom/kmpeye/" + name, "rb") as file:
                    digest.update(file.read())
            with open("/rom/digest", "rb") as file:
                return version if file.read() == digest.digest() else "damaged " + version
        except OSError:
            return None

    def app(self, version):
        return Things(
            version=version,
            clock=Clock(),
            wifi=None,
            log=lambda text: None,
            snapshot=Things(state="ok"),
            reader=Things(readings=1, plan=Things(held=None)),
            supervisor=Things(restart=never),
        )

    def upload(self, version="0.1.0"):
        asyncio.run(update.take(self.app(version), Exchange(self.bundle), False, self.rom))

    def prove(self, version):
        if update.state().get("trial") is not None:
            Trial(self.app(version)).look(600)

    def life(self, left):
        """Start, upload, restart, proof, with the power cut somewhere in it: where it was."""
        where = "start"
        try:
            self.power.left = left
            self.start()
            where = "upload"
            self.upload()
            self.check()
            self.power_cycle()
            where = "trial"
            version = self.start()
            self.check()
            where = "proof"
            self.prove(version)
            self.check()
            where = "end"
        except (OSError, update.Wrong, Cut):
            pass
        self.off()
        return where

    def check(self):
        if self.power.left is not None and self.power.left < 0:
            raise Cut

    def power_cycle(self):
        left = self.power.left
        self.off()
        self.power.left = left


def restarts(board, times):
    """What ran at each of so many starts of which none proves anything."""
    found = []
    for _ in range(times):
        found.append(board.start())
        board.off()
    return found


def sweep(board):
    board.restore(False)
    before = board.power.count
    assert board.life(None) == "end"
    count = board.power.count - before
    wrong = []
    seen = {}
    if restarts(board, 3) != ["0.2.0"] * 3:
        wrong.append("without a cut the new version does not run")
    for torn in (False, True):
        for left in range(count + 1):
            board.restore(torn)
            where = board.life(left)
            found = restarts(board, 4)
            seen[where + " " + " ".join(map(str, found))] = (
                seen.get(where + " " + " ".join(map(str, found)), 0) + 1
            )
            place = "%s, operation %d%s: " % (where, left, ", torn" if torn else "")
            if [version for version in found if version not in ("0.1.0", "0.2.0")]:
                wrong.append("%s%s" % (place, found))
            if found[2] != found[3]:
                wrong.append("%sit does not come to rest: %s" % (place, found))
            if found[3] == "0.1.0":  # and it can be done again
                board.start()
                board.upload()
                board.off()
                if board.start() != "0.2.0":
                    wrong.append("%sthe same update afterwards does not run" % place)
                board.prove("0.2.0")
                board.off()
            if restarts(board, 3) != ["0.2.0"] * 3:
                wrong.append("%safterwards: %s" % (place, found))
    return {"operations": count, "seen": seen, "wrong": wrong[:5]}


def read(path):
    with open(path, "rb") as file:
        return file.read()


main_py, old, bundle, key = [read(path) for path in sys.argv[1:]]
print(json.dumps(sweep(Board(main_py.decode(), old, bundle, key))))
