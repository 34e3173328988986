"""The BACnet server on MicroPython asked by clients nobody here wrote: 64 bits from source, 32 bits as an image.

Uses bacpypes3 and BAC0 on loopback addresses, with unicast Who-Is, because the loopback has no broadcast. Promises that
every property of every object decodes, and that subscriptions live, change, fault and end as the clients see it.
"""

import asyncio
import json
import math
import os
import subprocess
import sys
import time

import pytest
from bacpypes3.apdu import ErrorRejectAbortNack, SubscribeCOVRequest
from bacpypes3.basetypes import ErrorType, PropertyIdentifier
from bacpypes3.primitivedata import ObjectIdentifier, ObjectType

from firmware_tree import IMAGE
from host.bacnet_client import at, client
from host.bacnet_parts import INSTANCE, PATHS, ROOT, free_port, server

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")

CLIENT = "127.0.0.2"
DEVICE = ObjectIdentifier("device,%d" % INSTANCE)
VOLUME = ObjectIdentifier("analog-input,68")
EXACT = ObjectIdentifier("large-analog-value,68")
CHIP_HEAP = "112K"  # a classic ESP32 whose heap has grown once
_PATIENCE_S = 20


@pytest.fixture(scope="module", params=("micropython64", "micropython32"))
def bacnet(request, tmp_path_factory):
    interpreter = request.getfixturevalue(request.param)
    folder = tmp_path_factory.mktemp("bacnet")
    search, options = PATHS, ()
    if request.param == "micropython32":
        image = request.getfixturevalue("flash").with_name(IMAGE)
        search = PATHS[1:]
        options = ("-X", "heapsize=" + CHIP_HEAP, ROOT / "tools" / "on_rom.py", image)
    with server(interpreter, folder, search=search, options=options) as running:
        running.tell(flags=["air"])
        deadline = time.monotonic() + _PATIENCE_S
        # The serial number is taken up within a second, and kept.
        while not (folder / "bacnet.json").exists():
            assert time.monotonic() < deadline, running.tell()
            time.sleep(0.05)
        yield running


@pytest.fixture(autouse=True)
def good_reading(request):
    if "bacnet" in request.fixturenames:
        request.getfixturevalue("bacnet").tell(flags=["air"])


def within(scenario):
    """Runs a coroutine to its end, or fails."""
    return asyncio.run(asyncio.wait_for(scenario, _PATIENCE_S))


def test_bacpypes3_discovers_the_device(bacnet):
    async def scenario():
        async with client(CLIENT, free_port()) as app:
            (found,) = await app.who_is(address=at(bacnet.port), timeout=0.5)
            there = await app.who_is(INSTANCE, INSTANCE, address=at(bacnet.port))
            (has,) = await app.who_has(object_name="volume_exact", address=at(bacnet.port), timeout=0.5)
            return found, there, has

    found, there, has = within(scenario())
    assert found.iAmDeviceIdentifier == DEVICE and len(there) == 1
    assert (found.maxAPDULengthAccepted, found.vendorID) == (1024, 0)
    assert has.objectIdentifier == EXACT and has.deviceIdentifier == DEVICE


