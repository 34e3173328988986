# Joining, losing, pauses and what follows when nothing helps, in virtual time with a strict radio. Real asyncio tasks.
# Runs on three interpreters.

from fakes import network
from kmpeye.system.wifi import host_name
from kmpeye.system.wifi_scan import words
from wifi_house import HOME, HOUR_S, House, passes


def test_it_joins_says_its_address_and_stays():
    house = House().live(passes(HOUR_S))
    assert house.said("wifi:") == ["wifi: http://192.168.1.20/"]
    assert len(house.air.connects) == 1 and not house.opened and not house.restarts
    settings = house.air.stations[network.STA_IF].settings
    assert settings == {"reconnects": 0, "pm": 0} and house.air.hostname == "boiler-room"


def test_a_board_whose_antenna_bears_less_sends_with_less_after_every_start_of_the_radio():
    house = House(networks=(), txpower=8.5)
    settings = house.air.stations[network.STA_IF].settings

    async def story(house):
        await house.clock.run_s(HOUR_S)
        assert house.air.started > 1 and settings["txpower"] == 8.5

    house.live(story)


def test_the_state_is_told():
    house = House()

    async def story(house):
        assert house.wifi.status()["state"] == "off" and house.wifi.rssi() is None
        await house.clock.run_s(1)
        assert house.wifi.status()["state"] == "joining"
        await house.clock.run_s(10)
        assert house.wifi.status() == {
            "state": "joined",
            "error": None,
            "ssid": "home",
            "trying": None,
            "address": "192.168.1.20",
            "host": "boiler-room.local",
            "rssi": -60,
            "losses": 0,
            "access_point": None,
        }
        del house.air.networks["home"]
        await house.clock.run_s(10)
        status = house.wifi.status()
        assert status["state"] in ("lost", "joining") and status["address"] is status["rssi"] is None
        assert status["losses"] == 1

    house.live(story)


def test_pauses_grow_to_a_minute_and_begin_anew_after_joining():
    house = House(networks=())

    async def story(house):
        await house.clock.run_s(170)
        times = [time for time, _ in house.air.connects]
        # The first try ends after 3 s; from then on its end is what the chip tells before they end, too.
        gaps = [b - a for a, b in zip(times, times[1:])]  # noqa: RUF007  (MicroPython)
        gaps = [gaps[0] - 3] + [gap - 10 for gap in gaps[1:]]
        assert gaps == sorted(gaps) and gaps[0] <= 2 and gaps[-1] >= 32, gaps
        house.air.networks["home"] = HOME
        await house.clock.run_s(120)
        assert house.wifi.state == "joined"
        house.air.networks.clear()
        del house.air.connects[:]
        await house.clock.run_s(30)
        assert len(house.air.connects) >= 3

    house.live(story)


def test_a_try_is_not_given_up_for_what_the_one_before_ended_with():
    house = House(networks=())
    house.air.takes_ms = 8000

    async def story(house):
        await house.clock.run_s(40)
        assert house.wifi.wlan.status() == network.STAT_NO_AP_FOUND
        house.air.networks["home"] = HOME
        tries = len(house.air.connects)
        while house.wifi.state != "joined":
            await house.clock.run_s(1)
        assert len(house.air.connects) - tries <= 1 and house.clock.uptime_s() < 120

    house.live(story)


# what happens on the air, what is said, why
REASONS = (
    ({}, "home cannot be joined: there is no such network in reach (201)", "no such network"),
    (
        {"password": "other secret"},
        "home cannot be joined: probably the password is wrong (202)",
        "a password",
    ),
    ({"mute": True}, "home cannot be joined: it takes too long (1001)", "no answer"),
    ({"broken": True}, "home cannot be joined: Wifi Unknown Error 0x0101", "the driver has no memory"),
    ({"stuck": True}, "home cannot be joined: there is no such network in reach (201)", "issue 14382"),
)


