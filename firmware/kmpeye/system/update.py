# An update: what came is checked and written into the half that does not run, and update.state says that the next start
# tries it (main.py reads that). Loaded for one request. Imports keep and its own parts.
# Promises: until update.state is replaced, as the last step, nothing that runs or will run has changed.

import sys

from micropython import const

from kmpeye.system import keep
from kmpeye.system.update_slots import Writer, half_bytes, image_bytes, partition
from kmpeye.system.update_state import STATE, state
from kmpeye.system.update_verify import HEAD_MOST, SIGNATURE, Wrong, check, chip_of, head, seems, signed

_NONE = const("this is no bundle for kmpeye: `make bundle` makes one")
KEY = "update.pub"  # the modulus of the owner's public key


def _key():
    try:
        with open(KEY, "rb") as file:
            return file.read(SIGNATURE + 1)
    except OSError:
        return b""


def status(app, device=None):
    """What GET /api/update tells."""
    device = device or partition()
    now = state()
    stands = "none"
    why = None
    if "version" in now:
        stands = "trial"
        if now.get("trial") is None:  # main.py, which gives it up after its tries, keeps no reason
            stands = "failed"
            why = now.get("why", "it ended before it had proved itself")
    return {
        "version": app.version,
        "state": stands,
        "update": now.get("version"),
        "why": why,
        "room": half_bytes(device) if device else 0,
        "key": len(_key()) == SIGNATURE,
    }


async def take(app, exchange, downgrade, device=None):
    """Take a bundle from the exchange (expose.http), which has more() and size; its version. Wrong or OSError when it
    is not taken, EOFError when it stops coming."""
    if exchange.size <= SIGNATURE:
        raise Wrong("not_a_bundle", _NONE)
    device = device or partition()
    if not device:
        raise Wrong(
            "no_place", "this board has no place for a second version: update it over USB, `make deploy`"
        )
    now = state()
    if now.get("trial") is not None:
        raise Wrong("on_trial", "%s is on trial: wait until it has proved itself" % now.get("version"))
    room = half_bytes(device)
    active = now["active"]
    if image_bytes(device, active) > room:
        raise Wrong("no_place", "what runs takes the place of both versions: `make flash` makes more room")
    if exchange.size > room + HEAD_MOST + SIGNATURE:
        raise Wrong("too_large", "the bundle has %d bytes, the place for it %d" % (exchange.size, room))
    found, rest = await _head(exchange, downgrade, app.version, room)
    if len(rest) + exchange.size != found["size"]:
        raise Wrong(
            "cut_off",
            "%d bytes of the image were signed, %d are sent" % (found["size"], len(rest) + exchange.size),
        )
    writer = Writer(device, 1 - active)
    writer.write(rest)
    while exchange.size:
        writer.write(await exchange.more())
        await app.clock.sleep_ms(0)  # flash stands in the way of everybody else
    try:
        for _ in writer.finish(found["sha256"], exchange.buffer):
            await app.clock.sleep_ms(0)
    except OSError:
        raise Wrong("damaged", "what arrived is not what was signed: try again")
    wifi = app.wifi
    keep.save(
        STATE,
        {
            "active": active,
            "trial": 1 - active,
            "tries": 0,
            "version": found["version"],
            "was": {"state": app.snapshot.state, "wifi": bool(wifi and wifi.state == "joined")},
        },
    )
    return found["version"]


async def _head(exchange, downgrade, running, room):
    """What the bundle says of itself, checked, and the first bytes of its image."""
    start = bytearray()
    end = 0
    while not end or len(start) < end + SIGNATURE:
        if not exchange.size:
            raise Wrong("cut_off", "the bundle ends in its head")
        start.extend(await exchange.more())
        end = start.find(b"\n", 0, HEAD_MOST) + 1
        if not seems(start) or (not end and len(start) >= HEAD_MOST):
            raise Wrong("not_a_bundle", _NONE)
    line = bytes(memoryview(start)[:end])
    key = _key()
    if len(key) != SIGNATURE:
        raise Wrong(
            "no_key", "this device knows no key for updates: `make key`, then `make deploy`, put yours on it"
        )
    if not signed(line, bytes(memoryview(start)[end : end + SIGNATURE]), key):
        raise Wrong("signature", "the bundle was not signed with the key this device knows")
    found = head(line)
    check(
        found,
        chip_of(sys.platform, sys.implementation._machine),
        sys.implementation._mpy,
        running,
        room,
        downgrade,
    )
    return found, memoryview(start)[end + SIGNATURE :]
