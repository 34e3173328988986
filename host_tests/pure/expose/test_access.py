# Who may do what, without a socket: tables of requests against the real Access and Digest, and a clock that is moved.
# Runs on CPython and MicroPython.

from digest_owner import Owner, hashed
from kmpeye.expose.access import Access, address
from kmpeye.expose.access.digest import parameters
from kmpeye.expose.http import Exchange, Refusal
from kmpeye.system.clock import Clock
from kmpeye.system.config import checked

PASSWORD = "correct horse"
LAN, AP = "192.168.1.7", "192.168.4.2"


class Late(Clock):
    """Real but for the uptime, which is moved by hand."""

    now = 1000

    def uptime_s(self):
        return self.now


class App:
    def __init__(self, **settings):
        self.config = checked(settings)
        assert not self.config.warnings
        self.clock = Late()

    def local(self, text):
        return text.startswith("192.168.4.")


def ask(access, method="GET", target="/api/config", host="192.168.1.20", peer=LAN, mark="", **headers):
    """None, or (status, code, {header: value}) of the refusal."""
    lines = ["%s %s HTTP/1.1" % (method, target), "Host: " + host]
    lines += ["%s: %s" % pair for pair in headers.items()]
    data = ("\r\n".join(lines) + "\r\n\r\n").encode()
    exchange = Exchange(bytearray(1024), None, 0)
    exchange.view[: len(data)] = data
    assert exchange.feed(len(data))
    exchange.peer = (peer, 50000)
    try:
        access(exchange, mark)
    except Refusal as refusal:
        status, sentence = refusal.args[:2]
        assert sentence
        codes = [part[8:-1] for part in refusal.args[2:] if part.startswith('"code":')]
        found = dict([part.strip().split(": ", 1) for part in refusal.args[2:] if part.endswith("\r\n")])
        assert len(codes) == 1, refusal.args
        return status, codes[0], found
    return None


def outcome(*arguments, **headers):
    said = ask(*arguments, **headers)
    return said[:2] if said else None


def protected(**settings):
    return Access(App(owner_password=PASSWORD, **settings))


def owner_of(access, method="PUT", **request):
    """Somebody who knows the password and has a nonce."""
    owner = Owner(PASSWORD)
    owner.take(ask(access, method, **request)[2]["WWW-Authenticate"])
    return owner


# Host, status, why; the device is called "Boiler", and meter.example.net by its owner
HOSTS = (
    ("192.168.1.20", None, "an address"),
    ("192.168.1.20:8080", None, "with a port"),
    ("[fe80::1]:80", None, "IPv6"),
    ("boiler", None, "its name"),
    ("BOILER.local", None, "its name in mDNS; names have no case"),
    ("boiler.local:8080", None, "with a port"),
    ("localhost:8080", None, "on the same machine"),
    ("meter.example.net", None, "what the owner put into the settings"),
    ("", None, "an old client; a browser always sends one"),
    ("evil.example.net", 421, "DNS rebinding"),
    ("boiler.evil.example", 421, "the name as a beginning"),
    ("evil.example.net:80", 421, "with a port"),
    ("192.168.1.20.evil.example", 421, "an address as a beginning"),
    ("1e100.net", 421, "begins with a digit"),
    ("kmpeye.local", 421, "the name of another one"),
    ("meter.example.net.evil.example", 421, "one of the names as a beginning"),
    ("meter.example", 421, "a part of one of the names"),
    ("a b", 421, "not a host"),
    ("\xff", 421, "not even a text"),
)


def test_a_name_that_somebody_else_can_point_here_is_refused():
    access = Access(App(name="Boiler", http_names="other.example Meter.example.net"))
    for host, status, why in HOSTS:
        expected = (status, "host") if status else None
        assert outcome(access, host=host) == expected, why
        assert outcome(access, host=host, mark="*") is None, why


