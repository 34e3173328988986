# The part of MicroPython's machine module that the firmware uses on this board beside what a PC has: its button,
# which nobody presses. Strict: a pin is an input with a pull, anything else is an error.


class Pin:
    IN = 1
    PULL_DOWN = 1
    PULL_UP = 2

    def __init__(self, number, mode, pull):
        if not 0 <= number <= 39 or mode != Pin.IN or pull not in (Pin.PULL_DOWN, Pin.PULL_UP):
            raise ValueError(number)
        self._level = int(pull == Pin.PULL_UP)

    def value(self):
        return self._level
