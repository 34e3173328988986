# The head of an HTTP/1.1 request, taken out of a stream of bytes: for http_message.py.
# Pure: no I/O, no clock; imports binascii and const. One fixed buffer holds one line at a time.
# Promise: any bytes give a whole head, "more, please" or one Refusal, the same whether they come at
# once or one by one; what is not needed later passes through without being kept.

from binascii import unhexlify

from micropython import const

_LINE_MAX = const(1024)  # a line with its CRLF; our longest address has 60 bytes. Also the buffer
_HEAD_MAX = const(4096)  # all lines together: a browser sends 600-900 bytes, more with cookies of other sites
_VALUE_MAX = const(512)  # one kept header; the longest is a Digest Authorization of about 400 bytes
_SIZE_DIGITS_MAX = const(9)  # of Content-Length: stays a small int on 32 bits, and no body here is that long

_HOST = const(0)  # places in _KEPT
_CONTENT_LENGTH = const(1)
_TRANSFER_ENCODING = const(2)
_KEPT = (
    b"host",
    b"content-length",
    b"transfer-encoding",
    b"authorization",
    b"accept",
    b"accept-encoding",
    b"content-type",
    b"if-none-match",
    b"last-event-id",
    b"origin",
)


class Refusal(Exception):
    """The request cannot be served: status, one sentence for a person, extra header lines."""

    def __init__(self, status, text, headers=()):
        super().__init__(status, text)
        self.status = status
        self.text = text
        self.headers = headers


def unquote(raw):
    """bytes of an address → str; Refusal(400) where a percent sign or the UTF-8 is wrong."""
    out = bytearray()
    at = 0
    try:
        while at < len(raw):
            byte = raw[at]
            if byte == 0x25:
                byte = unhexlify(raw[at + 1 : at + 3] or b"?")[0]
                at += 2
            out.append(byte)
            at += 1
        return str(out, "utf-8")
    except ValueError:  # UnicodeError is one too
        raise Refusal(400, "the address needs two hexadecimal digits after %, and UTF-8")


