# What one start leaves for the next: how long the last ones lived and why the last one ended, in memory that survives
# a restart (the chip's RTC memory; a file on a PC). Imports keep, and machine where there is one.
# Promises to tell five starts within ten minutes from five starts, without knowing the date.

from micropython import const

_LOOP = const(5)  # starts
_LOOP_S = const(600)  # within this
_STEP_S = const(10)  # the age is noted so often: RTC memory does not wear
_LONGEST = const(120)  # characters of the reason
_MAGIC = const("kmpeye")
_FILE = const("boots.txt")


class Boots:
    """reason: why the last one ended, "" when nobody said (a power cut, the reset button); lives: how many seconds the
    last ones lived; safe: whether this start is to break a loop of restarts."""

    def __init__(self, memory, wears=False):
        """memory() gives bytes, memory(data) keeps them, as machine.RTC().memory does; wears: it is flash, written as
        rarely as can be."""
        self._memory = memory
        self._wears = wears
        self._alive_s = 0
        self.lives = []  # the newest last
        self.reason = ""
        self.known = False  # whether there was a start of ours before this one
        self._recall()
        self.safe = len(self.lives) == _LOOP - 1 and sum(self.lives) < _LOOP_S
        if self.safe:
            self.lives.clear()  # one safe start; the next is tried as usual
        self._note("")

    def _recall(self):
        try:
            head, _, reason = str(self._memory(), "utf-8").partition("|")
            words = head.split(" ")
            lives = [int(word) for word in words[1:_LOOP]]
            if words[0] == _MAGIC and lives and min(lives) >= 0:
                self.lives = lives
                self.reason = reason
                self.known = True
        except (OSError, ValueError):  # the first start, or another program's memory
            pass

    def _note(self, reason):
        try:
            words = [_MAGIC]
            for life in self.lives[2 - _LOOP :]:
                words.append(str(life))
            words.append(str(self._alive_s))
            self._memory(("%s|%s" % (" ".join(words), reason[:_LONGEST])).encode())
        except (OSError, MemoryError):  # a full flash: then this start is not counted
            pass

    def tick(self, uptime_s):
        """Called every few seconds."""
        old = self._alive_s
        age = min(uptime_s, _LOOP_S)  # beyond it a start is no part of a loop
        if age == _LOOP_S if self._wears else age - old >= _STEP_S:
            if age != old:
                self._alive_s = age
                self._note("")

    def end(self, reason, uptime_s, wanted=False):
        """The restart comes now. uptime_s: 0 where it is not known; wanted: somebody asked for it, so it is no part
        of a loop."""
        self._alive_s = _LOOP_S if wanted else max(self._alive_s, min(uptime_s, _LOOP_S))
        self._note(reason)


def of_this_board():
    """Boots in the memory that there is."""
    try:
        import machine

        boots = Boots(machine.RTC().memory)
        if not boots.reason:
            cause = machine.reset_cause()
            if cause == machine.WDT_RESET:
                boots.reason = "the watchdog: nothing ran any more"
            elif cause == machine.HARD_RESET and boots.known:  # every restart of ours has a reason
                boots.reason = "a panic: the chip's own software failed"
        return boots
    except (ImportError, AttributeError):  # a PC
        return Boots(_file, True)


def _file(data=None):
    if data is None:
        with open(_FILE, "rb") as file:
            return file.read(256)
    from kmpeye.system import keep

    keep.write(_FILE, data)
