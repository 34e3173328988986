# What others want of the meter: a single request of a client (relay), or two minutes of alignment. The reader's one
# task runs them between its own readings. Knows head and kmp. Promises that a client waits for a bounded time, that
# a relayed request is counted against the budget, and that whoever went away leaves nothing behind.

from micropython import const

from kmpeye.head.transaction import NoAnswer

_MOST = const(4)  # requests that wait; a client sends one after the other
_LOOK_MS = const(20)  # between two looks, of a client for its answer and of the reader for the next request
_LINGER_MS = const(3000)  # the meter is kept awake so long for a client's next request
_LONGEST_MS = const(60000)  # and a client keeps the reader from its own work no longer than that
_WAIT_MS = const(90000)  # the longest session of the reader before it, and ours
_ALIGNMENTS = const(20)  # a day: 20 times 60 requests; kept from the budget, but not without end
_DAY_S = const(86400)
_ACKNOWLEDGED = const((b"\x09", b"\x11"))  # SetClock and PutRegister are answered by a bare 06


class Errands:
    def __init__(self, reader):
        self.reader = reader
        self.alignment = None  # the head.align.Alignment that runs or ran last
        self._waiting = []  # [address, application, reply, reason]
        self._align = False

    def pending(self):
        return self._align or self._waiting

    async def relay(self, address, application):
        """(reply, None), or (None, why not): a state of head.diagnosis, or "busy"."""
        reader = self.reader
        plan = reader.plan
        clock = reader.head.clock
        now = clock.uptime_s()
        plan.budget.today(now, clock.unix())
        if not plan.budget.readings(1, 1):
            return None, "budget_spent"
        if plan.held == "throttled":
            return None, "throttled"
        if len(self._waiting) >= _MOST:
            return None, "busy"
        errand = [address, application, None, None]
        self._waiting.append(errand)
        start = clock.ticks()
        try:
            while errand[2] is None and errand[3] is None:
                if clock.since(start) > _WAIT_MS:
                    return None, "busy"
                await clock.sleep_ms(_LOOK_MS)
        finally:
            if errand in self._waiting:
                self._waiting.remove(errand)
        return errand[2], errand[3]

    def start_align(self):
        """None, or a sentence why not."""
        reader = self.reader
        now = reader.head.clock.uptime_s()
        if self._align or (self.alignment and not self.alignment.over):
            return None
        if now >= reader.align_day_end_s:
            reader.align_day_end_s = now + _DAY_S
            reader.aligned = 0
        if reader.aligned >= _ALIGNMENTS:
            return "aligned %d times today already; the next is possible in %d min" % (
                reader.aligned,
                (reader.align_day_end_s - now + 59) // 60,
            )
        from kmpeye.head.align import Alignment

        reader.aligned += 1
        self.alignment = Alignment(reader.head, reader.profile.live[0][0])
        self._align = True
        return None

    async def run(self):
        """In the reader's task: everything that is pending, in one session."""
        session = self.reader.session
        if self._align:
            self._align = False
            try:
                await session.run(self.alignment.run)
            finally:
                self.alignment.over = True
        if self._waiting:
            await session.run(self._relay_all)
            self.reader.plan.budget.awake_s += (session.awake_ms + 999) // 1000

    async def _relay_all(self):
        clock = self.reader.head.clock
        start = last = clock.ticks()
        while clock.since(last) < _LINGER_MS and clock.since(start) < _LONGEST_MS:
            if not self._waiting:
                await clock.sleep_ms(_LOOK_MS)
                continue
            errand = self._waiting.pop(0)
            try:
                acknowledged = errand[1][:1] in _ACKNOWLEDGED
                errand[2] = await self.reader.head.ask(errand[1], 0, acknowledged, errand[0])
                self.reader.plan.budget.replies += 1
            except NoAnswer as e:
                errand[3] = e.reason
            except MemoryError:
                errand[3] = "out_of_memory"  # whoever waits lets go of what it holds
                raise
            last = clock.ticks()
