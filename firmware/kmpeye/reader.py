# Reads the meter: the one task that asks it anything. Takes what the profile lists, at the interval, and
# publishes the result as a whole; on silence it says why and tries again later. Knows head, meter, readings.

import gc

from kmp.calendar import is_never
from kmp.command import get_serial, get_type, read_serial, read_type
from kmp.frame import ProtocolError
from micropython import const

from kmpeye.head.transaction import PORT, NoAnswer
from kmpeye.readings.snapshot import Reading

_SERIAL = "serial"  # the key of the register that names the meter instead of measuring something
_RETRY_S = const(60)  # a reading that failed is tried again after this; never later than the interval
_PORT_S = const(2)  # when there is no port; the line lengthens the pause itself


class MeterReader:
    def __init__(self, head, profile, snapshot, interval_s, log):
        self.head = head
        self.clock = head.clock
        self.profile = profile
        self.snapshot = snapshot
        self.interval_s = interval_s
        self.log = log
        self.state = "starting"
        self.text = "the meter has not been read yet"
        self.readings = 0
        self.failures = 0
        self.last_error = None
        self.not_offered = ()  # keys of the profile's registers that this meter left out
        self.next_s = 0  # uptime of the next try
        self._type_asked = False

    async def run(self):
        """For ever. Nothing the meter sends ends this task."""
        while True:
            wait_s = self.next_s - self.clock.uptime_s()
            if wait_s > 0:
                await self.clock.sleep_ms(1000)
                continue
            started = self.clock.uptime_s()
            try:
                await self.read()
                pause = self.interval_s
            except NoAnswer as e:
                self._failed(e.reason, str(e))
                pause = _PORT_S if e.reason == PORT else min(_RETRY_S, self.interval_s)
            except MemoryError:
                gc.collect()
                self._failed("out_of_memory", "not enough memory for this reading")
                pause = _RETRY_S
            self.next_s = started + pause

    async def read(self):
        """One reading of everything in the profile, published. NoAnswer when the meter does not give it."""
        profile = self.profile
        found = await self.head.registers([register for register, _ in profile.registers])
        now_s = self.clock.uptime_s()
        values = []
        missing = []
        serial = None
        for register, key in profile.registers:
            for one, unit, mantissa, exponent in found:
                if one == register:
                    if key == _SERIAL:
                        serial = str(mantissa)
                    elif not is_never(unit, mantissa):
                        values.append((key, register, unit, mantissa, exponent))
                    break
            else:
                missing.append(key)
        self.not_offered = tuple(missing)
        if not values:
            raise NoAnswer("refused", "the meter answers, but offers none of the registers of %s" % profile.model)
        self.snapshot.meter.serial = serial or self.snapshot.meter.serial
        self.readings += 1
        if self.state != "ok":
            self.log("state: ok")
        self.state = "ok"
        self.text = "the meter answers"
        self.snapshot.publish(Reading(values, now_s, self.clock.unix()))
        await self._identify()

    async def _identify(self):
        """Ask once for what the registers did not tell. A meter that refuses is not asked again."""
        if self._type_asked:
            return
        self._type_asked = True
        meter = self.snapshot.meter
        try:
            if meter.serial is None:
                meter.serial = str(read_serial(await self.head.ask(get_serial(), 0)))
            if self.profile.types:
                type_id, meter.revision = read_type(await self.head.ask(get_type(), 0))
                meter.type = "%04X" % type_id
        except (NoAnswer, ProtocolError):
            pass
        self.snapshot.changed()

    def _failed(self, reason, text):
        self.failures += 1
        self.last_error = text
        if self.state != reason or self.text != text:
            self.log("state: %s: %s" % (reason, text))
        self.state = reason
        self.text = text
