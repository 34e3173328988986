# Puts the parts together; the only file that knows them all. The supervisor keeps the tasks running: one reads the
# meter, one writes the history, one serves the page, and each way out that is switched on has its own. The reader
# alone asks the meter; every way out answers from the snapshot.

from micropython import const

from kmpeye import remembered
from kmpeye.chores import Chores
from kmpeye.expose.access import Access, address
from kmpeye.expose.http import Server
from kmpeye.expose.web import routes
from kmpeye.head.line import Line
from kmpeye.head.transaction import Head
from kmpeye.head.wake import Session, Waker
from kmpeye.reader import MeterReader
from kmpeye.readings.recorder import Recorder
from kmpeye.readings.snapshot import Meter, Snapshot
from kmpeye.system import forget, keep, memory
from kmpeye.system.clock import Clock
from kmpeye.system.log import Log
from kmpeye.system.supervisor import Supervisor

_LOG_BYTES = const(1536)  # about fifteen lines
_STUCK_S = const(
    600
)  # the reader beats between two readings; one with all its retries and relays takes minutes
_WATCHDOG_MS = const(
    120000
)  # the platform's look-up of names and TLS handshakes stop everything for half a minute


async def _lookup(name, clock):
    from kmpeye.expose.mqtt.names import lookup

    return await lookup(name, clock)


def _watchdog():
    """The chip's, or None on a PC."""
    try:
        from machine import WDT

        return WDT(timeout=_WATCHDOG_MS)
    except (ImportError, AttributeError):
        return None


# The setting that switches a way out on, its module and its class.
_WAYS = (
    ("mqtt_host", "kmpeye.expose.mqtt.client", "Mqtt"),
    ("modbus", "kmpeye.expose.modbus.server", "Modbus"),
    ("bacnet", "kmpeye.expose.bacnet.server", "Bacnet"),
    ("kmptcp", "kmpeye.expose.kmptcp.server", "KmpTcp"),
)


