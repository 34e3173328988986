"""The eyes of the simulated meters: what wakes each, when it goes off, and how often it may be asked.

Uses sim_head; in invented time, so twelve hours of silence cost nothing.
"""

import pytest

from kmpsim import model
from kmpsim.meter import Options, SimMeter
from sim_head import BYTE_MS, SERIAL, VOLUME, ask, heard, sim

S = 1000
MINUTE = 60 * S
HOUR = 60 * MINUTE
START = 4 * S  # from the magnet to an eye that is on


def answered(meter, at):
    """True when a request at this moment gets a reply."""
    return ask(meter, SERIAL, at, 1500) != b""


@pytest.mark.parametrize("kind", ["magnet", "dropout", "replies12", "five12h"])
def test_an_eye_with_a_magnet_sensor_is_off_until_four_seconds_after_the_magnet(kind):
    meter = sim(eye=kind)
    assert not answered(meter, 0)
    meter.press(2 * S)
    assert not answered(meter, 3 * S)
    meter.magnet(True, 10 * S)
    assert not answered(meter, 10 * S + START - 1)
    assert answered(meter, 20 * S)
    meter.magnet(False, 30 * S)
    assert not answered(meter, 31 * S)
    assert meter.counters.ignored == {"asleep": 4}


def test_a_request_that_began_before_the_eye_was_on_is_not_understood():
    meter = sim(eye="magnet")
    meter.magnet(True, 0)
    meter.receive(VOLUME, START - 2 * BYTE_MS)
    heard(meter, START + S)
    assert meter.counters.answered == 0
    assert answered(meter, START + 10 * S)


def test_putting_a_magnet_where_one_is_does_nothing():
    meter = sim(eye="magnet")
    meter.magnet(True, 0)
    meter.magnet(True, 10 * S)
    assert answered(meter, 11 * S)


def test_an_eye_that_is_off_still_lets_the_head_see_its_own_light():
    meter = sim(eye="magnet", echo=True)
    assert ask(meter, VOLUME) == VOLUME


@pytest.mark.parametrize("seed", range(10))
def test_an_eye_that_drops_out_goes_off_after_5_to_10_minutes_until_the_magnet_is_put_back(seed):
    meter = sim(eye="dropout", seed=seed)
    now = 0
    for _ in range(3):
        meter.magnet(True, now)
        assert answered(meter, now + START + 5 * MINUTE - 2 * S)
        assert not answered(meter, now + START + 10 * MINUTE)
        assert not answered(meter, now + HOUR)
        meter.magnet(False, now + HOUR + 10 * S)
        now += HOUR + 12 * S


def test_dropping_out_takes_another_time_each_time():
    ends = set()
    for seed in range(20):
        meter = sim(eye="dropout", seed=seed)
        meter.magnet(True, 0)
        at = 5 * MINUTE
        while answered(meter, at):
            at += 10 * S
        ends.add(at)
    assert len(ends) > 5


def test_an_eye_of_twelve_replies_is_mute_until_the_magnet_was_away_for_a_minute():
    meter = sim(eye="replies12")
    meter.magnet(True, 0)
    got = [answered(meter, 10 * S + i * 5 * MINUTE) for i in range(20)]
    assert got == [True] * 12 + [False] * 8
    assert meter.counters.ignored["mute"] == 8
    now = 2 * HOUR
    meter.magnet(False, now)
    meter.magnet(True, now + MINUTE - 1)
    assert not answered(meter, now + 2 * MINUTE), "a moment is not enough"
    now = 3 * HOUR
    meter.magnet(False, now)
    meter.magnet(True, now + MINUTE)
    assert [answered(meter, now + 2 * MINUTE + i * 5 * S) for i in range(13)] == [True] * 12 + [False]


def test_an_eye_of_five_replies_is_mute_for_twelve_hours_whatever_the_magnet_does():
    meter = sim(eye="five12h")
    meter.magnet(True, 0)
    assert [answered(meter, 10 * S + i * 30 * S) for i in range(6)] == [True] * 5 + [False]
    last = 10 * S + 4 * 30 * S
    meter.magnet(False, HOUR)
    meter.magnet(True, 3 * HOUR)
    assert not answered(meter, last + 12 * HOUR - MINUTE)
    assert [answered(meter, last + 12 * HOUR + MINUTE + i * HOUR) for i in range(6)] == [True] * 5 + [False]


@pytest.mark.parametrize("name", ["multical302", "multical303", "multical402", "multical403"])
def test_a_key_gives_four_minutes_and_asking_does_not_prolong_them(name):
    meter = sim(name, eye="key")
    meter.magnet(True, 0)
    assert not answered(meter, 10 * S), "no magnet wakes it"
    meter.press(MINUTE)
    assert [answered(meter, MINUTE + i * 50 * S) for i in range(6)] == [True] * 5 + [False]
    meter.press(HOUR)
    meter.press(HOUR + 3 * MINUTE)
    assert answered(meter, HOUR + 6 * MINUTE)


def test_an_eye_of_no_kind_at_all_is_refused():
    with pytest.raises(ValueError, match="an eye is one of always, magnet"):
        SimMeter(model.load("multical21"), 0, 0, Options(eye="lazy"))
