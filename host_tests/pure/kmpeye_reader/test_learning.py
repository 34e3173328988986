# Which meter is it: every profile's own registers lead back to it or to one that answers the same, in few questions;
# a stranger is asked for the catalogue once. The meter is a table; reader_scene.py says how.

import gc

from kmp.command import GET_REGISTER
from kmpeye.meter.profile import load, names
from reader_scene import FOLDER, WATER, Scene, TableMeter

HEAT = {
    60: (3, 30925, -2),
    68: (40, 785024, -2),
    80: (22, 398, -1),
    74: (41, 884, 0),
    86: (37, 7356, -2),
    87: (37, 3488, -2),
    1001: (51, 6892850, 0),
}
MOST_QUESTIONS = 4  # requests for registers that tell the profiles apart


def asked(meter):
    return [ids for cid, ids in meter.requests if cid == GET_REGISTER]


def table_of(profile):
    """A meter that offers all that its profile lists."""
    return {register: (40, 1000 + register, 0) for register, _ in profile.registers}


def found(meter, seconds=30, **settings):
    scene = Scene(meter, None, meter="auto", **settings)
    scene.run(seconds)
    return scene


def test_every_profile_is_found_by_what_its_meter_answers():
    for name in names(FOLDER):
        profile = meter = scene = reader = learning = same = None  # each is a start of its own
        gc.collect()
        profile = load(name, FOLDER)
        meter = TableMeter(table_of(profile))
        scene = Scene(meter, None, meter="auto")
        reader = scene.reader
        while reader.profile.name == "auto":
            scene.run(1)
            assert scene.clock.now < 60000, name
        learning = reader.learning
        assert name == reader.profile.name or name in learning.alike, (name, reader.profile.name)
        same = load(reader.profile.name, FOLDER)
        if name != same.name:
            assert sorted([one for one, _ in same.registers]) == sorted(
                [one for one, _ in profile.registers]
            ), name
        assert len(asked(meter)) <= MOST_QUESTIONS, (name, len(asked(meter)))
        assert learning.offered is None, name


def test_a_type_code_that_is_known_needs_no_questions():
    meter = TableMeter(HEAT, 0x0001)
    scene = Scene(meter, None, meter="auto")
    while scene.reader.profile.name == "auto":
        scene.run(1)
    live = [register for register, _ in load("multical601", FOLDER).live]
    assert scene.reader.profile.name == "multical601"
    assert all(ids[: len(live)] == live for ids in asked(meter)), "nothing but the reading itself"
    assert scene.snapshot.meter.type == "0001"


def test_the_reading_follows_at_once_and_everything_is_kept():
    scene = found(TableMeter(WATER))
    assert scene.reader.profile.name == "multical21"
    assert scene.value("volume") == (314131, -3)
    kept = scene.store.saved[-1]
    assert kept["profile"] == "multical21" and kept["serial"] == "68123456"
    again = Scene(TableMeter(WATER), kept, meter="auto")
    assert again.reader.profile.name == "multical21", "and not asked after a restart"
    again.run(1)


def test_a_stranger_is_asked_for_the_whole_catalogue_once():
    table = {
        60: (3, 5, 0),
        129: (22, 7, 0),
        130: (22, 8, 0),
        1001: (51, 6892850, 0),
        21: (8, 1, 0),
        22: (8, 2, 0),
    }
    meter = TableMeter(table)
    scene = found(meter, 120)
    reader = scene.reader
    assert reader.learning.offered is not None
    keys = [row[0] for row in scene.snapshot.reading.values]
    assert "heat_energy" in keys and "reactive_energy_in_tariff_1" in keys, keys
    assert scene.snapshot.meter.model.startswith("KMP meter like ")
    again = Scene(TableMeter(table), scene.store.saved[-1], meter="auto")
    again.run(60)
    assert [row[0] for row in again.snapshot.reading.values] == keys
    assert len(asked(again.meter)) <= 3, "what it offers is not asked for again"


def test_a_silent_meter_is_no_meter_and_the_state_says_so():
    meter = TableMeter(WATER)
    meter.mute = True
    scene = found(meter, 120)
    assert scene.reader.profile.name == "auto" and scene.snapshot.state == "no_light"
    meter.mute = False
    scene.run(900)
    assert scene.snapshot.state == "ok"


def test_an_electricity_meter_is_found_at_its_speed():
    profile = load("kamstrup382", FOLDER)
    meter = TableMeter(table_of(profile))
    meter.baud = 9600
    scene = found(meter, 180)
    assert scene.line.baud == 9600 and scene.reader.profile.name == "kamstrup382"


def test_of_meters_that_answer_the_same_the_likeliest_and_kindest_is_taken():
    for name, why in (
        ("multical603", "an 803 is asked every 10 seconds, which a battery does not bear"),
        ("multical602", "a 601 would have told its type"),
        ("multical21", "real replies"),
    ):
        meter = TableMeter(table_of(load(name, FOLDER)))
        assert found(meter, 60).reader.profile.name == name, why


def test_damaged_learning_is_learned_anew():
    for state in (
        {"profile": "multical21", "left_out": ["nonsense"]},
        {"profile": "multical21", "left_out": 5},
        {"profile": "multical21", "offered": ["x"]},
        {"profile": "nobody"},
        {"profile": 7},
        {"profile": "multical21", "plan": {"profile": "other"}},
        {"profile": "multical21", "plan": 5, "intake": {"guard": 5, "watch": "x", "flags": 3}},
    ):
        scene = Scene(TableMeter(WATER), state, meter="auto")
        scene.run(60)
        assert scene.value("volume") == (314131, -3), state


def test_silence_of_an_unknown_meter_is_not_taken_for_a_missing_magnet_alone():
    meter = TableMeter({})
    meter.mute = True
    scene = found(meter)
    assert scene.snapshot.state == "no_light"
    for word in ("Water meters", "magnet", "key", "others", "move the head"):
        assert word in scene.reader.advice, word
