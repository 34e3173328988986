# The reader in virtual time: what is asked, what is published, what is believed, learned and kept. The meter is a
# table; reader_scene.py says how.

import sys

from kmp.command import GET_REGISTER, GET_TYPE, get_serial, read_serial
from reader_scene import UNIX, WATER, Scene, TableMeter

HOUR = 3600


def changed(table, **rows):
    """A table with other mantissas: r68=314132."""
    new = dict(table)
    for name, mantissa in rows.items():
        register = int(name[1:])
        unit, _, exponent = table[register]
        new[register] = unit, mantissa, exponent
    return new


def started(**settings):
    meter = TableMeter(WATER)
    scene = Scene(meter, **settings)
    scene.run(60)
    return scene, meter


def test_the_first_reading_is_asked_twice_and_published_once():
    scene, meter = started()
    registers = [ids for cid, ids in meter.requests if cid == GET_REGISTER]
    assert len(registers) == 2 and registers[0] == registers[1]
    assert scene.reader.readings == 1
    assert scene.value("volume") == (314131, -3)
    assert scene.snapshot.meter.serial == "68123456" and scene.snapshot.state == "ok"
    assert [what for _, _, _, what, _ in scene.snapshot.events] == ["state"]


def test_a_wrong_first_reading_is_outvoted():
    for number, wrong in ((0, 900000000), (0, 5), (1, 900000000), (1, 5)):
        meter = TableMeter(WATER)
        meter.lies[number] = changed(WATER, r68=wrong)
        scene = Scene(meter)
        scene.run(60)
        assert scene.value("volume") == (314131, -3), (number, wrong)


def test_readings_come_at_full_hours_with_the_registers_that_are_due():
    scene, meter = started()
    del meter.requests[:]
    scene.run(HOUR - UNIX % HOUR)
    asked = [ids for cid, ids in meter.requests if cid == GET_REGISTER]
    assert asked[0][:5] == [68, 74, 292, 299, 99], "the live ones"
    assert scene.reader.readings == 2
    assert (UNIX + scene.snapshot.reading.uptime_s) % HOUR < 5


def test_a_reading_is_valid_until_the_next_one_had_its_chance():
    # settings, valid for so long at the least and the most, why
    for settings, least_s, most_s, why in (
        ({}, 3 * HOUR, 3 * HOUR, "the profile's interval"),
        ({"interval_s": 60, "budget_awake_s": 240}, 1000, 2 * HOUR, "the budget stretches it"),
    ):
        scene, _ = started(**dict({"budget_replies": 100000, "budget_awake_s": 80000}, **settings))
        scene.run(HOUR)
        reader = scene.reader
        assert least_s <= reader.valid_s <= most_s, (why, reader.valid_s)
        assert scene.snapshot.reading.uptime_s + reader.valid_s >= reader.next_s + reader.interval_s, why


def test_slow_registers_are_read_at_the_owners_midnight():
    for timezone, east_s in (("CET-1CEST,M3.5.0,M10.5.0/3", HOUR), ("EST5EDT", -5 * HOUR), ("nonsense", 0)):
        scene, meter = started(timezone=timezone)
        scene.run(25 * HOUR)
        reading = scene.snapshot.reading
        i = [row[0] for row in reading.values].index("reverse_volume")
        assert (UNIX + reading.taken[i] + east_s) % (24 * HOUR) < 10, timezone


def test_a_slow_register_keeps_its_value_and_its_age():
    scene, meter = started()
    scene.run(3 * HOUR)
    reading = scene.snapshot.reading
    keys = [row[0] for row in reading.values]
    assert "operating_hours" in keys
    i = keys.index("operating_hours")
    assert reading.taken[i] < reading.uptime_s
    assert reading.taken[keys.index("volume")] == reading.uptime_s


