# The parser of request heads: tables of bytes and what they mean, and one invariant under mutation.
# Runs on CPython and MicroPython; imports the parser only.

from kmpeye.expose.http_parse import Head, Refusal, unquote

HOST = b"Host: x\r\n"
PHONE = (
    b"GET /api/reading HTTP/1.1\r\nHost: 192.168.1.20\r\nConnection: keep-alive\r\n"
    b"User-Agent: Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 "
    b"Mobile Safari/537.36\r\nAccept: */*\r\nSec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: cors\r\n"
    b"Sec-Fetch-Dest: empty\r\nReferer: http://192.168.1.20/\r\nAccept-Encoding: gzip, deflate\r\n"
    b"Accept-Language: en-GB,en;q=0.9,da;q=0.8\r\nCookie: theme=dark; other=1234567890\r\n\r\n"
)

# request, method, path, query, body size, why
GOOD = (
    (PHONE, "GET", "/api/reading", {}, 0, "what a phone sends"),
    (b"GET / HTTP/1.0\r\n\r\n", "GET", "/", {}, 0, "HTTP/1.0 may come without Host"),
    (b"GET / HTTP/1.1\nHost: x\n\n", "GET", "/", {}, 0, "a bare LF ends a line"),
    (b"\r\n\r\nGET / HTTP/1.1\r\n" + HOST + b"\r\n", "GET", "/", {}, 0, "empty lines before are forgiven"),
    (
        b"PUT /a HTTP/1.1\r\n" + HOST + b"content-LENGTH:  12 \r\n\r\n",
        "PUT",
        "/a",
        {},
        12,
        "names have no case",
    ),
    (b"GET /a%20%C3%A6+b HTTP/1.1\r\n" + HOST + b"\r\n", "GET", "/a æ+b", {}, 0, "decoded; + is + in a path"),
    (b"GET /?a=1+%2B&b&a=%3d HTTP/1.1\r\n" + HOST + b"\r\n", "GET", "/", {"a": "=", "b": ""}, 0, "a query"),
    (
        b"GET http://meter.local/x?y HTTP/1.1\r\n" + HOST + b"\r\n",
        "GET",
        "/x",
        {"y": ""},
        0,
        "as for a proxy",
    ),
    (b"GET /../%2e%2e/x HTTP/1.1\r\n" + HOST + b"\r\n", "GET", "/../../x", {}, 0, "dots have no meaning"),
    (
        b"GET / HTTP/1.1\r\n" + HOST + (b"X: " + b"y" * 900 + b"\r\n") * 4 + b"\r\n",
        "GET",
        "/",
        {},
        0,
        "long foreign headers",
    ),
    (
        b"GET /" + b"a" * 1008 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
        "GET",
        "/" + "a" * 1008,
        {},
        0,
        "1024 bytes fit",
    ),
)

# request, status, why
BAD = (
    (b"GET\r\n\r\n", 400, "no address"),
    (b"GET /\r\n\r\n", 400, "HTTP/0.9"),
    (b" GET / HTTP/1.1\r\n\r\n", 400, "begins with a space"),
    (b"GET  / HTTP/1.1\r\n\r\n", 400, "two spaces"),
    (b"GET / HTTP/1.1 \r\n\r\n", 400, "a space behind"),
    (b"GET /\xe6 HTTP/1.1\r\n\r\n", 400, "raw UTF-8"),
    (b"GET /\x01 HTTP/1.1\r\n\r\n", 400, "a control character"),
    (b"GET x HTTP/1.1\r\n\r\n", 400, "not from the root"),
    (b"CONNECT a:80 HTTP/1.1\r\n\r\n", 400, "a tunnel"),
    (b"GET http://nowhere HTTP/1.1\r\n\r\n", 400, "a whole address without a path"),
    (b"GET /%2 HTTP/1.1\r\n" + HOST + b"\r\n", 400, "half a percent"),
    (b"GET /%+1 HTTP/1.1\r\n" + HOST + b"\r\n", 400, "what int() would take"),
    (b"GET /%FF HTTP/1.1\r\n" + HOST + b"\r\n", 400, "not UTF-8"),
    (b"GET / HTTP/2.0\r\n\r\n", 505, "HTTP/2 in words"),
    (b"GET / HTTP/0.9\r\n\r\n", 505, "older than the headers"),
    (b"GET / ICY/1.1\r\n\r\n", 400, "another protocol"),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n\n", 400, "TLS at a plain port"),
    (b"GET / HTTP/1.1\r\n\r\n", 400, "no Host"),
    (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400, "two Hosts"),
    (b"GET / HTTP/1.1\r\n" + HOST + b"nonsense\r\n\r\n", 400, "a header without a colon"),
    (b"GET / HTTP/1.1\r\n" + HOST + b": x\r\n\r\n", 400, "a header without a name"),
    (b"GET / HTTP/1.1\r\nHost : x\r\n\r\n", 400, "a space before the colon"),
    (b"GET / HTTP/1.1\r\n" + HOST + b" folded\r\n\r\n", 400, "a folded header"),
    (b"GET / HTTP/1.1\r\n" + HOST + b"X: a\0b\r\n\r\n", 400, "a NUL"),
    (b"GET / HTTP/1.1\r\n" + HOST + b"X: a\rb: c\r\n\r\n", 400, "a bare CR"),
    (b"GET / HTTP/1.1\r\nHost: \xff\r\n\r\n", 400, "a kept header that is not UTF-8"),
    (b"PUT / HTTP/1.1\r\n" + HOST + b"Content-Length: -1\r\n\r\n", 400, "a negative length"),
    (b"PUT / HTTP/1.1\r\n" + HOST + b"Content-Length:\r\n\r\n", 400, "an empty length"),
    (b"PUT / HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\n", 400, "two lengths"),
    (b"PUT / HTTP/1.1\r\n" + HOST + b"Content-Length: 9999999999\r\n\r\n", 413, "a length beyond reason"),
    (b"PUT / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n", 501, "chunked"),
    (b"GET /" + b"a" * 1009 + b" HTTP/1.1\r\n\r\n", 414, "1025 bytes do not fit"),
    (b"G" * 3000, 414, "no end in sight"),
    (b"GET / HTTP/1.1\r\n" + HOST + b"Accept: " + b"y" * 513 + b"\r\n\r\n", 431, "a kept header too long"),
    (b"GET / HTTP/1.1\r\n" + HOST + b"Accept: " + b"y" * 1100 + b"\r\n\r\n", 431, "longer than the buffer"),
    (b"GET / HTTP/1.1\r\n" + HOST + b"X: y\r\n" * 800, 431, "too many headers"),
    (b"GET / HTTP/1.1\r\n" + HOST + b"X: " + b"y" * 1022 + b"\r\n\r\n", 431, "a foreign header over a line"),
    (b"GET / HTTP/1.1\r\n" + HOST + b"X: " + b"y" * 5000, 431, "one endless header"),
    (b"\r\n" * 3000, 431, "empty lines without end"),
)

