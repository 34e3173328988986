# Starts kmpeye: out of the half of the ROMFS partition whose turn it is, or from the files beside this one. On the chip
# this file runs by itself after every start; on a PC tools/run starts it. No update replaces it, so it knows as little
# as can be: update.state (written by kmpeye.system.update), where the halves lie, and kmpeye.start.

import json
import os
import sys

from micropython import const

_ROM = const("/rom")  # where MicroPython mounts the beginning of the partition
_BLOCK = const(4096)  # the halves begin at one
_MAGIC = const(b"\xd2\xcd\x31")  # of an image that was written to its end
_STATE = const("update.state")
_TRIES = const(2)  # starts of a version on trial: one power cut is no reason to give it up
_TRIAL_MS = const(120000)  # the watchdog of a version that may not even start
# What a deploy has copied and checked: {"files": [[path, sha256]...], "remove": [path...]}
_COPIED = const("deploy.go")


def _finish():
    """After a power cut while a deploy's copies took their places: a version is whole, or it does not start."""
    try:
        with open(_COPIED) as file:
            job = json.load(file)
    except (OSError, ValueError):
        return
    for path in job["remove"]:
        _drop(path)
    for path, _ in job["files"]:
        try:
            os.rename(path + ".deploy", path)
        except OSError:  # it has its place
            pass
    _drop(_COPIED)


def _drop(path):
    try:
        os.remove(path)
    except OSError:
        pass


def _save(state):
    with open(_STATE + ".new", "w") as file:
        json.dump(state, file)
    os.rename(_STATE + ".new", _STATE)


def _turn():
    """Which half is to run: the one on trial until its tries are used up, else the one that proved itself."""
    half = 0
    try:
        with open(_STATE) as file:
            state = json.load(file)
        half = int(state["active"] == 1)
        trial = state.get("trial")
        if trial is not None:
            if state["tries"] < _TRIES:
                state["tries"] += 1
            else:
                state["trial"] = trial = None
            _save(state)  # before it runs: a try that was not counted would have no end
            if trial is not None:
                half = 1 - half
                from machine import WDT

                WDT(timeout=_TRIAL_MS)
    except (OSError, ValueError, KeyError, TypeError, ImportError):  # there was no update; a PC has no WDT
        pass
    return half


def _mount():
    """The half whose turn it is as /rom. Where that holds nothing, the other one."""
    try:
        import vfs

        view = memoryview(vfs.rom_ioctl(2, 0))
    except (ImportError, AttributeError, TypeError):  # MicroPython before 1.25, or no partition
        return
    size = len(view) // 2 // _BLOCK * _BLOCK
    half = _turn()
    for one in (half, 1 - half):
        start = one * size
        if view[start : start + len(_MAGIC)] == _MAGIC:
            if one != half:
                _save({"active": one})  # so that an update goes where nothing runs
            if one:  # the first one is mounted already
                try:
                    vfs.umount(_ROM)
                except OSError:  # it has not begun with an image
                    pass
                vfs.mount(vfs.VfsRom(view[start:]), _ROM)  # type: ignore[attr-defined]
            return


def _root():
    """The folder of the modules, meters/ and www/: the image in flash, or else the one of this file."""
    _mount()
    try:
        os.stat(_ROM + "/kmpeye")
    except OSError:
        folder = __file__.rpartition("/")[0]
        return folder + "/" if folder else ""
    sys.path.insert(0, _ROM)  # before modules as files that an earlier firmware may have left
    return _ROM + "/"


if __name__ == "__main__":
    _finish()
    root = _root()
    from kmpeye.start import main

    main(root)
