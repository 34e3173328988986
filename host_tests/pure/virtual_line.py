# A line to a scripted meter in virtual time, for tests of the head on three interpreters: no sleeping.
# VirtualClock has the firmware clock's methods; ScriptedPort is a port whose meter is a function.


class VirtualClock:
    def __init__(self, now=0):
        self.now = now

    def ticks(self):
        return self.now

    def since(self, ticks):
        return self.now - ticks

    def uptime_s(self):
        return self.now // 1000

    def unix(self):
        return None

    def sleep_ms(self, ms):
        return _Sleep(self, ms)

    def pass_ms(self, ms):
        """What happens while time passes is for a subclass to say."""
        self.now += ms


class _Sleep:
    """Gives control back once; the time has passed when it is resumed."""

    def __init__(self, clock, ms):
        self._clock = clock
        self._ms = ms
        self._begun = False

    def __await__(self):
        return self

    __iter__ = __await__

    def __next__(self):
        if self._begun:
            self._clock.pass_ms(self._ms)
            raise StopIteration
        self._begun = True


def drive(coroutine):
    """Run a coroutine that waits for nothing but the virtual clock; its result."""
    try:
        while True:
            coroutine.send(None)
    except StopIteration as e:
        return e.value


class ScriptedPort:
    """script(number, request) says what the head hears after its number-th request: a list of (ms after the
    request's last byte left, bytes); the bytes come one per byte time. A script may raise OSError."""

    BYTE_MS = 10  # 1200 baud, a little slow

    def __init__(self, clock, script):
        self.clock = clock
        self.script = script
        self.requests = []  # (ms when it was written, bytes)
        self.arriving = []  # (ms, byte) in the order of time
        self.closed = 0

    def write(self, data):
        sent = self.clock.now + len(data) * self.BYTE_MS
        answer = self.script(len(self.requests), bytes(data))
        self.requests.append((self.clock.now, bytes(data)))
        for after, what in answer:
            for i in range(len(what)):
                self.arriving.append((sent + after + i * self.BYTE_MS, what[i]))
        self.arriving.sort()

    def any(self):
        return bool(self.arriving) and self.arriving[0][0] <= self.clock.now

    def readinto(self, buf):
        count = 0
        while count < len(buf) and self.any():
            buf[count] = self.arriving.pop(0)[1]
            count += 1
        return count or None

    def set_baud(self, baud):
        pass

    def close(self):
        self.closed += 1
