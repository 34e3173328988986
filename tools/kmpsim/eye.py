# The eye of a simulated meter: when it is awake, what wakes it, and how often it may be asked. Pure; times are
# milliseconds of the line. Imports nothing of ours. Kinds, as people met them:
#   always     never off
#   magnet     off until a magnet has been felt for 4 s
#   dropout    as magnet, but off again 5 to 10 minutes after waking until the magnet is taken away and put back
#   replies12  as magnet, but mute after 12 replies until the magnet has been away for a minute
#   five12h    as magnet, but mute for 12 hours after 5 replies, whatever the magnet does
#   key        on for 4 minutes after a press of the meter's key; a magnet does nothing

import random

KINDS = ("always", "magnet", "dropout", "replies12", "five12h", "key")

_START_MS = 4_000  # MULTICAL 21 and flowIQ 3100: from magnet to eye on
_KEY_MS = 240_000
_DROPOUT_S = (300, 600)
_MOST_REPLIES = 12
_AWAY_MS = 60_000
_FEW_REPLIES = 5
_SILENCE_MS = 12 * 3_600_000


class Eye:
    """An eye of one kind. No magnet is near and no key was pressed yet."""

    def __init__(self, kind, seed=0):
        if kind not in KINDS:
            raise ValueError("an eye is one of %s, not %r" % (", ".join(KINDS), kind))
        self.kind = kind
        self._dropout = random.Random("dropout %d" % seed)
        self._on_ms = None  # when the magnet was put on; None: it is away
        self._off_ms = None  # when it was taken away
        self._until_ms = None  # when a dropping eye goes off, or when the key's time is over
        self._replies = 0
        self._mute_until_ms = None

    def magnet(self, on, now_ms):
        """A magnet is put on or taken away."""
        if on == (self._on_ms is not None):
            return
        if not on:
            self._on_ms = None
            self._off_ms = now_ms
            return
        if self._off_ms is not None and now_ms - self._off_ms >= _AWAY_MS and self.kind == "replies12":
            self._replies = 0
        self._on_ms = now_ms
        if self.kind == "dropout":
            self._until_ms = now_ms + _START_MS + 1000 * self._dropout.uniform(*_DROPOUT_S)

    def press(self, now_ms):
        """The meter's key is pressed."""
        if self.kind == "key":
            self._until_ms = now_ms + _KEY_MS

    def replied(self, now_ms):
        """The meter answers at this moment."""
        self._replies += 1
        if self.kind == "five12h" and self._replies == _FEW_REPLIES:
            self._replies = 0
            self._mute_until_ms = now_ms + _SILENCE_MS

    def off(self, now_ms):
        """Why the meter does not hear at this moment: "asleep" or "mute"; None when it does."""
        if self.kind == "always":
            return None
        if self.kind == "key":
            return None if self._until_ms is not None and now_ms < self._until_ms else "asleep"
        if self._on_ms is None or now_ms < self._on_ms + _START_MS:
            return "asleep"
        if self.kind == "dropout" and now_ms >= self._until_ms:
            return "asleep"
        if self.kind == "replies12" and self._replies >= _MOST_REPLIES:
            return "mute"
        if self._mute_until_ms is not None and now_ms < self._mute_until_ms:
            return "mute"
        return None
