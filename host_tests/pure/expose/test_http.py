# The parser of request heads: tables of bytes and what they mean, and one invariant under mutation.
# Runs on CPython and MicroPython; imports the server's file, but opens no socket.

from kmpeye.expose.http import Exchange, Refusal

HOST = b"Host: x\r\n"
PUT = b"PUT /a HTTP/1.1\r\n" + HOST
PHONE = (
    b"GET /api/reading HTTP/1.1\r\nHost: 192.168.1.20\r\nConnection: keep-alive\r\n"
    b"User-Agent: Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 "
    b"Mobile Safari/537.36\r\nAccept: */*\r\nSec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: cors\r\n"
    b"Sec-Fetch-Dest: empty\r\nReferer: http://192.168.1.20/\r\nAccept-Encoding: gzip, deflate\r\n"
    b"Accept-Language: en-GB,en;q=0.9,da;q=0.8\r\nCookie: theme=dark; other=1234567890\r\n\r\n"
)

# request, method, path, query, body, why
GOOD = (
    (PHONE, "GET", "/api/reading", "", b"", "what a phone sends"),
    (b"GET / HTTP/1.0\r\n\r\n", "GET", "/", "", b"", "HTTP/1.0 may come without Host"),
    (b"GET / HTTP/1.1\nHost: x\n\n", "GET", "/", "", b"", "a bare LF ends a line"),
    (b"\r\n\r\nGET / HTTP/1.1\r\n" + HOST + b"\r\n", "GET", "/", "", b"", "empty lines before are forgiven"),
    (PUT + b"content-LENGTH:  5 \r\n\r\nhello", "PUT", "/a", "", b"hello", "a name has no case"),
    (PUT + b"Content-Length: 3\r\n\r\nhello", "PUT", "/a", "", b"hel", "what follows the body is left alone"),
    (PUT + b"Content-Length: 1024\r\n\r\n" + b"y" * 1024, "PUT", "/a", "", b"y" * 1024, "the largest body"),
    (
        b"GET /a%20b HTTP/1.1\r\n" + HOST + b"\r\n",
        "GET",
        "/a%20b",
        "",
        b"",
        "no address of ours needs decoding",
    ),
    (b"GET /?a=1+%2B&b HTTP/1.1\r\n" + HOST + b"\r\n", "GET", "/", "a=1+%2B&b", b"", "a query, as sent"),
    (b"GET http://meter.local/x?y HTTP/1.1\r\n" + HOST + b"\r\n", "GET", "/x", "y", b"", "as for a proxy"),
    (
        b"GET /../%2e%2e/x HTTP/1.1\r\n" + HOST + b"\r\n",
        "GET",
        "/../%2e%2e/x",
        "",
        b"",
        "dots have no meaning",
    ),
    (b"GET / HTTP/1.1\r\n" + HOST + b"Cookie: \xff\r\n\r\n", "GET", "/", "", b"", "headers are bytes"),
    (
        b"GET / HTTP/1.1\r\n" + HOST + (b"X: " + b"y" * 900 + b"\r\n") * 4 + b"\r\n",
        "GET",
        "/",
        "",
        b"",
        "long foreign headers",
    ),
    (
        b"GET /" + b"a" * 1008 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
        "GET",
        "/" + "a" * 1008,
        "",
        b"",
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
    (b"PUT / HTTP/1.1\r\n" + HOST + b"Content-Length: -1\r\n\r\n", 400, "a negative length"),
    (b"PUT / HTTP/1.1\r\n" + HOST + b"Content-Length:\r\n\r\n", 400, "an empty length"),
    (b"PUT / HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\n", 400, "two lengths"),
    (b"PUT / HTTP/1.1\r\n" + HOST + b"Content-Length: 9999999999\r\n\r\n", 413, "a length beyond reason"),
    (b"PUT / HTTP/1.1\r\n" + HOST + b"Content-Length: 1025\r\n\r\n", 413, "a body over the buffer"),
    (b"PUT / HTTP/1.1\r\n" + HOST + b"Content-Length: 1_0\r\n\r\n", 400, "what int() would take"),
    (b"PUT / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n", 501, "chunked"),
    (b"GET /" + b"a" * 1009 + b" HTTP/1.1\r\n\r\n", 414, "1025 bytes do not fit"),
    (b"G" * 3000, 414, "no end in sight"),
    (b"GET / HTTP/1.1\r\n" + HOST + b"Accept: " + b"y" * 1100 + b"\r\n\r\n", 431, "longer than the buffer"),
    (b"GET / HTTP/1.1\r\n" + HOST + b"X: y\r\n" * 800, 431, "too many headers"),
    (b"GET / HTTP/1.1\r\n" + HOST + b"X: " + b"y" * 1022 + b"\r\n\r\n", 431, "a foreign header over a line"),
    (b"GET / HTTP/1.1\r\n" + HOST + b"X: " + b"y" * 5000, 431, "one endless header"),
    (b"\r\n" * 3000, 431, "empty lines without end"),
)


def outcome(data, step):
    """Feed data in pieces of step bytes: what the request says, or the status of the refusal, or None."""
    exchange = Exchange(bytearray(1024), None, 0)
    at = 0
    try:
        while at < len(data):
            room = exchange.view[exchange.end :]
            assert len(room) > 0, "a request that is not complete takes more bytes"
            part = data[at : at + min(step, len(room))]
            room[: len(part)] = part
            at += len(part)
            if exchange.feed(len(part)):
                body = bytes(exchange.view[: exchange.size])
                return (exchange.method, exchange.path, exchange.query, body, exchange.headers)
    except Refusal as refusal:
        assert refusal.args[1]
        return refusal.args[0]
    return None


def test_good_requests_are_read():
    for data, method, path, query, body, why in GOOD:
        assert outcome(data, 5000)[:4] == (method, path, query, body), why


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


def test_the_headers_somebody_needs_are_kept_and_repeated_ones_joined():
    data = PHONE[:-2] + b'If-None-Match: \t"a"\r\nIF-NONE-MATCH: "b"\r\n\r\n'
    kept = {"accept": b"*/*", "host": b"192.168.1.20", "if-none-match": b'"a","b"'}
    assert outcome(data, 5000)[4] == kept


def test_any_bytes_give_a_request_a_refusal_or_more_please_however_they_are_split():
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
