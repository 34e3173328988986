# A servo or solenoid that presses the meter's key (MULTICAL 302, 303, 402), which then stays awake by itself.
# Imports nothing; the actuator is a Servo or a Coil. Promises that the key is free again before the meter is asked.


class Key:
    settles = True

    def __init__(self, actuator, clock, press_ms):
        self._actuator = actuator
        self._clock = clock
        self._press_ms = press_ms
        self.release = actuator.release

    async def wake(self):
        try:
            await self._actuator.wake()
            await self._clock.sleep_ms(self._press_ms)
        finally:
            self.release()
