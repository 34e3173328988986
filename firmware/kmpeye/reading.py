# One reading of the meter, from waking it to what is published, with what that needs beyond the reader. Loaded when a
# reading is due and let go of after it: between two readings all of this takes no memory. Part of the reader, run in
# its task. Knows head, meter, readings. Promises that only CancelledError and what a broken profile raises come out.

import gc

from micropython import const

from kmpeye.head.diagnosis import Diagnosis
from kmpeye.head.line import PortError
from kmpeye.head.transaction import NoAnswer
from kmpeye.learning import AUTO, Learning

_AGAIN = const(2)  # times that a reading with something suspect is repeated at once
_SPEED_TURN = const(3)  # a meter that never answered is tried at the other speeds every third time
_MOST_BATCH = const(8)
_HOUR_S = const(3600)
_DAY_S = const(86400)


class Reading:
    def __init__(self, reader):
        self.reader = reader
        self.learning = Learning(reader)

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
            if not await self.learning.other_speed([one for one, _ in self.reader.due][:_MOST_BATCH]):
                raise
            await self._read()

    def _speed_in_doubt(self, reason):
        reader = self.reader
        if reader.config["baud"] is not None:
            return False
        if reason != "no_light" and reason != "echo_only":
            return reason == "garbled"
        turn = reader.profile.name == AUTO or reader.failed % _SPEED_TURN == _SPEED_TURN - 1
        return turn and not reader.answered

    async def _read(self):
        reader = self.reader
        if reader.profile.name == AUTO:
            await self.learning.find_out()
            return
        first = not reader.intake.guard.accepted
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
        clock = reader.head.clock
        reader.intake.publish(rows, verdict, reader.due, clock.uptime_s(), clock.unix())
        await self.learning.who(serial)

    async def _judged(self, serial):
        """(rows, serial number, verdict) of the due registers, asked for now. serial: what is known of it already."""
        rows = await self._rows()
        for key, _, _, mantissa, _ in rows:
            if key == "serial":  # names the meter instead of measuring something
                serial = str(mantissa)
        clock = self.reader.head.clock
        return rows, serial, self.reader.intake.judge(rows, serial, clock.uptime_s(), clock.unix())

    def _believe(self, rows, serial):
        """Take these rows as the beginning of the series; their verdict."""
        intake = self.reader.intake
        clock = self.reader.head.clock
        intake.guard.exchange()
        return intake.judge(rows, serial, clock.uptime_s(), clock.unix())

    async def _rows(self):
        """The due registers as rows; NoAnswer, also when the meter offers none of them."""
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
            self.learning.leave_out(gone)
        return reader.intake.rows(found)