def test_bacpypes3_reads_every_property_of_every_object(bacnet):
    async def scenario():
        async with client(CLIENT, free_port()) as app:
            address = at(bacnet.port)
            objects = await app.read_property(address, DEVICE, "object-list")
            size = await app.read_property(address, DEVICE, "object-list", 0)
            one_by_one = [await app.read_property(address, DEVICE, "object-list", i + 1) for i in range(size)]
            assert objects == one_by_one
            for one in objects:
                rows = await app.read_property_multiple(address, [one, ["all"]])
                values = {}
                for identifier, property, index, value in rows:
                    assert identifier == one and index is None
                    assert not isinstance(value, ErrorType), (one, property)
                    values[property] = value
                listed = await app.read_property(address, one, "property-list")
                named = {
                    PropertyIdentifier(name) for name in ("object-identifier", "object-name", "object-type")
                }
                assert set(listed) == set(values) - named, one
                assert values[PropertyIdentifier("object-identifier")] == one
                required = await app.read_property_multiple(address, [one, ["required"]])
                optional = await app.read_property_multiple(address, [one, ["optional"]])
                assert {row[1] for row in required + optional} == set(values)
                if one in (VOLUME, DEVICE):
                    for property, value in values.items():
                        assert await app.read_property(address, one, property) == value, property
            return objects

    objects = within(scenario())
    assert objects[0] == DEVICE and len(objects) > 50
    assert {one[0] for one in objects} == {
        ObjectType(name)
        for name in (
            "device",
            "analog-input",
            "large-analog-value",
            "binary-input",
            "multi-state-input",
            "characterstring-value",
        )
    }


def test_bacpypes3_sees_the_meters_digits_and_errors_in_their_place(bacnet):
    async def scenario():
        async with client(CLIENT, free_port()) as app:
            address = at(bacnet.port)
            many = await app.read_property_multiple(
                address,
                [VOLUME, ["present-value", "units", "priority-array"], ObjectIdentifier("analog-input,4711"), ["all"],
                 EXACT, ["present-value"], ObjectIdentifier("analog-input,63"), ["present-value", "status-flags"]],
            )  # fmt: skip
            refusals = []
            for identifier, property, value in (
                (VOLUME, "present-value", 5.0),
                (DEVICE, "object-name", "mine"),
            ):
                try:
                    await app.write_property(address, identifier, property, value)
                except ErrorRejectAbortNack as e:
                    refusals.append(str(e))
            return many, refusals

    many, refusals = within(scenario())
    values = [row[3] for row in many]
    assert abs(values[0] - 31413.1) < 0.001 and str(values[1]) == "cubic-meters"
    assert str(values[2].errorCode) == "unknown-property"
    assert str(values[3].errorCode) == "unknown-object"
    assert values[4] == 31413.1
    assert math.isnan(values[5]) and list(values[6]) == [0, 1, 0, 0]
    assert refusals == ["property: write-access-denied"] * 2


def test_bacpypes3_is_told_of_changes_and_of_a_silent_meter(bacnet):
    async def next_pair(subscription):
        pair = dict([await subscription.get_value() for _ in range(2)])
        return pair[PropertyIdentifier("present-value")], list(pair[PropertyIdentifier("status-flags")])

    async def scenario():
        heard = []
        async with client(CLIENT, free_port()) as app:
            address = at(bacnet.port)
            async with (
                app.change_of_value(address, EXACT, 7, False, 60) as unconfirmed,
                app.change_of_value(address, EXACT, 8, True, 60) as confirmed,
            ):
                for change in (
                    {},
                    {"values": [["volume", 68, 40, 3141325, -2]]},
                    {"state": "no_light"},
                    {"values": [["volume", 68, 40, 3141325, -2]]},
                ):
                    await asyncio.to_thread(bacnet.tell, **change)
                    heard.append([await next_pair(one) for one in (unconfirmed, confirmed)])
                listed = await app.read_property(address, DEVICE, "active-cov-subscriptions")
            left = await app.read_property(address, DEVICE, "active-cov-subscriptions")
        return heard, listed, left

    heard, listed, left = within(scenario())
    assert heard == [
        [(31413.1, [0, 0, 0, 0])] * 2,
        [(31413.25, [0, 0, 0, 0])] * 2,
        [(31413.25, [0, 1, 0, 0])] * 2,
        [(31413.25, [0, 0, 0, 0])] * 2,
    ]
    for one in listed:
        assert one.monitoredPropertyReference.objectIdentifier == EXACT
        assert 50 < one.timeRemaining <= 60
    assert [bool(one.issueConfirmedNotifications) for one in listed] == [False, True]
    assert left == [], "both were cancelled"