# Origin, Host, may it change something? why
ORIGINS = (
    (None, "192.168.1.20", True, "a script"),
    ("http://192.168.1.20", "192.168.1.20", True, "our page"),
    ("http://192.168.1.20:8080", "192.168.1.20:8080", True, "our page at another port"),
    ("https://192.168.1.20", "192.168.1.20", True, "behind a proxy with TLS"),
    ("http://KMPEYE.local", "kmpeye.local", True, "names have no case"),
    ("http://192.168.1.20:8080", "192.168.1.20", False, "another server on this machine"),
    ("http://evil.example", "192.168.1.20", False, "another site"),
    ("http://192.168.1.20.evil.example", "192.168.1.20", False, "ours as a beginning"),
    ("http://evil.example/?http://192.168.1.20", "192.168.1.20", False, "ours at the end"),
    ("null", "192.168.1.20", False, "a sandboxed frame or a file"),
    ("", "192.168.1.20", False, "none of a browser's"),
)


def test_another_sites_page_changes_nothing_even_with_the_owners_password():
    access = protected()
    for origin, host, may, why in ORIGINS:
        headers = {} if origin is None else {"Origin": origin}
        owner = owner_of(access, host=host)
        proof = owner.proof("PUT", "/api/config")
        said = outcome(access, "PUT", host=host, Authorization=proof, **headers)
        assert said == (None if may else (403, "origin")), why
        assert outcome(access, "GET", host=host, **headers) is None, why


# settings, peer, method, mark, refusal for nobody in particular, why
LEVELS = (
    ({}, LAN, "GET", "", None, "reading is open"),
    ({}, LAN, "HEAD", "", None, "so is HEAD"),
    ({}, LAN, "PUT", "", (403, "no_owner"), "no password, no change"),
    ({}, LAN, "DELETE", "", (403, "no_owner"), "nor by any other method"),
    ({}, LAN, "GET", "!", (403, "no_owner"), "what only the owner may see"),
    ({}, LAN, "POST", "*", None, "everybody's"),
    ({}, AP, "PUT", "", None, "who is on our own access point"),
    ({}, AP, "GET", "!", None, "and may see"),
    ({"owner_password": PASSWORD}, LAN, "GET", "", None, "reading stays open"),
    ({"owner_password": PASSWORD}, LAN, "PUT", "", (401, "password"), "changes are the owner's"),
    ({"owner_password": PASSWORD}, LAN, "GET", "!", (401, "password"), "and what is marked"),
    ({"owner_password": PASSWORD}, AP, "PUT", "", (401, "password"), "on the access point too"),
    ({"owner_password": PASSWORD, "read_protected": True}, LAN, "GET", "", (401, "password"), "all of it"),
    ({"owner_password": PASSWORD, "read_protected": True}, LAN, "GET", "*", None, "but what is everybody's"),
    ({"owner_password": PASSWORD, "read_protected": True}, AP, "GET", "", None, "to find the way back"),
)


def test_who_may_do_what():
    for settings, peer, method, mark, refusal, why in LEVELS:
        assert outcome(Access(App(**settings)), method, peer=peer, mark=mark) == refusal, why


def test_protected_reading_without_a_password_is_closed_not_open():
    app = App()
    app.config["read_protected"] = True
    assert outcome(Access(app)) == (403, "no_owner")


def test_no_password_loads_no_digest():
    access = Access(App())
    for _ in range(3):
        ask(access, "PUT")
    assert access._digest is None


def test_the_owner_may_and_each_proof_counts_once():
    access = protected()
    owner = owner_of(access)
    first = owner.proof("PUT", "/api/config")
    second = owner.proof("PUT", "/api/config")
    assert ask(access, "PUT", Authorization=second) is None
    assert ask(access, "PUT", Authorization=first) is None, "parallel requests may change places"
    for proof in (first, second):
        status, _, headers = ask(access, "PUT", Authorization=proof)
        assert status == 401 and "stale=true" in headers["WWW-Authenticate"], "overheard and sent again"
    assert ask(access, "PUT", Authorization=owner.proof("PUT", "/api/config")) is None