def test_a_total_that_falls_is_asked_again_held_back_and_released():
    scene, meter = started()
    good = meter.table
    meter.table = changed(good, r68=0)
    count = len(meter.requests)
    scene.run(HOUR)
    assert (GET_REGISTER, [1001]) in meter.requests[count:], "it may be another meter"
    assert scene.value("volume") is None and scene.value("flow") == (86, 0)
    assert scene.snapshot.reading.missing == [("volume", "total_fell")]
    assert any("held back: Volume: 0.000 m³ after 314.131 m³" in line for line in scene.lines), scene.lines
    meter.table = changed(good, r68=314200)
    scene.run(HOUR)
    assert scene.value("volume") == (314200, -3) and scene.snapshot.reading.missing == []
    assert [(what, key) for _, _, _, what, key in scene.snapshot.events][1:] == [
        ("held", "volume"),
        ("released", "volume"),
    ]


def test_a_spike_that_is_gone_when_asked_again_is_never_seen():
    scene, meter = started()
    meter.lies[len(meter.requests)] = changed(WATER, r68=0)
    scene.run(HOUR)
    assert scene.value("volume") == (314131, -3) and scene.reader.readings == 2
    assert [what for _, _, _, what, _ in scene.snapshot.events] == ["state"]


def test_flags_come_and_go_with_events():
    scene, meter = started()
    assert scene.snapshot.flags == []
    meter.table = changed(WATER, r99=4)
    scene.run(HOUR)
    assert scene.snapshot.flags == ["leak"]
    meter.table = WATER
    scene.run(HOUR)
    assert scene.snapshot.flags == []
    assert [(what, key) for _, _, _, what, key in scene.snapshot.events][1:] == [
        ("appeared", "leak"),
        ("gone", "leak"),
    ]


def test_a_dead_port_is_tried_at_growing_pauses_and_nobody_is_woken_for_it():
    scene = Scene(TableMeter(WATER))
    line = scene.line
    tries, woken = [], []

    async def dead(where, baud, clock, pins):
        tries.append(clock.uptime_s())
        raise OSError("unplugged")

    class Counting(type(scene.reader.session.waker)):
        async def wake(self):
            woken.append(scene.clock.uptime_s())

    scene.reader.session.waker = Counting()
    line._opener = dead
    scene.run(1500)
    pauses = [tries[i + 1] - tries[i] for i in range(len(tries) - 1)]
    assert pauses[:7] == [2, 4, 8, 16, 32, 64, 128], pauses
    assert max(pauses) <= 301 and scene.reader.failures == len(tries), (
        "each reading that begins tries the port"
    )
    assert scene.snapshot.state == "port_error" and "unplugged" in scene.snapshot.text and not woken
    line._opener = scene.opener
    scene.run(301)
    assert scene.snapshot.state == "ok" and woken


def test_a_reading_that_memory_is_too_short_for_is_tried_again_a_minute_later():
    scene, meter = started()
    reader = scene.reader
    real = reader._session

    async def too_much():
        raise MemoryError

    reader._session = too_much
    reader.plan.next_s = 0
    scene.run(90)
    assert reader.reasons == {"out_of_memory": 2} and scene.snapshot.state == "out_of_memory"
    reader._session = real
    scene.run(60)
    assert scene.snapshot.state == "ok" and reader.readings == 2


def test_what_the_meter_leaves_out_twice_is_not_asked_again():
    meter = TableMeter(WATER)
    del meter.table[299]
    scene = Scene(meter)
    scene.run(2 * HOUR)
    del meter.requests[:]
    scene.run(2 * HOUR)
    assert all(299 not in ids for cid, ids in meter.requests if cid == GET_REGISTER)
    assert "ambient_temperature" in scene.reader.learning.left_out
    assert "ambient_temperature" in scene.store.saved[-1]["left_out"]
    again = Scene(meter, scene.store.saved[-1])
    again.run(60)
    assert 299 not in meter.requests[-1][1], "after a restart too"


