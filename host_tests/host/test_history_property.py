"""Whatever was read or missed: the consumptions of the rows add up to the difference of the totals, exactly.

Uses hypothesis and scene.py of host_tests/pure/kmpeye_history. The history is the firmware's, on real files. A
reading is a gap since the last one, a growth, and whether somebody pulled the plug or the meter was exchanged.
"""

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from kmpeye_history.scene import CET, HOUR, KWH, NEW_YEAR, Scene, energy

GAPS = st.one_of(
    st.just(HOUR), st.integers(60, 2 * HOUR), st.integers(HOUR, 60 * HOUR), st.integers(HOUR, 1500 * HOUR)
)
READINGS = st.lists(
    st.tuples(
        GAPS,
        st.one_of(st.integers(0, 50), st.integers(0, 1 << 40)),
        st.sampled_from(("own", "own", "own", "own", "logger", "restart", "no clock", "none", "new meter")),
    ),
    max_size=80,
)


def feed(scene, readings):
    """Plays the readings; returns what has to be recorded: {hour: (unix, total, filled, serial)}."""
    now, total, serial = NEW_YEAR + 1234567, 1 << 33, 1
    expected, waiting, logged = {}, [], []
    started = now
    for gap, growth, kind in readings:
        now += gap
        total += growth
        if kind in ("restart", "new meter"):
            waiting.clear()  # they have no date, for ever
            started = now
            if kind == "new meter":
                serial += 1
                total = growth
            scene.restart(serial=str(serial))
        if kind == "none":
            continue
        if kind == "logger":
            logged.append((now, total, serial))
            continue
        if kind == "no clock":
            if scene.history.append(None, now - started, energy(total)):
                waiting.append((now, total, False, serial))
            continue
        for record in waiting:
            if record[0] // HOUR > max(expected, default=0):
                expected[record[0] // HOUR] = record
        waiting.clear()
        if scene.history.append(now, now - started, energy(total)):
            assert now // HOUR > max(expected, default=0)
            expected[now // HOUR] = (now, total, False, serial)
    for unix, value, its_serial in logged:
        if its_serial == serial and scene.history.insert(unix, energy(value)):
            expected.setdefault(unix // HOUR, (unix, value, True, serial))
    return [expected[hour] for hour in sorted(expected)]


@settings(max_examples=200, deadline=None)
@given(READINGS, st.integers(0, 2000), st.integers(1, 4000), st.sampled_from(("hour", "day", "month")))
def test_consumptions_add_up_to_the_difference_of_the_totals(readings, start, length, step):
    with Scene(segment_bytes=600, serial="1") as scene:
        expected = feed(scene, readings)
        found = scene.history.records("hour", 0, 1 << 32)
        assert [(unix, values["energy"][1], filled) for unix, filled, values in found] == [
            record[:3] for record in expected
        ]
        assert not scene.history.damaged
        first = NEW_YEAR + 1234567 + start * HOUR
        check_rows(scene, expected, first, first + length * HOUR, step)


def check_rows(scene, expected, first, last, step):
    begin = begin_of(first, step)
    end = last + HOUR if begin_of(last, step) == last else last + 1  # it may close the last period
    inside = [record for record in expected if begin <= record[0] < end]
    try:
        rows = scene.rows(first, last, step)
    except LookupError:
        assert not [record for record in inside if first <= record[0] < last]
        return
    for before, row in itertools.pairwise(rows):
        assert before[1] == row[0], "rows follow each other"
    if rows and expected[0][0] < begin:
        assert rows[0][0] <= begin < rows[0][1], "the row that holds the begin is the first"
        if rows[0][0] < begin:
            assert not [record for record in expected if 0 <= record[0] - begin < HOUR]
            inside = [record for record in expected if rows[0][0] <= record[0] < end]
    serial = None
    for row in rows:
        begin, end, used, total, exponent, unit, state, _ = row
        assert begin < end
        assert (exponent, unit) == (0, KWH)
        if serial is None or state == "new meter":
            serial = next(record[3] for record in inside if record[0] >= (begin if used is not None else end))
            totals = [record[1] for record in inside if record[3] == serial]
            consumed = 0
        if state == "new meter":
            assert used is None
            assert total == totals[0]
        else:
            consumed += used
            assert consumed == total - totals[0], "exact, holes included"
            assert total in totals
    if rows:
        assert rows[-1][3] == inside[-1][1], "up to the last record"
    else:
        assert len(inside) < 2


def begin_of(unix, step):
    year, month, day = CET.local(unix)[:3]
    if step == "hour":
        return unix - unix % HOUR
    return CET.unix_of_local(year, month, day if step == "day" else 1)