def test_a_subscription_of_bacpypes3_that_is_not_renewed_expires(bacnet):
    async def scenario():
        async with client(CLIENT, free_port()) as app:
            address = at(bacnet.port)
            request = SubscribeCOVRequest(
                subscriberProcessIdentifier=9,
                monitoredObjectIdentifier=VOLUME,
                issueConfirmedNotifications=False,
                lifetime=1,
                destination=address,
            )
            await app.request(request)
            begun = await app.read_property(address, DEVICE, "active-cov-subscriptions")
            await asyncio.to_thread(bacnet.until, subscriptions=0)
            return begun, await app.read_property(address, DEVICE, "active-cov-subscriptions")

    begun, left = within(scenario())
    assert len(begun) == 1 and left == []


def test_a_silent_meter_keeps_its_value_and_says_so(bacnet):
    async def scenario():
        async with client(CLIENT, free_port()) as app:
            seen = []
            for change in ({"state": "asleep"}, {"flags": ["air"]}):
                await asyncio.to_thread(bacnet.tell, **change)
                rows = await app.read_property_multiple(
                    at(bacnet.port), [EXACT, ["present-value", "reliability", "event-state", "status-flags"]]
                )
                seen.append([row[3] for row in rows])
            return seen

    silent, speaking = within(scenario())
    assert silent[0] == speaking[0] == 31413.1
    assert [str(one) for one in silent[1:3]] == ["communication-failure", "fault"]
    assert [str(one) for one in speaking[1:3]] == ["no-fault-detected", "normal"]
    assert list(silent[3]) == [0, 1, 0, 0] and list(speaking[3]) == [0, 0, 0, 0]


def test_bac0_finds_the_points_and_reads_them(bacnet, tmp_path):
    command = [
        sys.executable,
        ROOT / "host_tests/host/bacnet_bac0.py",
        "127.0.0.1:%d" % bacnet.port,
        str(free_port()),
    ]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env=dict(os.environ, HOME=str(tmp_path)),
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    assert len(said["points"]) == 52
    assert said["points"]["heat_energy"] == ["analog-input", "60", "kilowatt-hours"]
    assert said["points"]["temperature_difference"][2] == "delta-degrees-kelvin"
    assert said["points"]["flag_air"][1] == "12"
    assert float(said["read"]["largeAnalogValue 68"]) == 31413.1
    assert abs(float(said["read"]["analogInput 68"]) - 31413.1) < 0.001
    assert said["read"]["binaryInput 12"] == "active" and said["read"]["characterstringValue 1"] == "12345678"
    assert said["properties"] == 24


def test_a_bbmd_of_bacpypes3_takes_the_registration_and_spreads_who_is(micropython64, tmp_path):
    bbmd = ("127.0.0.3", free_port())

    async def scenario():
        async with client(*bbmd, bbmd) as forwarder:
            with server(
                micropython64, tmp_path, {"bacnet_bbmd": "%s:%d" % bbmd, "bacnet_ttl_s": 30}
            ) as running:
                table = forwarder.link_layers[ObjectIdentifier("network-port,1")].bbmdFDT
                await asyncio.to_thread(running.until, bbmd="registered")
                (entry,) = [(str(one.fdAddress), one.fdTTL) for one in table]
                async with client(CLIENT, free_port(), bbmd) as foreign:
                    await asyncio.sleep(0.2)  # until it is registered too
                    (found,) = await foreign.who_is(INSTANCE, INSTANCE)
                (near,) = await forwarder.who_is(INSTANCE, INSTANCE)
                return entry, running.port, found, near

    entry, port, found, near = within(scenario())
    assert entry[1] == 30 and entry[0] == "127.0.0.1:%d" % port
    for one in (found, near):
        assert one.iAmDeviceIdentifier == DEVICE
        assert str(one.pduSource) == "127.0.0.1:%d" % port
