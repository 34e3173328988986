# kmpeye.system.ntp against a real server on the loopback: what is an answer, what is none, whose turn is when.
# The packets are real, the clock's time is invented. Runs on CPython and on MicroPython alike.

import asyncio
import os
import socket

from kmpeye.system.ntp import BadAnswer, Ntp, read
from virtual_line import VirtualClock, drive

NOW = 1795132800  # 2026-11-20 00:00 UTC
NONCE = b"question"
SERVER = "127.0.0.1"
NOBODY = "127.0.0.2"


def stamp(unix, fraction=0):
    """A moment as NTP writes it."""
    return ((unix + 2208988800) % (1 << 32)).to_bytes(4, "big") + fraction.to_bytes(4, "big")


def packet(nonce=NONCE, first=0x24, stratum=2, sent=None, reference=b"GPS\0"):
    """What a server of version 4 sends: leap, version and mode; its stratum; whose clock it follows; our time; its."""
    sent = stamp(NOW) if sent is None else sent
    return bytes((first, stratum, 6, 0xEC)) + bytes(8) + reference + bytes(8) + nonce + sent + sent


MOMENTS = (
    (stamp(NOW), (NOW, 0), "a whole second"),
    (stamp(NOW, 1 << 31), (NOW, 500), "and a half"),
    (stamp(NOW, 0xFFFFFFFF), (NOW, 999), "the last instant of it"),
    (b"\xff\xff\xff\xff\0\0\0\0", (2085978495, 0), "2036-02-07 06:28:15: the last second of the first era"),
    (b"\0\0\0\0\0\0\0\1", (2085978496, 0), "06:28:16: the first of the second"),
    (stamp(2147483648), (2147483648, 0), "2038-01-19 03:14:08: past 31 bits"),
    (stamp(1577836800), (1577836800, 0), "2020-01-01: the first moment of the era's window"),
    (stamp(1577836799), (1577836799 + (1 << 32), 0), "the second before is its last one, in 2156"),
)

WRONG = (
    (b"", "0 bytes", "nothing"),
    (packet()[:47], "47 bytes", "cut off"),
    (packet(first=0x23), "mode 3", "a client: our own question sent back"),
    (packet(first=0x25), "mode 5", "a broadcast"),
    (packet(first=0x26), "mode 6", "a control message"),
    (packet(first=0xE4), "clock is not set", "leap 3: the server knows no time"),
    (packet(stratum=16), "clock is not set", "stratum 16: not synchronised"),
    (packet(stratum=0, reference=b"RATE"), "left alone (52415445)", "a kiss of death: asked too often"),
    (packet(nonce=b"answer.."), "another question", "an old answer, or somebody who guesses"),
    (packet(sent=bytes(8)), "no time", "zeros"),
)


def refusal(data):
    try:
        read(data, NONCE)
    except BadAnswer as error:
        return str(error)
    raise AssertionError("%r was let through" % data)


def test_the_moment_of_an_answer_is_exact_over_the_eras():
    for sent, expected, why in MOMENTS:
        assert read(packet(sent=sent), NONCE) == expected, why


def test_what_is_no_answer_is_refused_in_words():
    for data, said, why in WRONG:
        assert said in refusal(data), why


def test_a_leap_second_that_is_coming_and_all_strata_of_servers_are_good():
    for first, stratum in ((0x64, 1), (0xA4, 15), (0x1C, 3)):
        assert read(packet(first=first, stratum=stratum), NONCE) == (NOW, 0)


class Clock:
    """Time that passes by sleeping alone, and lets the server run meanwhile. Refuses what the chip would refuse."""

    def __init__(self, known=None):
        self.now = 0
        self.known = known
        self.set = []

    def ticks(self):
        return self.now

    def since(self, ticks):
        return self.now - ticks

    def uptime_s(self):
        return self.now // 1000

    async def sleep_ms(self, ms):
        self.now += ms
        await asyncio.sleep(0.001)

    def unix(self):
        return self.known

    def set_unix(self, unix):
        assert isinstance(unix, int) and 1577836800 <= unix < 1577836800 + (1 << 32)
        self.known = unix
        self.set.append(unix)

    def iso(self, unix):
        return "%d" % unix


class Server:
    """A real UDP socket; `answers` are what it sends for a question, made of its 8 bytes of nonce. Counts what the
    loop did while it waited."""

    def __init__(self, answers):
        self.answers = answers
        self.questions = []
        self.turns = 0
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.setblocking(False)
        while True:  # MicroPython cannot ask a socket for its port
            self.port = 20000 + int.from_bytes(os.urandom(2), "big") % 40000
            try:
                self.sock.bind(socket.getaddrinfo(SERVER, self.port)[0][-1])
                return
            except OSError:
                pass

    async def run(self):
        while True:
            try:
                question, client = self.sock.recvfrom(100)
            except OSError:
                self.turns += 1
                await asyncio.sleep(0.001)
                continue
            self.questions.append(question)
            for answer in self.answers(question[40:]):
                self.sock.sendto(answer, client)


