"""The strict UART and Pin that the head is tested on promise nothing that the chip does not have.

Compares host_tests/pure/kmpeye_head/uart_chip.py with micropython-esp32-stubs, as test_fakes.py does for the others.
"""

import pathlib
import runpy

from conftest import absent
from firmware_tree import ROOT

CHIP = ROOT / "host_tests" / "pure" / "kmpeye_head" / "uart_chip.py"
STUB = ROOT / ".tools" / "typings" / "machine.pyi"

SCENERY = ("Pad", "PINS", "INPUTS", "pad")


def test_the_strict_uart_has_what_the_chip_has_and_nothing_else():
    if not STUB.exists():
        absent("no stubs in .tools/typings: `make lint` fetches them")
    compare = runpy.run_path(str(pathlib.Path(__file__).with_name("test_fakes.py")))["compare"]
    found = list(compare("machine", CHIP.read_text(), STUB.read_text(), SCENERY))
    assert not found, "\n".join(found)
