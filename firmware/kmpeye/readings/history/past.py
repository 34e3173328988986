# The history for who only reads in it, such as a request for a chart: what of store.History that takes, without the
# rest. Imports index. Promises nothing about what is written meanwhile: ask for a new one each time.

import os

from kmpeye.readings.history.index import Index


class Past:
    """registers, zone, index, notes and damaged as store.History has them."""

    def __init__(self, folder, registers, zone, notes):
        self.registers = registers
        self.zone = zone
        self.notes = notes
        self.index = Index(folder, os)
        self.damaged = self.index.damaged
