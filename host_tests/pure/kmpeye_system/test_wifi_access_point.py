# The access point, the button, another network tried, the list of networks and who is local: what a person at the
# device sees, in virtual time with a strict radio. Real asyncio tasks. Runs on three interpreters.

from wifi_house import HOME, HOUR_S, House, passes


def test_the_access_point_opens_after_three_minutes_without_wifi_and_closes_when_it_is_back():
    house = House(networks=())

    async def story(house):
        await house.clock.run_s(179)
        assert not house.opened
        await house.clock.run_s(10)
        assert 180 <= house.opened[0] <= 182
        house.air.networks["home"] = HOME
        await house.clock.run_s(70)
        assert house.wifi.state == "joined" and not house.closed, "the new address is still shown"
        await house.clock.run_s(130)
        assert len(house.opened) == len(house.closed) == 1
        house.air.networks.clear()
        await house.clock.run_s(170)
        assert len(house.opened) == 1
        await house.clock.run_s(20)
        assert len(house.opened) == 2

    house.live(story)


def test_without_a_network_the_access_point_opens_at_once_and_nothing_is_tried():
    house = House(ssid=None).live(passes(HOUR_S))
    assert house.opened == [1] and not house.air.connects and not house.restarts


def test_a_guest_is_disturbed_rarely():
    for guests, least, most in ((0, 11, 14), (1, 2, 3)):
        house = House(networks=())

        async def story(house, guests=guests):
            await house.clock.run_s(185)
            house.air.guests = guests
            del house.air.connects[:]
            await house.clock.run_s(780)

        house.live(story)
        assert least <= len(house.air.connects) <= most, (guests, house.air.connects)


def test_the_button_opens_the_access_point_beside_a_wifi_that_works():
    house = House()

    async def story(house):
        await house.clock.run_s(20)
        house.pressed = True
        await house.clock.run_s(2)
        house.pressed = False
        await house.clock.run_s(20)
        assert not house.opened, "too short"
        house.pressed = True
        await house.clock.run_s(5)
        house.pressed = False
        assert len(house.opened) == 1 and house.wifi.state == "joined"
        await house.clock.run_s(590)
        assert not house.closed
        await house.clock.run_s(20)
        assert len(house.closed) == 1 and house.wifi.state == "joined"

    house.live(story)


def test_a_network_that_was_asked_for_is_joined_and_kept():
    house = House(ssid=None, networks=("home", "other"))

    async def story(house):
        await house.clock.run_s(10)
        house.wifi.join("other", "secret to all")
        await house.clock.run_s(10)
        assert house.wifi.state == "joined" and house.wifi.ssid == "other"
        assert house.saved == [("other", "secret to all")]

    house.live(story)


def test_a_wrong_password_for_another_network_brings_the_first_one_back():
    house = House(networks=("home", "other"))

    async def story(house):
        await house.clock.run_s(10)
        house.wifi.join("other", "not the secret")
        await house.clock.run_s(2)
        assert house.wifi.status()["trying"] == "other"
        await house.clock.run_s(20)
        assert house.wifi.state == "joined" and house.wifi.address() and house.wifi.ssid == "home"
        assert not house.saved and house.wifi.losses == 0
        assert house.said("other: probably the password is wrong")

    house.live(story)


def test_a_failed_first_join_says_why():
    house = House(ssid=None)

    async def story(house):
        await house.clock.run_s(10)
        house.wifi.join("home", "not the secret")
        await house.clock.run_s(20)
        status = house.wifi.status()
        assert status["state"] == "off" and status["error"] == "home: probably the password is wrong (202)"
        house.wifi.join("home", "secret to all")
        await house.clock.run_s(20)
        assert house.wifi.status()["error"] is None and len(house.saved) == 1

    house.live(story)


