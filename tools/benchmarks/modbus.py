# What a Modbus read costs: microseconds and bytes of heap, with the chip's object sizes, from the request's bytes to
# the reply's. Imports figure and parts; on_micropython_modbus.py does it. Microseconds are this machine's.

from benchmarks.figure import Figure
from benchmarks.parts import micropython, run_on_micropython

FIGURES = (
    Figure("modbus_read_us", "microseconds to answer a Modbus read of 125 registers, 32 bits"),
    Figure("modbus_read_two_us", "the same for one float"),
    Figure("alloc_per_modbus_read", "bytes of heap per Modbus read, 32 bits", most=0),
)

_READS = 2000


def measure():
    seen = run_on_micropython(micropython(32), "modbus", (_READS,), timeout_s=120)
    return {
        "modbus_read_us": seen["us"],
        "modbus_read_two_us": seen["us_of_two"],
        "alloc_per_modbus_read": seen["allocated"] / (2 * seen["reads"]),
    }
