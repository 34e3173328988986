# Reads the meter: the one task that asks it anything. The plan says when and what, a session wakes the meter, the
# intake makes a reading of what came; on silence the diagnosis says why. Knows head, meter, readings.
# Promises: nothing the meter sends ends the task, and what a restart must not forget is kept once an hour.

import gc

from micropython import const

from kmpeye.errands import Errands
from kmpeye.head.diagnosis import Diagnosis
from kmpeye.head.transaction import NoAnswer
from kmpeye.learning import AUTO, Learning
from kmpeye.meter.plan import Plan
from kmpeye.readings.intake import Intake
from kmpeye.system import forget

_LOOK_MS = const(200)  # between two looks whether something is due or wanted
_SAVE_S = const(3600)
_AGAIN = const(2)  # times that a reading with something suspect is repeated at once
_SPEED_TURN = const(3)  # a meter that never answered is tried at the other speeds every third time
_MOST_BATCH = const(8)


class MeterReader:
    def __init__(self, config, head, session, wake, snapshot, profile, log, state, folder, store):
        """config: meter, baud, address, interval_s; session: head.wake.Session; wake: the kind of its waker;
        state: what store.load() gave; folder: of the profiles; store: the module remembered, or what is like it."""
        self.config = config
        self.head = head
        self.session = session
        self.wake = wake
        self.snapshot = snapshot
        self.log = log
        self.folder = folder
        self.store = store
        self.advice = ""  # what to do about the state
        self.readings = 0
        self.failures = 0
        self.reasons = {}  # state: failed readings that ended so
        self.last_error = None
        self.not_offered = ()  # keys that this meter left out of its last reply
        self.learning = Learning(self, state)
        self.errands = Errands(self)
        self.start_align = self.errands.start_align
        self.relay = self.errands.relay
        self._saved_s = 0 if state else -_SAVE_S
        self._close = False  # the meter is garbled, and its bytes are kept to say why
        self._failed = 0  # readings since the last good one
        self._answered = False
        self._due = ()
        self.use(profile, state)

    def use(self, profile, state):
        """Read with this profile from now on."""
        self.profile = profile
        replaces = self.wake in ("servo", "coil")
        interval_s = self.config["interval_s"]
        try:
            self.plan = Plan(profile, interval_s, replaces, state.get("plan"))
        except ValueError as e:
            self.config.warnings.append(str(e))
            self.plan = Plan(profile, interval_s, replaces)
        self.session.settle_ms = profile.wake["settle_ms"]
        self.diagnosis = Diagnosis(profile.wake["needs"], self.plan.throttle is not None)
        self.intake = Intake(profile, self.snapshot, self.log, state.get("intake") or {})
        meter = self.snapshot.meter
        meter.model = profile.model
        meter.kind = profile.kind
        if self.config["address"] is None:
            self.head.address = profile.address

    def beat(self):
        """Shows the supervisor, which puts its own in this place, that the task moves."""

    @property
    def interval_s(self):
        return self.plan.interval_s

    @property
    def next_s(self):
        return self.plan.next_s

    async def run(self):
        """For ever."""
        clock = self.head.clock
        while True:
            self.beat()
            try:
                if self.errands.pending():
                    await self.errands.run()
                else:
                    await self._turn(clock.uptime_s())
            except MemoryError:
                gc.collect()
                self._failure("out_of_memory", None)
            await clock.sleep_ms(_LOOK_MS)

    async def read_now(self):
        """Read outside the plan: ("ok", "", 0) once there is a fresh reading, ("later", sentence, seconds) when the
        meter must not be asked yet, ("failed", sentence, 0) when it was and did not answer."""
        clock = self.head.clock
        refusal = self.plan.ask_now(clock.uptime_s())
        if refusal:
            return ("later",) + refusal
        done = self.readings + self.failures
        while done == self.readings + self.failures:
            await clock.sleep_ms(_LOOK_MS)
            if self.plan.held == "budget_spent":
                return "later", self.snapshot.text, self.plan.wait_s(clock.uptime_s())
        if self.snapshot.state == "ok":
            return "ok", "", 0
        return "failed", self.snapshot.text, 0

    def exchanged(self):
        """The owner says that the meter was exchanged: a new series begins, at once."""
        self.learning.exchanged()

    async def _turn(self, now):
        plan = self.plan
        due = plan.due(now, self.head.clock.unix())
        if due:
            gc.collect()  # the heap holds live data only when a reading begins
            self._due = due
            await self._session()
        elif plan.held and self.snapshot.state != plan.held:
            # A meter that is left alone after what it bears, while all is well, is in no state of its own.
            if plan.held != "throttled" or plan.throttle.tries or plan.throttle.restored:
                self._say(plan.held, "")

    async def _session(self):
        """One reading, from waking to its result."""
        head = self.head
        clock = head.clock
        replies = head.answers + head.line.reader.bad_crc
        reason = text = None
        self.diagnosis.begin(head)
        plan = self.plan
        try:
            await self.session.run(self._awake)
        except NoAnswer as e:
            reason, text = e.reason, e.args[0]
        except MemoryError:
            gc.collect()
            reason = "out_of_memory"
        now = clock.uptime_s()
        if plan is self.plan:  # else another meter was found, and its first reading is due
            self.diagnosis.end(head, reason)
            replies = head.answers + head.line.reader.bad_crc - replies
            awake_s = 0 if reason == "port_error" else (self.session.awake_ms + 999) // 1000
            if awake_s and self.wake == "key":
                awake_s = max(awake_s, self.profile.wake["awake_s"])  # it stays awake by itself
            plan.result(now, clock.unix(), replies, awake_s, reason)
        if reason:
            self._failure(self.diagnosis.state or reason, text)
            return
        self._failed = 0
        self._answered = True
        self._listen(False)
        if plan is self.plan:
            self.readings += 1
            self._say("ok", "")
            self.snapshot.changed()
        if self.learning.fresh or now - self._saved_s >= _SAVE_S:
            self.save()

    async def _awake(self):
        """What a session is for: the reading, at another speed if that is what is wrong."""
        try:
            await self._read()
        except NoAnswer as e:
            if not self._speed_in_doubt(e.reason):
                raise
            if not await self.learning.other_speed([one for one, _ in self._due][:_MOST_BATCH]):
                raise
            await self._read()

    def _speed_in_doubt(self, reason):
        if self.config["baud"] is not None:
            return False
        if reason != "no_light" and reason != "echo_only":
            return reason == "garbled"
        turn = self.profile.name == AUTO or self._failed % _SPEED_TURN == _SPEED_TURN - 1
        return turn and not self._answered

    async def _read(self):
        if self.profile.name == AUTO:
            await self.learning.find_out()
            return
        guard = self.intake.guard
        first = not guard.accepted
        rows, serial, verdict = await self._judged(None)
        if first:
            # The very first reading would be believed whatever it says: a second has to bear it out, or a third.
            rows, serial, verdict = await self._judged(serial)
            if verdict.ask_again:
                self._believe(rows, serial)
                rows, serial, verdict = await self._judged(serial)
                if verdict.ask_again:
                    verdict = self._believe(rows, serial)
        again = _AGAIN
        while again and verdict.ask_again:
            again -= 1
            rows, serial, verdict = await self._judged(await self.learning.ask_serial())
        clock = self.head.clock
        self.intake.publish(rows, verdict, self._due, clock.uptime_s(), clock.unix())
        await self.learning.who(serial)

    async def _judged(self, serial):
        """(rows, serial number, verdict) of the due registers, asked for now. serial: what is known of it already."""
        rows = await self._rows()
        for key, _, _, mantissa, _ in rows:
            if key == "serial":  # names the meter instead of measuring something
                serial = str(mantissa)
        clock = self.head.clock
        return rows, serial, self.intake.judge(rows, serial, clock.uptime_s(), clock.unix())

    def _believe(self, rows, serial):
        """Take these rows as the beginning of the series; their verdict."""
        clock = self.head.clock
        self.intake.guard.exchange()
        return self.intake.judge(rows, serial, clock.uptime_s(), clock.unix())

    async def _rows(self):
        """The due registers as rows; NoAnswer, also when the meter offers none of them."""
        due = self._due
        found = await self.head.registers([register for register, _ in due], self.plan.retries)
        if not found:
            raise NoAnswer(
                "refused", "The meter answers, but offers none of the registers of %s" % self.profile.model
            )
        given = [one[0] for one in found]
        before = self.not_offered
        self.not_offered = [key for register, key in due if register not in given]
        gone = [key for key in self.not_offered if key in before and key not in self.learning.left_out]
        if gone:
            self.learning.leave_out(gone)
        return self.intake.rows(found)

    def _failure(self, state, text):
        self.failures += 1
        self._failed += 1
        self.reasons[state] = self.reasons.get(state, 0) + 1
        detail = self.profile.wake["needs"]
        if state == "garbled":
            detail = ""
            if self._close:
                from kmpeye.head.garbled import suspected

                detail = suspected(self.head, [register for register, _ in self._due][:_MOST_BATCH])
        self._listen(state == "garbled")
        self._say(state, detail, text)
        self.last_error = self.snapshot.text

    def _listen(self, close):
        """Keep what comes in the next reading, or no more."""
        if close or self._close:
            from kmpeye.head.garbled import listen

            listen(self.head.line, close)
            self._close = close
            forget("kmpeye.head.garbled")

    def _say(self, state, detail, text=None):
        from kmpeye.head.advice import advice

        says, todo = advice(state, detail)
        forget("kmpeye.head.advice")
        snapshot = self.snapshot
        text = text or says
        new = snapshot.state != state
        if new or snapshot.text != text:
            self.log("state: %s: %s. %s." % (state, text, todo))
        snapshot.text = text
        self.advice = todo
        if new:
            snapshot.state = state
            clock = self.head.clock
            snapshot.event(clock.uptime_s(), clock.unix(), "state", state)
            snapshot.changed()

    def save(self):
        """Keep on flash what a restart must not forget."""
        self._saved_s = self.head.clock.uptime_s()
        self.learning.fresh = False
        try:
            state = self.learning.state()
            state["plan"] = self.plan.state()
            state["intake"] = self.intake.state()
            self.store.save(state)
        except (OSError, MemoryError) as e:
            self.log("flash: what was learned cannot be kept: %s" % e)
