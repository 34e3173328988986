"""A soak of the whole app against a simulated meter: on_cpython.py DAYS SEED METER FLASH. Its last line is JSON.

FLASH is an empty folder, the device's flash; the current one is the repository. What is wrong is in "wrong", a list of
sentences; what happened is counted beside it. Promise: the same arguments give the same result.
"""

import asyncio
import gc
import json
import os
import pathlib
import socket
import sys

from kmp.decimal import compare
from kmp.value import token
from kmpsim import model
from kmpsim.faults import Odds
from kmpsim.meter import Options, SimMeter
from pure.fakes import network
from soak.broker import Broker
from soak.house import HOME, RECORDING_MS, House
from soak.trouble import DAY_MS, HOUR_MS, Troubles
from soak.visitor import Visitor
from soak.world import Chance, World

UNIX = (
    1767135600  # 2025-12-30 23:00 UTC: a leap of the calendar, both changes of daylight saving, are in a year
)
_2000 = 946684800
CET_S = 3600
# A day of readings with all their retries: what a budget costs is the plan's, and tested there.
GENEROUS = {"interval_s": 3600, "budget_replies": 1000, "budget_awake_s": 86400}
ODDS = Odds(noise=0.0005, loss=0.01, cut=0.005, bad_crc=0.01, zero=0.01)
WRONG_S = 60
SLACK_MS = 20 * 60000  # retries after 1, 2, 4 and 8 minutes
WITH_LOGGER = ("multical601-67-0b",)  # one that the reader asks
HOLE_HOURS = 2  # longer ones are filled,
FILLED_S = 3 * 86400  # within this time: the clocks may have jumped
TOTALS = {"volume", "heat_energy", "energy_in"}
LINE = ("silent", "unplugged", "weak")
# A water meter that was silent for more than an hour is tried twice a day.
THROTTLED_MS = 25 * HOUR_MS


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Witness:
    """Writes down what was published. history: what the broker has acknowledged, {hour: [{key: the value's
    text}]}."""

    def __init__(self, world):
        self._world = world
        self.life = 0
        self.history = {}
        # (ms, life, unix or None, true unix, {key: (unit, mantissa, exponent)} of what was measured then)
        self.readings = []

    def seen(self, app, reading):
        fresh = {
            row[0]: row[2:]
            for row, taken in zip(reading.values, reading.taken, strict=True)
            if taken == reading.uptime_s
        }
        world = self._world
        self.readings.append((world.ms, self.life, reading.unix, world.unix(), fresh))

    def published(self, topic, payload, retain):
        """As the broker calls it."""
        if topic.endswith("/history"):
            record = json.loads(payload, parse_float=str, parse_int=str)
            hour = int(record["id"].rpartition("-")[2]) // 3600
            values = {key: one["value"] for key, one in record["registers"].items()}
            self.history.setdefault(hour, []).append(values)


def free_times(troubles, outages, end_ms):
    """Intervals without any trouble on the line, where the device had power. Nobody waits for the Wi-Fi."""
    at = 0
    lines = [(begin, end) for begin, end, what in troubles.windows if what in LINE]
    for begin, end in sorted(lines + outages):
        if begin > at:
            yield at, begin
        at = max(at, end)
    if end_ms > at:
        yield at, end_ms