def good(nonce):
    return (packet(nonce),)


def silent(nonce):
    return ()


def guessed_first(nonce):
    return packet(b"guessed!", sent=stamp(NOW + 99999)), b"?", packet(nonce)


def not_synchronised(nonce):
    return (packet(nonce, stratum=16),)


def delayed(nonce):
    return (packet(nonce, sent=stamp(NOW, 0xFF000000)),)


def talk(answers, servers=SERVER, rounds=1, clock=None, lookup=None):
    """(clock, log, server, ntp, results) after so many questions."""

    async def main():
        server = Server(answers)
        task = asyncio.create_task(server.run())
        ntp = Ntp(servers, clock, log.append, None, lookup, server.port)
        results = []
        try:
            for _ in range(rounds):
                results.append(await ntp.ask())
        finally:
            task.cancel()
            try:
                await task
            except asyncio.CancelledError:
                pass
            server.sock.close()
        return server, ntp, results

    clock = clock or Clock()
    log = []
    return (clock, log) + asyncio.run(main())


def test_a_good_answer_sets_the_clock_and_is_said_once():
    clock, log, server, ntp, results = talk(good, rounds=2)
    assert (clock.set, results) == ([NOW, NOW], [True, True])
    assert log == ["ntp: the date is %d" % NOW]
    assert ntp.status() == {"server": SERVER, "answered_s_ago": 0, "corrected_s": 0, "error": None}
    question, other = server.questions
    assert (len(question), question[0]) == (48, 0x23)
    assert question[1:40] == bytes(39), "nobody learns our time or name"
    assert question[40:] != other[40:], "every question has another nonce"


def test_the_fraction_of_a_second_is_rounded():
    clock = talk(delayed)[0]
    assert clock.set == [NOW + 1]


def test_by_how_much_the_clock_was_wrong_is_told():
    _, _, _, ntp, _ = talk(good, clock=Clock(NOW - 75))
    assert ntp.status()["corrected_s"] == 75


def test_packets_that_are_no_answer_do_not_end_the_waiting_for_one():
    clock, _, _, _, results = talk(guessed_first)
    assert (clock.set, results) == ([NOW], [True])


def test_without_an_answer_the_clock_stays_and_the_loop_runs():
    for answers, said, why in (
        (silent, "no answer", "silence"),
        (not_synchronised, "clock is not set", "a bad answer, and none after it"),
    ):
        clock, log, server, ntp, results = talk(answers)
        assert (clock.set, results) == ([], [False]), why
        assert said in ntp.status()["error"] and log == ["ntp: " + ntp.error], why
        assert clock.now <= 2100 and server.turns > 20, why


async def named(name, clock):
    if name == "unknown.example":
        raise OSError("unknown.example: there is no such name")
    return {"dead.example": NOBODY, "good.example": SERVER}[name]


def test_servers_take_turns_until_one_answers_and_it_is_kept():
    clock, log, server, ntp, results = talk(
        good, "unknown.example dead.example good.example", 4, lookup=named
    )
    assert results == [False, False, True, True]
    assert (ntp.server, len(server.questions)) == ("good.example", 2)
    assert "unknown.example: there is no such name" in log[0] and "dead.example" in log[1]


def test_no_server_is_a_wrong_setting():
    try:
        Ntp("  ", Clock(), print)
    except ValueError as error:
        assert "no server" in str(error)
    else:
        raise AssertionError("no server was let through")


class Enough(Exception):
    pass


class Scripted(Ntp):
    """Answers by a list; notes when it was asked."""

    def __init__(self, results, servers, clock, online=None):
        Ntp.__init__(self, servers, clock, print, online)
        self.results = list(results)
        self.times = []

    async def ask(self):
        if not self.results:
            raise Enough
        self.times.append(self.clock.uptime_s())
        return self.results.pop(0)


def asked_at(results, servers="a b", online=None, clock=None):
    ntp = Scripted(results, servers, clock or VirtualClock(), online)
    try:
        drive(ntp.run())
    except Enough:
        return ntp.times


def test_all_servers_are_asked_then_pauses_grow_to_an_hour_and_a_good_answer_lasts_as_long():
    assert asked_at([False] * 18) == [
        one for at in (0, 60, 180, 420, 900, 1860, 3780, 7380, 10980) for one in (at, at)
    ]
    assert asked_at([False, True, True]) == [0, 0, 3600]
    assert asked_at([False, False, True, False, False, False]) == [0, 0, 60, 3660, 3660, 3720], (
        "the pause begins anew"
    )


def test_nothing_is_asked_before_there_is_a_network():
    clock = VirtualClock()
    assert asked_at([True, True], online=lambda: clock.uptime_s() >= 25, clock=clock) == [25, 3625]
