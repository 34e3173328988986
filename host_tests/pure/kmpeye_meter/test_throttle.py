# What a meter bears: the tries in a silence, what is learned from it, what a restart keeps.

from kmpeye.meter.throttle import Throttle

MINUTE = 60
HOUR = 3600


def silence(throttle, last_s, until_s):
    """Goes on until the meter answers at the first try that is not before until_s. The times of all tries."""
    throttle.silent(last_s)
    tries = []
    while True:
        at = throttle.until_s()
        tries.append(at)
        if at >= until_s:
            throttle.answered(at, 1)
            return tries
        throttle.silent(at)


def give(throttle, at, count, every_s=HOUR):
    """Answers every hour; returns when the next would be due."""
    for _ in range(count):
        throttle.answered(at, 1)
        at = max(at + every_s, throttle.until_s())
    return at


def mute12h(throttle, gives):
    """A meter that is silent for 12 h after so many replies, asked every hour at most; gives: how many in each
    cycle. Returns ([(requests in vain, what is known to be borne) of each cycle], when it is asked next)."""
    found = []
    at = mute_until = 0
    for most in gives:
        vain = given = 0
        while given < most:
            last = at
            if at >= mute_until:
                throttle.answered(at, 1)
                given += 1
                at = max(at + HOUR, throttle.until_s())
            else:
                throttle.silent(at)
                vain += 1
                at = throttle.until_s()
        mute_until = last + 12 * HOUR
        found.append((vain, throttle.bears))
    return found, at


def test_a_meter_that_never_answered_is_not_throttled():
    throttle = Throttle()
    throttle.silent(100)
    assert throttle.tries == 0 and throttle.until_s() == 0


def test_tries_come_after_5_minutes_an_hour_and_then_every_12_hours():
    throttle = Throttle()
    throttle.answered(0, 1)
    at = HOUR
    tries = silence(throttle, at, at + 40 * HOUR)
    assert [one - at for one in tries[:4]] == [300, 300 + HOUR, 300 + 13 * HOUR, 300 + 25 * HOUR]


def test_the_way_back_is_taken_in_steps():
    throttle = Throttle()
    throttle.answered(0, 1)
    at = silence(throttle, HOUR, 20 * HOUR)[-1]
    pauses = []
    for _ in range(5):
        pauses.append(throttle.until_s() - at)
        at += pauses[-1]
        throttle.answered(at, 1)
    assert pauses == [3600, 1800, 900, 450, 225]


def test_one_lost_reply_is_no_silence_and_slows_nothing():
    throttle = Throttle()
    at = give(throttle, 0, 4)
    at = silence(throttle, at, 0)[-1]
    assert throttle.given == 5 and throttle.until_s() == at


def test_five_replies_in_12_hours_are_learned_and_respected():
    throttle = Throttle()
    found, _ = mute12h(throttle, [5] * 40)
    assert throttle.bears == 5
    assert 12 * HOUR - 300 < throttle.most_s <= 12 * HOUR + 300
    assert sum([vain for vain, _ in found[10:]]) <= 3  # one more is asked for now and then


def test_what_is_learned_once_is_not_yet_believed():
    throttle = Throttle()
    mute12h(throttle, [5] * 2)
    assert throttle.bears == 0


def test_a_lower_number_takes_three_silences():
    throttle = Throttle()
    found, _ = mute12h(throttle, [5] * 8 + [3] * 6)
    # What a cycle teaches is known in the next.
    assert [bears for _, bears in found[7:]] == [5, 5, 5, 5, 3, 3, 3]


def test_a_meter_that_bears_more_again_is_found_out():
    throttle = Throttle()
    _, at = mute12h(throttle, [5] * 8)
    assert throttle.bears == 5
    give(throttle, at, 32 * 5 + 6)
    assert throttle.bears == 0 and not throttle.resting()


def test_a_silence_that_somebody_ended_teaches_no_rest():
    throttle = Throttle()
    at = 0
    for _ in range(3):
        at = give(throttle, at, 11)
        at = silence(throttle, at, at + 7 * 24 * HOUR)[-1] + HOUR
    at = give(throttle, at, 11)
    assert throttle.most_s == 0 and not throttle.resting()


def test_a_meter_that_never_falls_silent_never_rests():
    throttle = Throttle()
    at = give(throttle, 0, 1000)
    assert at == 1000 * HOUR and throttle.bears == 0


def resting():
    """A throttle that has just begun to rest at time 0 of unix 2,000,000,000."""
    throttle = Throttle()
    _, at = mute12h(throttle, [5] * 12)
    while True:
        throttle.answered(at, 1, 2000000000)
        if throttle.resting():
            return throttle
        at = max(at + HOUR, throttle.until_s())


def test_a_rest_goes_on_after_a_restart():
    before = resting()
    throttle = Throttle(before.state())
    assert throttle.restored and not throttle.resume(5, None)
    assert throttle.resume(40, 2000000000 + 2 * HOUR)
    rest = before.until_s() - before.answered_s
    assert throttle.until_s() == 40 - 2 * HOUR + rest
    assert not throttle.restored


def test_without_a_date_the_rest_counts_from_the_start():
    before = resting()
    throttle = Throttle(before.state())
    rest = before.until_s() - before.answered_s
    assert throttle.until_s() == rest
    assert not throttle.resume(rest - 1, None)
    assert throttle.resume(rest, None)


def test_a_date_set_back_does_not_lengthen_the_rest():
    before = resting()
    throttle = Throttle(before.state())
    throttle.resume(100, 1900000000)
    assert throttle.until_s() == 100 + before.until_s() - before.answered_s


def test_after_a_restart_in_a_silence_there_is_one_try_and_then_the_next_step():
    throttle = Throttle()
    throttle.answered(0, 1)
    for at in (HOUR, 2 * HOUR, 4 * HOUR):
        throttle.silent(at)
    throttle = Throttle(throttle.state())
    assert throttle.tries == 1 and throttle.until_s() == 0
    throttle.silent(3)
    assert throttle.until_s() == 3 + HOUR
