# What the firmware imports from MicroPython's own module, for CPython: `const` marks a number that the
# MicroPython compiler puts straight into the code; here it is the number. On sys.path only under CPython.


def const(number):
    return number
