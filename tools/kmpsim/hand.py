# The hand that holds the magnet to a simulated meter or presses its key, played by a file: its content is 1 while
# the magnet is there or the key is down, and 0 otherwise; whoever writes it is the waking hardware.
# Imports nothing of ours; the meter and the time come in. Without a file the hand came once and stayed.


class Hand:
    """path: the file, or None. OSError or ValueError when there is a file that cannot be used."""

    def __init__(self, path=None):
        self._path = path
        self._near = None  # what the meter was told last
        if path is not None and self._look() is None:
            raise ValueError("%s does not hold 0 or 1" % path)

    def polled(self):
        """True when the file has to be looked at again and again."""
        return self._path is not None

    def move(self, meter, now_ms):
        """Do to the meter what the file says now; while it is being written, nothing."""
        try:
            near = self._look()
        except OSError:
            near = None
        if near is None or near == self._near:
            return
        self._near = near
        meter.magnet(near, now_ms)
        if near:
            meter.press(now_ms)

    def _look(self):
        """True, False, or None for anything that is neither 1 nor 0."""
        if self._path is None:
            return True
        with open(self._path, "rb") as file:
            return {b"1": True, b"0": False}.get(file.read(16).strip())
