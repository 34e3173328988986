# What a deploy has to do, from what is built and what the board holds. Pure: no files, no board.
# Imports firmware_tree. Promise: settings that are on the board already are never dropped.

import hashlib
import json
import re
from dataclasses import dataclass

from firmware_tree import BOOT_FILES

MANIFEST = "manifest.json"
CONFIG = "config.json"
KEY = "update.pub"
TURN = "update.state"  # which half of the partition runs; a deploy writes the first one
BOARD = "board.json"

# The oldest MicroPython the firmware is written for: 1.24 brought what the UART needs.
OLDEST = (1, 24)

# What the firmware takes of the memory with its page alone, 106 kB, when it does not run in place, with what a reading
# and a request need for a moment (`make bench`: live_heap_web_mpy); and what Wi-Fi takes before it serves anybody.
FILES_HEAP_BYTES = 120_000
WIFI_BYTES = 50_000


class Refused(Exception):
    """This deploy cannot be done; the message says why and what to do."""


@dataclass(frozen=True)
class Plan:
    """copy: {path: bytes}, the manifest last; remove: paths that are on the board and no longer in the firmware."""

    copy: dict
    remove: tuple

    def job(self):
        """What the board needs to know to check the copies and take them over."""
        return {
            "files": [[path, digest(data)] for path, data in self.copy.items()],
            "remove": list(self.remove),
        }


def digest(data):
    return hashlib.sha256(data).hexdigest()


def small(value):
    """JSON as it lies on the chip."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def chip_of(machine):
    """The chip in MicroPython's name of a board: "Generic ESP32C3 module with ESP32C3" is esp32c3."""
    match = re.search(r"esp32(?:[-\s]?([a-z]\d+))?[^\s]*$", machine.lower())
    return match and "esp32" + (match.group(1) or "")


def check_board(seen, wanted_board, name):
    """Refuse a board that cannot run the firmware. wanted_board: what boards/name.json holds, or None."""
    version = tuple(seen["version"][:2])
    if seen["platform"] != "esp32":
        raise Refused("this board runs MicroPython for %s; kmpeye is for the ESP32 family" % seen["platform"])
    if version < OLDEST:
        raise Refused(
            "the board runs MicroPython %d.%d; kmpeye needs %d.%d or newer: flash a newer one first"
            % (version + OLDEST)
        )
    chip = chip_of(seen["machine"])
    if seen["strange"]:
        raise Refused(
            "this board holds somebody else's program: its main.py is not kmpeye's and would be replaced. Keep it with "
            "`make backup`, then remove it with `.venv/bin/mpremote rm :main.py`, or start afresh with `make flash`"
        )
    if wanted_board and chip and chip != wanted_board["chip"]:
        raise Refused(
            "%s has an %s, but the chip here is an %s (%s): choose the BOARD that is connected"
            % (name, wanted_board["chip"], chip, seen["machine"])
        )


def memory_warning(seen):
    """A sentence when this board has too little memory for a firmware that does not run in place, else None."""
    if seen["rom"] or seen["frozen"] or seen["heap"] >= FILES_HEAP_BYTES + WIFI_BYTES:
        return None
    return (
        "the firmware is not in this MicroPython: it has to lie in memory, wants %d kB of it with Wi-Fi, and "
        "there are %d. Take a board with PSRAM, or build a MicroPython with the firmware in it (docs/hardware.md)"
        % ((FILES_HEAP_BYTES + WIFI_BYTES) // 1000, seen["heap"] // 1000)
    )


def on_board(seen, key):
    """A setting of the config that lies on the board, or None."""
    try:
        return json.loads(seen["config"] or "").get(key)
    except (ValueError, AttributeError):
        return None


def merge_config(text, given):
    """The config with the given settings in it, as bytes; the text itself when nothing changes.

    text: what the board holds, or None. What is not ours to judge stays as it is.
    """
    config = {}
    if text is not None:
        try:
            config = json.loads(text)
        except ValueError:
            config = None
        if not isinstance(config, dict):
            raise Refused(
                "%s on the board is not a JSON object, and writing to it would lose what it holds: "
                "save it with `.venv/bin/mpremote cp :%s .`, then remove it with `.venv/bin/mpremote rm :%s`"
                % ((CONFIG,) * 3)
            )
    merged = {**config, **given}
    if text is not None and merged == config:
        return text.encode()
    return small(merged)


def in_place(built, image, seen):
    """What of the build goes onto the file system when the image is run in place: the boot files and their manifest.

    None when the board has no partition for it; Refused when that is too small.
    """
    if not seen["rom"]:
        return None
    room = seen["rom"][0]
    if len(image) > room:
        raise Refused(
            "the firmware has %d bytes and its partition on the board %d: `make backup`, then `make flash` again, "
            "which makes a larger one" % (len(image), room)
        )
    rows = [one for one in json.loads(built[MANIFEST])["files"] if one["path"] in BOOT_FILES]
    kept = {path: data for path, data in built.items() if path in BOOT_FILES}
    return {**kept, MANIFEST: small({"files": rows, "image": digest(image)})}


def beside_frozen(built, seen):
    """What of the build goes onto the file system when MicroPython holds the modules: the rest, and its manifest.

    None when it holds none; Refused when it holds those of another version.
    """
    if not seen["frozen"]:
        return None
    manifest = json.loads(built[MANIFEST])
    if seen["frozen"] != manifest["frozen"]:
        raise Refused(
            "the MicroPython on this board holds the modules of another version of kmpeye, and what belongs to them "
            "has to come from the same one: deploy from that version, or build the MicroPython anew with this one "
            "and flash it (docs/hardware.md)"
        )
    rows = [one for one in manifest["files"] if not one["path"].endswith(".mpy")]
    kept = {one["path"]: built[one["path"]] for one in rows}
    return {**kept, MANIFEST: small({**manifest, "files": rows})}


def image_is_old(image, seen):
    """Whether the image on the board is another one."""
    return seen["rom"][1] != digest(image)


def make(built, seen, board=None, config=None, key=None):
    """The Plan. built: {path: bytes} of the firmware, its manifest among them; seen: what onboard/look.py found;
    board, config, key: bytes that board.json, config.json and update.pub are to hold, or None to leave them alone."""
    own = {path: data for path, data in built.items() if path != MANIFEST}
    for path, data in ((BOARD, board), (CONFIG, config), (KEY, key)):
        if data is not None:
            own[path] = data
    own[MANIFEST] = built[MANIFEST]
    there = seen["files"]
    copy = {path: data for path, data in own.items() if there.get(path) != digest(data)}
    remove = tuple(sorted(path for path in [*seen["listed"], TURN] if path not in built and path in there))
    return Plan(copy, remove)
