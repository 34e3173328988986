"""MQTT on a 32-bit MicroPython against the distribution's mosquitto, with paho as observer: what is published, what is
obeyed, what is remembered. The faults are in test_mqtt_faults.py.
"""

import json
import sys

import pytest

from firmware_tree import FIRMWARE
from host.mqtt_bench import FIRST_HOUR, broker, device, observer, until

BASE = "kmpeye/68123456/"


def starter(command, firmware, folder):
    """A function that starts a device against a port."""

    def start(port, config=None, **told):
        settings = {"mqtt_host": "127.0.0.1", "mqtt_port": port, **(config or {})}
        return device(command, firmware, folder, settings, **told)

    return start


@pytest.fixture
def start(micropython32, flash, tmp_path):
    return starter([micropython32, "-X", "heapsize=1M"], flash, tmp_path)


@pytest.fixture(params=["cpython", "micropython32"])
def start_anywhere(request, tmp_path):
    if request.param == "cpython":
        return starter([sys.executable], FIRMWARE, tmp_path)
    return request.getfixturevalue("start")


def ids(messages, topic=BASE + "history"):
    return [json.loads(payload)["id"] for one, payload, _ in messages if one == topic]


def wanted(hours):
    return ["68123456-%d" % (FIRST_HOUR + 3600 * hour) for hour in hours]


def test_the_reading_is_retained_with_the_meters_own_digits(start, tmp_path):
    with broker(tmp_path) as one, observer(one.inside) as seen, start(one.port):
        seen.get(BASE + "diagnosis")
        with observer(one.inside) as late:
            assert '"value":314.131,"unit":"m³"' in late.get(BASE + "reading")
            assert late.get(BASE + "status") == "online"
            assert late.json(BASE + "diagnosis")["state"] == "ok"
            retained = {topic for topic, _, kept in late.messages if kept}
            assert retained == {BASE + "reading", BASE + "status", BASE + "diagnosis"}


def test_between_two_readings_only_what_waits_is_in_memory(start, tmp_path):
    with broker(tmp_path) as one, observer(one.inside) as seen:
        with start(one.port, first=FIRST_HOUR, hours=1) as device:
            names = ["kmpeye.expose.mqtt.client", "kmpeye.expose.mqtt.codec"]
            for asked in range(2):
                device.until(lambda status: status["records"] and status["loaded"] == names)
                seen.publish(BASE + "read")
                device.until(lambda status, asked=asked: status["asked"] > asked)
            seen.publish(BASE + "align", "what?")
            seen.get(BASE + "event")
            device.until(lambda status: status["loaded"] == names)


def test_a_device_that_dies_is_offline(start, tmp_path):
    with broker(tmp_path) as one, observer(one.inside) as seen:
        with start(one.port) as device:
            device.connected()
            seen.get(BASE + "status", "online".__eq__)
        seen.get(BASE + "status", "offline".__eq__)


def test_a_week_without_a_broker_arrives_once_in_order_and_the_live_reading_before_it(
    start_anywhere, tmp_path
):
    with broker(tmp_path) as one, observer(one.inside) as seen:
        with start_anywhere(one.port, first=FIRST_HOUR, hours=168) as device:
            device.ask("read", values={"volume": [40, 777, -3]})
            status = device.until(lambda status: status["records"] == 168)
            assert status["saves"]["mqtt.json"] == 2  # the serial number, and what is acknowledged
        until(lambda: len(ids(seen.messages)) >= 168, "all records")
        assert ids(seen.messages) == wanted(range(168))
        topics = [topic for topic, _, _ in seen.messages]
        assert topics.index(BASE + "reading") < topics.index(BASE + "history")
        first = seen.json(BASE + "history", lambda record: record["id"] == wanted([0])[0])
        assert first == {
            "id": wanted([0])[0],
            "taken_at": "2026-09-21T14:00:00Z",
            "filled": False,
            "registers": {"volume": {"value": 1.0, "unit": "m³"}},
        }
        # After a restart of the device nothing comes again; new hours do, and hours that the logger fills in.
        with start_anywhere(one.port, first=FIRST_HOUR, hours=0) as device:
            device.connected()
            hours = [[FIRST_HOUR + 3600 * hour, 2000 + hour] for hour in (168, 175)]
            device.ask("hours", hours=hours)
            device.until(lambda status: status["records"] == 2)
            device.ask(
                "hours",
                hours=[[FIRST_HOUR + 3600 * hour, 2000 + hour] for hour in range(170, 174)],
                filled=True,
            )
            device.ask("hours", hours=[[FIRST_HOUR + 3600 * 176, 2176]])
            device.until(lambda status: status["records"] == 7)
        until(lambda: len(ids(seen.messages)) >= 175, "the new records")
        assert ids(seen.messages)[168:] == wanted([168, 175, 170, 171, 172, 173, 176])
        filled = [json.loads(payload)["filled"] for payload in seen.payloads(BASE + "history")[168:]]
        assert filled == [False, False, True, True, True, True, False]