class Head:
    """Method, path, query and the kept headers of one request; reused for the next after clear()."""

    def __init__(self):
        self.buffer = bytearray(_LINE_MAX)
        self.view = memoryview(self.buffer)
        self.clear()

    def clear(self):
        self.method = None
        self.path = None
        self.body_size = 0
        self.complete = False
        self._query = b""
        self._values = {}  # place in _KEPT → str
        self._start = 0  # first byte not yet taken
        self._end = 0  # behind the last byte received
        self._seen = 0  # bytes of the head taken so far

    @property
    def query(self):
        """Parameters behind "?" as a dict of str, parsed when asked for; the last of one name counts."""
        parameters = {}
        for pair in self._query.replace(b"+", b" ").split(b"&"):
            if pair:
                name, _, value = pair.partition(b"=")
                parameters[unquote(name)] = unquote(value)
        return parameters

    def header(self, name):
        """Value of a kept header or None; ValueError for a name (lower case) that is not in _KEPT."""
        return self._values.get(_KEPT.index(name.encode()))

    def accepts_gzip(self):
        """May the reply be gzipped? "gzip;q=0" says no, any other weight yes (RFC 9110 §12.5.3)."""
        _, found, weight = (self.header("accept-encoding") or "").replace(" ", "").partition("gzip")
        return bool(found) and not (weight[:4] == ";q=0" and not weight[4:].partition(",")[0].strip(".0"))

    def room(self):
        """Where the next bytes go: never empty before the head is complete."""
        return self.view[self._end :]

    def rest(self):
        """What came behind the head: the beginning of the body."""
        return self.view[self._start : self._end]

    def feed(self, count):
        """`count` bytes were put into room(). True when the head is complete; Refusal when it is bad."""
        self._end += count
        buffer = self.buffer
        while not self.complete:
            start = self._start
            newline = buffer.find(b"\n", start, self._end)
            if newline < 0:
                return self._make_room()
            self._start = newline + 1
            self._seen += newline + 1 - start
            if self._seen > _HEAD_MAX:
                raise Refusal(431, "the headers are longer than 4096 bytes together")
            stop = newline - (newline > start and buffer[newline - 1] == 0x0D)
            if buffer.find(b"\r", start, stop) >= 0 or buffer.find(b"\0", start, stop) >= 0:
                raise Refusal(400, "a line of the request holds a control character")
            if stop == start:
                if self.method:  # empty lines before the first one are forgiven (RFC 9112 §2.2)
                    self._end_of_head()
            elif self.method:
                self._header_line(start, stop)
            else:
                self._request_line(start, stop)
        return True

    def _make_room(self):
        start = self._start
        held = self._end - start
        if held == _LINE_MAX:
            raise Refusal(431 if self.method else 414, "a line of the request is longer than 1024 bytes")
        if start:
            self.view[:held] = self.view[start : self._end]
            self._start = 0
            self._end = held
        return False

    def _request_line(self, start, stop):
        buffer = self.buffer
        view = self.view
        for at in range(start, stop):
            if not 0x20 <= buffer[at] <= 0x7E:
                raise Refusal(400, "the request line must be ASCII; percent-encode what is not")
        first = buffer.find(b" ", start, stop)
        path = first + 1
        second = buffer.find(b" ", path, stop)
        version = bytes(view[second + 1 : stop])
        if first <= start or second <= path or len(version) != 8 or version[:5] != b"HTTP/":
            raise Refusal(400, "the request line must read: METHOD /address HTTP/1.1")
        if version == b"HTTP/1.0":
            self._values[_HOST] = ""  # may come without
        elif version != b"HTTP/1.1":
            raise Refusal(505, "this server speaks HTTP/1.1")
        if buffer.find(b"http://", path, path + 7) == path:  # the whole address, as for a proxy
            path = buffer.find(b"/", path + 7, second)
        if path < 0 or buffer[path] != 0x2F:
            raise Refusal(400, "the address must begin with /")
        mark = buffer.find(b"?", path, second)
        if mark >= 0:
            self._query = bytes(view[mark + 1 : second])
            second = mark
        self.path = unquote(bytes(view[path:second]))
        self.method = str(view[start:first], "utf-8")

    def _header_line(self, start, stop):
        buffer = self.buffer
        colon = buffer.find(b":", start, stop)
        if colon <= start or buffer.find(b" ", start, colon) >= 0 or buffer.find(b"\t", start, colon) >= 0:
            raise Refusal(400, "a header must read: Name: value, on one line")
        # Compared in place: a browser sends a dozen headers and we keep three; the others cost no memory.
        size = colon - start
        for place in range(len(_KEPT)):
            name = _KEPT[place]
            if len(name) == size:
                at = 0
                while at < size and buffer[start + at] | 0x20 == name[at]:
                    at += 1
                if at == size:
                    return self._keep(place, self.view[colon + 1 : stop])

    def _keep(self, place, raw):
        try:
            value = str(raw, "utf-8").strip(" \t")
        except ValueError:
            raise Refusal(400, "a header is not UTF-8")
        before = self._values.get(place)
        if before:
            value = before + "," + value  # as RFC 9110 §5.3 has it; what must be single fails in the end
        if len(value) > _VALUE_MAX:
            raise Refusal(431, "a header is longer than 512 bytes")
        self._values[place] = value

    def _end_of_head(self):
        get = self._values.get
        if get(_TRANSFER_ENCODING) is not None:
            raise Refusal(501, "send Content-Length instead of Transfer-Encoding")
        if "," in get(_HOST, ","):
            raise Refusal(400, "HTTP/1.1 asks for one Host header")
        size = get(_CONTENT_LENGTH, "0")
        if not size or size.strip("0123456789"):
            raise Refusal(400, "Content-Length must be a decimal number")
        if len(size) > _SIZE_DIGITS_MAX:
            raise Refusal(413, "the body is too large")
        self.body_size = int(size)
        self.complete = True
