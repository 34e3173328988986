# Reads the meter: the one task that asks it anything. Takes what the profile lists, at the interval, and
# publishes the result as a whole; on silence it says why and tries again later. Knows head, meter, readings.

import gc

from micropython import const

from kmp.command import get_serial, get_type, read_serial, read_type
from kmp.frame import ProtocolError
from kmpeye.head.transaction import NoAnswer
from kmpeye.readings.snapshot import Reading

_DATES = b"\x30\x31\x32\x35"  # units (kmp.dates) whose 0 says that it has not happened yet
_RETRY_S = const(60)  # a reading that failed is tried again after this; never later than the interval
_PORT_S = const(2)  # when there is no port; the line lengthens the pause itself


class MeterReader:
    def __init__(self, head, profile, snapshot, interval_s, log):
        self.head = head
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
        clock = self.head.clock
        while True:
            if self.next_s > clock.uptime_s():
                await clock.sleep_ms(1000)
                continue
            started = clock.uptime_s()
            gc.collect()  # the heap holds live data only when a reading begins
            pause = self.interval_s
            try:
                await self.read()
            except NoAnswer as e:
                self.failures += 1
                self._say(e.reason, str(e))
                self.last_error = self.text
                pause = min(pause, _PORT_S if e.reason == "port_error" else _RETRY_S)
            except MemoryError:
                gc.collect()
                self.failures += 1
                self._say("out_of_memory", "not enough memory for this reading")
                self.last_error = self.text
                pause = min(pause, _RETRY_S)
            self.next_s = started + pause

    async def read(self):
        """One reading of everything in the profile, published. NoAnswer when the meter does not give it."""
        clock = self.head.clock
        profile = self.profile
        meter = self.snapshot.meter
        found = await self.head.registers([register for register, _ in profile.registers])
        now_s = clock.uptime_s()
        values = []
        missing = []
        for register, key in profile.registers:
            for one, unit, mantissa, exponent in found:
                if one == register:
                    if key == "serial":  # names the meter instead of measuring something
                        meter.serial = str(mantissa)
                    elif mantissa or unit not in _DATES:
                        values.append((key, register, unit, mantissa, exponent))
                    break
            else:
                missing.append(key)
        self.not_offered = missing
        if not values:
            raise NoAnswer(
                "refused", "the meter answers, but offers none of the registers of %s" % profile.model
            )
        self.readings += 1
        self._say("ok", "the meter answers")
        self.snapshot.reading = Reading(values, now_s, clock.unix())
        self.snapshot.changed()
        if not self._type_asked:
            self._type_asked = True
            await self._identify()

    async def _identify(self):
        """Ask once for what the registers did not tell. A meter that refuses is not asked again."""
        meter = self.snapshot.meter
        ask = self.head.ask
        try:
            if meter.serial is None:
                meter.serial = str(read_serial(await ask(get_serial(), 0)))
            if self.profile.types:
                type_id, meter.revision = read_type(await ask(get_type(), 0))
                meter.type = "%04X" % type_id
        except (NoAnswer, ProtocolError):
            pass
        self.snapshot.changed()

    def _say(self, state, text):
        if self.state != state or self.text != text:
            self.log("state: %s: %s" % (state, text))
        self.state = state
        self.text = text
