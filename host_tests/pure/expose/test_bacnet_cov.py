# Subscriptions: the first notification, changes, faults, confirmation, repetition, expiry and the room there is.
# Runs on CPython and MicroPython.

from bacnet_app import VALUES, App, device
from bacnet_vectors import SOURCE, data
from kmpeye.expose.bacnet.udp import address

OTHER = address(b"\xc0\x00\x02\x06\xba\xc0")


def ready():
    app = App()
    app.publish()
    return app, device(app)


def ask(one, apdu, source=SOURCE):
    content = data("01 04 " + apdu)
    reply = one.answer(bytes((0x81, 10, 0, len(content) + 4)) + content, source)
    return reply and " ".join(["%02x" % byte for byte in reply[0][6:]])


def told(one):
    """[(where to, APDU in hex)] of what leaves now."""
    return [
        (source, " ".join(["%02x" % byte for byte in content[6:]])) for content, source in one.notifications()
    ]


def subscribe(one, object="00 00 00 44", confirmed=0, lifetime="3a 03 84", process="12", source=SOURCE):
    request = "00 05 01 05 09 %s 1c %s 29 %02x" % (process, object, confirmed)
    return ask(one, request + (" " + lifetime if lifetime else ""), source)


ACK = "20 01 05"
BODY = "09 12 1c 02 03 f7 a1 2c 00 00 00 44 %s 4e 09 55 2e 44 %s 2f 09 6f 2e 82 04 %s 2f 4f"
VOLUME = "46 f5 6a 33"  # 31413.1
CHANGED = "46 f5 6a 80"  # 31413.25


def change(app):
    app.publish([("volume", 68, 40, 3141325, -2) if row[1] == 68 else row for row in VALUES])


def test_the_first_notification_follows_at_once_and_the_next_when_something_changed():
    app, one = ready()
    assert subscribe(one) == ACK
    assert told(one) == [(SOURCE, "10 02 " + BODY % ("3a 03 84", VOLUME, "00"))]
    assert told(one) == []
    app.clock.now_s += 10
    app.publish()
    assert told(one) == [], "a new reading with the same value is no change"
    change(app)
    assert told(one) == [(SOURCE, "10 02 " + BODY % ("3a 03 7a", CHANGED, "00"))]
    assert told(one) == []


def test_a_meter_that_falls_silent_and_comes_back_is_told():
    app, one = ready()
    subscribe(one)
    told(one)
    app.silent()
    assert told(one) == [(SOURCE, "10 02 " + BODY % ("3a 03 84", VOLUME, "40"))]
    app.publish()
    assert told(one) == [(SOURCE, "10 02 " + BODY % ("3a 03 84", VOLUME, "00"))]


# object, what its first notification has as present-value, why
EVERY_TYPE = (
    ("0b 80 00 44", "55 08 40 de ad 46 66 66 66 66", "Large Analog Value"),
    ("00 c0 00 02", "91 01", "Binary Input"),
    ("03 40 00 01", "21 01", "Multi-state Input"),
    ("0a 00 00 01", "75 09 00 31 32 33 34 35 36 37 38", "CharacterString Value"),
    ("00 01 86 a0", "44 00 00 00 00", "the age of the reading"),
)


def test_every_object_but_the_device_can_be_subscribed():
    for object, value, why in EVERY_TYPE:
        app, one = ready()
        assert subscribe(one, object) == ACK, why
        ((_, content),) = told(one)
        assert (
            content
            == "10 02 09 12 1c 02 03 f7 a1 2c %s 3a 03 84 4e 09 55 2e %s 2f 09 6f 2e 82 04 00 2f 4f"
            % (
                object,
                value,
            )
        ), why


def test_the_age_is_told_with_each_reading_and_not_each_second():
    app, one = ready()
    subscribe(one, "00 01 86 a0")
    told(one)
    app.clock.now_s += 7
    assert told(one) == []
    app.publish()
    assert len(told(one)) == 1


def test_what_cannot_be_subscribed_is_refused():
    for request, reply, why in (
        ("00 05 01 05 09 12 1c 02 03 f7 a1 29 00", "50 01 05 91 01 91 2d", "the device"),
        ("00 05 01 05 09 12 1c 00 00 00 62 29 00", "50 01 05 91 01 91 1f", "no such object"),
        ("00 05 01 05 09 12 1c 00 00 00 44 39 0a", "60 01 05", "a lifetime alone"),
        ("00 05 01 05 09 12", "60 01 05", "no object"),
        ("00 05 01 05 1c 00 00 00 44", "60 01 04", "no process"),
    ):
        _, one = ready()
        assert ask(one, request) == reply, why
        assert not len(one.subscriptions), why


