# Keeps the tasks running: one that ends or stands still is started again after a growing pause; a vital one that stays
# dead restarts the device, with the reason kept. Imports asyncio, and crash when there is something to record.
# Promises: no task ends unnoticed, MemoryError is an event, and the watchdog is fed only when every vital task has just
# shown that it lives.

import asyncio
import gc

from micropython import const

_ROUND_MS = const(1000)
_PAUSE_MOST_S = const(300)  # between two starts of one task
_SETTLED_S = const(600)  # a task that lived so long begins with the shortest pause again
_DEATHS = const(5)  # of a vital task that never settled: 31 s of pauses, then the device restarts
_LET_GO_S = const(10)  # a cancelled task has so long to end
_DEAF = const("stands still and cannot be ended")
_SAFE_S = const(3600)  # a safe start gives way to a usual one after this
_LOW_ROUNDS = const(8)  # between two looks at the chip's memory: each makes half a kilobyte of garbage
_LOW = const("the chip's memory is low: its clients are let go")


class Job:
    """One task with a name. `beat` is what it calls now and then to show that it moves; `error`: how it ended last;
    `deaths`: how often since it settled."""

    def __init__(self, name, make, vital, stuck_s):
        self.name = name
        self.make = make
        self.vital = vital
        self.stuck_s = stuck_s
        self.task = None
        self.running = False
        self.beaten = False
        self.error = None
        self.deaths = 0
        self.at_s = 0  # uptime: of the next start while there is no task, else of its last sign of life
        self.born_s = 0
        self.cancelled = False

    def beat(self):
        self.beaten = True


class Supervisor:
    def __init__(self, clock, log, restart, watchdog=None, boots=None, low=None, version=None):
        """restart(): restarts the device; watchdog: has feed(), as machine.WDT; boots: system.boots.Boots; low():
        whether the chip's memory is, as system.memory has it; None: there is no such chip; version: of the
        firmware."""
        self._clock = clock
        self._log = log
        self._restart = restart
        self._watchdog = watchdog
        self._boots = boots
        self._look_low = low
        self._version = version
        self.low = False  # what it said last; who can do with less then does
        self.guests = []  # jobs with clients of their own, who can come again
        self.jobs = []
        self.out_of_memory = 0  # tasks that ended so

    def add(self, name, make, vital=False, stuck_s=None):
        """make() gives the coroutine of one life of the task; stuck_s: it beats at least so often, None: it is not
        expected to. The Job."""
        job = Job(name, make, vital, stuck_s)
        job.at_s = self._clock.uptime_s()
        self.jobs.append(job)
        return job

    async def run(self):
        """For ever; when it is cancelled, all tasks are."""
        clock = self._clock
        rounds = 0
        try:
            while True:
                now = clock.uptime_s()
                rounds += 1
                try:
                    if self._look_low and not rounds % _LOW_ROUNDS:
                        self._relieve(now)
                except MemoryError:  # not even to look
                    self._without_memory()
                well = True
                for job in self.jobs:
                    try:
                        alive = self._look(job, now)
                    except MemoryError:  # not even for a task: the next round tries again
                        self._without_memory()
                        alive = False
                    if job.vital and not alive:
                        well = False
                if well and self._watchdog:
                    self._watchdog.feed()
                boots = self._boots
                if boots:
                    boots.tick(now)
                    if boots.safe and now >= _SAFE_S:
                        self.restart("an hour of safe mode is over", True)
                await clock.sleep_ms(_ROUND_MS)
        finally:
            for job in self.jobs:
                if job.task:
                    job.task.cancel()

    def _without_memory(self):
        gc.collect()
        self.out_of_memory += 1

    def _look(self, job, now):
        """Whether the task lives, as far as can be seen; does what has to be done when not."""
        if not job.task:
            if now < job.at_s:
                return False
            job.task = asyncio.create_task(self._live(job))
            job.running = True
            job.beaten = job.cancelled = False
            job.born_s = job.at_s = now
            return True
        if not job.running:
            self._bury(job, now)
            return False
        if job.cancelled:
            if now - job.at_s > _LET_GO_S and job.error != _DEAF:
                job.error = _DEAF
                self._log("%s: %s" % (job.name, _DEAF))
                if job.vital:
                    self.restart("%s %s" % (job.name, _DEAF))
            return False
        if job.beaten:
            job.beaten = False
            job.at_s = now
        # To stand still, from the beginning perhaps, is no life.
        if job.deaths and (job.at_s if job.stuck_s else now) - job.born_s > _SETTLED_S:
            job.deaths = 0
        if job.stuck_s and now - job.at_s > job.stuck_s:
            job.error = "no sign of life for %d s" % (now - job.at_s)
            job.cancelled = True
            job.at_s = now
            job.task.cancel()
            return False
        return True

    def _relieve(self, now):
        """Before Wi-Fi suffers, those go who can come again: the clients of one way out at a time."""
        low = self._look_low()
        if low and not self.low:
            self._log("the chip's memory is low")
        self.low = low
        if low:
            gc.collect()
            for job in self.guests:
                if job.running and not job.cancelled:
                    job.error = _LOW
                    job.cancelled = True
                    job.at_s = now
                    job.task.cancel()
                    break

    async def _live(self, job):
        """One life of a task. Nothing comes out of it."""
        try:
            await job.make()
            job.error = "it came to its end"
        except asyncio.CancelledError:
            pass
        except Exception as e:
            old = job.error
            job.error = "%s: %s" % (type(e).__name__, e)
            if isinstance(e, MemoryError):
                self._without_memory()
            elif job.error != old:  # a task that dies of the same every few minutes does not wear the flash
                self._record(e, job)
        finally:
            job.running = False

    def _record(self, error, job):
        from kmpeye.system import crash

        try:
            self.keep("%s: %s" % (job.name, crash.trace(error)))
        except MemoryError:  # the line in the log has to do
            pass

    def keep(self, text):
        """Keep it on flash as the last crash."""
        from kmpeye.system import crash, forget

        clock = self._clock
        unix = clock.unix()
        crash.record(text, clock.uptime_s(), unix and clock.iso(unix), self._version)
        forget("system.crash")

    def _bury(self, job, now):
        job.task = None
        job.deaths += 1
        if job.vital and job.deaths >= _DEATHS:
            self.restart("%s does not live: %s" % (job.name, job.error))
        pause = min(1 << min(job.deaths - 1, 9), _PAUSE_MOST_S)
        job.at_s = now + pause
        self._log("%s: %s; again in %d s" % (job.name, job.error, pause))

    def restart(self, reason, wanted=False):
        """Restart the device; the next start can say why. wanted: somebody asked for it."""
        self._log("restart: %s" % reason)
        if not wanted:
            try:
                self.keep(reason)
            except MemoryError:  # what matters is to begin anew
                pass
        if self._boots:
            self._boots.end(reason, self._clock.uptime_s(), wanted)
        self._restart()

    def status(self):
        """{name: (state, times it died, how last)} of the tasks that are not simply well."""
        found = {}
        for job in self.jobs:
            if job.error:
                state = "dead" if not job.task else "stuck" if job.cancelled else "runs"
                found[job.name] = (state, job.deaths, job.error)
        return found
