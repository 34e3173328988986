# How long a BACnet request takes without the network: one property, and everything of every object of a MULTICAL 601,
# as bacepics and YABE ask when they discover. Imports figure and parts.

from benchmarks.figure import Figure
from benchmarks.parts import ROOT, micropython, run_on_micropython

FIGURES = (
    Figure("bacnet_rp_us", "us for a ReadProperty of a present-value, 32 bits on this machine"),
    Figure("bacnet_rpm_all_ms", "ms for ReadPropertyMultiple ALL of every object, one request each"),
)

_ROUNDS = 20


def measure(rounds=_ROUNDS):
    arguments = (rounds, ROOT / "firmware" / "meters")
    seen = run_on_micropython(micropython(32), "bacnet", arguments, timeout_s=120)
    if seen["objects"] < 50 or seen["bytes"] < 100 * seen["objects"]:
        raise RuntimeError("the replies do not hold what they should: %s" % seen)
    return {"bacnet_rp_us": seen["rp_us"], "bacnet_rpm_all_ms": seen["rpm_all_ms"]}