def test_every_failure_is_told_tried_again_and_overcome():
    for events, said, why in REASONS:
        house = House()
        house.air.mute = events.get("mute", False)
        house.air.broken = events.get("broken", False)
        house.air.stuck = events.get("stuck", False)
        if "password" in events:
            house.air.networks["home"][0] = events["password"]
        if not events:
            house.air.networks.clear()

        async def story(house, said=said, why=why):
            await house.clock.run_s(100)
            assert house.said("cannot")[0] == "wifi: " + said, (why, house.said("cannot"))
            house.air.mute = house.air.broken = house.air.stuck = False
            house.air.networks["home"] = list(HOME)
            await house.clock.run_s(120)
            assert house.wifi.state == "joined", why

        house.live(story)


def test_statuses_in_words():
    for status, text in (
        (202, "password"),
        (15, "password"),
        (201, "reach"),
        (1000, "long"),
        (39, "status 39"),
    ):
        assert text in words(status), status


def test_the_radio_goes_off_and_on_at_every_fourth_try():
    house = House(networks=()).live(passes(100))
    tries = len(house.air.connects)
    assert tries >= 6 and house.air.started == (tries + 3) // 4, (tries, house.air.started)


# joined before, uptime when the Wi-Fi goes, hours without it, restarts, why
RESTARTS = (
    (True, 3599, 0, "an hour is not over"),
    (True, 3700, 1, "what was there an hour ago may be a driver that is stuck"),
    (False, 3700, 0, "a router that was never there is no reason"),
    (False, 86500, 1, "once a day all the same"),
)


def test_a_wifi_that_stays_away_restarts_the_device_rarely():
    for joined, away_s, restarts, why in RESTARTS:
        house = House(networks=("home",) if joined else ())

        async def story(house, away_s=away_s):
            await house.clock.run_s(10)
            house.air.networks.clear()
            await house.clock.run_s(10)
            house.clock.now += (away_s - 200) * 1000  # nothing happens in between but tries
            await house.clock.run_s(190)

        house.live(story)
        assert len(house.restarts) == restarts, why


def test_a_radio_that_has_no_memory_any_more_ends_in_a_restart():
    house = House()

    async def story(house):
        await house.clock.run_s(10)
        house.air.networks.clear()
        house.air.broken = True
        await house.clock.run_s(10)
        house.clock.now += (HOUR_S - 100) * 1000
        await house.clock.run_s(200)

    house.live(story)
    assert house.restarts == ["no Wi-Fi for 60 minutes"]


# uptimes in minutes at which something came in (0: before the connection), joins in three and a half hours, why
SIGNS = (
    ((0,), 1, "nothing came in on this connection: there may be nobody"),
    ((3, 60, 120, 180), 1, "once an hour is enough"),
    ((3, 100), 3, "it worked and is dumb since; so is the second; the third never worked"),
)


def test_a_connection_on_which_nothing_comes_in_any_more_is_made_anew():
    for signs, joins, why in SIGNS:
        house = House(heard=lambda signs=signs: len([1 for at in signs if house.clock.uptime_s() >= at * 60]))  # noqa: B023
        house.live(passes(3 * HOUR_S + HOUR_S // 2))
        assert len(house.air.connects) == joins, (why, house.said("wifi"))
        assert house.wifi.losses == joins - 1 and not house.restarts, why
        assert len(house.said("lost: nothing has come in for 90 minutes")) == joins - 1, why


def test_no_restart_while_somebody_is_on_the_access_point():
    house = House()

    async def story(house):
        await house.clock.run_s(10)
        house.air.networks.clear()
        await house.clock.run_s(200)
        house.air.guests = 1
        house.clock.now += 2 * HOUR_S * 1000
        await house.clock.run_s(100)
        assert not house.restarts
        house.air.guests = 0
        await house.clock.run_s(5)
        assert len(house.restarts) == 1

    house.live(story)


def test_names_in_the_network():
    for name, host in (
        ("kmpeye", "kmpeye"),
        ("Boiler room", "boiler-room"),
        ("  Heat: 2nd floor ", "heat-2nd-floor"),
        ("Målerstue", "m-lerstue"),
        ("---", "kmpeye"),
        ("ø", "kmpeye"),
        ("x" * 31 + " y", "x" * 31),
    ):
        assert host_name(name) == host, name