# topic, payload, what the meter would say, event, text, why
COMMANDS = (
    ("read", "", ["ok", "", 0], None, "", "a reading is its own answer"),
    ("read", "PRESS", ["ok", "", 0], None, "", "what a button of Home Assistant sends"),
    ("read", "now!", ["ok", "", 0], "refused", "PRESS", "an unknown payload"),
    ("read", "x" * 5000, ["ok", "", 0], "refused", "PRESS", "longer than any buffer"),
    ("read", "", ["later", "The budget is spent", 77], "refused", "budget", "not now"),
    ("read", "", ["failed", "Not one byte comes back", 0], "failed", "byte", "no answer"),
    ("align", "PRESS", None, "started", "aligned", "alignment"),
    ("align", "", "Twenty times a day is enough", "refused", "Twenty", "no alignment"),
    ("align", "now", None, "refused", "PRESS", "an unknown payload"),
)


def test_commands_are_obeyed_or_answered_on_the_event_topic(start_anywhere, tmp_path):
    with broker(tmp_path) as one, observer(one.inside) as seen, start_anywhere(one.port) as device:
        device.connected()
        seen.get(BASE + "reading")
        until(lambda: one.log().count("SUBSCRIBE") >= 2, one.log)
        for command, payload, answer, event, text, why in COMMANDS:
            before = len(seen.messages)
            device.ask("meter", **({"answer": answer} if command == "read" else {"aligning": answer}))
            asked = device.ask()["asked"]
            seen.publish(BASE + command, payload)
            topic = BASE + ("event" if event else "reading")
            until(lambda before=before, topic=topic: topic in [row[0] for row in seen.messages[before:]], why)
            if event:
                said = json.loads(seen.payloads(topic)[-1])
                assert (said["event"], said["command"]) == (event, command), why
                assert text in said["text"], why
                assert said.get("retry_s", 0) == (
                    answer[2] if event == "refused" and text == "budget" else 0
                ), why
            else:
                assert device.ask()["asked"] == asked + 1, why
        assert device.ask()["connections"] == 1


def test_a_retained_command_is_refused(start, tmp_path):
    with broker(tmp_path) as one, observer(one.inside) as seen:
        seen.publish(BASE + "read", "PRESS", retain=True)
        with start(one.port) as device:
            assert "retained" in seen.json(BASE + "event")["text"]
            assert device.ask()["asked"] == 0


def test_events_are_published_once(start, tmp_path):
    with broker(tmp_path) as one, observer(one.inside) as seen, start(one.port) as device:
        device.connected()
        device.ask("flags", flags=["leak"])
        event = seen.json(BASE + "event", lambda event: event["key"] == "leak")
        assert (event["event"], event["number"]) == ("appeared", 1)
        assert event["at"]
        assert seen.json(BASE + "diagnosis", lambda one: one["flags"])["flags"] == ["leak"]
        device.ask("state", state=["asleep", "The meter has gone to sleep"])
        assert seen.json(BASE + "diagnosis", lambda one: one["state"] == "asleep")["text"]
        seen.json(BASE + "event", lambda event: event["key"] == "asleep")
        one.stop()
        one.start()
        device.connected(2)
        device.ask("flags", flags=[])
        seen.json(BASE + "diagnosis", lambda one: one["flags"] == [])
        assert len(seen.payloads(BASE + "event")) == 2