# name, password, a word of the refusal or None, why
NAMES = (
    ("home", "12345678", None, "the shortest password"),
    ("home", None, None, "an open network"),
    ("h" * 32, "p" * 63, None, "the longest"),
    ("", "12345678", "name", "no name"),
    (None, "12345678", "name", "no text"),
    ("ø" * 17, "12345678", "name", "34 bytes"),
    ("home", "1234567", "password", "seven characters"),
    ("home", "p" * 64, "password", "64 characters"),
    ("home", 12345678, "password", "a number"),
)


def test_names_and_passwords_that_cannot_be_are_refused():
    house = House(ssid=None)
    for name, password, word, why in NAMES:
        house.wifi._trial = None
        try:
            house.wifi.join(name, password)
            assert word is None and house.wifi._trial, why
        except ValueError as e:
            assert word and word in str(e) and not house.wifi._trial, why


def test_the_scan_lists_each_name_once_the_strongest_first():
    house = House(ssid=None, networks=())
    house.air.networks["weak"] = ["x", -90, ""]
    house.air.networks["open"] = [None, -70, ""]
    house.air.networks["strong ø"] = ["x", -40, ""]
    house.air.foreign = [
        (b"strong \xc3\xb8", -80),  # the same name of a second access point
        (b"\xff\xfe", -30),  # cannot be typed
        (b"", -20),  # hidden
    ]
    assert house.wifi.scan() == [("strong ø", -40, True), ("open", -70, False), ("weak", -90, True)]


def test_a_scan_while_joining_is_an_oserror():
    house = House()

    async def story(house):
        await house.clock.run_s(1)
        try:
            house.wifi.scan()
            raise AssertionError("the radio is busy")
        except OSError:
            pass
        await house.clock.run_s(10)
        assert len(house.wifi.scan()) == 1
        house.air.broken = True
        try:
            house.wifi.scan()
            raise AssertionError("the chip refuses")
        except OSError:
            pass

    house.live(story)


# our address in the Wi-Fi, is the access point open, peer, local, why
PEERS = (
    (None, True, "192.168.4.2", True, "a phone on our access point"),
    (None, True, "192.168.40.2", False, "another network"),
    (None, False, "192.168.4.2", False, "it is closed"),
    ("192.168.1.20", True, "192.168.4.2", True, "the button opened it"),
    ("192.168.4.77", True, "192.168.4.2", False, "the Wi-Fi has the same addresses: it may be anybody"),
    ("192.168.1.20", True, "192.168.1.9", False, "somebody on the Wi-Fi"),
)


def test_who_is_on_the_access_point():
    for address, is_open, peer, local, why in PEERS:
        house = House()
        house.air.networks["home"][2] = address or "0.0.0.0"
        if not address:
            house.air.networks.clear()

        async def story(house, is_open=is_open, peer=peer, local=local, why=why):
            await house.clock.run_s(10)
            if is_open:
                house._open()
            assert house.wifi.local(peer) is local, why

        house.live(story)


# Host, peer, is it sent to our page, why
HOSTS = (
    (b"captive.apple.com", "192.168.4.2", True, "the probe of a phone"),
    (b"connectivitycheck.gstatic.com:80", "192.168.4.2", True, "with a port"),
    (b"192.168.4.1", "192.168.4.2", False, "it is on our page already"),
    (b"192.168.4.1:80", "192.168.4.2", False, "with a port"),
    (b"boiler-room.local", "192.168.4.2", False, "by our name"),
    (b"", "192.168.4.2", False, "no Host: HTTP/1.0"),
    (b"captive.apple.com", "192.168.1.9", False, "somebody on the Wi-Fi is not lied to"),
)


def test_who_looks_for_the_internet_on_our_access_point_is_shown_our_page():
    house = House(ssid=None)

    async def story(house):
        assert house.wifi.elsewhere(b"captive.apple.com", "192.168.4.2") is None, "closed"
        await house.clock.run_s(3)
        for host, peer, sent, why in HOSTS:
            wanted = "Location: http://192.168.4.1/\r\n" if sent else None
            assert house.wifi.elsewhere(host, peer) == wanted, why

    house.live(story)