def missed(readings, free, most_ms):
    """A sentence for each time at which a reading was due and none came."""
    times = [one[0] for one in readings]
    for begin, end in free:
        last = begin
        for ms in [*(ms for ms in times if begin <= ms < end), end]:
            if ms - last > most_ms:
                yield "no reading for %d min from minute %d" % ((ms - last) // 60000, last // 60000)
            last = ms


def unrecorded(readings, records, ends_ms):
    """A sentence for each hour, as the clock had it, that was read and has no record, or one that nobody read. What was
    read in the moment when the power went may have none."""
    hours = {}
    waiting = {}
    for ms, life, unix, true_unix, fresh in readings:
        if ends_ms[life - 1] - ms < RECORDING_MS and unix is not None and unix // 3600 not in records:
            continue
        if unix is None:
            waiting.setdefault(true_unix // 3600, []).append(fresh)
        else:
            hours.setdefault(unix // 3600, []).append(fresh)
    for hour, read in sorted(hours.items()):
        read += waiting.get(hour, ())
        values = records.get(hour)
        if values is None:
            yield "hour %d was read and has no record" % hour
        elif not any(all(one.get(key) == value for key, value in values.items()) for one in read):
            yield "hour %d has a record that nobody read: %s" % (hour, values)


def undated(readings, records):
    """A sentence for each reading before its start knew the date that did not get it later. Behind a start that left
    nothing but such a record the first one is not kept: a device that starts over and over must not fill its flash."""
    lives = {}
    for reading in readings:
        lives.setdefault(reading[1], []).append(reading)
    in_vain = False
    latest = 0  # hour that has a record: a clock that was ahead hides what comes before it
    for life in lives.values():
        hours = {true_unix // 3600 for _, _, _, true_unix, _ in life}
        dated = max((ms for ms, _, unix, _, _ in life if unix is not None), default=0)
        for ms, _, unix, true_unix, _ in life:
            hour = true_unix // 3600
            if unix is not None:
                latest = max(latest, unix // 3600)
            elif not in_vain and latest < hour and ms < dated and hour not in records:
                yield "hour %d was read without a date and did not get one" % hour
        in_vain = life[0][2] is None and len(hours) < 2


def misdated(readings):
    """Hours whose record may be one of a time when the clock was wrong."""
    return {unix // 3600 for _, _, unix, true_unix, _ in readings if unix and abs(unix - true_unix) > WRONG_S}


def unfilled(readings, records, until_unix):
    """A sentence for each hole up to a moment that the logger could have filled. Not where it ends at a record of
    a time when the clock was wrong: that hour has the total of another one, which bounds what may enter."""
    wrong = misdated(readings)
    last = None
    for hour in sorted(records):
        known = last not in wrong and hour not in wrong
        if last and hour - last > HOLE_HOURS and hour < until_unix // 3600 and known:
            yield "the hours from %d to %d were not filled" % (last + 1, hour - 1)
        last = hour


def fell(readings, records):
    """A sentence for each total that falls. A record of a time when the clock was wrong may stand behind a later one,
    and a logger may show one digit less than the display."""
    wrong = misdated(readings)
    read = {unix // 3600 for _, _, unix, _, _ in readings if unix}
    before = {}
    for hour, values in sorted(records.items()):
        if hour in wrong:
            continue
        for key in TOTALS & values.keys():
            _, mantissa, exponent = values[key]
            if key in before and compare(mantissa + (hour not in read), exponent, *before[key]) < 0:
                yield "%s fell at hour %d" % (key, hour)
            before[key] = mantissa, exponent


def unpublished(records, history, until_unix):
    """A sentence for each hour of the history up to a moment that the broker did not get. It may get another reading
    of that hour too, one that had no date until later."""
    for hour, values in sorted(records.items()):
        if hour < until_unix // 3600 - 1:
            got = history.get(hour, [])
            if {key: token(*value) for key, value in values.items()} not in got:
                yield "hour %d came to the broker as %s" % (hour, got)


def unexplained(statuses, places):
    """A sentence for each task that does not run at an end, or whose end was not ours."""
    for status in statuses:
        for name, (state, deaths, error) in status.items():
            if state != "runs" or error not in ["MemoryError: %s" % place for place in places]:
                yield "the task %s %s after %d deaths: %s" % (name, state, deaths, error)


class Urandom:
    """os.urandom from a seed: pauses differ by chance."""

    def __init__(self, chance):
        self._chance = chance

    def __call__(self, count):
        return bytes(self._chance.below(256) for _ in range(count))


def main(days, seed, name, flash):
    root = str(pathlib.Path("firmware").resolve()) + "/"
    os.chdir(flash)
    gc.freeze()  # the firmware collects often; nothing of what is here now is garbage
    end_ms = days * DAY_MS
    chance = Chance(seed)
    world = World(UNIX)
    troubles = Troubles(chance, days)
    options = Options(start_s=UNIX - _2000 + CET_S, latency_ms=100, odds=ODDS)
    meter = SimMeter(model.load(name), 0, seed, options)
    witness = Witness(world)
    settings = {
        "meter": name.partition("-")[0],
        "port": "soak",
        "http_host": "127.0.0.1",
        "http_port": free_port(),
        "wifi_ssid": "home",
        "wifi_password": HOME[0],
        "mqtt_host": "broker",
        **GENEROUS,
    }
    sys.modules["network"] = network

    def gone():
        for what in ("wifi", "mute", "refusing"):
            if troubles.active(what, world.ms):
                return "refuses" if what == "refusing" else "mute"
        return None

    broker = Broker(gone, witness.published)
    os.urandom = Urandom(Chance(~seed))
    register = "energy_in" if name == "omnipower" else "volume"
    visitor = Visitor(settings["http_port"], register)
    house = House(
        world,
        meter,
        troubles,
        chance,
        root,
        settings,
        witness.seen,
        radio=network,
        broker=broker,
        visitor=visitor,
    )
    outages = []
    ends = []

    async def lives():
        over = False
        while not over:
            witness.life += 1
            over = await house.live(end_ms)
            gc.collect()
            gc.freeze()  # nor of what was written down
            ends.append(house.tasks)
            outages.append((house.ended_ms, world.ms))

    asyncio.run(lives())
    app = house.app
    readings = witness.readings
    interval_ms = app.reader.interval_s * 1000
    most_ms = interval_ms * 9 // 8 + SLACK_MS
    if app.reader.plan.throttle:
        most_ms = THROTTLED_MS
    free = list(free_times(troubles, outages, end_ms))
    records = {unix // 3600: values for unix, _, values in app.history.records("hour", 0, 1 << 32)}
    wrong = [
        *missed(readings, free, most_ms),
        *unrecorded(readings, records, [ended for ended, _ in outages]),
        *undated(readings, records),
        *fell(readings, records),
        *(unfilled(readings, records, world.unix() - FILLED_S) if name in WITH_LOGGER else ()),
        *unpublished(records, witness.history, UNIX + house.links[1].last_ms // 1000),
        *unexplained(ends, house.shortage.failed),
        *(text for link in house.links for text in link.apart),
        *visitor.wrong,
    ]
    if os.path.exists("crash.txt"):
        wrong.append(pathlib.Path("crash.txt").read_text())
    print(
        json.dumps(
            {
                "wrong": wrong,
                "free_hours": sum(end - begin for begin, end in free) // HOUR_MS,
                "readings": len(readings),
                "records": len(records),
                "lives": house.lives,
                "restarts": house.restarts,
                "met": sorted(troubles.met),
                "out_of_memory": house.shortage.failed,
                "joined": house.links[0].made,
                "connected": broker.connections,
                "answers": visitor.answers,
                "damaged": app.recorder.damaged,
            }
        )
    )


main(int(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:])