def test_another_serial_number_forgets_what_was_learned():
    meter = TableMeter(WATER)
    del meter.table[299]
    scene = Scene(meter)
    scene.run(2 * HOUR)
    meter.table = changed(WATER, r68=12)
    meter.table[1001] = (51, 70000001, 0)
    meter.serial = 70000001
    scene.run(30 * HOUR)
    assert scene.snapshot.meter.serial == "70000001"
    assert scene.value("volume") == (12, -3)
    assert scene.value("ambient_temperature") == (2127, -2), "asked anew"
    assert scene.store.forgotten == 1


def test_silence_becomes_a_state_with_its_advice_and_ends():
    scene, meter = started()
    meter.mute = True
    scene.run(HOUR)
    assert scene.snapshot.state == "throttled" and scene.reader.advice
    assert scene.value("volume") == (314131, -3), "the last reading stays, with its age"
    meter.mute = False
    scene.run(2 * HOUR)
    assert scene.snapshot.state == "ok"


def test_a_meter_that_offers_nothing_is_refused_not_silent():
    meter = TableMeter({1: (2, 5, 0)})
    scene = Scene(meter)
    scene.run(60)
    assert scene.snapshot.state == "refused"
    assert scene.snapshot.reading is None


def test_another_speed_is_found_and_remembered():
    for garble in (b"\xff\xfe\x3c\x81\xaa\x99", b""):
        meter = TableMeter(WATER)
        meter.baud = 2400
        meter.garble = garble
        scene = Scene(meter, meter="multical302")
        scene.run(HOUR)
        assert scene.line.baud == 2400, garble
        assert scene.snapshot.state == "ok" and scene.store.saved[-1]["baud"] == 2400


def test_a_speed_that_is_set_is_not_left():
    meter = TableMeter(WATER)
    meter.baud = 2400
    scene = Scene(meter, baud=1200)
    scene.run(HOUR)
    assert scene.line.baud == 1200 and scene.snapshot.state == "no_light"


def test_garbled_bytes_are_listened_to_and_named():
    meter = TableMeter(WATER)
    meter.baud = 300
    meter.garble = b"\xff\xfe\x3c\x81\xaa\x99\x12\x55\x07"
    scene = Scene(meter, baud=1200)
    scene.run(600)
    assert scene.snapshot.state == "garbled"
    assert "speed" in scene.snapshot.text, scene.snapshot.text
    meter.baud = None
    scene.run(HOUR)
    assert scene.snapshot.state == "ok" and not hasattr(scene.line.reader, "tries")
    assert scene.line.reader.stray > 0, "what was counted goes on"


def test_read_now_gives_a_fresh_reading_once_and_then_says_when():
    scene, meter = started()
    scene.run(30)
    before = scene.reader.readings
    assert scene.together(scene.reader.read_now(), 30) == ("ok", "", 0)
    assert scene.reader.readings == before + 1
    outcome, sentence, wait_s = scene.together(scene.reader.read_now(), 30)
    assert outcome == "later" and sentence and 0 < wait_s <= 10


def test_read_now_that_fails_says_why():
    scene, meter = started()
    scene.run(30)
    meter.mute = True
    outcome, sentence, _ = scene.together(scene.reader.read_now(), 60)
    assert outcome == "failed" and sentence


def test_a_relayed_request_is_answered_and_counted():
    scene, meter = started()
    before = scene.reader.plan.budget.replies
    reply, reason = scene.together(scene.reader.relay(0x3F, get_serial()), 30)
    assert read_serial(reply) == 68123456 and reason is None
    assert scene.reader.plan.budget.replies == before + 1
    scene.together(scene.reader.relay(0x7F, get_serial()), 30)
    assert meter.address == 0x7F, "a module of the meter"


