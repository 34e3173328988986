# BACnet's tagged values: written into one buffer that is lent, read from a request in place (ASHRAE 135 clause 20.2).
# Imports nothing of ours. Promises: nothing is written behind the limit, nothing is read behind the end of a request;
# what cannot be done is a Refused that says which PDU tells the client.

from micropython import const

# Numbers are named in each file that uses them: a name that is imported costs the chip 30 bytes.
_REJECT = const(6)  # types of the PDUs that refuse
_ABORT = const(7)

_NO_SEGMENTATION = const(4)  # reason of an Abort: the reply is too long for one packet
_INVALID_TAG = const(4)  # reasons of a Reject
_MISSING_PARAMETER = const(5)

_UNSIGNED = const(2)  # application tags
_REAL = const(4)
_DOUBLE = const(5)
_TEXT = const(7)
_BITS = const(8)
_ENUMERATED = const(9)
_OBJECT = const(12)


class Refused(Exception):
    """A request cannot be served. args: 5 (Error), class, code; or 6 (Reject) or 7 (Abort), reason."""


class Writer:
    def __init__(self, size):
        self.data = bytearray(size)
        self.view = memoryview(self.data)
        self.pos = 0
        self.limit = size  # the client may take less than the buffer holds

    def raw(self, content):
        """Bytes as they are."""
        end = self.pos + len(content)
        if end > self.limit:
            raise Refused(_ABORT, _NO_SEGMENTATION)
        self.view[self.pos : end] = content
        self.pos = end

    def byte(self, value):
        if self.pos >= self.limit:
            raise Refused(_ABORT, _NO_SEGMENTATION)
        self.data[self.pos] = value
        self.pos += 1

    def primitive(self, application, context, content):
        """A value of less than 64 KiB with its tag; context: number of the tag, or None for the application's."""
        size = len(content)
        self.byte((application << 4 if context is None else context << 4 | 8) | min(size, 5))
        if size > 253:
            self.byte(254)
            self.byte(size >> 8)
            self.byte(size & 255)
        elif size > 4:
            self.byte(size)
        self.raw(content)

    def unsigned(self, value, context=None, application=_UNSIGNED):
        size = 1
        while value >> 8 * size:
            size += 1
        self.primitive(application, context, value.to_bytes(size, "big"))

    def enumerated(self, value, context=None):
        self.unsigned(value, context, _ENUMERATED)

    def boolean(self, value):
        self.byte(0x11 if value else 0x10)

    def real(self, pattern):
        """The 32 bits of a binary32 (readings.ieee)."""
        self.primitive(_REAL, None, pattern.to_bytes(4, "big"))

    def double(self, pattern):
        self.primitive(_DOUBLE, None, pattern.to_bytes(8, "big"))

    def text(self, value):
        self.primitive(_TEXT, None, b"\0" + value.encode())

    def bits(self, unused, content):
        self.primitive(_BITS, None, bytes((unused,)) + content)

    def object(self, type, instance, context=None):
        self.primitive(_OBJECT, context, (type << 22 | instance).to_bytes(4, "big"))

    def opening(self, number):
        self.byte(number << 4 | 0xE)

    def closing(self, number):
        self.byte(number << 4 | 0xF)


class Request:
    """The parameters of a service, one after the other: data from pos to end."""

    def __init__(self, data, pos, end):
        self.data = data
        self.pos = pos
        self.end = end

    def more(self):
        return self.pos < self.end

    def at(self, octet):
        """Does the next tag begin with this octet? An opening or closing tag, or a context tag's number << 4 | 8
        whatever its length."""
        if self.pos >= self.end:
            return False
        found = self.data[self.pos]
        if octet & 7:  # opening 6, closing 7
            return found == octet
        return found & 0xF8 == octet and found & 7 <= 5

    def take(self, octet):
        """at(), and step over an opening or closing tag."""
        if self.at(octet):
            self.pos += 1
            return True
        return False

    def need(self, octet):
        if not self.take(octet):
            raise Refused(_REJECT, _INVALID_TAG if self.more() else _MISSING_PARAMETER)

    def content(self, number):
        """(start, end) of the content of the primitive with this context tag, which must come next."""
        if not self.at(number << 4 | 8):
            raise Refused(_REJECT, _INVALID_TAG if self.more() else _MISSING_PARAMETER)
        size = self.data[self.pos] & 7
        start = self.pos + 1
        if size == 5:  # the length follows; nothing a client sends us is longer than 253
            size = self.data[start] if start < self.end else 255
            start += 1
            if size > 253:
                raise Refused(_REJECT, _INVALID_TAG)
        if start + size > self.end:
            raise Refused(_REJECT, _INVALID_TAG)
        self.pos = start + size
        return start, start + size

    def unsigned(self, number):
        """An unsigned, enumerated or boolean of at most four bytes."""
        start, end = self.content(number)
        if not 0 < end - start <= 4:
            raise Refused(_REJECT, _INVALID_TAG)
        return int.from_bytes(self.data[start:end], "big")

    def object(self, number):
        """(type, instance)"""
        start, end = self.content(number)
        if end - start != 4:
            raise Refused(_REJECT, _INVALID_TAG)
        identifier = int.from_bytes(self.data[start:end], "big")
        return identifier >> 22, identifier & 0x3FFFFF
