# The bits of a meter's info code and the flags they mean, as one text: as tuples they would take four times the memory
# of the chip, up to 1.7 KB, and they are looked at once a reading. Imports nothing.
# Promises the pairs it was made of, in their order, as often as they are asked for.


class FlagTable:
    """What a loop gets as (bit, flag). A file of its own: who holds one keeps this module, not that of the profiles."""

    def __init__(self, rows):
        self._text = "".join(["%d %s\n" % row for row in rows])

    def __iter__(self):
        text = self._text
        start = 0
        while start < len(text):
            end = text.find("\n", start)
            bit, _, flag = text[start:end].partition(" ")
            yield int(bit), flag
            start = end + 1
