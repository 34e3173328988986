# One reading of the meter, from waking it to what is published, with what that needs beyond the reader. Loaded when a
# reading is due and let go of after it: between two readings all of this takes no memory, and what asks the meter is
# never in memory with what judges the answer. Part of the reader, run in its task. Knows head, meter, readings.
# Promises that only CancelledError and what a broken profile raises come out.

import gc

from micropython import const

from kmpeye.head.diagnosis import Diagnosis
from kmpeye.head.line import PortError
from kmpeye.head.transaction import NoAnswer

_AUTO = const("auto")  # the profile of a meter that is not known yet
_AGAIN = const(2)  # times that a reading with something suspect is repeated at once
_SPEED_TURN = const(3)  # a meter that never answered is tried at the other speeds every third time
_MOST_BATCH = const(8)
_HOUR_S = const(3600)
_DAY_S = const(86400)


class Reading:
    def __init__(self, reader):
        self.reader = reader
        self.rows = self.verdict = None  # what the meter gave last, and the guard's word on it
        self.serial = None  # what the meter said of it in this reading

    async def run(self):
        """The whole of it; the reader knows its result afterwards."""
        reader = self.reader
        head = reader.head
        clock = head.clock
        plan = reader.plan
        diagnosis = Diagnosis(reader.profile.wake["needs"], plan.throttle is not None, reader.answered)
        replies = head.answers + head.line.reader.bad_crc
        reason = text = None
        diagnosis.begin(head)
        try:
            await head.line.open()  # before anything is moved to wake the meter
            await reader.session.run(self._awake)
        except PortError as e:
            reason, text = "port_error", str(e)
        except NoAnswer as e:
            reason, text = e.reason, e.args[0]
        except MemoryError:
            gc.collect()
            reason = "out_of_memory"
        if plan is reader.plan:  # else another meter was found, and its first reading is due
            diagnosis.end(head, reason)
            replies = head.answers + head.line.reader.bad_crc - replies
            awake_s = 0 if reason == "port_error" else (reader.session.awake_ms + 999) // 1000
            if awake_s and reader.wake == "key":
                awake_s = max(awake_s, reader.profile.wake["awake_s"])  # it stays awake by itself
            # Midnight is the end of a day in the history, and slow registers are in its daily records only if they are
            # read just then: the plan is told the owner's time of tomorrow when it is about to choose.
            unix = clock.unix()
            if unix is not None and not plan.slow_s and max(plan.interval_s, reader.profile.slow_s) > _HOUR_S:
                plan.east_s = reader.east_s(unix + _DAY_S)
            retry_s = head.line.retry_s if reason == "port_error" else 0
            plan.result(clock.uptime_s(), unix, replies, awake_s, reason, retry_s)
        if reason:
            reader.failure(diagnosis.state or reason, text)
        else:
            reader.success(plan is reader.plan)

    async def _awake(self):
        """What a session is for: the reading, at another speed if that is what is wrong."""
        try:
            await self._read()
        except NoAnswer as e:
            if not self._speed_in_doubt(e.reason):
                raise
            if not await self._learning().other_speed([one for one, _ in self.reader.due][:_MOST_BATCH]):
                raise
            await self._read()

    def _speed_in_doubt(self, reason):
        reader = self.reader
        if reader.config["baud"] is not None:
            return False
        if reason != "no_light" and reason != "echo_only":
            return reason == "garbled"
        turn = reader.profile.name == _AUTO or reader.failed % _SPEED_TURN == _SPEED_TURN - 1
        return turn and not reader.answered

    async def _read(self):
        reader = self.reader
        if reader.profile.name == _AUTO:
            await self._learning().find_out()
            return
        first = not reader.known["guard"]["accepted"]
        await self._ask()
        if first:
            # The very first reading would be believed whatever it says: a second has to bear it out, or a third.
            await self._ask()
            if self.verdict.ask_again:
                self._believe()
                await self._ask()
                if self.verdict.ask_again:
                    self._believe()
        again = _AGAIN
        while again and self.verdict.ask_again:
            again -= 1
            self._put_down()
            self.serial = await self._learning().ask_serial()
            await self._ask()
        clock = reader.head.clock
        reader.intake.publish(self.rows, self.verdict, reader.due, clock.uptime_s(), clock.unix())
        self._put_down()
        learned = reader.learning
        if not learned.asked_who or self.serial not in (None, learned.serial):
            await self._learning().who(self.serial)

    def _learning(self):
        from kmpeye.learning import Learning

        return Learning(self.reader)

    def _put_down(self):
        """The meter is asked again: what judges goes, and what holds on to it."""
        self.rows = self.verdict = None
        self.reader.put_down()

    async def _ask(self):
        """Ask for the due registers and judge the answer; NoAnswer, also when the meter offers none of them."""
        reader = self.reader
        self._put_down()
        found = await self._found()
        reader.take_up()
        self.rows = reader.intake.rows(found)
        for key, _, _, mantissa, _ in self.rows:
            if key == "serial":  # names the meter instead of measuring something
                self.serial = str(mantissa)
        self._judge()

    def _judge(self):
        clock = self.reader.head.clock
        self.verdict = self.reader.intake.judge(self.rows, self.serial, clock.uptime_s(), clock.unix())

    def _believe(self):
        """Take these rows as the beginning of the series."""
        self.reader.intake.guard.exchange()
        self._judge()

    async def _found(self):
        """What the meter gives of the due registers: (id, unit, mantissa, exponent) of each."""
        reader = self.reader
        due = reader.due
        found = await reader.head.registers([register for register, _ in due], reader.plan.retries)
        if not found:
            raise NoAnswer(
                "refused", "The meter answers, but offers none of the registers of %s" % reader.profile.model
            )
        given = [one[0] for one in found]
        before = reader.not_offered
        reader.not_offered = [key for register, key in due if register not in given]
        gone = [key for key in reader.not_offered if key in before and key not in reader.learning.left_out]
        if gone:
            self._learning().leave_out(gone)
        return found
