# Takes the file `bundle` of the working directory as an upload and prints {"peak"}: the most bytes of heap that were in
# use beyond those before it, looked at with every kilobyte that comes in. The partition lies outside of the heap.

import asyncio
import gc
import json
import os

import ffi
import uctypes

_BLOCK = 4096
_HALF_BLOCKS = 96
_COUNT, _ERASE = 4, 6


class Partition:
    def __init__(self):
        size = 2 * _HALF_BLOCKS * _BLOCK
        self.memory = uctypes.bytearray_at(ffi.open(None).func("P", "malloc", "L")(size), size)

    def ioctl(self, operation, argument):
        if operation == _COUNT:
            return 2 * _HALF_BLOCKS
        for place in range(argument * _BLOCK, (argument + 1) * _BLOCK):
            self.memory[place] = 0xFF
        return 0

    def readblocks(self, block, buffer, offset):
        start = block * _BLOCK + offset
        buffer[:] = memoryview(self.memory)[start : start + len(buffer)]

    def writeblocks(self, block, data, offset):
        start = block * _BLOCK + offset
        self.memory[start : start + len(data)] = data


class Exchange:
    def __init__(self, path):
        self._file = open(path, "rb")
        self.size = os.stat(path)[6]
        self.buffer = bytearray(1024)
        self.peak = 0

    async def more(self):
        gc.collect()
        self.peak = max(self.peak, gc.mem_alloc())
        count = self._file.readinto(self.buffer)
        self.size -= count
        return memoryview(self.buffer)[:count]


class Clock:
    def sleep_ms(self, ms):
        return asyncio.sleep_ms(ms)


class Snapshot:
    state = "ok"


class App:
    version = "0.0.0"
    clock = Clock()
    wifi = None
    snapshot = Snapshot()


async def take(exchange, partition):
    from kmpeye.system import update

    return await update.take(App(), exchange, False, partition)


partition = Partition()
exchange = Exchange("bundle")
gc.collect()
before = gc.mem_alloc()
asyncio.run(take(exchange, partition))
print(json.dumps({"peak": exchange.peak - before}))
