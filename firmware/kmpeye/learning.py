# How the reader learns of a meter: which one it is, what it leaves out, at which speed it answers. Run in the reader's
# task and inside its sessions; in memory only then, what was learned is in reader.learning. Knows head and meter.
# Promises: what was learned of one meter is never used for another.

import gc

from micropython import const

from kmp.frame import ProtocolError
from kmpeye.head.transaction import NoAnswer
from kmpeye.system import forget

_SPEEDS = const((1200, 2400, 9600))


class Learning:
    def __init__(self, reader):
        self.reader = reader
        self.learned = reader.learning

    def leave_out(self, keys):
        """Twice running the meter did not give these: they are not asked again."""
        from kmpeye.meter.which import leave_out

        self.reader.log("meter: not offered, not asked again: %s" % ", ".join(keys))
        learned = self.learned
        learned.left_out = learned.left_out + keys
        leave_out(self.reader.profile, keys)
        forget("meter.which", "meter.profile")
        learned.fresh = True

    async def who(self, serial):
        """After a reading. serial: what the registers said, or None; what they did not tell is asked for once, and a
        meter that refuses is not asked again."""
        reader = self.reader
        meter = reader.snapshot.meter
        ask = reader.head.ask
        if serial:
            self._is(serial)
        if self.learned.asked_who:
            return
        self.learned.asked_who = True
        from kmp.command import get_type, read_type

        try:
            if self.learned.serial is None:
                self._is(await self.ask_serial())
            if reader.profile.types and not meter.type:
                type_id, meter.revision = read_type(await ask(get_type(), 0))
                meter.type = "%04X" % type_id
                if meter.type not in reader.profile.types:
                    reader.config.warnings.append(
                        "the meter says type %s, which is not one of %s: check the profile"
                        % (meter.type, reader.profile.model)
                    )
        except (NoAnswer, ProtocolError):
            pass

    async def ask_serial(self):
        """The serial number as text, from where this meter's readings have it: a meter may give another number to
        GetSerial than in its register, and that must not look like another meter."""
        from kmp.command import get_serial, read_serial

        reader = self.reader
        retries = reader.plan.retries
        for register, key in reader.profile.registers:
            if key == "serial":
                found = await reader.head.registers((register,), retries)
                if found:
                    return str(found[0][2])
        reply = await reader.head.ask(get_serial(), retries)
        try:
            return str(read_serial(reply))
        except ProtocolError as e:
            raise NoAnswer("bad_crc", "the reply breaks the rules of KMP: %s" % e)

    def _is(self, serial):
        """The meter gave its serial number; another than before counts once the guard let it through."""
        reader = self.reader
        learned = self.learned
        reader.snapshot.meter.serial = serial
        if learned.serial not in (None, serial) and reader.known["guard"]["serial"] == serial:
            self.exchanged()
            reader.snapshot.meter.serial = serial
        if learned.serial != serial:
            learned.serial = serial
            learned.fresh = True

    def exchanged(self):
        """Another meter, as its serial number or the owner says: everything learned of the old one is forgotten; its
        history stays. The profile is found out anew where it is not set."""
        reader = self.reader
        reader.log("meter: exchanged; what was learned of the old one is forgotten")
        self.learned.forget()
        meter = reader.snapshot.meter
        meter.serial = meter.type = meter.revision = None
        reader.snapshot.reading = reader.snapshot.flags = None
        reader.store.forget()
        self._choose({})
        reader.snapshot.changed()

    def _choose(self, learned):
        from kmpeye.meter.choice import LOADS, choose

        gc.collect()  # a profile is read in one piece
        reader = self.reader
        profile = choose(reader.config, learned, reader.folder, reader.config.warnings)
        forget(*LOADS)
        reader.use(profile, {})

    async def find_out(self):
        """Which meter is it? Afterwards the reader has its profile, and a reading is due."""
        from kmpeye.meter.which import find_out

        reader = self.reader
        failed = []

        async def ask(application):
            try:
                return await reader.head.ask(application, 0)
            except NoAnswer as e:
                failed.append(e)
                return None

        async def registers(ids):
            try:
                return [one[0] for one in await reader.head.registers(ids, 1)]
            except NoAnswer as e:
                failed.append(e)
                return None

        found = await find_out(ask, registers, reader.folder)
        if not found:
            raise failed[-1] if failed else NoAnswer("refused", "the meter offers nothing that is known here")
        self.learned.alike = found.alike
        self.learned.offered = found.offered
        meter = reader.snapshot.meter
        meter.type, meter.revision = found.type, found.revision
        meter.serial = found.serial  # until the first reading says it
        self._choose({"profile": found.profile, "offered": found.offered})
        reader.log(
            "meter: read as %s%s"
            % (reader.profile.model, "; %s answer alike" % ", ".join(found.alike) if found.alike else "")
        )
        self.learned.fresh = True

    async def other_speed(self, ids):
        """True when the meter answers a question for these registers at another speed, which is kept then."""
        from kmp.command import get_register

        reader = self.reader
        line = reader.head.line
        usual = line.baud
        for baud in _SPEEDS:
            if baud == usual:
                continue
            line.set_baud(baud)
            try:
                await reader.head.ask(get_register(ids), 0)
                reader.log("meter: answers at %d baud, not at %d" % (baud, usual))
                self.learned.fresh = True
                return True
            except NoAnswer:
                pass
        line.set_baud(usual)
        return False
