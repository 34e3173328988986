"""A broker, a device and an observer for the tests of MQTT: mosquitto, mqtt_app.py and paho.

Promises: everything that was started is stopped with its block, every wait has a limit, and the broker keeps its port
and its settings over a restart.
"""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import threading
import time

import paho.mqtt.client

from conftest import absent
from host.http_client import free_port

ROOT = pathlib.Path(__file__).resolve().parents[2]
APP = ROOT / "host_tests" / "host" / "mqtt_app.py"
METERS = ROOT / "firmware" / "meters"
WAIT_S = 20
FIRST_HOUR = 1790000000 // 3600 * 3600


def until(condition, what, wait_s=WAIT_S):
    """Wait for a condition; its value."""
    limit = time.monotonic() + wait_s
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < limit, "not within %d s: %s" % (wait_s, what() if callable(what) else what)
        time.sleep(0.02)


class Broker:
    """mosquitto on a port of its own. settings: lines of mosquitto.conf."""

    def __init__(self, folder, settings=("allow_anonymous true",), tls=()):
        self.port = free_port()
        self._file = folder / "mosquitto.conf"
        # The observer always comes in here, whatever the device has to do to get in.
        self.inside = free_port()
        lines = ["per_listener_settings true", "listener %d 127.0.0.1" % self.port, *settings, *tls]
        lines += ["listener %d 127.0.0.1" % self.inside, "allow_anonymous true"]
        # What is acknowledged waits for the observer while it comes back after a restart.
        lines += ["persistence true", "persistence_location %s/" % folder]
        if os.getuid() == 0:
            lines.append("user root")  # else it gives up its rights, and with them the test's files
        self._file.write_text("\n".join(lines) + "\n")
        self._log = folder / "mosquitto.log"
        self._process = None
        self.start()

    def start(self):
        program = shutil.which("mosquitto", path=os.environ["PATH"] + ":/usr/sbin")
        if not program:
            absent("no mosquitto: run tools/install_system")
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [program, "-v", "-c", self._file], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

        def listens():
            assert self._process.poll() is None, self.log()
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.inside), 1):
                return True

        until(listens, self.log)

    def log(self):
        return self._log.read_text(errors="replace")

    def freeze(self):
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self._process.send_signal(signal.SIGCONT)

    def stop(self):
        if self._process:
            self._process.send_signal(signal.SIGCONT)
            self._process.terminate()
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None


@contextlib.contextmanager
def broker(folder, *settings, tls=()):
    one = Broker(folder, settings or ("allow_anonymous true",), tls)
    try:
        yield one
    finally:
        one.stop()


class Observer:
    """paho: remembers every message as (topic, payload, retained) in order of arrival."""

    def __init__(self, port, topics=("#",)):
        self.messages = []
        version = paho.mqtt.client.CallbackAPIVersion.VERSION2
        self._client = paho.mqtt.client.Client(version, "observer-%d" % id(self), clean_session=False)
        self._client.reconnect_delay_set(1, 1)
        self._ready = threading.Event()
        self._topics = topics
        self._client.on_connect = self._connected
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.on_message = self._received
        self._client.connect("127.0.0.1", port, 60)
        self._client.loop_start()
        assert self._ready.wait(WAIT_S)

    def _connected(self, client, *_):
        client.subscribe([(topic, 1) for topic in self._topics])

    def _received(self, client, userdata, message):
        self.messages.append((message.topic, message.payload.decode(), bool(message.retain)))

    def publish(self, topic, payload="", retain=False, qos=1):
        self._client.publish(topic, payload, qos, retain).wait_for_publish(WAIT_S)

    def payloads(self, topic):
        return [payload for one, payload, _ in self.messages if one == topic]

    def get(self, topic, check=lambda payload: True, wait_s=WAIT_S):
        """The last payload of a topic for which check is true; waits for it."""

        def last():
            found = [payload for payload in self.payloads(topic) if check(payload)]
            return found and (found[-1],)

        return until(
            last, lambda: "%s; there are %s" % (topic, sorted({one[0] for one in self.messages})), wait_s
        )[0]

    def json(self, topic, check=lambda value: True, wait_s=WAIT_S):
        return json.loads(self.get(topic, lambda payload: payload and check(json.loads(payload)), wait_s))

    def close(self):
        self._client.disconnect()
        self._client.loop_stop()


@contextlib.contextmanager
def observer(port, *topics):
    one = Observer(port, topics or ("#",))
    try:
        yield one
    finally:
        one.close()


class Device:
    """mqtt_app.py on an interpreter."""

    def __init__(self, command, firmware, folder, config, **told):
        paths = os.pathsep.join((str(firmware), str(ROOT / "tools" / "cpython")))
        environment = dict(os.environ, MICROPYPATH=".frozen:%s" % firmware, PYTHONPATH=paths)
        self._errors = (folder / "device.log").open("a+")
        self._process = subprocess.Popen(
            [*map(str, command), str(APP)],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )
        deadlines = {"ping_s": 1, "answer_s": 2, "most_pause_s": 1}
        try:
            self.ask(**{**deadlines, "config": config, "meters": str(METERS), **told})
        except AssertionError:
            self.kill()
            raise

    def ask(self, do="tell", **more):
        self._process.stdin.write(json.dumps({"do": do, **more}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        try:
            return json.loads(line)
        except ValueError:
            raise AssertionError("the device fell silent: %s%s" % (line, self.log())) from None

    def log(self):
        self._errors.seek(0)
        return self._errors.read()

    def until(self, condition, wait_s=WAIT_S):
        """Wait until condition(status) is true; the status."""

        def good():
            status = self.ask()
            return status if condition(status) else None

        return until(good, lambda: "%s\n%s" % (self.ask(), self.log()), wait_s)

    def connected(self, times=1):
        return self.until(lambda status: status["state"] == "connected" and status["connections"] >= times)

    def kill(self):
        self._process.kill()
        with self._process:
            pass
        self._errors.close()


@contextlib.contextmanager
def device(command, firmware, folder, config, **told):
    one = Device(command, firmware, folder, config, **told)
    try:
        yield one
    finally:
        one.kill()
