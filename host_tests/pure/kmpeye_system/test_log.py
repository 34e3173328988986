# The log's ring: what is kept, what gives way, levels, odd texts, reading while it is written, memory.

import gc

from kmpeye.system.log import Log
from virtual_line import VirtualClock


class Odd:
    """Refuses to be formatted."""

    def __str__(self):
        raise ValueError("no")

    __repr__ = __str__


def texts(log, place=0):
    return [text for _, _, _, text in log.lines(place)]


def test_lines_come_back_with_uptime_and_level():
    clock = VirtualClock()
    log = Log(clock, console=None)
    log("started")
    clock.now = 61500
    log.warning("port %s: %d", "uart", 3)
    log.error("bad")
    assert [line[1:] for line in log.lines()] == [
        (0, "info", "started"),
        (61, "warning", "port uart: 3"),
        (61, "error", "bad"),
    ]


def test_a_line_under_the_level_is_not_even_put_together():
    for level, kept in (("debug", 4), ("info", 3), ("warning", 2), ("error", 1)):
        log = Log(VirtualClock(), level=level, console=None)
        log.debug("a")
        log("b")
        log.warning("c")
        log.error("d")
        assert len(texts(log)) == kept, level
    log = Log(VirtualClock(), console=None)
    log.debug("%s", Odd())
    assert log.lost == 0


# text, values, what is kept, why
TEXTS = (
    ("100 %", (), "100 %", "a sign that formats nothing"),
    ("a\nb\n", (), "a / b / ", "one line is one line"),
    ("m³ °C", (), "m³ °C", "not only ASCII"),
    ("", (), "", "an empty line"),
    ("x y  z", (), "x y  z", "spaces stay"),
    ("x" * 300, (), "x" * 200, "the longest line"),
    ("x" * 199 + "°", (), "x" * 199, "cut between characters"),
    ("x" * 198 + "€€", (), "x" * 198, "of three bytes"),
    ("%s", ("a %d",), "a %d", "a value is not formatted again"),
)


def test_texts_of_every_kind():
    for text, values, kept, why in TEXTS:
        log = Log(VirtualClock(), console=None)
        log(text, *values)
        assert texts(log) == [kept], why


def test_logging_never_raises():
    log = Log(VirtualClock(), console=None)
    log("%d", "not a number")
    log("%s", Odd())
    log("%d %d", 1)

    def gone(text):
        raise OSError("no console")

    broken = Log(VirtualClock(), console=gone)
    broken("kept all the same")
    assert (log.lost, texts(log)) == (3, [])
    assert (broken.lost, texts(broken)) == (1, ["kept all the same"])


def numbered(number):
    return "line %d %s" % (number, "x" * (number * 7 % 60))


def test_the_oldest_lines_give_way_and_every_line_stays_whole():
    for size in (256, 300, 511, 2048):
        log = Log(VirtualClock(), size, console=None)
        for number in range(150):
            log(numbered(number))
            got = texts(log)
            first = number + 1 - len(got)
            assert got == [numbered(first + i) for i in range(len(got))], (size, number)
        # All of the ring but a part of the one that was overwritten: the longest is 60 + 14 bytes.
        assert sum(len(text) + 5 for text in got) > size - 80, size


def test_a_reader_comes_back_for_what_is_new():
    log = Log(VirtualClock(), 256, console=None)
    place = 0
    seen = []
    for number in range(60):
        log("line %d", number)
        if number % 3 == 2:
            for line in log.lines(place):
                seen.append(line[3])
                place = line[0]
    assert seen == ["line %d" % number for number in range(60)]
    assert texts(log, place) == []


def test_what_is_overwritten_while_somebody_reads_is_left_out():
    log = Log(VirtualClock(), 256, console=None)
    for number in range(10):
        log("old %d", number)
    reader = log.lines()
    assert next(reader)[3] == "old 0"
    for number in range(100):
        log("new %d", number)
    rest = [text for _, _, _, text in reader]
    assert rest == ["new %d" % number for number in range(100 - len(rest), 100)] and len(rest) > 10


def test_a_log_does_not_grow():
    if not hasattr(gc, "mem_alloc"):
        return  # CPython does not count
    log = Log(VirtualClock(), console=None)
    log("first")
    gc.collect()
    before = gc.mem_alloc()
    for number in range(2000):
        log("line %d", number)
    gc.collect()
    assert gc.mem_alloc() - before <= 64, gc.mem_alloc() - before


def test_a_line_for_the_console_alone_is_shown_word_by_word_and_not_kept():
    shown = []

    def console(text, end="\n"):
        shown.append(text + end)

    log = Log(VirtualClock(), console=console)
    log.show(word for word in ("volume", "314.100 m³"))
    assert "".join(shown) == "volume  314.100 m³  \n" and texts(log) == []

    def failing():
        yield "volume"
        raise MemoryError

    log.show(failing())
    assert log.lost == 1
    Log(VirtualClock(), level="warning", console=console).show(failing())
    assert "".join(shown) == "volume  314.100 m³  \nvolume  "
