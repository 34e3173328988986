# Names of the network as bytes of DNS (RFC 1035, 6762), and what stands in a PEM file (RFC 7468). Runs on CPython and
# MicroPython; opens no socket.

from binascii import b2a_base64

from kmpeye.expose.mqtt.certificates import blocks
from kmpeye.expose.mqtt.names import answer, is_address, question

ASK = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x06broker\x04home\0\0\x01\0\x01"
HEAD = b"\x12\x34\x81\x80\0\x01\0\x01\0\0\0\0" + ASK[12:]
A = b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\x0a\0\0\x07"
CNAME = b"\xc0\x0c\0\x05\0\x01\0\0\0\x3c\0\x06\x03box\xc0\x13"

ANSWERS = (
    (HEAD + A, "10.0.0.7", "an address"),
    (b"\x12\x34\x81\x80\0\x01\0\x02\0\0\0\0" + ASK[12:] + CNAME + A, "10.0.0.7", "behind another name"),
    (HEAD + A[:4] + b"\x80" + A[5:], "10.0.0.7", "mDNS: the cache-flush bit"),
    (b"\x12\x34\x84\0\0\0\0\x01\0\0\0\0\x06broker\x05local\0" + A[2:], "10.0.0.7", "mDNS: no question"),
    (b"\x12\x34\x81\x83\0\x01\0\0\0\0\0\0" + ASK[12:], "", "no such name"),
    (b"\x12\x34\x81\x82\0\x01\0\0\0\0\0\0" + ASK[12:], None, "the server failed, perhaps the next time not"),
    (b"\x12\x34\x81\x85\0\x01\0\0\0\0\0\0" + ASK[12:], None, "the server refuses"),
    (HEAD[:6] + b"\0\0" + HEAD[8:], "", "a name without an address"),
    (HEAD + b"\xc0\x0c\0\x1c\0\x01\0\0\0\x3c\0\x10" + b"\0" * 16, "", "an address of IPv6 only"),
    (b"\x12\x35" + (HEAD + A)[2:], None, "an answer to another question"),
    (ASK, None, "a question"),
    (HEAD + A[:-1], None, "it ends too early"),
    (b"", None, "nothing"),
    (b"\x12\x34\x81\x80\xff\xff\xff\xff", None, "only a promise"),
)


def test_a_question_is_one_of_dns():
    for name in ("broker.home", "broker.home."):
        assert question(name, 0x1234) == ASK


def test_what_is_no_name_is_not_asked():
    for name in ("", "a..b", "x" * 64 + ".home"):
        try:
            question(name, 1)
        except ValueError:
            continue
        raise AssertionError(name)


def test_an_answer_is_an_address_no_or_nothing():
    for data, right, why in ANSWERS:
        assert answer(data, 0x1234) == right, (why, answer(data, 0x1234))


def test_any_bytes_are_no_exception():
    seed = 7
    good = ANSWERS[1][0]
    for _ in range(500):
        data = bytearray(good)
        for _ in range(3):
            seed = (seed * 1103515245 + 12345) & 0x3FFFFFFF
            data[(seed >> 8) % len(data)] = seed & 0xFF
        for end in (len(data), seed % len(data)):
            found = answer(bytes(data[:end]), 0x1234)
            assert found in (None, "") or is_address(found), data


def test_an_address_is_not_looked_up():
    for name, right in (("10.0.0.1", True), ("10.0.0.256", False), ("10.0.1", False), ("a.b.c.d", False)):
        assert is_address(name) is right, name


def pem(label, data):
    return b"-----BEGIN %s-----\n%s-----END %s-----\n" % (label, b2a_base64(data), label)


def test_pem_and_der_are_told_apart():
    one, two, key = b"\x30\x01" * 30, b"\x30\x02" * 20, b"\x30\x03" * 10
    rows = (
        (b"\x30\x82\x01\x02", b"CERTIFICATE", [b"\x30\x82\x01\x02"], "DER"),
        (pem(b"CERTIFICATE", one), b"CERTIFICATE", [one], "PEM"),
        (
            b"Subject: me\n" + pem(b"CERTIFICATE", one) + pem(b"CERTIFICATE", two),
            b"CERTIFICATE",
            [one, two],
            "two",
        ),
        (
            pem(b"EC PARAMETERS", b"\x06\x08") + pem(b"EC PRIVATE KEY", key),
            b"PRIVATE KEY",
            [key],
            "the key of two",
        ),
        (pem(b"CERTIFICATE", one), b"PRIVATE KEY", [], "no key in it"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA", b"CERTIFICATE", [], "cut off"),
    )
    for data, wanted, right, why in rows:
        assert blocks(data, wanted) == right, why