class App:
    """What a way out is given. Attributes it may use: config, clock, log, keep, root, snapshot, reader, history, wifi,
    version, ways."""

    version = "0.2.0"
    keep = keep
    forget = staticmethod(forget)

    def __init__(self, config, root="", board=None, log=None, boots=None):
        """config: system.config.Config; root: folder of meters/ and www/, "" or with a slash at its end; board: what
        boards/*.json says of this one (uart, servo, coil, button), or {}; log: system.log.Log or what is like it, not
        given: a new one; boots: system.boots.Boots."""
        from kmpeye.meter.choice import choose

        self.config = config
        self.root = root
        self.clock = clock = Clock()
        self.log = log = log or Log(clock, _LOG_BYTES, config["log_level"])
        self.boots = boots
        self._board = board
        self.ways = {}  # setting: the way out that it switched on
        self.wifi = None
        self.server = None
        self.ntp = None
        self.streams = 0  # pages that stay connected (expose.events)
        self.forgets = False  # what is known now must not be kept over the restart
        board = board or {}
        state = remembered.load(config.warnings)
        profile = choose(config, state, root + "meters", config.warnings)
        forget("kmpeye.meter.choice", "kmpeye.meter.which", "kmp.registers")
        forget("kmpeye.meter.profile_check", "kmpeye.meter.profile")
        learned_baud = state.get("baud") if state.get("profile") == profile.name else None
        if not isinstance(learned_baud, int):
            learned_baud = None
        self.line = Line(
            config["port"], config["baud"] or learned_baud or profile.baud, clock, board.get("uart")
        )
        kmp_address = config["address"]
        self.snapshot = Snapshot(Meter(profile.model, profile.kind))
        head = Head(self.line, profile.address if kmp_address is None else kmp_address)
        wake, waker = self._waker(board, profile)
        self.reader = MeterReader(
            config,
            head,
            Session(waker, clock, profile.wake["settle_ms"]),
            wake,
            self.snapshot,
            profile,
            log,
            state,
            root + "meters",
            remembered,
        )
        self.recorder = Recorder(self)
        self.chores = Chores(self, self._set_clock)
        self.supervisor = Supervisor(clock, log, self._restart, _watchdog(), boots)

    @property
    def history(self):
        """The History, opened for whoever asks, or None."""
        return self.recorder.open()

    def close_history(self):
        pass

    def _waker(self, board, profile):
        """(kind, waker) of the settings; a warning and a magnet that never moves where they are not possible."""
        from kmpeye.head.wake import make_waker

        config = self.config
        kind = config["wake"] or ("none" if profile.wake["needs"] == "none" else "fixed")
        how = config["wake_how"]
        part = board.get(how if kind == "key" else kind) or {}
        settings = {
            "pin": part.get("pin"),
            "on_level": part.get("on"),
            "how": how,
            "rest_deg": config["wake_rest_deg"],
            "wake_deg": config["wake_deg"],
            "travel_ms": config["wake_travel_ms"],
            "max_on_ms": config["wake_max_on_ms"],
            "press_ms": config["wake_press_ms"],
        }
        try:
            import machine
        except ImportError:
            machine = None
        try:
            return kind, make_waker(kind, settings, self.clock, self.line, machine)
        except ValueError as e:
            config.warnings.append("wake: %s" % e)
            return "fixed", Waker()

    def zone(self):
        """The time zone of the settings: where days and months begin."""
        from kmpeye.system.timezone import Zone

        try:
            return Zone(self.config["timezone"])
        except ValueError as e:
            text = "timezone: %s; UTC is used" % e
            if text not in self.config.warnings:
                self.config.warnings.append(text)
            return Zone("UTC0")
        finally:
            forget("kmpeye.system.timezone", "kmp.calendar")

    async def run(self):
        """Start everything and stay until cancelled."""
        config = self.config
        supervisor = self.supervisor
        boots = self.boots
        if boots and boots.reason:
            self.log("the last run ended: %s" % boots.reason)
        self._network()
        if boots and boots.safe:
            config.warnings.append(
                "five restarts in ten minutes: only the page, the settings and updates run now, for an hour"
            )
        else:
            job = supervisor.add("reader", self.reader.run, True, _STUCK_S)
            self.reader.beat = job.beat
            supervisor.add("history", self.recorder.run)
            supervisor.add("readings", self._show_readings)
            supervisor.add("chores", self.chores.run)
            for setting, module, name in _WAYS:
                if config[setting]:
                    self._open(setting, module, name)
        self.zone()
        for text in config.warnings:
            self.log.warning(text)
        server = Server(routes(self), self.log, access=Access(self), elsewhere=self._elsewhere)
        try:
            await server.start(config["http_host"], config["http_port"])
            self.server = server
            if config["http_host"] != "0.0.0.0":  # else the Wi-Fi knows the address
                self.log("page: http://%s:%d/" % (config["http_host"], config["http_port"]))
            memory.settle()  # what the start needed and nothing else does
            await supervisor.run()
        finally:
            if self.server:
                await server.close()
            self.line.close()

    def _network(self):
        """The Wi-Fi of a board, and what needs it. A PC has its network already."""
        try:
            import network  # noqa: F401  (asks whether this is a board)
        except ImportError:
            return
        from kmpeye.system.ntp import Ntp
        from kmpeye.system.wifi import Wifi

        config = self.config
        supervisor = self.supervisor
        self.wifi = wifi = Wifi(
            config,
            self.clock,
            self.log,
            lambda why: supervisor.restart(why, True),
            self._joined,
            self._button(),
        )
        supervisor.add("wifi", wifi.run)
        try:
            self.ntp = Ntp(config["ntp"], self.clock, self.log, wifi.wlan.isconnected, _lookup)
            supervisor.add("ntp", self.ntp.run)
        except ValueError as e:
            config.warnings.append("ntp: %s" % e)
        if config["syslog_host"]:
            from kmpeye.system.syslog import Syslog

            syslog = Syslog(
                config["syslog_host"], wifi.host, self.log, self.clock, lambda: wifi.state == "joined"
            )
            supervisor.add("syslog", syslog.run)

    def _button(self):
        """What tells whether the board's button is pressed, or None without one."""
        button = (self._board or {}).get("button")
        if not button:
            return None
        from machine import Pin

        pin = Pin(button["pin"], Pin.IN, Pin.PULL_DOWN if button["on"] else Pin.PULL_UP)
        return lambda: pin.value() == button["on"]

    def _joined(self, ssid, password):
        """The owner chose a network on the access point's page, and it works."""
        self.settings().change({"wifi_ssid": ssid, "wifi_password": password})
        forget("kmpeye.system.config_save", "kmpeye.system.config")
        self.config["wifi_ssid"] = ssid
        self.config["wifi_password"] = password

    def _elsewhere(self, exchange):
        """For the captive portal: system.wifi.Wifi.elsewhere."""
        wifi = self.wifi
        return wifi and wifi.elsewhere(exchange.headers["host"], address(exchange.peer))

    def _open(self, setting, module, name):
        """A way out that cannot start is named; the others run on."""
        try:
            way = getattr(__import__(module, None, None, (name,)), name)(self)
        except (ValueError, OSError, MemoryError) as e:
            self.config.warnings.append("%s: %s" % (setting, e))
            return
        self.ways[setting] = way
        self.supervisor.add(setting, way.run)

    def status_chunks(self):
        from kmpeye.status import status_chunks

        try:
            yield from status_chunks(self)
        finally:
            forget("kmpeye.status", "kmpeye.readings.texts")

    def reading_chunks(self):
        """The reading as JSON, in pieces (readings.as_json)."""
        from kmpeye.readings.as_json import reading_chunks

        try:
            yield from reading_chunks(self.snapshot, self.clock)
        finally:
            forget("kmpeye.readings.as_json")

    async def _set_clock(self, application):
        """Send a SetClock; None when the meter acknowledged it, else a word why not."""
        reader = self.reader
        return (await reader.relay(reader.head.address, application))[1]

    def _restart(self):
        from kmpeye.system import board

        if not self.forgets:
            self.reader.save()
        board.restart()

    def local(self, address):
        """Whether a client is on our own access point, where whoever knows its password is the owner."""
        return self.wifi is not None and self.wifi.local(address)

    def crashes(self):
        """What ended the last runs, the newest first (system.crash)."""
        from kmpeye.system import crash

        try:
            yield from crash.texts()
        finally:
            forget("kmpeye.system.crash")

    def settings(self):
        """system.config_save, for one request."""
        from kmpeye.system import config_save

        return config_save

    def apply(self, keys):
        from kmpeye import care

        return care.apply(self, keys)

    def restart(self):
        from kmpeye import care

        care.restart(self)

    def forget_wifi(self):
        from kmpeye import care

        care.forget_wifi(self)

    def factory_reset(self, keep_history):
        from kmpeye import care

        care.factory_reset(self, keep_history)

    def meter_exchanged(self):
        self.reader.exchanged()

    async def _show_readings(self):
        """One line in the log for each reading."""
        snapshot = self.snapshot
        number = 0
        reading = None
        while True:
            number = await snapshot.wait(number)
            if snapshot.reading is not reading and snapshot.reading:
                reading = snapshot.reading
                self._show(reading)

    def _show(self, reading):
        """Apart from the task that waits, which would keep the words until the next reading."""
        from kmp.names import unit_name
        from kmp.value import token

        meter = self.snapshot.meter
        words = [
            self.clock.iso(reading.unix) if reading.unix else "no date",
            meter.model,
            meter.serial or "?",
        ]
        for key, _, unit, mantissa, exponent in reading.values:
            words.append("%s %s %s" % (key, token(unit, mantissa, exponent).strip('"'), unit_name(unit)))
        self.log.show("  ".join(words))
