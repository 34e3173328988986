"""The clock of a simulated meter is compared, and set by SetClock where that is allowed; nothing else is ever written.

Uses sim_house in invented time; the commands are taken from the line itself.
"""

import pytest

from kmp.frame import FRAME, TO_METER, Reader
from kmp.service import SET_CLOCK
from kmpeye.head.transaction import NoAnswer
from kmpeye.meter_clock import MeterClock
from kmpeye.readings.moment import IDS, seconds_of, unix_on
from sim_house import CET, HOUR, House
from virtual_line import drive

KEYS = {"multical601": ("heat_energy",), "kamstrup382": ("energy_in",), "multical21": ("volume",)}
WITH_A_CLOCK = ("multical601", "kamstrup382")


def house_of(name, folder, wrong_s, allowed):
    house = House(name, name, KEYS[name], folder, wrong_s)
    house.config["allow_meter_writes"] = allowed
    house.sent = []
    receive = house.meter.receive

    def note(data, now_ms):
        reader = Reader()
        reader.feed(data, 0, len(data))
        assert reader.event == FRAME and reader.start == TO_METER
        house.sent.append(bytes(reader.application()))
        receive(data, now_ms)

    house.meter.receive = note

    async def send(application):
        try:
            await house.head.ask(application, 0, True)
        except NoAnswer as error:
            return error.reason
        return None

    return house, MeterClock(house, CET, send)


def shown_s(house):
    """How fast the meter's clock is now, by its registers."""
    house.meter.due(house.clock.now)
    state = house.meter.state
    rows = [state.read(one)[:4] for one in IDS if one in state]
    return unix_on(seconds_of(rows)) - HOUR - house.clock.unix()


@pytest.mark.parametrize("name", WITH_A_CLOCK)
@pytest.mark.parametrize("wrong_s", [0, 59, -59, 150, -3 * 86400 - 7])
def test_the_drift_is_what_the_meter_is_off_and_nothing_is_written(name, wrong_s, tmp_path):
    house, clock = house_of(name, tmp_path, wrong_s, False)
    drive(clock.look())
    assert abs(clock.drift_s - wrong_s) <= 2  # a reply takes a second of light
    assert [one[0] for one in house.sent] == [0x10]
    assert (clock.set_unix, clock.error) == (0, None)
    drive(clock.look())
    assert len(house.sent) == 1, "once a day"
    house.clock.pass_ms(86400 * 1000)
    drive(clock.look())
    assert len(house.sent) == 2


@pytest.mark.parametrize("name", WITH_A_CLOCK)
def test_a_clock_that_is_off_is_set_once_a_day_where_that_is_allowed(name, tmp_path):
    house, clock = house_of(name, tmp_path, -400, True)
    drive(clock.look())
    assert [one[0] for one in house.sent] == [0x10, SET_CLOCK]
    assert (clock.drift_s, clock.error) == (0, None)
    assert "was -4" in house.logged[0] and house.logged[0].endswith("has been set")
    assert abs(shown_s(house)) <= 1
    house.meter.state.set_clock(261118, 20000)  # somebody sets it wrong again
    again = MeterClock(house, CET, clock._send)  # and the reader starts anew
    drive(again.look())
    assert [one[0] for one in house.sent][2:] == [0x10], "not twice in a day"
    assert "less than a day ago" in again.error
    house.clock.pass_ms(86400 * 1000)
    drive(again.look())
    assert [one[0] for one in house.sent][3:] == [0x10, SET_CLOCK]
    house.clock.pass_ms(86400 * 1000)
    drive(again.look())
    assert abs(again.drift_s) <= 2 and len(house.sent) == 6
    assert abs(shown_s(house)) <= 2


def test_a_meter_that_tells_no_date_is_asked_once_a_week_and_never_set(tmp_path):
    house, clock = house_of("multical21", tmp_path, -400, True)
    for _ in range(7):
        drive(clock.look())
        house.clock.pass_ms(86400 * 1000)
    assert [one[0] for one in house.sent] == [0x10]
    assert (clock.drift_s, clock.error) == (None, "the meter does not tell its date and clock")


def test_a_minute_is_let_be(tmp_path):
    house, clock = house_of("multical601", tmp_path, 58, True)
    drive(clock.look())
    assert [one[0] for one in house.sent] == [0x10]