def test_a_count_far_behind_is_refused():
    access = protected()
    owner = owner_of(access)
    for count, may in ((40, True), (25, True), (24, False), (25, False), (41, True), (39, True), (1, False)):
        said = ask(access, "PUT", Authorization=owner.proof("PUT", "/api/config", count))
        assert (said is None) == may, count


# what is different in the proof, why it is refused
WRONG = (
    ({"username": "admin"}, "another user"),
    ({"realm": "elsewhere"}, "another realm"),
    ({"uri": "/api/restart"}, "made for another address"),
    ({"uri": "/api/config?x"}, "made for another query"),
    ({"qop": "auth-int"}, "another quality"),
    ({"algorithm": "MD5"}, "another algorithm"),
    ({"algorithm": "SHA-256-sess"}, "another algorithm"),
    ({"algorithm": None}, "none means MD5"),
    ({"response": "0" * 64}, "a guess"),
    ({"response": ""}, "nothing"),
    ({"response": None}, "missing"),
    ({"extra": 'a"b'}, "not to be parsed"),
)


def test_a_proof_of_something_else_is_no_proof():
    for different, why in WRONG:
        access = protected()
        proof = owner_of(access).proof("PUT", "/api/config", **different)
        status, code, headers = ask(access, "PUT", Authorization=proof)
        assert (status, code) == (401, "password"), why
        assert "stale=false" in headers["WWW-Authenticate"], why
    for made_for, sent in (("POST", "PUT"), ("PUT", "POST"), ("PUT", "DELETE")):
        access = protected()
        proof = owner_of(access).proof(made_for, "/api/config")
        assert ask(access, sent, Authorization=proof)[0] == 401, (made_for, sent)
    access = protected()
    owner = owner_of(access)
    owner.password = "incorrect horse"
    assert ask(access, "PUT", Authorization=owner.proof("PUT", "/api/config"))[0] == 401, "password"


GARBAGE = (
    "",
    "Basic b3duZXI6Y29ycmVjdCBob3JzZQ==",
    "Digest",
    "Digest ,,,",
    "Digest =",
    'Digest a="',
    'Digest a="b"c',
    "Digest a=b, a=c",
    'Digest username="owner"',
    "Digest " + "a" * 900,
    'Digest uri="\xff"',
)


def test_what_is_no_proof_at_all_is_answered_like_a_wrong_one():
    for text in GARBAGE:
        assert outcome(protected(), "PUT", Authorization=text) == (401, "password"), text


def test_parameters_are_read_with_and_without_quotation_marks():
    header = b'DIGEST  uri="/a,b=c?d", qop=auth , nc = 00000001,cnonce=""'
    assert parameters(header) == {b"uri": b"/a,b=c?d", b"qop": b"auth", b"nc": b"00000001", b"cnonce": b""}


def test_the_query_belongs_to_the_address():
    access = protected()
    proof = owner_of(access).proof("PUT", "/api/config?a=1")
    assert ask(access, "PUT", "/api/config?a=1", Authorization=proof) is None


def test_a_nonce_is_stale_after_five_minutes_or_a_restart_or_when_made_up():
    access = protected()
    owner = owner_of(access)
    access._app.clock.now += 300
    assert ask(access, "PUT", Authorization=owner.proof("PUT", "/api/config")) is None
    access._app.clock.now += 1
    proof = owner.proof("PUT", "/api/config")
    for one, used in (
        (access, proof),
        (protected(), proof),
        (protected(), owner.proof("PUT", "/api/config", nonce="f" * 48)),
        (protected(), owner.proof("PUT", "/api/config", nonce="")),
        (protected(), owner.proof("PUT", "/api/config", nonce="æ" * 48)),
    ):
        status, _, headers = ask(one, "PUT", Authorization=used)
        assert status == 401 and "stale=true" in headers["WWW-Authenticate"]
        owner.take(headers["WWW-Authenticate"])
        assert ask(one, "PUT", Authorization=owner.proof("PUT", "/api/config")) is None


