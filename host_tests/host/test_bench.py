"""The bench measures what it says, keeps what it did not measure, and names a limit that is broken.

Runs the real parts in short form; how fast they are is no matter here, that is `make bench`.
"""

import json
import runpy
import subprocess
import sys

import pytest

from benchmarks import decode, feed, heap, parts, wire
from benchmarks.figure import Figure, merge, number, table
from conftest import ROOT
from kmp.frame import ProtocolError
from kmpeye.system.config import checked

SUBJECTS = runpy.run_path(str(ROOT / "tools" / "bench"))["subjects"]()

# The figures that the issues ask for by name.
PROMISED = (
    "wire_over_limit_8",
    "wire_over_limit_16",
    "wire_vs_one_by_one_8",
    "decode_vs_pykmp",
    "alloc_per_byte",
    "live_heap_web",
    "live_heap_web_romfs",
    "live_heap_web_mpy",
    "live_heap_web_mqtt",
    "live_heap_all",
    "boot_to_first_request_ms",
    "mpy_bytes",
    "mpy_and_page_bytes",
)


def test_every_promised_figure_has_one_subject():
    keys = [figure.key for module in SUBJECTS.values() for figure in module.FIGURES]
    assert len(keys) == len(set(keys)) and set(PROMISED) <= set(keys)


LIMITS = (
    # figure, value, kept, limit as text
    (Figure("a", "", most=1.05), 1.05, True, "<= 1.05"),
    (Figure("a", "", most=1.05), 1.051, False, "<= 1.05"),
    (Figure("a", "", most=0), 0.0, True, "<= 0"),
    (Figure("a", "", least=5), 5, True, ">= 5"),
    (Figure("a", "", least=5), 4.99, False, ">= 5"),
    (Figure("a", ""), 10**9, True, "-"),
)


@pytest.mark.parametrize("figure, value, kept, text", LIMITS)
def test_a_limit_is_kept_up_to_its_value(figure, value, kept, text):
    assert (figure.kept(value), figure.limit()) == (kept, text)


def test_the_table_says_which_limit_is_broken():
    figures = (Figure("slow", "a", most=1), Figure("fine", "b", least=1), Figure("free", "c"))
    lines = table(figures, {"slow": 2, "fine": 2, "free": 3})
    assert [line.split()[-2] for line in lines] == ["ok?", "NO", "yes", "-"]
    assert len(table(figures, {"fine": 2})) == 2  # what was not measured is not shown


@pytest.mark.parametrize(
    "value, text", ((28672, "28672"), (1.0, "1"), (1.00193, "1.002"), (0.015625, "0.01562"))
)
def test_a_number_is_short(value, text):
    assert number(value) == text


def test_what_was_not_measured_keeps_its_value(tmp_path):
    path = tmp_path / "build" / "bench.json"
    merge(path, {"a": 1, "b": 2})
    merge(path, {"b": 3})
    assert json.loads(path.read_text()) == {"a": 1, "b": 3}
    path.write_text("{half")
    merge(path, {"c": 4})
    assert json.loads(path.read_text()) == {"c": 4}


def bench(*arguments, **options):
    command = [sys.executable, ROOT / "tools" / "bench", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=200, **options)


def test_the_executable_measures_what_is_named(micropython32, tmp_path):
    done = bench("feed", "--output", tmp_path / "bench.json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert list(json.loads((tmp_path / "bench.json").read_text())) == ["alloc_per_byte"]
    assert "alloc_per_byte" in done.stdout


def test_a_name_that_does_not_exist_is_refused():
    done = bench("weather")
    assert done.returncode == 2
    assert "there is no weather; known: %s" % ", ".join(sorted(SUBJECTS)) in done.stderr


def test_a_broken_limit_ends_with_an_error_that_names_it(monkeypatch, tmp_path, capsys):
    main = runpy.run_path(str(ROOT / "tools" / "bench"))["main"]
    monkeypatch.setattr(
        SUBJECTS["decode"], "FIGURES", (Figure("decode_vs_pykmp", "out of reach", least=10**6),)
    )
    monkeypatch.setattr(sys, "argv", ["bench", "decode", "--output", str(tmp_path / "bench.json")])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    assert "limit broken: decode_vs_pykmp is " in capsys.readouterr().out


def test_a_part_that_is_missing_ends_with_an_error_and_leaves_the_other_figures(
    monkeypatch, tmp_path, capsys
):
    main = runpy.run_path(str(ROOT / "tools" / "bench"))["main"]
    monkeypatch.setattr(parts, "FLASH", tmp_path / "not-built")
    monkeypatch.setattr(sys, "argv", ["bench", "flash", "decode", "--output", str(tmp_path / "bench.json")])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    assert "not measured: flash: nothing is built: run `make build`" in capsys.readouterr().out
    assert list(json.loads((tmp_path / "bench.json").read_text())) == ["decode_vs_pykmp"]


def test_the_frame_reader_allocates_nothing(micropython32):
    assert feed.measure() == {"alloc_per_byte": 0}


def test_ours_and_pykmp_read_the_reply_alike():
    wire_bytes = decode.reply_on_the_wire()
    decode.check_same(wire_bytes, decode.ours(), decode.theirs())
    with pytest.raises(ValueError, match="read one reply differently"):
        decode.check_same(wire_bytes, lambda _: [], decode.theirs())
    with pytest.raises((ValueError, ProtocolError)):
        decode.ours()(wire_bytes[:-1])


def test_the_simulator_gives_the_registers_of_the_bench_with_four_bytes():
    model = json.loads((ROOT / "tools" / "kmpsim" / "meters" / "multical601.json").read_text())
    lengths = {one["id"]: one["nob"] for one in model["registers"]}
    assert [lengths[one] for one in wire.IDS] == [4] * 16


def test_time_over_the_limit_is_light_and_the_pauses_of_the_meter():
    # 120 bytes are 1100 ms of light, two requests 200 ms of the meter's thinking.
    assert wire.over_limit(1300, 120, 2) == 1
    assert wire.figures_of({"8": [[1100, 120, 0]], "16": [[1300, 120, 2]], "one": [[2200, 240, 0]]}) == {
        "wire_over_limit_8": 1,
        "wire_over_limit_16": 1,
        "wire_vs_one_by_one_8": 2,
    }


def test_the_wire_is_timed_at_the_real_pace(micropython32):
    values = wire.measure(rounds=1)
    assert set(values) == {figure.key for figure in wire.FIGURES}
    assert values["wire_over_limit_8"] >= 0.99  # nothing is faster than light at 1200 baud


def test_the_heap_of_the_working_app_is_read_from_inside(micropython32, flash, frozen, monkeypatch):
    monkeypatch.setattr(parts, "FLASH", flash)
    three = tuple(
        case for case in heap.CASES if case.key.startswith("live_heap_web") and "mqtt" not in case.key
    )
    monkeypatch.setattr(heap, "CASES", three)
    values = heap.measure(requests=5, readings=1)
    assert values.keys() == {case.key for case in three}
    assert 0 < values["live_heap_web"] < values["live_heap_web_romfs"] < values["live_heap_web_mpy"]


def test_a_case_of_the_heap_switches_on_what_it_names():
    case = heap.Case("key", "what", switches={"modbus": True, "modbus_port": lambda: 5020, "interval_s": 60})
    config = case.config("socket://127.0.0.1:1")
    assert (config["modbus"], config["modbus_port"], config["interval_s"]) == (True, 5020, 60)
    assert config["port"] == "socket://127.0.0.1:1"
    assert checked(config).warnings == []
    for case in heap.CASES:
        assert checked(case.config("uart")).warnings == []
