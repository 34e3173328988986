"""The HTTP server on real sockets: MicroPython in 64 bits from source, in 32 bits compiled as on the chip, CPython.

Uses http_app.py and http_client.py. Tables of requests and statuses; what a bad client does, and that the next good
request is answered; and that 200 requests leave the heap as it was.
"""

import json
import socket
import struct
import sys

import pytest

from host import http_client

FIRMWARE = http_client.ROOT / "firmware"
WWW = FIRMWARE / "www"
REQUEST_S, REPLY_S = 1, 2  # short deadlines, so that the tests of them are short
CHIP_HEAP = "112K"  # a classic ESP32 whose heap has grown once, see test_three_interpreters.py
HOST = b"Host: localhost\r\n"

# request, status, why; what only the parser decides is in host_tests/pure/expose/test_http.py
STATUSES = (
    (b"GET / HTTP/1.1\r\n" + HOST + b"\r\n", 200, "the page"),
    (b"GET /api/reading HTTP/1.0\r\n\r\n", 200, "an old client"),
    (b"GET /api/status?x=1 HTTP/1.1\r\n" + HOST + b"\r\n", 200, "a query nobody asked for"),
    (b"GET / HTTP/1.1\r\n\r\n", 400, "no Host"),
    (b"nonsense\r\n\r\n", 400, "not HTTP"),
    (b"\x16\x03\x01\x02\x00\n\n", 400, "TLS at a plain port"),
    (b"GET /nothing HTTP/1.1\r\n" + HOST + b"\r\n", 404, "nothing there"),
    (b"GET /../firmware/main.py HTTP/1.1\r\n" + HOST + b"\r\n", 404, "out of the page's folder"),
    (b"GET /%2e%2e/app.js HTTP/1.1\r\n" + HOST + b"\r\n", 404, "the same, encoded"),
    (b"GET /app.js/ HTTP/1.1\r\n" + HOST + b"\r\n", 404, "no such folder"),
    (b"DELETE / HTTP/1.1\r\n" + HOST + b"\r\n", 405, "the page stays"),
    (b"get / HTTP/1.1\r\n" + HOST + b"\r\n", 405, "methods have a case"),
    (b"GET /debug/echo HTTP/1.1\r\n" + HOST + b"\r\n", 405, "only to be posted to"),
    (
        b"POST /debug/echo HTTP/1.1\r\n" + HOST + b"Content-Length: 1025\r\n\r\n",
        413,
        "a body over the buffer",
    ),
    (b"GET /" + b"a" * 1100 + b" HTTP/1.1\r\n\r\n", 414, "a long address"),
    (b"GET / HTTP/1.1\r\n" + HOST + b"X: y\r\n" * 900 + b"\r\n", 431, "many headers"),
    (b"POST /debug/echo HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n", 501, "chunked"),
    (b"GET / HTTP/2.0\r\n\r\n", 505, "another version"),
    (b"GET /debug/crash HTTP/1.1\r\n" + HOST + b"\r\n", 500, "a handler that fails"),
    (b"GET /debug/starve HTTP/1.1\r\n" + HOST + b"\r\n", 503, "a handler without memory"),
    (b"GET / HTTP/1.1\r\n", 408, "a head that stops"),
    (b"", 408, "a client that says nothing"),
    (b"POST /debug/echo HTTP/1.1\r\n" + HOST + b"Content-Length: 9\r\n\r\nhalf", 408, "a body that stops"),
    (
        b"GET / HTTP/1.1\r\n" + HOST + b"\r\nGET / HTTP/1.1\r\n\0\xff" * 50,
        200,
        "pipelined garbage is left alone",
    ),
)


@pytest.fixture(scope="module", params=("micropython64", "micropython32", "cpython"))
def site(request):
    if request.param == "cpython":
        command, firmware = [sys.executable], FIRMWARE
    elif request.param == "micropython64":
        command, firmware = [request.getfixturevalue("micropython64")], FIRMWARE
    else:
        command = [request.getfixturevalue("micropython32"), "-X", "heapsize=" + CHIP_HEAP]
        firmware = request.getfixturevalue("flash")
    with http_client.running(command, firmware, WWW, (REQUEST_S, REPLY_S)) as site:
        yield site


