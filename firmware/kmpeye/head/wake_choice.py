# Which waker, and whether its settings are possible. In memory only while make_waker (wake.py) runs.
# Imports the one wake_<kind>.py that is chosen. Promises that all settings are checked before a pin is touched.

from micropython import const

_DEG_MOST = const(180)  # what a common servo turns
_TRAVEL_LEAST_MS = const(100)  # small servos need 0.1 s for 60 degrees
_TRAVEL_MOST_MS = const(5000)  # a slower one would cost more awake time than the reading
_ON_LEAST_MS = const(100)  # shorter is no press and no magnet
_ON_MOST_MS = const(60000)  # a session with all retries takes 14 s; longer only heats the coil
_PRESS_LEAST_MS = const(50)  # one display key debounced
_PRESS_MOST_MS = const(2000)  # a key held longer leads into the meter's menus

_TIMER = const(0)  # every chip has timer 0; there is one waker, and nothing else here uses a timer
_SERVO_HZ = const(50)  # what hobby servos expect

_ACTUATORS = const(("servo", "coil"))


def refuse(key, value, allowed):
    raise ValueError("%s: %r is not possible; %s is allowed" % (key, value, allowed))


def number(settings, key, least, most):
    """The setting `key`, a whole number from least to most."""
    value = settings.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        refuse(key, value, "a whole number from %d to %d" % (least, most))
    return value


def output(settings, pins, level):
    """The Pin of the setting `pin`, at that level from the first instant on."""
    pin = settings.get("pin")
    if not isinstance(pin, int) or isinstance(pin, bool):
        refuse("pin", pin, "the number of an output pin")
    try:
        return pins.Pin(pin, pins.Pin.OUT, value=level)
    except ValueError as e:  # the chip knows best which pins it has
        raise ValueError("pin: %d is not possible: %s" % (pin, e))


def servo(settings, clock, pins):
    rest_deg = number(settings, "rest_deg", 0, _DEG_MOST)
    wake_deg = number(settings, "wake_deg", 0, _DEG_MOST)
    if wake_deg == rest_deg:
        refuse("wake_deg", wake_deg, "an angle other than rest_deg")
    travel_ms = number(settings, "travel_ms", _TRAVEL_LEAST_MS, _TRAVEL_MOST_MS)
    from kmpeye.head.wake_servo import Servo

    # Without duty_ns it would start with half of the period, far outside what a servo can follow.
    pwm = pins.PWM(output(settings, pins, 0), freq=_SERVO_HZ, duty_ns=0)
    return Servo(pwm, pins.Timer(_TIMER), clock, rest_deg, wake_deg, travel_ms)


def coil(settings, pins):
    on_level = number(settings, "on_level", 0, 1)
    max_on_ms = number(settings, "max_on_ms", _ON_LEAST_MS, _ON_MOST_MS)
    from kmpeye.head.wake_coil import Coil

    return Coil(output(settings, pins, 1 - on_level), pins.Timer(_TIMER), on_level, max_on_ms)


def choose(kind, settings, clock, line, pins):
    """Settings of servo: pin, rest_deg, wake_deg, travel_ms; of coil: pin, on_level, max_on_ms; of key: how
    (servo or coil) with the settings of that, and press_ms; of iec: none."""
    if kind == "iec":
        from kmpeye.head.wake_iec import Iec

        return Iec(line)
    if kind != "key" and kind not in _ACTUATORS:
        refuse("wake", kind, "none, fixed, servo, coil, key or iec")
    if pins is None:
        raise ValueError(
            "wake: %s needs the pins of a board; without them none, fixed or iec is allowed" % kind
        )
    how = kind
    if kind == "key":
        how = settings.get("how")
        if how not in _ACTUATORS:
            refuse("how", how, "servo or coil")
        press_ms = number(settings, "press_ms", _PRESS_LEAST_MS, _PRESS_MOST_MS)
        if how == "coil":
            number(settings, "max_on_ms", press_ms, _ON_MOST_MS)
    waker = servo(settings, clock, pins) if how == "servo" else coil(settings, pins)
    if kind == "key":
        from kmpeye.head.wake_key import Key

        return Key(waker, clock, press_ms)
    return waker
