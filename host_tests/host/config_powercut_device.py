# Runs on MicroPython: littlefs in memory, settings on it, and the power cut at each flash operation of a change.
# Prints one JSON object: for each step how many operations it has, how often the old and the new settings were found
# afterwards, and what was wrong. A cut loses the operation (or, torn, does half of it) and all that follow.

import json

import vfs
from nor_flash import Flash

from kmpeye.system import config, config_save

_BLOCKS = 16
_FILE, _OLD = "/flash/config.json", "/flash/config.old.json"


def mounted(flash, do, *arguments):
    """Do something with the image mounted, as after a start of the chip."""
    vfs.mount(vfs.VfsLfs2(flash), "/flash")
    try:
        return do(*arguments)
    finally:
        vfs.umount("/flash")


def change(new):
    return config_save.change(new, _FILE, _OLD)


def damage(_):
    with open(_FILE, "r+b") as file:
        file.write(b"\0")


def found():
    return config.load(_FILE, _OLD)


LONG = {"ntp": "n" * 128, "mqtt_host": "h" * 64, "mqtt_base": "b" * 64, "bacnet_location": "l" * 64}
A, B = {"name": "a", "wifi_ssid": "home"}, {"name": "b", "interval_s": 60}

# name, what was done before (functions and their argument), the change that is cut, warnings that are right before it
_STEPS = (
    ("the first settings of all", (), A, 0),
    ("the second", ((change, A),), B, 0),
    ("the third", ((change, A), (change, {"name": "c"})), B, 0),
    ("longer than a block's inline part", ((change, A), (change, LONG)), {"ntp": None, "name": "b"}, 0),
    ("after a damage", ((change, A), (change, B), (damage, None)), {"name": "d"}, 1),
)


def sweep(name, before, new, warnings):
    flash = Flash(_BLOCKS)
    vfs.VfsLfs2.mkfs(flash)
    for do, argument in before:
        mounted(flash, do, argument)
    image = bytes(flash.data)
    old = mounted(flash, found)
    wrong = []
    if len(old.warnings) != warnings:
        wrong.append("before: %s" % old.warnings)
    count = flash.operations
    mounted(flash, change, new)
    count = flash.operations - count
    finished = mounted(flash, found)
    ended = {"old": 0, "new": 0}
    for torn in (False, True):
        for left in range(count + 1):
            flash.data[:] = image
            flash.torn = torn
            flash.left = None
            vfs.mount(vfs.VfsLfs2(flash), "/flash")
            flash.left = left
            try:
                change(new)
            except OSError:
                pass
            if (flash.left < 0) != (left < count):
                wrong.append("the power was not cut at operation %d" % left)
            flash.left = None
            vfs.umount("/flash")
            flash.left = None
            now = mounted(flash, found)
            if now == finished and not now.warnings:
                ended["new"] += 1
            elif now == old and now.warnings == old.warnings:
                ended["old"] += 1
            else:
                wrong.append(
                    "operation %d%s: %s %s" % (left, ", torn" if torn else "", now["name"], now.warnings)
                )
            mounted(flash, change, new)  # and it can be done again
            if mounted(flash, found) != finished:
                wrong.append("operation %d: the same change afterwards does not work" % left)
    return {"step": name, "operations": count, "ended": ended, "wrong": wrong[:5]}


print(json.dumps([sweep(*row) for row in _STEPS]))
