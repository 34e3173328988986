# A servo that carries a magnet to the meter and away, or a finger to its key. Imports nothing of ours; PWM, timer
# and clock come in by constructor. Promises: no pulses once it has arrived (it would hum and draw current), and
# it goes to rest when it is made, because a power cut leaves it anywhere.

from micropython import const

_ZERO_NS = const(500000)  # the pulse for 0 degrees; common servos take 0.5 to 2.5 ms for 0 to 180
_RANGE_NS = const(2000000)  # what 180 degrees add


class Servo:
    settles = True

    def __init__(self, pwm, timer, clock, rest_deg, wake_deg, travel_ms):
        """pwm: at 50 Hz, without pulses."""
        self._pwm = pwm
        self._timer = timer
        self._clock = clock
        self._rest_deg = rest_deg
        self._wake_deg = wake_deg
        self._travel_ms = travel_ms
        self._deg = None  # where it is or goes to; not known yet
        self.release()

    def _move(self, deg):
        self._deg = deg
        self._pwm.duty_ns(_ZERO_NS + deg * _RANGE_NS // 180)
        timer = self._timer  # not the program: release() cannot wait, and who is cancelled does not come back
        timer.init(mode=timer.ONE_SHOT, period=self._travel_ms, callback=self._stop)

    def _stop(self, timer):
        self._pwm.duty_ns(0)

    async def wake(self):
        self._move(self._wake_deg)
        await self._clock.sleep_ms(self._travel_ms)

    def release(self):
        if self._deg != self._rest_deg:
            try:
                self._move(self._rest_deg)
            except OSError:  # no timer: it is on its way all the same, and hums until it next moves
                pass
