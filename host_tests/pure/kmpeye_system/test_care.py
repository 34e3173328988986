# What is left on the flash after the owner made the device forget: nothing that was a secret, and the history as told.
# Runs on CPython and MicroPython, on real files in a folder of its own.

import os

from kmpeye import care
from kmpeye.system import config_save, keep

FOLDER = "test-care"
SECRET = b"the secret of the house"


def inside(do):
    """do() in a fresh folder, which is removed afterwards; what it returns."""
    home = os.getcwd()
    os.mkdir(FOLDER)
    os.chdir(FOLDER)
    try:
        return do()
    finally:
        empty()
        os.chdir(home)
        os.rmdir(FOLDER)


def empty():
    for name in os.listdir():
        if name == "history":
            for one in os.listdir(name):
                os.remove(name + "/" + one)
            os.rmdir(name)
        else:
            os.remove(name)


def holders():
    """The files that hold the secret."""
    found = []
    for name in os.listdir():
        if name != "history":
            with open(name, "rb") as file:
                if SECRET in file.read():
                    found.append(name)
    return sorted(found)


def settled():
    config_save.change({"wifi_ssid": "home", "wifi_password": SECRET.decode()})
    config_save.change({"name": "cellar"})
    assert holders() == ["config.json", "config.old.json"]


def test_a_wifi_that_was_forgotten_is_in_no_file():
    def forget():
        settled()
        config_save.forget(("wifi_ssid", "wifi_password"))
        assert holders() == []
        assert keep.load("config.json") == {"name": "cellar"} == keep.load("config.old.json")

    inside(forget)


def test_what_a_power_cut_left_of_forgetting_is_forgotten_the_next_time():
    def forget():
        settled()
        config_save.change({"wifi_ssid": None, "wifi_password": None})
        assert holders() == ["config.old.json"], "as if the power had gone between the two files"
        config_save.forget(("wifi_ssid", "wifi_password"))
        assert holders() == []

    inside(forget)


# file, does it stay after a reset that keeps the history? why
FILES = (
    ("state.json", False, "learned of the meter"),
    ("state.bad.json", False, "the same, damaged"),
    ("mqtt.json", False, "of the broker that was"),
    ("config.json.new", False, "half a change, with its secrets"),
    ("board.json", True, "what the device is"),
    ("ap.json", True, "printed at deploy"),
    ("manifest.json", True, "of the firmware"),
    ("update.state", True, "which half runs"),
    ("update.pub", True, "whose updates it takes"),
    ("crash.txt", True, "for who helps"),
    ("main.py", True, "the firmware"),
)


def reset(keep_history):
    settled()
    os.mkdir("history")
    for name in [row[0] for row in FILES] + ["history/0"]:
        with open(name, "wb") as file:
            file.write(SECRET if name.endswith(".new") else b"{}")
    care.clean(keep_history)
    return sorted(os.listdir())


def test_a_reset_leaves_what_the_device_is_and_its_history():
    left = inside(lambda: reset(True))
    assert left == sorted([name for name, stays, _ in FILES if stays] + ["history"])


def test_the_history_goes_where_the_owner_says_so():
    left = inside(lambda: reset(False))
    assert left == sorted([name for name, stays, _ in FILES if stays])


class Cut:
    """The flash until the power goes: the settings are the last that is left."""

    listdir, rmdir = os.listdir, os.rmdir

    def __init__(self, operations):
        self.left = operations

    def remove(self, name):
        if self.left:
            self.left -= 1
            os.remove(name)


def test_a_reset_that_is_cut_off_leaves_the_settings_to_the_last():
    def cut():
        for operations, kept in ((0, ["config.json", "config.old.json"]), (1, ["config.json"]), (2, [])):
            settled()
            care.clean(True, Cut(operations))
            assert sorted(os.listdir()) == kept, operations
            empty()

    inside(cut)
