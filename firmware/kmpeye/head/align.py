# Alignment: while the owner moves the head, the same short question every two seconds, and a score of what comes back.
# Knows kmp and the transaction. Loaded while it runs. Promises an end after two minutes whatever happens; whoever
# looks on reads `number` and the counts, and asks for nothing itself.

from micropython import const

from kmp.command import get_register, get_type
from kmpeye.head.transaction import NoAnswer

_EVERY_MS = const(2000)
_LONGEST_MS = const(120000)
_STEP_MS = const(100)

# What one try is worth: the kinds are told apart by how much of the light gets through.
_GOOD = const(100)
_DAMAGED = const(60)  # frames of the meter, with a wrong CRC
_BYTES = const(30)  # bytes, but no frame
_ECHO = const(10)  # our own light comes back: near something, or a mirror
_KEPT = const(4)  # tries behind a score: 8 s of moving


class Alignment:
    def __init__(self, head, register):
        """register: an id the meter has. Not every meter answers GetType: until one of the two was answered, they are
        asked in turn."""
        self.head = head
        self._questions = [get_type(), get_register((register,))]
        self.number = 0  # tries so far; changes with each
        self.over = False
        self.score = 0  # 0 to 100
        self.heard = "nothing"  # in the last try
        self.left_s = _LONGEST_MS // 1000
        self.good = self.bad = self.bytes = self.echoes = 0
        self._points = []

    def stop(self):
        """End before its time, after the try that is under way."""
        self.over = True

    async def run(self):
        """Until two minutes have passed or stop() was called. There is no port: it ends too, with that as `heard`."""
        clock = self.head.clock
        start = clock.ticks()
        try:
            while not self.over:
                began = clock.ticks()
                await self._try()
                while not self.over and clock.since(began) < _EVERY_MS:
                    await clock.sleep_ms(_STEP_MS)
                self.left_s = max(0, _LONGEST_MS - clock.since(start)) // 1000
                if clock.since(start) >= _LONGEST_MS:
                    break
        finally:
            self.over = True
            self.number += 1

    async def _try(self):
        head = self.head
        reader = head.line.reader
        before = reader.bytes, reader.echoes, reader.bad_crc
        reason = None
        try:
            await head.ask(self._questions[0], 0)
        except NoAnswer as e:
            reason = e.reason
            if not self.good:
                self._questions.reverse()
        heard, echoes, damaged = (
            reader.bytes - before[0],
            reader.echoes - before[1],
            reader.bad_crc - before[2],
        )
        self.bytes += heard
        self.echoes += echoes
        if reason is None:
            points, self.heard = _GOOD, "answer"
            self.good += 1
        elif reason == "port_error":
            self.over = True
            points, self.heard = 0, reason
        elif reason == "bad_crc" or reason == "other_device" or damaged:
            points, self.heard = _DAMAGED, reason
            self.bad += 1
        elif reason == "garbled":
            points, self.heard = _BYTES, reason
        else:
            points, self.heard = (_ECHO if echoes else 0), reason
        self._points = self._points[1 - _KEPT :] + [points]
        self.score = sum(self._points) // len(self._points)
        self.number += 1
