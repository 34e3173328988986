# Reads the meter: the one task that asks it anything. The plan says when and what; a reading is in reading.py, which is
# in memory only while it runs, and what has to be known of it until the next is here. Knows head, meter, readings.
# Promises: nothing the meter sends ends the task, and what a restart must not forget is kept once an hour.

import gc

from micropython import const

from kmpeye.meter.plan import Plan
from kmpeye.system import forget

_LOOK_MS = const(200)  # between two looks whether something is due or wanted
_SAVE_S = const(3600)
_MOST_WAITS = const(50)  # ten seconds
_NO_MEMORY_S = const(60)  # what else is going on has passed by then
_MOST_BATCH = const(8)
_LATE = const(3)  # intervals

# What only a reading needs, beside what asks the meter; and what judges the answer.
_READING = const("reading head.diagnosis learning head.garbled")
_JUDGES = const("readings.intake readings.guard readings.flags readings.highres readings.watch")


class Learned:
    """What was learned of the meter that is read (kmpeye.learning), and outlives a restart."""

    def __init__(self, state):
        """state: what was kept, or {}."""
        self.forget()
        self.serial = state.get("serial")  # of the meter that the rest was learned of
        self.left_out = state.get("left_out") or []
        self.offered = state.get("offered")
        self.fresh = False  # something here is not on flash yet

    def forget(self):
        self.serial = self.offered = None
        self.left_out = []
        self.alike = ()  # profiles that could as well be this meter's
        self.asked_who = False


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
        # Who needs much memory just now: a reading or a long answer, one at a time. Whoever has waited long enough
        # takes it over, so each gives back only its own.
        self.busy = None
        self._waited = 0  # looks since a reading is due, for such an answer to end
        self.advice = ""  # what to do about the state
        self.readings = 0
        self.failures = 0
        self.reasons = {}  # state: failed readings that ended so
        self.last_error = None
        self.not_offered = ()  # keys that this meter left out of its last reply
        self.learning = Learned(state)
        self._errands = None
        self.aligned = 0  # alignments of this day, which ends at that uptime
        self.align_day_end_s = 0
        self._saved_s = 0 if state else -_SAVE_S
        self._close = False  # the meter is garbled, and its bytes are kept to say why
        self.failed = 0  # readings since the last good one
        self.answered = False
        self.due = ()  # (id, key) of what the reading that runs, or ran last, asks for
        self.use(profile, state)
        self.put_down()

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
        self.answered = False
        self._judge_with(state.get("intake") or {}, False)
        meter = self.snapshot.meter
        meter.model = profile.model
        meter.kind = profile.kind
        if self.config["address"] is None:
            self.head.address = profile.address

    def take_up(self):
        """The meter has answered: have an Intake."""
        forget("learning")
        self._judge_with(self.known, True)

    def _judge_with(self, known, same_run):
        from kmpeye.readings.intake import Intake

        self.intake = Intake(self.profile, self.snapshot, self.log, known, same_run)

    def put_down(self):
        """Have no Intake any more, only what it has to know of this answer when the next one is judged."""
        if self.intake:
            self.known = self.intake.state()
            self.intake = None
        forget(*_JUDGES.split())  # also what was loaded before memory ran out

    @property
    def errands(self):
        """What others want of the meter: in memory while there is any, and from the first alignment on."""
        if not self._errands:
            from kmpeye.errands import Errands

            self._errands = Errands(self)
        return self._errands

    def pending(self):
        """Whether others want something of the meter."""
        return self._errands and self._errands.pending()

    async def relay(self, address, application):
        """Errands.relay"""
        return await self.errands.relay(address, application)

    def start_align(self):
        """Errands.start_align"""
        return self.errands.start_align()

    async def _run_errands(self):
        errands = self.errands
        await errands.run()
        if not errands.pending() and not errands.alignment:
            self._errands = None
            forget("errands")

    def beat(self):
        """Shows the supervisor, which puts its own in this place, that the task moves."""

    def lean(self):
        """What others keep for their next question goes: the app puts its own in this place."""

    @property
    def interval_s(self):
        return self.plan.interval_s

    @property
    def valid_s(self):
        """Seconds after which a reading is no longer what the meter says: three intervals, and as much more as the
        next one was put off on purpose."""
        return _LATE * self.plan.interval_s + self.plan.extra_s

    @property
    def next_s(self):
        return self.plan.next_s

    def east_s(self, unix):
        """Seconds that the owner's clock is ahead of UTC then; as before where that cannot be found out."""
        from kmpeye.system.timezone import Zone

        try:
            return Zone(self.config["timezone"]).offset(unix)
        except (ValueError, MemoryError):  # of a wrong setting the app warns, and takes UTC too
            return self.plan.east_s
        finally:
            forget("system.timezone")

    async def run(self):
        """For ever."""
        clock = self.head.clock
        while True:
            self.beat()
            try:
                if self.pending():
                    await self._run_errands()
                else:
                    await self._turn(clock.uptime_s())
            except MemoryError:
                gc.collect()
                self.plan.next_s = clock.uptime_s() + _NO_MEMORY_S
                self.failure("out_of_memory", None)
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
        from kmpeye.learning import Learning

        Learning(self).exchanged()
        self.put_down()

    async def _turn(self, now):
        plan = self.plan
        due = plan.due(now, self.head.clock.unix())
        if due:
            if self.busy and self._waited < _MOST_WAITS:
                self._waited += 1
                return
            self._waited = 0
            self.lean()
            gc.collect()  # the heap holds live data only when a reading begins
            self.due = due
            await self._session()
        elif plan.held and self.snapshot.state != plan.held:
            # A meter that is left alone after what it bears, while all is well, is in no state of its own.
            if plan.held != "throttled" or plan.throttle.tries or plan.throttle.restored:
                self._say(plan.held, "")

    async def _session(self):
        """One reading."""
        self.busy = self
        try:
            from kmpeye.reading import Reading

            await Reading(self).run()
        finally:
            if self.busy is self:
                self.busy = None
            self.put_down()
            forget(*_READING.split())
        if self.learning.fresh or self.head.clock.uptime_s() - self._saved_s >= _SAVE_S:
            if not self.failed:
                self.save()

    def success(self, read):
        """A session went well. read: there is a reading; else it was found out which meter this is."""
        self.failed = 0
        self.answered = True
        self._listen(False)
        if read:
            self.readings += 1
            self._say("ok", "")
            self.snapshot.changed()

    def failure(self, state, text):
        """A reading ended without a result."""
        self.failures += 1
        self.failed += 1
        self.reasons[state] = self.reasons.get(state, 0) + 1
        detail = self.profile.wake["needs"]
        if state == "garbled":
            detail = ""
            if self._close:
                from kmpeye.head.garbled import suspected

                detail = suspected(self.head, [register for register, _ in self.due][:_MOST_BATCH])
        self._listen(state == "garbled")
        self._say(state, detail, text)
        self.last_error = self.snapshot.text

    def _listen(self, close):
        """Keep what comes in the next reading, or no more."""
        if close or self._close:
            from kmpeye.head.garbled import listen

            listen(self.head.line, close)
            self._close = close
            forget("head.garbled")

    def _say(self, state, detail, text=None):
        snapshot = self.snapshot
        new = snapshot.state != state
        if not new and state == "ok":
            return
        try:
            from kmpeye.head.advice import advice

            says, todo = advice(state, detail)
        except MemoryError:  # the state has to do
            says, todo = state, "no memory for words"
        forget("head.advice")
        text = text or says
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
        learned = self.learning
        learned.fresh = False
        try:
            self.store.save(
                {
                    "profile": self.profile.name,
                    "serial": learned.serial,
                    "baud": self.head.line.baud,
                    "left_out": learned.left_out,
                    "offered": learned.offered,
                    "plan": self.plan.state(),
                    "intake": self.known,
                }
            )
        except (OSError, MemoryError) as e:
            self.log("flash: what was learned cannot be kept: %s" % e)