@pytest.mark.parametrize("request_bytes, status, why", STATUSES, ids=[row[2] for row in STATUSES])
def test_status(site, request_bytes, status, why):
    got, headers, body = http_client.split(site.exchange(request_bytes))
    assert got == status
    assert headers["connection"] == "close"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "default-src 'self'" in headers["content-security-policy"]
    assert "access-control-allow-origin" not in headers
    if status >= 400:
        assert headers["cache-control"] == "no-store"
        told = json.loads(body)
        assert told["error"] and told["code"] == "http_%d" % status
        assert int(headers["content-length"]) == len(body)


def test_the_reading_has_the_meters_own_digits(site):
    status, headers, body = site.get("/api/reading")
    assert (status, headers["content-type"], headers["cache-control"]) == (
        200,
        "application/json",
        "no-store",
    )
    assert b'"value":314.100,' in body
    assert json.loads(body)["meter"]["serial"] == "12345678"


@pytest.mark.parametrize("path", ["/", "/app.js", "/api/reading", "/api/status", "/nothing"])
def test_head_is_get_without_a_body(site, path):
    status, headers, body = site.get(path)
    assert site.get(path, "HEAD") == (status, headers, b"")
    assert body


def test_405_names_what_is_allowed(site):
    assert site.get("/", "POST")[1]["allow"] == "GET, HEAD"
    assert site.get("/debug/echo", "GET")[1]["allow"] == "POST, PUT"


def test_a_request_may_come_byte_by_byte(site):
    request = b"POST /debug/echo HTTP/1.0\r\nContent-Length: 5\r\nContent-Type: text/plain\r\n\r\nhello"
    status, headers, body = http_client.split(
        site.exchange([request[at : at + 1] for at in range(len(request))])
    )
    assert (status, headers["content-type"], body) == (200, "text/plain", b"hello")


def test_a_body_is_returned_whole(site):
    body = bytes(range(256)) * 4
    assert site.get("/debug/echo", "PUT", body=body)[2] == body


def test_small_pieces_leave_together(site):
    with site.connect() as client:
        client.sendall(b"GET /debug/drip HTTP/1.0\r\n\r\n")
        pieces = []
        while piece := client.recv(65536):
            pieces.append(piece)
    assert b"".join(pieces).partition(b"\r\n\r\n")[2] == b"0123456789" * 300
    assert len(pieces) <= 8  # 3.4 KB in buffers of 1 KiB, and room for a network that splits them


def test_events_stay_open_longer_than_a_reply_may_take(site):
    status, headers, body = site.get("/debug/events?pause=%d" % REPLY_S)
    assert (status, headers["content-type"]) == (200, "text/event-stream")
    assert body == b"data: 0\n\ndata: 1\n\ndata: 2\n\n"


def test_a_file_is_sent_as_it_is_stored(site):
    for path, name in (("/", "index.html"), ("/app.js", "app.js"), ("/style.css", "style.css")):
        status, headers, body = site.get(path)
        assert (status, headers["cache-control"], "content-encoding" in headers) == (200, "no-cache", False)
        assert body == (WWW / name).read_bytes()


def test_a_handler_that_fails_does_not_end_the_server(site):
    assert site.get("/debug/crash")[0] == 500
    assert site.get("/debug/crash-late")[0] == 200  # the head had been sent; the connection ends
    assert site.debug()["open"] == 1


def test_a_fourth_connection_is_told_to_come_back(site):
    holders = [site.connect() for _ in range(3)]
    try:
        for holder in holders:
            holder.sendall(b"GET /debug/events?pause=4 HTTP/1.1\r\n" + HOST + b"\r\n")
        status, headers, body = site.get("/api/status")
        assert (status, headers["retry-after"], headers["content-type"]) == (503, "2", "application/json")
        assert json.loads(body)["error"] and headers["x-content-type-options"] == "nosniff"
    finally:
        for holder in holders:
            holder.close()
    assert site.get("/api/status")[0] == 200


def test_silent_connections_as_browsers_keep_them_turn_nobody_away(site):
    spare = [site.connect() for _ in range(3)]
    try:
        assert site.get("/api/status")[0] == 200
    finally:
        for one in spare:
            one.close()


def test_a_crowd_is_served_in_turn(site):
    clients = [site.connect() for _ in range(6)]
    try:
        for client in clients:
            client.sendall(b"GET /api/reading HTTP/1.0\r\n\r\n")
        assert [http_client.split(http_client.receive_all(client))[0] for client in clients] == [200] * 6
    finally:
        for client in clients:
            client.close()


