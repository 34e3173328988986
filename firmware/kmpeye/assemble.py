# Puts the parts together: what of the app is needed once, at the start, and let go of after it. Knows all parts.
# Promises that a part that cannot work is named in the warnings, and the others run.

from micropython import const

from kmpeye import remembered
from kmpeye.chores import Chores
from kmpeye.head.line import Line
from kmpeye.head.transaction import Head
from kmpeye.head.wake import Session, Waker, make_waker
from kmpeye.reader import MeterReader
from kmpeye.readings.recorder import Recorder
from kmpeye.readings.snapshot import Meter, Snapshot
from kmpeye.system import forget, memory
from kmpeye.system.supervisor import Supervisor

# The reader beats between two readings; one with all its retries and relays takes minutes.
_STUCK_S = const(600)
# The platform's look-up of names and TLS handshakes stop everything for half a minute.
_WATCHDOG_MS = const(120000)

# The setting that switches a way out on, its module and its class.
_WAYS = const(
    (
        ("mqtt_host", "kmpeye.expose.mqtt.client", "Mqtt"),
        ("modbus", "kmpeye.expose.modbus.server", "Modbus"),
        ("bacnet", "kmpeye.expose.bacnet.server", "Bacnet"),
        ("kmptcp", "kmpeye.expose.kmptcp.server", "KmpTcp"),
    )
)

# Of these, the ones whose clients can come again: they go first when the chip's memory is low.
_GUESTS = const(("modbus", "kmptcp"))


def parts(app, board):
    """The app's line, snapshot, reader, recorder, chores, button and supervisor. board: as App is given it."""
    config = app.config
    clock = app.clock
    folder = app.root + "meters"
    state = remembered.load(config.warnings)
    profile = _profile(config, state, folder)
    learned_baud = state.get("baud") if state.get("profile") == profile.name else None
    if not isinstance(learned_baud, int):
        learned_baud = None
    baud = config["baud"] or learned_baud or profile.baud
    line = Line(config["port"], baud, clock, board.get("uart"))
    kmp_address = config["address"]
    head = Head(line, profile.address if kmp_address is None else kmp_address)
    wake, waker = _waker(app, board, profile, line)
    session = Session(waker, clock, profile.wake["settle_ms"])
    snapshot = Snapshot(Meter(profile.model, profile.kind))
    reader = None
    while not reader:
        try:
            reader = MeterReader(
                config, head, session, wake, snapshot, profile, app.log, state, folder, remembered
            )
        except (AttributeError, KeyError, TypeError, ValueError):
            if not state:
                raise
            state = remembered.put_aside(config.warnings)
    low = memory.low if memory.idf() else None
    watchdog = _watchdog(config.warnings)
    supervisor = Supervisor(clock, app.log, app.leave, watchdog, app.boots, low, app.version)
    recorder = Recorder(app, board.get("history_kib"))
    app.txpower_dbm = board.get("txpower_dbm")
    button = _button(board, config.warnings)
    return line, snapshot, reader, recorder, Chores(app, app.set_clock), button, supervisor


def _profile(config, state, folder):
    """Apart from parts(), which would keep what choosing loads while it loads the rest."""
    from kmpeye.meter.choice import LOADS, choose

    profile = choose(config, state, folder, config.warnings)
    forget(*LOADS)
    return profile


def _waker(app, board, profile, line):
    """(kind, waker) of the settings; a warning and a magnet that never moves where they are not possible."""
    config = app.config
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
        return kind, make_waker(kind, settings, app.clock, line, machine)
    except (ValueError, OSError, RuntimeError) as e:  # RuntimeError: no PWM is left
        config.warnings.append("wake: %s" % e)
        return "fixed", Waker()


def _button(board, warnings):
    """(pin, its level while it is pressed), or None without one."""
    button = board.get("button")
    if not button:
        return None
    try:
        from machine import Pin

        return Pin(button["pin"], Pin.IN, Pin.PULL_DOWN if button["on"] else Pin.PULL_UP), button["on"]
    except ImportError:  # a PC
        pass
    except (ValueError, KeyError, TypeError) as e:
        warnings.append("board.json: button: %r; is it the file of this board?" % e)
    return None


def _watchdog(warnings):
    """The chip's, or None on a PC."""
    try:
        from machine import WDT

        return WDT(timeout=_WATCHDOG_MS)
    except (ImportError, AttributeError):
        pass
    except OSError as e:
        warnings.append("there is no watchdog: %r" % e)
    return None


def tasks(app):
    """Give the supervisor what has to run."""
    config = app.config
    boots = app.boots
    supervisor = app.supervisor
    if boots and boots.reason:
        app.log("the last run ended: %s" % boots.reason)
    _network(app)
    _trial(app)
    if boots and boots.safe:
        config.warnings.append(
            "five restarts in ten minutes: only the page, the settings and updates run now, for an hour"
        )
    else:
        reader = app.reader
        reader.lean = app.lean
        reader.beat = supervisor.add("reader", reader.run, True, _STUCK_S).beat
        supervisor.add("history", app.recorder.run)
        supervisor.add("chores", app.chores.run)
        for setting, module, name in _WAYS:
            if config[setting]:
                _open(app, setting, module, name)
    app.zone()  # a wrong one is a warning
    for text in config.warnings:
        app.log.warning(text)


def _open(app, setting, module, name):
    """A way out that cannot start is named; the others run on."""
    try:
        way = getattr(__import__(module, None, None, (name,)), name)(app)
    except (ValueError, OSError, MemoryError) as e:
        app.config.warnings.append("%s: %s" % (setting, e))
        return
    app.ways[setting] = way
    job = app.supervisor.add(setting, way.run)
    if setting in _GUESTS:
        app.supervisor.guests.append(job)


def _trial(app):
    """After an update: a task that decides whether this version stays."""
    from kmpeye.system.update_state import state

    if state().get("trial") is not None:
        from kmpeye.system.update_trial import Trial

        app.supervisor.add("update", Trial(app).run)
    else:
        forget("system.update_state")


def _network(app):
    """The Wi-Fi of a board, and what needs it. A PC has its network already."""
    try:
        import network  # noqa: F401  (asks whether this is a board)
    except ImportError:
        return
    from kmpeye.system.ntp import Ntp
    from kmpeye.system.wifi import Wifi

    config = app.config
    supervisor = app.supervisor
    button = app.button and app.pressed
    app.wifi = wifi = Wifi(
        config, app.clock, app.log, app.no_network, app.joined, button, None, app.txpower_dbm, app.heard
    )
    supervisor.add("wifi", wifi.run)
    try:
        app.ntp = Ntp(config["ntp"], app.clock, app.log, wifi.wlan.isconnected, app.lookup)
        supervisor.add("ntp", app.ntp.run)
    except ValueError as e:
        config.warnings.append("ntp: %s" % e)
    if config["syslog_host"]:
        from kmpeye.system.syslog import Syslog

        syslog = Syslog(config["syslog_host"], wifi.host, app.log, app.clock, wifi.address, app.lookup)
        supervisor.add("syslog", syslog.run)
