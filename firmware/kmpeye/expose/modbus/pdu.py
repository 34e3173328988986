# Modbus TCP without a socket: takes requests out of a stream of bytes, and answers one from the image.
# Imports nothing but identity, and that when somebody asks who we are. Promises: any bytes, whole or one by one, give
# requests or the verdict that this is no Modbus; every request gets one answer; a read allocates nothing.

from micropython import const

_HEADER = const(7)  # transaction, protocol and length, two bytes each; unit
# Of a request: all of a read and of an identification; of others only the function is looked at.
_KEPT = const(12)
_SHORTEST = const(2)  # what the length may be: unit and function
_LONGEST = const(254)  # a unit and the 253 bytes of the longest PDU
REPLY_MAX = const(260)  # bytes that answer() may need
_MOST_REGISTERS = const(125)  # in one read

_READ_HOLDING = const(3)
_READ_INPUT = const(4)
_ENCAPSULATED = const(0x2B)
_IDENTIFICATION = const(0x0E)

_ILLEGAL_FUNCTION = const(1)
_ILLEGAL_ADDRESS = const(2)
_ILLEGAL_VALUE = const(3)


class Requests:
    """One for each connection. Feed it and look at `size` after each call; 0: no request is complete."""

    def __init__(self):
        self.buffer = bytearray(_KEPT)
        self.size = 0  # bytes of the request that is complete, or -1: what came is no Modbus TCP
        self._got = 0

    def feed(self, data, pos, end):
        """Take data[pos:end] up to the end of a request; the position after it."""
        buffer = self.buffer
        got = self._got
        self.size = 0
        while pos < end and not self.size:
            if got < _KEPT:
                buffer[got] = data[pos]
            pos += 1
            got += 1
            if got >= _HEADER:
                length = buffer[4] << 8 | buffer[5]
                if buffer[2] or buffer[3] or not _SHORTEST <= length <= _LONGEST:
                    self.size = -1
                elif got == _HEADER - 1 + length:
                    self.size = got
                    got = 0
        self._got = got
        return pos


def answer(request, size, image, reply):
    """Put the answer to a request of size bytes into reply (REPLY_MAX bytes); its length."""
    end = _HEADER + 2
    error = _ILLEGAL_FUNCTION
    function = request[_HEADER]
    if function == _READ_HOLDING or function == _READ_INPUT:
        address = request[8] << 8 | request[9]
        count = request[10] << 8 | request[11]
        if size != _KEPT or not 1 <= count <= _MOST_REGISTERS:
            error = _ILLEGAL_VALUE
        elif not image.copy(address, count, reply, end):
            error = _ILLEGAL_ADDRESS
        else:
            error = 0
            reply[8] = 2 * count
            end += 2 * count
    elif function == _ENCAPSULATED and size > 8 and request[8] == _IDENTIFICATION:
        from kmpeye.expose.modbus.identity import identify

        # The answer repeats type and code of the request.
        error = _ILLEGAL_VALUE if size != _HEADER + 4 else 0
        if not error:
            end = identify(image.app, request[9], request[10], reply)
            image.app.forget("expose.modbus.identity")
            if end < 0:
                error = -end
    if error:
        function |= 0x80
        reply[8] = error
        end = _HEADER + 2
    i = 0
    while i < _HEADER:
        reply[i] = request[i]
        i += 1
    reply[4] = 0
    reply[5] = end - _HEADER + 1
    reply[_HEADER] = function
    return end