def test_before_the_serial_number_is_known_only_the_status_stands_under_the_name(start, tmp_path):
    config = {"name": "Meter 1/2"}
    with broker(tmp_path) as one, observer(one.inside) as seen:
        with start(one.port, config, serial=None) as device:
            device.connected()
            seen.get("kmpeye/Meter_1_2/status", "online".__eq__)
            device.ask("read")
            assert {row[0] for row in seen.messages} == {"kmpeye/Meter_1_2/status"}
            device.ask("serial", serial="68123456")
            seen.get(BASE + "reading")
            assert seen.get("kmpeye/Meter_1_2/status") == ""  # nothing stays behind
        with start(one.port, config, serial=None) as device:  # it is remembered
            device.connected()
            seen.get(BASE + "status", "online".__eq__)
            assert seen.get("kmpeye/Meter_1_2/status") == ""


def test_another_serial_number_retires_the_old_device(start, tmp_path):
    with broker(tmp_path) as one, observer(one.inside) as seen, start(one.port) as device:
        seen.get(BASE + "diagnosis")
        device.ask("serial", serial="70000001")
        seen.get("kmpeye/70000001/reading")
        seen.get("homeassistant/device/kmpeye_70000001/config")
        assert seen.payloads("homeassistant/device/kmpeye_68123456/config")[-1] == ""
        with observer(one.inside) as late:
            late.get("kmpeye/70000001/reading")
            assert not [row[0] for row in late.messages if "68123456" in row[0]]


def test_another_base_leaves_nothing_under_the_old_one(start, tmp_path):
    with broker(tmp_path) as one, observer(one.inside) as seen:
        for base in ("kmpeye", "house/meters"):
            with start(one.port, {"mqtt_base": base}):
                seen.get(base + "/68123456/diagnosis")
                config = seen.json("homeassistant/device/kmpeye_68123456/config")
                assert config["avty_t"] == base + "/68123456/status"
        with observer(one.inside) as late:
            late.get("house/meters/68123456/status", "offline".__eq__)
            late.get("house/meters/68123456/reading")
            assert {row[0].split("/")[0] for row in late.messages if row[1]} == {"house"}


SETTINGS = (
    ({"mqtt_tls": True}, "mqtt_ca", "TLS that would not be checked"),
    ({"mqtt_tls": True, "mqtt_ca": "ca.pem"}, None, "TLS that is checked"),
    ({"mqtt_tls": True, "mqtt_tls_insecure": True}, None, "unchecked because it says so"),
    ({"mqtt_cert": "me.crt"}, "mqtt_key", "a certificate without its key"),
    ({"mqtt_base": "a/#"}, "mqtt_base", "a wildcard"),
    ({"ha_prefix": "a+b"}, "ha_prefix", "a wildcard"),
    ({"mqtt_base": "$SYS"}, "mqtt_base", "the broker's own topics"),
    ({"mqtt_base": "house/meters"}, None, "a topic of several levels"),
)


def test_settings_that_cannot_work_are_refused_by_name(tmp_path, monkeypatch):
    from kmpeye.expose.mqtt.client import Mqtt
    from kmpeye.readings.snapshot import Meter, Snapshot
    from kmpeye.system import forget, keep
    from kmpeye.system.clock import Clock
    from kmpeye.system.config import checked

    class App:
        clock = Clock()
        snapshot = Snapshot(Meter("MULTICAL 21"))

    monkeypatch.chdir(tmp_path)
    App.keep, App.forget = keep, staticmethod(forget)
    for settings, named, why in SETTINGS:
        App.config = checked({"mqtt_host": "x", **settings})
        if named:
            with pytest.raises(ValueError, match=named):
                Mqtt(App)
        else:
            assert Mqtt(App).status()["state"] == "starting", why
    assert not list(tmp_path.iterdir())
