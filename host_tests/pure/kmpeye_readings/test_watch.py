# kmpeye.readings.watch: a day without an hour of rest raises the flag, an hour of rest takes it away, and what nobody
# saw does neither. Tables of steps; runs on CPython and on MicroPython alike.

import json

from kmpeye.readings.watch import FlowWatch

HOUR = 3600
M3 = 40


def run(steps, watch=None, uptime_s=0, litres=1000):
    """Feed steps of (how often, seconds, litres each time). Returns (watch, uptime_s, litres)."""
    if watch is None:
        watch = FlowWatch()
        watch.feed(M3, litres, -3, uptime_s)
    for times, seconds, flow in steps:
        for _ in range(times):
            uptime_s += seconds
            litres += flow
            watch.feed(M3, litres, -3, uptime_s)
    return watch, uptime_s, litres


STEPS = (
    (((23, HOUR, 5),), False, "23 hours with flow are not a day"),
    (((24, HOUR, 5),), True, "24 are"),
    (((24, HOUR, 1),), True, "a litre an hour is enough"),
    (((24, 3660, 5),), True, "readings that came late after a retry still tell hour from hour"),
    (((144, 600, 1),), True, "every ten minutes"),
    (((143, 600, 1),), False, "ten minutes short"),
    (((8640, 10, 1),), True, "every ten seconds"),
    (((20, HOUR, 5), (1, HOUR, 0), (20, HOUR, 5)), False, "an hour of rest starts the day again"),
    (((20, HOUR, 5), (1, HOUR, 0), (24, HOUR, 5)), True, "and 24 hours after it are a day"),
    (((24, HOUR, 5), (1, HOUR, 0)), False, "an hour of rest takes the flag away"),
    (((24, HOUR, 5), (5, 600, 0)), True, "50 minutes are not an hour"),
    (((24, HOUR, 5), (6, 600, 0)), False, "an hour of six readings is one"),
    (((24, HOUR, 5), (5, 600, 0), (1, 600, 1), (5, 600, 0)), True, "two rests of 50 minutes are no hour"),
    (((47, 1800, 3), (1, 1800, 0)), True, "half an hour of rest inside the day is none"),
    (((24, 2 * HOUR, 5),), False, "every two hours: the hour of rest may be in each"),
    (((12, HOUR, 5), (1, 3 * HOUR, 9), (11, HOUR, 5)), False, "three unseen hours do not count"),
    (((12, HOUR, 5), (1, 3 * HOUR, 9), (12, HOUR, 5)), True, "but what was seen before them does"),
    (((24, HOUR, 5), (1, 3 * HOUR, 9)), True, "unseen hours with flow do not take the flag away"),
    (((24, HOUR, 5), (1, 3 * HOUR, 0)), False, "a total that stood still does: nothing flowed, seen or not"),
    (
        ((12, HOUR, 5), (1, 25 * HOUR, 90), (12, HOUR, 5)),
        False,
        "after an unseen day nothing before it counts",
    ),
    (((24, HOUR, 5), (1, 240 * HOUR, 900)), True, "the flag stays until somebody sees an hour of rest"),
    (((24, HOUR, 5), (1, HOUR, -900)), False, "another meter: everything anew"),
    (((24, HOUR, 0),), False, "a day of rest"),
)


def test_steps_of_a_day():
    for steps, expected, why in STEPS:
        assert run(steps)[0].active == expected, why


def test_a_restart_in_the_middle_loses_nothing_when_the_date_is_known():
    for minutes, expected in ((60, True), (180, False)):
        watch = FlowWatch()
        for hour in range(20):
            watch.feed(M3, 1000 + hour, -3, hour * HOUR, 1_700_000_000 + hour * HOUR)
        watch = FlowWatch(json.loads(json.dumps(watch.state())))
        unix = 1_700_000_000 + 19 * HOUR + minutes * 60
        for hour in range(5):
            watch.feed(M3, 2000 + hour, -3, 50 + hour * HOUR, unix + hour * HOUR)
        assert watch.active == expected, "19 hours, the restart, four more: a gap of %d minutes" % minutes


def test_a_restart_without_a_date_keeps_the_flag_but_not_the_count():
    watch, _, litres = run(((24, HOUR, 5),))
    watch = FlowWatch(json.loads(json.dumps(watch.state())))
    assert watch.active
    watch.feed(M3, litres + 5, -3, 10)
    assert watch.active
    watch, _, _ = run(((1, HOUR, 0), (23, HOUR, 5)), watch, 10, litres + 5)
    assert not watch.active


def test_a_change_of_the_meters_digits_is_unseen_time():
    watch, uptime_s, litres = run(((24, HOUR, 5),))
    assert watch.feed(M3, litres // 10, -2, uptime_s + HOUR), "whether anything flowed cannot be seen"
    assert not watch.feed(M3, litres // 10, -2, uptime_s + 2 * HOUR), "from there on it can"


def test_a_state_that_is_none_starts_anew():
    wrong = (
        None,
        [],
        {},
        "x",
        [1, 2, 3],
        [40, 1, -3, None, 0, 0, "x", True, 9],
        [40, "1", -3, 5, 0, 0, 0, True, 9],
    )
    for state in wrong + ([40, 1, -3, "now", 0, 0, 0, True, 9], [40, 1, -3, 5, 0, 0, 0, True, 9, 9]):
        watch = FlowWatch(state)
        assert not watch.active and watch.state() is None, state
        assert not watch.feed(M3, 5, -3, 0)
