"""The faults of the simulated line: each does what its name says, by seed, and none moves another.

Uses sim_head; in invented time.
"""

from kmp.frame import BAD_CRC
from kmpsim.faults import Odds
from sim_head import BYTE_MS, QUIET_MS, SERIAL, VOLUME, ask, events, good_reply, heard, sim

GOOD = good_reply()


def replies(odds, count=40, seed=1, **options):
    """What arrives after each of `count` requests, and the counters."""
    meter = sim(seed=seed, odds=odds, time_factor=0, **options)
    return [ask(meter, VOLUME, i * QUIET_MS, QUIET_MS - 1) for i in range(count)], meter.counters


def test_a_lost_reply_is_silence():
    got, counters = replies(Odds(loss=0.5))
    assert set(got) == {b"", GOOD}
    assert counters.faults["loss"] == got.count(b"")
    assert counters.answered == 40


def test_a_cut_reply_stops_in_the_middle():
    got, counters = replies(Odds(cut=1))
    assert all(0 < len(one) < len(GOOD) and GOOD.startswith(one) for one in got)
    assert len(set(got)) > 5
    assert counters.faults["cut"] == 40


def test_a_reply_with_a_bad_crc_is_a_whole_frame():
    got, _ = replies(Odds(bad_crc=1))
    assert [events(one) for one in got] == [[(BAD_CRC, None)]] * 40
    assert len(set(got)) > 20


def test_a_lone_00_comes_before_the_reply():
    got, _ = replies(Odds(zero=1), 3)
    assert got == [b"\0" + GOOD] * 3


def test_noise_comes_around_the_reply_and_between():
    got, counters = replies(Odds(noise=0.5))
    assert counters.faults["noise_before"] > 5
    assert counters.faults["noise_after"] > 5
    assert all(GOOD in one for one in got)
    idle = sim(odds=Odds(noise=0.5))
    alone = heard(idle, 100_000)
    assert 20 < len(alone) < 400
    assert [at for at, _ in alone] == sorted(at for at, _ in alone)


def test_the_same_seed_gives_the_same_bytes_at_the_same_time():
    def run(seed):
        odds = Odds(noise=0.3, loss=0.2, cut=0.2, bad_crc=0.2, zero=0.2)
        meter = sim(seed=seed, odds=odds, echo=True, latency_ms=None)
        out = []
        for i in range(30):
            meter.receive(VOLUME, i * QUIET_MS)
            out += heard(meter, (i + 1) * QUIET_MS - 1)
        return out

    assert run(5) == run(5)
    assert run(5) != run(6)


def test_one_fault_does_not_move_another():
    _, alone = replies(Odds(bad_crc=0.5))
    _, both = replies(Odds(bad_crc=0.5, zero=0.7))
    assert alone.faults["bad_crc"] == both.faults["bad_crc"]


def test_a_lost_answer_keeps_the_meter_busy_as_if_it_had_arrived():
    meter = sim(odds=Odds(loss=1))
    meter.receive(VOLUME, 0)
    heard(meter, 300)
    meter.receive(SERIAL, (len(VOLUME) + 10) * BYTE_MS + 100)
    heard(meter, QUIET_MS)
    assert meter.counters.ignored["busy"] == 1
