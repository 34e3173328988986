"""tools/packed_texts.py and firmware/kmp/packed.py: what the one packs the other gives back, line by line."""

import ast
import json
import subprocess
import zlib

import pytest

from firmware_tree import FIRMWARE, texts
from packed_texts import compressed, packed

MODULE = (
    'from kmp.packed import lines\n\n_TEXT = const("""\none|1\ntwo|m³\n""")\n\nlines(_TEXT)\n"""one\n"""\n'
)


def long_texts():
    """{file: [text]} of those that the build packs."""
    found = {}
    for file, text in texts().items():
        before, after = ast.parse(text), ast.parse(packed(text))
        constants = [
            [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
            for tree in (before, after)
        ]
        for old, new in zip(*constants, strict=True):
            if old != new:
                assert new == compressed(old)
                found.setdefault(file, []).append(old)
    return found


def test_a_text_that_is_read_by_lines_is_packed_where_it_stands():
    short = packed(MODULE)
    assert len(short.splitlines()) == len(MODULE.splitlines())
    data = ast.parse(short).body[1].value.args[0].value
    assert zlib.decompress(data, -9).decode() == "one|1\ntwo|m³\n"
    assert short.endswith('lines(_TEXT)\n"""one\n"""\n'), "nothing else is"


def test_a_module_that_reads_no_lines_stays_as_it_is():
    text = MODULE.replace("lines(_TEXT)", "_TEXT.find('one')")
    assert packed(text) == text


def test_a_text_with_another_use_is_refused():
    with pytest.raises(SystemExit, match="_TEXT"):
        packed(MODULE + "len(_TEXT)\n")


def test_the_texts_of_the_firmware_take_less_than_half():
    found = [text for texts in long_texts().values() for text in texts]
    assert len(found) >= 6
    assert all(len(compressed(text)) * 2 < len(text) for text in found)


# Runs on MicroPython: what lines() says of each packed text, and the most heap that it held.
READ = """
import gc, json
from kmp.packed import lines
said = []
most = 0
for data in TEXTS:
    gc.collect()
    before = gc.mem_alloc()
    one = lines(data)
    first = next(one)
    gc.collect()
    most = max(most, gc.mem_alloc() - before)
    said.append([first] + list(one))
print(json.dumps([said, most]))
"""


def test_micropython_reads_every_line_and_holds_little(micropython32, tmp_path):
    found = [text for texts in long_texts().values() for text in texts]
    script = tmp_path / "read.py"
    script.write_text("TEXTS = %r\n%s" % ([compressed(text) for text in found], READ))
    done = subprocess.run(
        [micropython32, script], env={"MICROPYPATH": ".frozen:%s" % FIRMWARE}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    said, most = json.loads(done.stdout)
    assert said == [text.strip("\n").split("\n") for text in found]
    assert most < 2816