def test_what_others_want_takes_memory_only_while_they_want_it():
    scene, meter = started()
    assert scene.together(scene.reader.relay(0x3F, get_serial()), 30)[0]
    scene.run(10)
    assert not scene.reader.pending() and "kmpeye.errands" not in sys.modules
    assert scene.together(scene.reader.relay(0x3F, get_serial()), 30)[0], "the next one finds it again"


def test_a_relayed_request_without_an_answer_gives_the_reason():
    scene, meter = started()
    meter.mute = True
    reply, reason = scene.together(scene.reader.relay(0x3F, get_serial()), 30)
    assert reply is None and reason == "no_light"


def test_a_spent_budget_refuses_what_is_wanted():
    scene, meter = started(budget_replies=3)
    scene.run(30)
    scene.reader.plan.budget.replies = 3
    assert scene.together(scene.reader.relay(0x3F, get_serial()), 5) == (None, "budget_spent")
    outcome, sentence, wait_s = scene.together(scene.reader.read_now(), 5)
    assert outcome == "later" and wait_s > 60


def test_alignment_asks_every_two_seconds_ends_by_itself_and_costs_no_budget():
    scene, meter = started()
    spent = scene.reader.plan.budget.replies
    meter.type_id = 0x1234
    del meter.requests[:]
    assert scene.reader.start_align() is None
    scene.run(200)
    alignment = scene.reader.errands.alignment
    asked = [cid for cid, _ in meter.requests if cid == GET_TYPE]
    assert alignment.over and 50 <= len(asked) <= 61, len(asked)
    assert alignment.score == 100 and alignment.good == len(asked)
    assert scene.reader.plan.budget.replies == spent


def test_alignment_finds_a_question_that_the_meter_answers():
    scene, meter = started()
    del meter.requests[:]
    scene.reader.start_align()
    scene.run(20)
    alignment = scene.reader.errands.alignment
    assert alignment.score == 100 and alignment.good == alignment.number - 1
    assert (GET_REGISTER, [68]) in meter.requests


def test_alignment_is_capped_a_day():
    scene, meter = started()
    for _ in range(20):
        assert scene.reader.start_align() is None
        scene.run(1)
        scene.reader.errands.alignment.stop()
        scene.run(5)
    assert "20 times today" in scene.reader.start_align()


def test_the_state_survives_a_restart():
    scene, meter = started()
    scene.run(3 * HOUR)
    kept = scene.store.saved[-1]
    assert kept["serial"] == "68123456" and kept["plan"]["budget"][1] > 0
    again = Scene(meter, kept)
    meter.table = changed(WATER, r68=0)
    again.run(60)
    assert again.snapshot.reading.missing == [("volume", "total_fell")], "the guard remembers"


def test_what_is_kept_is_written_once_an_hour_at_most():
    scene, meter = started()
    scene.run(24 * HOUR)
    assert len(scene.store.saved) <= 25 + 1, len(scene.store.saved)


def test_out_of_memory_is_an_event_not_an_end():
    scene, meter = started()
    registers = scene.reader.head.registers

    async def none_left(ids, retries):
        raise MemoryError

    scene.reader.head.registers = none_left
    scene.run(HOUR)
    assert scene.snapshot.state == "out_of_memory"
    scene.reader.head.registers = registers
    scene.run(HOUR)
    assert scene.snapshot.state == "ok"


def test_an_exchange_begins_a_new_series_with_less_than_the_old_one_had():
    scene, meter = started()
    scene.reader.exchanged()
    assert scene.snapshot.reading is None and scene.snapshot.flags is None
    assert scene.snapshot.meter.serial is None
    meter.table = changed(WATER, r68=3)
    scene.run(2 * HOUR)
    assert scene.value("volume") == (3, -3)


def test_a_reading_waits_for_a_long_answer_but_not_for_ever():
    scene, meter = started()
    scene.reader.busy = True
    scene.reader.plan.next_s = 0
    scene.run(8)
    assert scene.reader.readings == 1
    scene.run(10)
    assert scene.reader.readings == 2 and not scene.reader.busy
