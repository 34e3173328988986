# An electromagnet, or a solenoid, on a pin. Imports nothing; pin and timer come in by constructor.
# Promises: never on for longer than max_on_ms, even if the program above never comes back, and off before it is
# first used. The timer's callback runs between two bytecodes: below that, in C, the watchdog is what remains.


class Coil:
    settles = True

    def __init__(self, pin, timer, on_level, max_on_ms):
        """pin: an output that is at the other level already."""
        self._pin = pin
        self._timer = timer
        self._on_level = on_level
        self._max_on_ms = max_on_ms

    async def wake(self):
        timer = self._timer
        # First the timer: if there is none, the coil stays off. Periodic, because a single call is lost when
        # MicroPython's queue of scheduled calls is full.
        timer.init(mode=timer.PERIODIC, period=self._max_on_ms, callback=self._off)
        self._pin.value(self._on_level)

    def _off(self, timer):
        self._pin.value(1 - self._on_level)  # allocates nothing: it has to work when memory is short

    def release(self):
        self._off(None)
        self._timer.deinit()