def test_a_subscription_ends_when_it_is_cancelled():
    app, one = ready()
    subscribe(one)
    subscribe(one, process="13")
    subscribe(one, source=OTHER)
    told(one)
    cancel = "00 05 01 05 09 12 1c 00 00 00 44"
    assert ask(one, cancel) == ACK
    assert len(one.subscriptions) == 2
    assert ask(one, cancel) == ACK, "what is not there can be cancelled too"
    change(app)
    assert [source for source, _ in told(one)] == [SOURCE, OTHER]


def test_a_subscription_ends_after_its_lifetime_unless_it_is_renewed():
    app, one = ready()
    subscribe(one, lifetime="39 3c")
    told(one)
    app.clock.now_s += 59
    assert subscribe(one, lifetime="39 3c") == ACK
    assert len(one.subscriptions) == 1
    assert len(told(one)) == 1, "a renewal is told like a first time"
    app.clock.now_s += 59
    assert told(one) == [] and len(one.subscriptions) == 1
    app.clock.now_s += 1
    change(app)
    assert told(one) == [] and len(one.subscriptions) == 0


def test_without_a_lifetime_it_lasts():
    for lifetime in ("", "39 00"):
        app, one = ready()
        assert subscribe(one, lifetime=lifetime) == ACK
        told(one)
        app.clock.now_s += 10000000
        change(app)
        ((_, content),) = told(one)
        assert " 39 00 4e " in content


def test_a_confirmed_notification_is_repeated_until_it_is_confirmed():
    app, one = ready()
    subscribe(one, confirmed=1)
    wanted = "00 05 01 01 " + BODY % ("3a 03 84", VOLUME, "00")
    assert told(one) == [(SOURCE, wanted)]
    app.clock.now_s += 2
    assert told(one) == []
    assert ask(one, "20 01 01", OTHER) is None, "somebody else's answer"
    assert ask(one, "20 02 01") is None, "the answer to something else"
    app.clock.now_s += 1
    ((_, again),) = told(one)
    assert again == wanted.replace("3a 03 84", "3a 03 81")
    assert ask(one, "20 01 01") is None
    app.clock.now_s += 10
    assert told(one) == [] and len(one.subscriptions) == 1
    change(app)
    ((_, next),) = told(one)
    assert next.startswith("00 05 02 01 ")


def test_what_changes_while_a_notification_is_on_its_way_is_told_after_it():
    app, one = ready()
    subscribe(one, confirmed=1)
    told(one)
    change(app)
    assert told(one) == []
    ask(one, "20 01 01")
    ((_, content),) = told(one)
    assert content == "00 05 02 01 " + BODY % ("3a 03 84", CHANGED, "00")


def test_a_subscriber_that_vanished_is_dropped_after_three_repetitions():
    app, one = ready()
    subscribe(one, confirmed=1)
    sent = 0
    for _ in range(20):
        sent += len(told(one))
        app.clock.now_s += 3
    assert sent == 4
    assert len(one.subscriptions) == 0
    assert app.lines == ["bacnet: a subscriber that does not confirm is dropped"]


def test_there_is_room_for_sixteen():
    app, one = ready()
    for number in range(16):
        assert subscribe(one, process="%02x" % number) == ACK
    assert subscribe(one, process="10") == "50 01 05 91 03 91 13"
    assert subscribe(one, process="0f") == ACK, "one of them again"
    assert len(told(one)) == 16
    app.clock.now_s += 900
    assert subscribe(one, process="10") == ACK, "the others have expired"
    assert len(one.subscriptions) == 1


def test_the_device_lists_its_subscriptions():
    app, one = ready()
    subscribe(one, confirmed=1)
    app.clock.now_s += 5
    wanted = "0e 0e 1e 21 00 65 06 c0 00 02 05 ba c0 1f 0f 19 12 0f 1e 0c 00 00 00 44 19 55 1f 29 01 3a 03 7f"
    head = "0c 02 03 f7 a1 19 98"
    assert ask(one, "00 05 01 0c " + head) == "30 01 0c %s 3e %s 3f" % (head, wanted)


def test_subscriptions_to_what_another_profile_does_not_have_end():
    app, one = ready()
    subscribe(one, "00 00 00 3c")
    told(one)
    app.reader.profile = App("multical21").reader.profile
    assert told(one) == [] and len(one.subscriptions) == 0
