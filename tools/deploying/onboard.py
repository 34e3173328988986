# Runs on the board, in MicroPython: board.py sends this file and one call behind it. Each function prints one line,
# a marker and JSON, so that whatever the board says besides is no harm. Imports what MicroPython ships.

import binascii
import gc
import hashlib
import json
import os
import sys

JOB = "deploy.json"  # what is being copied: {"files": [[path, sha256]...], "remove": [path...]}
COPIED = "deploy.go"  # the same when every copy was found right; from then on main.py finishes it after a power cut
# What no manifest lists.
BESIDE = ["manifest.json", "board.json", "config.json", "ap.json", "update.pub", "update.state"]
SUFFIX = ".deploy"  # copies lie beside the files they will replace


def _sha256(path):
    h = hashlib.sha256()
    part = bytearray(512)
    try:
        with open(path, "rb") as f:
            while True:
                n = f.readinto(part)
                if not n:
                    break
                h.update(memoryview(part)[:n])
    except OSError:
        return None
    return binascii.hexlify(h.digest()).decode()


def _text(path):
    try:
        with open(path) as f:
            return f.read()
    except OSError:
        return None


def _json(path, otherwise):
    try:
        return json.loads(_text(path) or "")
    except ValueError:
        return otherwise


def _remove(path):
    try:
        os.remove(path)
    except OSError:
        pass


def _sweep():
    """What a deploy that was cut off has left behind: finished when its copies are all there, else thrown away."""
    _finish()
    for path, _ in _json(JOB, {"files": ()})["files"]:
        _remove(path + SUFFIX)
    _remove(JOB)


def _rom():
    """(size of the partition for the image, SHA-256 of the image in it or None), None when there is no partition."""
    import vfs

    if not hasattr(vfs, "rom_ioctl") or vfs.rom_ioctl(1) < 1:
        return None
    device = vfs.rom_ioctl(2, 0)
    view = memoryview(device)
    if hasattr(device, "ioctl"):
        room = device.ioctl(4, 0) * device.ioctl(5, 0)
    else:
        room = len(view)
    if bytes(view[:3]) != b"\xd2\xcd\x31":
        return [room, None]
    size = 0
    at = 3
    more = True
    while more:  # seven bits a byte, as everything in ROMFS that counts
        size = size << 7 | view[at] & 0x7F
        more = view[at] & 0x80
        at += 1
    h = hashlib.sha256()
    end = min(at + size, len(view))
    for start in range(0, end, 4096):
        h.update(view[start : min(start + 4096, end)])
    return [room, binascii.hexlify(h.digest()).decode()]


def _frozen():
    """Which modules of the firmware this MicroPython holds itself, as frozen.py says; None: none."""
    path = sys.path[:]
    sys.path[:] = [".frozen"]
    try:
        from kmpeye.frozen import DIGEST

        return DIGEST
    except ImportError:
        return None
    finally:
        sys.path[:] = path


def _heap():
    """Bytes that Python may have at most. Where the heap grows on demand (ESP32), free counts what it can grow by, of
    which Wi-Fi wants a part."""
    gc.collect()
    return gc.mem_alloc() + gc.mem_free()


def _strange():
    """Is there a main.py that is not ours? Ours names itself in its first line."""
    try:
        with open("main.py") as f:
            return "kmpeye" not in f.read(64)
    except OSError:
        return False


def look():
    """What is this, and what does it hold? files has the SHA-256 of what lies there: a manifest may be older
    than the files after a power cut."""
    _sweep()
    listed = [one["path"] for one in _json("manifest.json", {"files": ()})["files"]]
    files = {}
    for path in listed + BESIDE:
        found = _sha256(path)
        if found:
            files[path] = found
    room = os.statvfs(".")
    rom = None
    if sys.implementation.version[:2] >= (1, 25):
        rom = _rom()
    out = {
        "platform": sys.platform,
        "version": list(sys.implementation.version)[:3],
        "machine": sys.implementation._machine,
        "listed": listed,
        "files": files,
        "config": _text("config.json"),
        "board": _text("board.json"),
        "heap": _heap(),
        "room": room[0] * room[3],
        "rom": rom,
        "frozen": _frozen(),
        "strange": _strange(),
    }
    print("seen:" + json.dumps(out))


def names():
    """What lies on the file system; the image in flash is not the owner's."""
    print("names:" + json.dumps([name for name in os.listdir() if name != "rom"]))


def make_way():
    """Makes the folders that the copies go to."""
    for path, _ in _json(JOB, None)["files"]:
        end = path.find("/")
        while end > 0:
            try:
                os.mkdir(path[:end])
            except OSError:  # it is there already
                pass
            end = path.find("/", end + 1)


def switch():
    """Reads every copy back, and only when all are right puts them in place: one rename each, the manifest last."""
    job = _json(JOB, None)
    bad = [path for path, wanted in job["files"] if _sha256(path + SUFFIX) != wanted]
    if not bad:
        os.rename(JOB, COPIED)
        _finish()
    print("switched:" + json.dumps({"bad": bad}))


def _finish():
    job = _json(COPIED, {"files": (), "remove": ()})
    for path in job["remove"]:
        _remove(path)
        _remove_empty(path)
    for path, _ in job["files"]:
        try:
            os.stat(path + SUFFIX)
        except OSError:  # it has its place
            continue
        os.rename(path + SUFFIX, path)
    _remove(COPIED)


def _remove_empty(path):
    """The folders above a removed file, as far as nothing is left in them."""
    while "/" in path:
        path = path.rsplit("/", 1)[0]
        try:
            os.rmdir(path)
        except OSError:
            return
