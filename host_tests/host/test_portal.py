"""First start on real sockets: a phone on the access point asks DNS, is led to the page, sees the networks and joins.

Starts portal_app.py on MicroPython and on CPython; dnspython is the phone's resolver. Promises that what is started is
stopped; the radio alone is a fake.
"""

import asyncio
import contextlib
import http.client
import json
import os
import socket
import subprocess
import sys
import time

import dns.message
import dns.rcode
import pytest

from firmware_tree import ROOT
from host.chip_socket import ChipSocket
from host.http_client import free_port

WAIT_S = 20

# What phones and PCs ask for to see whether there is a way into the internet.
PROBES = (
    ("connectivitycheck.gstatic.com", "/generate_204", "Android"),
    ("clients3.google.com", "/gen_204", "older Android"),
    ("captive.apple.com", "/hotspot-detect.html", "iOS, macOS"),
    ("www.apple.com", "/library/test/success.html", "older iOS"),
    ("www.msftconnecttest.com", "/connecttest.txt", "Windows"),
    ("www.msftncsi.com", "/ncsi.txt", "older Windows"),
    ("detectportal.firefox.com", "/canonical.html", "Firefox"),
    ("example.org", "/", "somebody who types any address"),
)


class Device:
    def __init__(self, command, path, folder):
        self.folder = folder
        self.port, self.dns_port = free_port(), free_port()
        environment = dict(os.environ, MICROPYPATH=".frozen:" + ":".join(path), PYTHONPATH=":".join(path))
        self.process = subprocess.Popen(
            [*command, str(ROOT / "host_tests/host/portal_app.py"), str(self.port), str(self.dns_port)],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.printed = []
        while not self.printed or self.printed[-1] != "listening\n":
            line = self.process.stdout.readline()
            assert line, "".join(self.printed)
            self.printed.append(line)

    def resolve(self, name, kind="A"):
        query = dns.message.make_query(name, kind)
        return self.ask(query.to_wire(), query)

    def ask(self, data, query=None):
        """The reply to a datagram, parsed strictly; None when none comes within a moment."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
            phone.settimeout(0.2)
            limit = time.monotonic() + (WAIT_S if query else 0)
            while True:  # a datagram may be lost: a phone asks again
                phone.sendto(data, ("127.0.0.1", self.dns_port))
                try:
                    reply = dns.message.from_wire(phone.recv(2048))
                    break
                except TimeoutError:
                    if time.monotonic() >= limit:
                        return None
        assert query is None or query.is_response(reply)
        return reply

    def request(self, path, method="GET", host="127.0.0.1", body=None):
        """(status, headers, body)"""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=WAIT_S)
        with contextlib.closing(connection):
            connection.request(method, path, body=body, headers={"Host": host})
            reply = connection.getresponse()
            return reply.status, reply.headers, reply.read().decode()

    def wifi(self, question=""):
        status, _, body = self.request("/api/wifi" + question)
        assert status == 200, body
        return json.loads(body)

    def wait(self, condition):
        """The state of the Wi-Fi, once it fulfils the condition."""
        limit = time.monotonic() + WAIT_S
        while not condition(state := self.wifi()):
            assert time.monotonic() < limit, state
            time.sleep(0.05)
        return state


@contextlib.contextmanager
def running(command, path, folder):
    device = Device(command, path, folder)
    try:
        yield device
    finally:
        device.process.kill()
        with device.process:
            device.process.stdout.read()


def start(request, folder):
    path = [str(ROOT / "firmware"), str(ROOT / "host_tests/pure")]
    if request.param == "cpython":
        return running([sys.executable], [*path, str(ROOT / "tools/cpython")], folder)
    return running([request.getfixturevalue(request.param)], path, folder)


@pytest.fixture(scope="module", params=("micropython64", "micropython32", "cpython"))
def device(request, tmp_path_factory):
    with start(request, tmp_path_factory.mktemp("device")) as device:
        yield device


# body, code, why
WRONG = (
    ("", "not_json", "nothing"),
    ("home", "not_json", "no JSON"),
    ("[]", "not_json", "no object"),
    ('{"ssid": "home"', "not_json", "cut off"),
    ("{}", "wrong_value", "no name"),
    ('{"ssid": ""}', "wrong_value", "an empty name"),
    ('{"ssid": 5}', "wrong_value", "no text"),
    ('{"ssid": "%s"}' % ("x" * 33), "wrong_value", "a long name"),
    ('{"ssid": "home", "password": "short"}', "wrong_value", "a short password"),
    ('{"ssid": "home", "password": "%s"}' % ("x" * 64), "wrong_value", "a long password"),
)


def test_a_wrong_wish_is_refused_with_a_stable_word(device):
    for body, code, why in WRONG:
        status, _, text = device.request("/api/wifi", "PUT", body=body)
        assert (status, json.loads(text)["code"]) == (400, code), why
        assert json.loads(text)["error"], why
    assert device.wifi()["trying"] is None


def test_dns_bears_what_is_no_question(device):
    good = dns.message.make_query("captive.apple.com", "A").to_wire()
    for data in (
        b"",
        b"\x00",
        good[:11],
        good[:-3],
        os.urandom(512),
        b"\xff" * 1400,
        good[:12] + b"\xc0\x0c" * 100,
    ):
        reply = device.ask(data)
        assert reply is None or reply.rcode() != dns.rcode.NOERROR or not reply.answer, data
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as flood:
        for _ in range(300):
            flood.sendto(os.urandom(40), ("127.0.0.1", device.dns_port))
    assert device.resolve("captive.apple.com").answer


def test_the_password_is_made_once_and_said_on_the_console_alone(device, micropython64):
    kept = json.loads((device.folder / "ap.json").read_text())
    # The fake's MAC address ends so.
    assert kept["ssid"] == "kmpeye-1a2b3d" and len(kept["password"]) == 12
    assert device.printed[0] == "access point: kmpeye-1a2b3d, password: %s\n" % kept["password"]
    assert kept["password"] not in device.request("/log")[2] + device.request("/api/wifi")[2]
    path = [str(ROOT / "firmware"), str(ROOT / "host_tests/pure")]
    with running([micropython64], path, device.folder) as again:
        assert again.printed == ["listening\n"], "it was said once"
    assert json.loads((device.folder / "ap.json").read_text()) == kept


def test_a_phone_finds_the_page_and_brings_the_device_into_the_house(device):
    for host, path, who in PROBES:
        answer = device.resolve(host)
        assert answer.rcode() == dns.rcode.NOERROR and len(answer.answer) == 1, who
        assert [str(record) for record in answer.answer[0]] == ["127.0.0.1"], who
        assert answer.answer[0].ttl == 0, "the phone forgets it when it is home again"
        status, headers, body = device.request(path, host=host)
        assert (status, headers["Location"]) == (302, "http://127.0.0.1:%d/" % device.port), who
        assert "Success" not in body, who
    for kind in ("AAAA", "HTTPS", "TXT"):
        answer = device.resolve("captive.apple.com", kind)
        assert answer.rcode() == dns.rcode.NOERROR and not answer.answer, kind
    assert device.request("/")[2] == "the page"

    state = device.wifi("?scan")
    assert state["networks"] == [
        {"ssid": "home", "rssi": -60, "secured": True},
        {"ssid": "café", "rssi": -80, "secured": False},
    ]
    assert state["state"] == "off" and state["access_point"]["address"] == "127.0.0.1"
    assert "networks" not in device.wifi()

    assert device.request("/api/wifi", "PUT", body='{"ssid": "home", "password": "not the secret"}')[0] == 202
    state = device.wait(lambda state: state["error"])
    assert state["error"] == "home: probably the password is wrong (202)" and state["state"] == "off"
    assert device.request("/saved")[2] == ""

    assert device.request("/api/wifi", "PUT", body='{"ssid": "home", "password": "secret to all"}')[0] == 202
    state = device.wait(lambda state: state["state"] == "joined")
    assert (state["address"], state["ssid"], state["error"]) == ("192.168.1.20", "home", None)
    assert state["access_point"], "it stays for a while, to show the address"
    assert device.request("/saved")[2] == "home"


# ap.json, is the password a new one, why
KEPT = (
    ('{"ssid": "kmpeye-abc", "password": "made at deploy"}', False, "made at deploy"),
    ('{"password": "made at deploy"}', False, "without a name"),
    ('{"ssid": "kmpeye-abc", "password": "short"}', True, "WPA2 takes none so short"),
    ('{"ssid": "kmpeye-abc"}', True, "none"),
    ('{"ssid": "kmp', True, "cut off"),
    ("[]", True, "no object"),
)


def test_the_access_point_is_never_open_without_a_password(tmp_path, monkeypatch):
    from fakes import network
    from kmpeye.system import wifi_ap
    from kmpeye.system.clock import Clock

    monkeypatch.chdir(tmp_path)
    for text, is_new, why in KEPT:
        (tmp_path / "ap.json").write_text(text)
        network.air = network.Air(Clock())
        wifi_ap.AccessPoint(network, Clock(), lambda text: None, say=lambda text: None)
        settings = network.air.stations[network.AP_IF].settings
        assert settings["security"] == network.AUTH_WPA2_PSK, why
        assert (settings["key"] != "made at deploy") is is_new and len(settings["key"]) >= 12, why
        assert settings["ssid"].startswith("kmpeye-"), why


def test_an_empty_packet_does_not_make_the_dns_deaf(tmp_path, monkeypatch):
    from fakes import network
    from kmpeye.system import wifi_ap
    from kmpeye.system.clock import Clock

    monkeypatch.chdir(tmp_path)
    question = dns.message.make_query("captive.apple.com", "A").to_wire()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
        phone.setblocking(False)
        monkeypatch.setattr(socket, "socket", ChipSocket)
        network.air = network.Air(Clock())
        network.air.own = "127.0.0.1"
        port = free_port()
        portal = wifi_ap.AccessPoint(network, Clock(), print, say=print, dns_port=port)

        async def scenario():
            task = asyncio.create_task(portal.run())
            await asyncio.sleep(0.1)
            phone.sendto(b"", ("127.0.0.1", port))
            await asyncio.sleep(0.2)
            phone.sendto(question, ("127.0.0.1", port))
            await asyncio.sleep(0.3)
            task.cancel()
            return phone.recv(512)

        assert asyncio.run(scenario())[:2] == question[:2]


def test_the_access_point_sends_with_what_the_boards_antenna_bears(tmp_path, monkeypatch):
    from fakes import network
    from kmpeye.system import wifi_ap
    from kmpeye.system.clock import Clock

    monkeypatch.chdir(tmp_path)
    for txpower in (None, 8.5):
        network.air = network.Air(Clock())
        wifi_ap.AccessPoint(network, Clock(), print, say=lambda text: None, txpower=txpower)
        assert network.air.stations[network.AP_IF].settings.get("txpower") == txpower


def test_a_radio_that_refuses_the_settings_leaves_no_open_access_point(tmp_path, monkeypatch):
    from fakes import network
    from kmpeye.system import wifi_ap
    from kmpeye.system.clock import Clock

    class Refusing(network.WLAN):
        def config(self, *args, **kwargs):
            if kwargs:
                raise OSError("WiFi Out of Memory")
            return super().config(*args)

    class Network:
        AP_IF = network.AP_IF
        AUTH_WPA2_PSK = network.AUTH_WPA2_PSK
        WLAN = Refusing

    monkeypatch.chdir(tmp_path)
    network.air = network.Air(Clock())
    with pytest.raises(OSError, match="Out of Memory"):
        wifi_ap.AccessPoint(Network, Clock(), print, say=lambda text: None)
    assert not network.air.stations[network.AP_IF].active