def test_a_hundred_connections_that_say_nothing_and_go_leave_nothing_behind(site):
    clients = [socket.socket() for _ in range(100)]
    for client in clients:
        client.setblocking(False)  # the system lets a few in and asks the others to come again
        client.connect_ex(("127.0.0.1", site.port))
    for client in clients:
        client.close()
    site.alone()
    assert site.get("/api/status")[0] == 200


def test_a_megabyte_of_headers_is_cut_off_and_leaves_nothing_behind(site):
    with site.connect() as client:
        try:
            client.sendall(b"GET / HTTP/1.1\r\nX: " + b"y" * 1_000_000)
            assert http_client.split(http_client.receive_all(client))[0] == 431
        except ConnectionError:
            pass  # the answer came before all had been sent, and the connection ended
    site.alone()
    assert site.get("/api/status")[0] == 200


def test_a_slow_loris_is_cut_off_although_it_keeps_sending(site):
    with site.connect() as client:
        client.sendall(b"GET / HTTP/1.1\r\n")
        client.settimeout(0.2)
        reply = b""
        for _ in range(10 * (REQUEST_S + 2)):
            try:
                client.sendall(b"X: y\r\n")
                reply = client.recv(65536)
                break
            except TimeoutError:
                pass
        assert http_client.split(reply)[0] == 408


def vanish(client):
    # A reset instead of an orderly end.
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


@pytest.mark.parametrize("read", [0, 1000, 100_000])
def test_a_client_that_vanishes_in_mid_reply_leaves_nothing_behind(site, read):
    client = site.connect()
    client.sendall(b"GET /debug/endless HTTP/1.0\r\n\r\n")
    while read > 0:
        read -= len(client.recv(read))
    vanish(client)
    site.alone()
    assert site.get("/api/status")[0] == 200


def test_a_client_that_stops_reading_is_cut_off(site):
    with site.connect() as client:
        client.sendall(b"GET /debug/endless HTTP/1.0\r\n\r\n")
        assert site.debug()["open"] == 2
        site.alone()


def test_a_client_that_vanishes_before_it_asks_leaves_nothing_behind(site):
    for beginning in (
        b"",
        b"GET / HT",
        b"POST /debug/echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nx",
    ):
        client = site.connect()
        client.sendall(beginning)
        vanish(client)
    site.alone()


def test_what_the_chip_stores_is_sent_gzipped_and_once(micropython32, flash):
    with http_client.running([micropython32, "-X", "heapsize=" + CHIP_HEAP], flash, flash / "www") as site:
        for path, name in (("/", "index.html"), ("/app.js", "app.js"), ("/texts.json", "texts.json")):
            status, headers, body = site.get(path, headers="Accept-Encoding: gzip, deflate\r\n")
            assert (status, headers["content-encoding"], len(body)) == (
                200,
                "gzip",
                int(headers["content-length"]),
            )
            assert body == (flash / "www" / (name + ".gz")).read_bytes()
            tag = headers["etag"]
            for tags, status in ((tag, 304), ('"other", ' + tag, 304), ('"other"', 200)):
                again, _, body = site.get(path, headers="If-None-Match: %s\r\n" % tags)
                assert (again, bool(body)) == (status, status == 200), tags


def test_200_requests_leave_the_heap_as_it_was(micropython32, flash):
    with http_client.running([micropython32, "-X", "heapsize=" + CHIP_HEAP], flash, flash / "www") as site:
        for _ in range(3):  # what is imported and interned at the first use
            for path in ("/", "/api/reading", "/api/status", "/nothing"):
                site.get(path, headers="Accept-Encoding: gzip\r\n")
        site.debug()
        kept = site.debug()["kept"]
        for _ in range(50):
            for path in ("/", "/api/reading", "/api/status", "/nothing"):
                site.get(path, headers="Accept-Encoding: gzip\r\n")
        after = site.debug()
        assert (after["kept"], after["requests"]) == (kept, 4 * 53 + 3)


def test_a_failing_handler_is_logged_in_one_line(micropython64):
    site = http_client.Site([micropython64], FIRMWARE, WWW)
    try:
        site.get("/debug/crash")
    finally:
        printed = site.stop()
    assert printed == "http: GET /debug/crash: ValueError('on purpose',)\n"