UNQUOTED = ((b"abc", "abc"), (b"%41%7a", "Az"), (b"%e2%82%ac", "€"), (b"", ""))

GZIP = (
    (None, False),
    ("gzip", True),
    ("deflate, gzip;q=0.5, br", True),
    ("gzip;q=0", False),
    ("gzip; q=0.000, br", False),
    ("gzip;q=1.0", True),
    ("br", False),
)


def outcome(data, step):
    """Feed data in pieces of step bytes: what the head says, or the status of the refusal, or None."""
    head = Head()
    at = 0
    try:
        while at < len(data):
            room = head.room()
            assert len(room) > 0, "a head that is not complete takes more bytes"
            part = data[at : at + min(step, len(room))]
            room[: len(part)] = part
            at += len(part)
            if head.feed(len(part)):
                kept = [head.header(name) for name in ("host", "accept", "accept-encoding", "if-none-match")]
                rest = bytes(head.rest()) + data[at:]
                return (head.method, head.path, head.query, head.body_size, kept, rest)
    except Refusal as refusal:
        assert refusal.text
        return refusal.status
    return None


def test_good_requests_are_read():
    for data, method, path, query, size, why in GOOD:
        assert outcome(data, 5000)[:4] == (method, path, query, size), why


def test_bad_requests_are_refused_with_their_status():
    for data, status, why in BAD:
        assert outcome(data, 5000) == status, why


def test_any_split_gives_the_same():
    for row in GOOD + BAD:
        whole = outcome(row[0], 5000)
        for step in (1, 7, 100):
            assert outcome(row[0], step) == whole, row[-1]


def test_every_beginning_of_a_request_waits_for_more():
    for size in range(len(PHONE)):
        assert outcome(PHONE[:size], 5000) is None, size


def test_what_comes_behind_the_head_is_left_for_the_body():
    assert outcome(PHONE + b"GET / HTTP", 5000)[5] == b"GET / HTTP"


def test_kept_headers_are_found_and_repeated_ones_joined():
    data = PHONE[:-2] + b'If-None-Match: \t"a"\r\nIF-NONE-MATCH: "b"\r\n\r\n'
    assert outcome(data, 5000)[4] == ["192.168.1.20", "*/*", "gzip, deflate", '"a","b"']


def test_a_head_is_used_again_without_traces():
    head = Head()
    for data, path in ((PHONE, "/api/reading"), (b"GET /b HTTP/1.0\r\n\r\n", "/b")):
        head.clear()
        head.room()[: len(data)] = data
        assert head.feed(len(data))
        assert head.path == path
    assert head.header("host") == "" and head.header("accept") is None


def test_asking_for_a_header_that_is_never_kept_is_the_callers_error():
    try:
        Head().header("user-agent")
    except ValueError:
        return
    raise AssertionError("header() must not answer for a header it does not keep")


def test_unquote():
    for raw, text in UNQUOTED:
        assert unquote(raw) == text


def test_gzip_is_sent_to_those_who_take_it():
    for value, accepted in GZIP:
        head = Head()
        data = (
            b"GET / HTTP/1.0\r\n"
            + (b"Accept-Encoding: " + value.encode() + b"\r\n" if value else b"")
            + b"\r\n"
        )
        head.room()[: len(data)] = data
        assert head.feed(len(data)) and head.accepts_gzip() == accepted, value


def test_any_bytes_give_a_head_a_refusal_or_more_please_however_they_are_split():
    # A linear congruential generator: the same sequence on every interpreter.
    state = 1
    for _ in range(400):
        data = bytearray(PHONE)
        for _ in range(3):
            state = (state * 1103 + 12345) & 0xFFFF
            place = state % len(data)
            state = (state * 1103 + 12345) & 0xFFFF
            data[place] = b"\r\n\0 :%/?\xff\t9aG"[state % 13]
        data = bytes(data)
        assert outcome(data, 5000) == outcome(data, 1 + state % 50), data
