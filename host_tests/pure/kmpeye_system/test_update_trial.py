# A version on trial in virtual time: what it has to show, how long it may take, what update.state holds afterwards.
# Runs on CPython and MicroPython, with the real file in a folder of its own.

import asyncio
import json
import os

from kmpeye.system.update_state import STATE, state
from kmpeye.system.update_trial import Trial
from virtual_tasks import TaskClock, scene


class Things:
    def __init__(self, **named):
        for name, value in named.items():
            setattr(self, name, value)


class Device:
    """What the trial sees of the app, and what it makes of it."""

    def __init__(self, was):
        self.clock = TaskClock()
        self.version = "0.3.0"
        self.wifi = Things(state="joining")
        self.snapshot = Things(state="starting")
        self.reader = Things(readings=0, plan=Things(held=None))
        self.supervisor = self
        self.restarts = []
        self.said = []
        self.log = self.said.append
        with open(STATE, "w") as file:
            json.dump({"active": 0, "trial": 1, "tries": 1, "version": "0.3.0", "was": was}, file)

    def restart(self, reason, wanted):
        assert wanted, "it is no part of a loop of restarts"
        self.restarts.append(reason)

    def after(self, seconds, **changes):
        for name, value in changes.items():
            if name == "readings":
                self.reader.readings = value
            elif name == "held":
                self.reader.plan.held = value
            else:
                getattr(self, name).state = value
        return self.clock.run_s(seconds)


def in_a_folder(test):
    """The test's files are nobody else's: the same test runs on other interpreters at the same time."""
    folder = "update-test-" + "".join(["%02x" % byte for byte in os.urandom(8)])
    home = os.getcwd()
    os.mkdir(folder)
    os.chdir(folder)
    try:
        test()
    finally:
        for name in os.listdir("."):
            os.remove(name)
        os.chdir(home)
        os.rmdir(folder)


HOME = {"state": "ok", "wifi": True}
ALONE = {"state": "ok", "wifi": False}
DARK = {"state": "no_light", "wifi": True}
YOUNG = {"state": "starting", "wifi": False}

# how things stood before, what happens: (seconds, what is different then), how it ends, why
LIVES = (
    (
        HOME,
        ((0, {"wifi": "joined", "readings": 1, "snapshot": "ok"}), (595, {})),
        "trial",
        "not ten minutes yet",
    ),
    (HOME, ((0, {"wifi": "joined", "readings": 1, "snapshot": "ok"}), (620, {})), "proved", "all is well"),
    (HOME, ((900, {"readings": 1}), (20, {"wifi": "joined"})), "proved", "the Wi-Fi took its time"),
    (HOME, ((1700, {"readings": 1}),), "trial", "no Wi-Fi yet"),
    (HOME, ((1820, {"readings": 1}),), "it did not join the Wi-Fi", "half an hour without"),
    (HOME, ((900, {"wifi": "joined", "readings": 1}), (930, {"wifi": "lost"})), "proved", "lost later"),
    (
        HOME,
        ((500, {"wifi": "joined", "readings": 1}), (1320, {"wifi": "lost"})),
        "join the Wi-Fi",
        "lost before",
    ),
    (
        HOME,
        ((1820, {"wifi": "joined", "snapshot": "no_light"}),),
        "did not answer it: no_light",
        "it was heard before",
    ),
    (HOME, ((1500, {"wifi": "joined"}), (20, {"readings": 1})), "proved", "heard late"),
    (ALONE, ((620, {"readings": 1}),), "proved", "there was no Wi-Fi before either"),
    (DARK, ((620, {"wifi": "joined", "snapshot": "no_light"}),), "proved", "the same silence as before"),
    (DARK, ((1820, {"wifi": "joined", "snapshot": "garbled"}),), "garbled", "another trouble than before"),
    (DARK, ((620, {"wifi": "joined", "readings": 1, "snapshot": "ok"}),), "proved", "better than before"),
    (YOUNG, ((1820, {}),), "did not answer it: starting", "a start proves nothing, before or after"),
    (ALONE, ((7200, {"held": "throttled"}),), "trial", "the meter must not be asked: that is waited for"),
    (
        ALONE,
        ((7200, {"held": "budget_spent"}), (20, {"held": None, "readings": 1})),
        "proved",
        "and then it answers",
    ),
)


def live(was, happens):
    """The device and how its trial ended."""

    async def run():
        device = Device(was)
        task = asyncio.create_task(Trial(device).run())
        for seconds, changes in happens:
            await device.after(seconds, **changes)
        task.cancel()
        return device

    return scene(run())


def test_a_version_is_kept_when_it_has_proved_itself_and_else_the_old_one_returns():
    def test():
        for was, happens, end, why in LIVES:
            device = live(was, happens)
            now = state()
            if end == "proved":
                assert (now, device.restarts) == ({"active": 1}, []), why
                assert device.said == ["update: 0.3.0 has proved itself"], why
            elif end == "trial":
                assert (now["active"], now["trial"], device.restarts) == (0, 1, []), why
            else:
                assert (now["active"], now["trial"], now["version"]) == (0, None, "0.3.0"), why
                assert end in now["why"] and end in device.restarts[0] and len(device.restarts) == 1, why

    in_a_folder(test)


def test_whatever_the_file_holds_there_is_an_active_half():
    def test():
        for text, active in (
            (None, 0),
            ("", 0),
            ("[1]", 0),
            ("{}", 0),
            ('{"active":7}', 0),
            ('{"active":1', 0),
            ('{"active":1}', 1),
        ):
            if text is not None:
                with open(STATE, "w") as file:
                    file.write(text)
            assert state()["active"] == active, text

    in_a_folder(test)