def test_a_forgotten_nonce_does_not_come_back():
    access = protected()
    owners = [owner_of(access) for _ in range(6)]
    proofs = [owner.proof("PUT", "/api/config") for owner in owners]
    for proof in proofs:
        assert ask(access, "PUT", Authorization=proof) is None
    for proof in proofs:
        assert ask(access, "PUT", Authorization=proof)[0] == 401, "nothing is accepted twice"
    assert len(access._digest._used) <= 4


def test_a_browser_that_came_last_does_not_push_out_one_that_is_at_work():
    access = protected()
    owners = [owner_of(access) for _ in range(5)]
    for owner in reversed(owners[1:]):
        assert ask(access, "PUT", Authorization=owner.proof("PUT", "/api/config")) is None
    assert ask(access, "PUT", Authorization=owners[0].proof("PUT", "/api/config"))[0] == 401, "the oldest"
    for owner in owners[2:]:
        assert ask(access, "PUT", Authorization=owner.proof("PUT", "/api/config")) is None


def test_one_wrong_digit_anywhere_is_wrong():
    access = protected()
    owner = owner_of(access)
    right = owner.proof("PUT", "/api/config")
    begin = right.index('response="') + len('response="')
    for place in (0, 1, 31, 63):
        digit = "0" if right[begin + place] != "0" else "1"
        wrong = right[: begin + place] + digit + right[begin + place + 1 :]
        assert ask(access, "PUT", Authorization=wrong)[0] == 401, place
    assert ask(access, "PUT", Authorization=right) is None


def test_questions_without_a_password_do_not_push_the_owner_out():
    access = protected()
    owner = owner_of(access)
    for number in range(100):
        ask(access, "PUT", peer="10.0.0.%d" % number)
    assert ask(access, "PUT", Authorization=owner.proof("PUT", "/api/config")) is None


def guess(access, peer=LAN):
    return ask(access, "PUT", peer=peer, Authorization='Digest username="owner", response="0"')


def test_who_guesses_waits_longer_and_longer_and_others_do_not():
    access = protected()
    clock = access._app.clock
    for _ in range(5):
        assert guess(access)[0] == 401
    waits = []
    for _ in range(8):
        status, code, headers = guess(access)
        assert (status, code) == (429, "slow_down")
        waits.append(int(headers["Retry-After"]))
        clock.now += waits[-1] - 1
        owner = owner_of(access, peer="192.168.1.8")
        proof = owner.proof("PUT", "/api/config")
        assert ask(access, "PUT", Authorization=proof)[0] == 429, "the right one is not told apart either"
        assert ask(access, "PUT", peer="192.168.1.8", Authorization=proof) is None
        clock.now += 1
        assert guess(access)[0] == 401
    assert waits == [2, 4, 8, 16, 32, 60, 60, 60]


def test_the_right_password_forgives_and_so_does_time():
    access = protected()
    for _ in range(4):
        guess(access)
    assert ask(access, "PUT", Authorization=owner_of(access).proof("PUT", "/api/config")) is None
    for _ in range(5):
        assert guess(access)[0] == 401
    assert guess(access)[0] == 429
    access._app.clock.now += 602
    for _ in range(5):
        assert guess(access)[0] == 401


def test_many_addresses_that_guess_take_bounded_memory():
    access = protected()
    for number in range(200):
        guess(access, "10.0.0.%d" % number)
    assert len(access._digest._tries) == 8


def test_the_hash_in_the_settings_is_that_of_the_rfc():
    assert checked({"owner_password": PASSWORD})["owner_password"] == hashed("owner", "kmpeye", PASSWORD)
    # RFC 7616 §3.9.1, the response with SHA-256
    first = hashed("Mufasa", "http-auth@example.org", "Circle of Life")
    nonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
    cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
    second = hashed("GET", "/dir/index.html")
    assert (
        hashed(first, nonce, "00000001", cnonce, "auth", second)
        == "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"
    )


def test_an_address_is_a_text_whatever_the_system_gives():
    assert address(("192.168.1.7", 50000)) == "192.168.1.7"
    assert address(bytearray(b"\x02\x00\xc3\x50\xc0\xa8\x01\x07" + bytes(8))) == "192.168.1.7"
