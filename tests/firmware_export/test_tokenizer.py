"""The tokenizer in C against the one that the models were trained with."""

import ctypes
import random
import re
import subprocess

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

from ei_bert_tf.text.builtin import builtin_model_folder
from ei_bert_tf.text.wordpiece import SPECIAL_PIECES, WordPiece
from firmware_export.package import write_firmware
from firmware_export.unicode_tables import SETS
from tests.compiled_firmware import WARNINGS
from tests.compiled_tokenizer import CompiledTokenizer
from tests.tiny_contents import tiny_contents
from tests.tokenizer_texts import CHARACTERS, random_mark_texts, random_text

UNKNOWN = 100  # of the built-in model


@pytest.fixture(scope="module")
def reference() -> WordPiece:
    return WordPiece.load(builtin_model_folder("minilm-l6") / "vocab.txt")


@pytest.fixture(scope="module")
def firmware(reference, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tokenizer") / "firmware"
    write_firmware(tiny_contents(pieces=reference.pieces), folder)
    return folder


@pytest.fixture(scope="module")
def compiled(firmware) -> CompiledTokenizer:
    return CompiledTokenizer(firmware)


def difference(compiled, reference, texts, pairs, max_tokens):
    """The first difference of texts given as bytes."""

    def decoded(many):
        return [text.decode("utf-8", "replace") for text in many]

    expected = reference.encode(
        decoded(texts), None if pairs is None else decoded(pairs), max_tokens
    )
    return compiled.first_difference(expected, texts, pairs)


@pytest.mark.slow
def test_every_code_point(compiled, reference):
    codes = [code for code in range(0x110000) if not 0xD800 <= code < 0xE000]
    texts = [f"a{chr(code)}b".encode() for code in codes]
    assert difference(compiled, reference, texts, None, 8) is None


@pytest.mark.parametrize("max_tokens", [2, 3, 8, 64, 512])
def test_random_texts(compiled, reference, max_tokens):
    generator = random.Random(max_tokens)
    texts = [random_text(generator) for _ in range(4000)]
    assert difference(compiled, reference, texts, None, max_tokens) is None


@pytest.mark.parametrize("max_tokens", [3, 4, 5, 8, 64, 65])
def test_random_pairs(compiled, reference, max_tokens):
    generator = random.Random(max_tokens)
    texts, pairs = ([random_text(generator) for _ in range(2000)] for _ in range(2))
    assert difference(compiled, reference, texts, pairs, max_tokens) is None


@hypothesis.given(st.lists(st.text() | st.binary(), min_size=1, max_size=20))
@hypothesis.settings(
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
)
def test_any_texts(compiled, reference, texts):
    encoded = [
        text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
        for text in texts
    ]
    assert difference(compiled, reference, encoded, None, 32) is None


@pytest.mark.parametrize("length", [99, 100, 101, 5000])
def test_long_words(compiled, reference, length):
    texts = [b"a" * length, "é".encode() * length, b"x " + b"-" * length]
    texts.append("a\u302f\u1b44".encode() * length)
    assert difference(compiled, reference, texts, None, 256) is None


def test_single_characters_and_the_order_of_marks(tmp_path):
    """Every character is a piece, so that none hides in an [UNK]."""
    pieces = [*SPECIAL_PIECES, *CHARACTERS, *(f"##{text}" for text in CHARACTERS)]
    reference = WordPiece(pieces)
    write_firmware(tiny_contents(pieces=pieces), tmp_path / "f")
    compiled = CompiledTokenizer(tmp_path / "f")
    texts = random_mark_texts()
    encoded = [text.encode() for text in texts]
    assert difference(compiled, reference, encoded, None, 32) is None
    unknown = [
        compiled.tokenize(text, None, 32)[1].tolist().count(1) for text in encoded
    ]
    assert np.mean(unknown) < 0.5


def test_refusals_write_nothing(compiled):
    for text, pair, max_tokens in ((b"a", None, 1), (b"a", b"b", 2), (b"a", None, 0)):
        returned, *written = compiled.tokenize(text, pair, max_tokens)
        assert returned == -2
        assert all((array == -7).all() for array in written)
    assert compiled.tokenize(b"a", None, 40000)[0] == -2
    one = (ctypes.c_int32 * 4)()
    assert compiled._call(None, 1, None, 0, one, None, None, 4) == -1
    assert compiled._call(b"a", 1, None, 0, None, None, None, 4) == -1
    # Nothing but ids is asked for, and no bytes need no address.
    assert compiled._call(None, 0, None, 0, one, None, None, 4) == 2
    assert list(one) == [101, 102, 0, 0]


@pytest.mark.parametrize("unicode", ["latin", "ascii"])
def test_smaller_tables(reference, tmp_path, unicode):
    write_firmware(
        tiny_contents(pieces=reference.pieces, unicode=unicode), tmp_path / "f"
    )
    compiled = CompiledTokenizer(tmp_path / "f")
    generator = random.Random(1)
    known = [
        chr(code)
        for part in SETS[unicode]
        for code in part
        if not 0xD800 <= code < 0xE000
    ]
    texts = [
        "".join(generator.choice([*"abc ,", generator.choice(known)]) for _ in range(9))
        for _ in range(4000)
    ]
    encoded = [text.encode() for text in texts]
    assert difference(compiled, reference, encoded, None, 32) is None
    # A word with something else is one [UNK], punctuation still ends it.
    returned, ids, *_ = compiled.tokenize("the w\u03c9rd, the".encode(), None, 8)
    the, comma = reference.ids["the"], reference.ids[","]
    assert ids[:returned].tolist() == [101, the, UNKNOWN, comma, the, 102]


def test_unknown_tables_are_refused():
    with pytest.raises(ValueError, match="unicode: 'greek'; accepted: full, latin"):
        tiny_contents(unicode="greek")


def test_nothing_is_writable_and_the_stack_is_small(firmware, tmp_path):
    sources = sorted((firmware / "src").glob("*.c"))
    command = ["cc", *WARNINGS, "-Os", "-fno-pic", "-fstack-usage", "-c"]
    command += [f"-I{firmware / 'include'}", *map(str, sources)]
    subprocess.run(command, check=True, cwd=tmp_path)
    frames = {}
    for path in tmp_path.glob("*.su"):
        if path.stem not in ("tokenizer", "trie", "unicode"):
            continue
        for line in path.read_text().splitlines():
            function, size, kind = line.split("\t")
            assert kind in ("static", "dynamic,bounded")
            frames[function.rsplit(":", 1)[1]] = int(size)
    # All of them at once are more than any chain of calls.
    assert 0 < sum(frames.values()) <= 1024 + 256
    assert frames["read_text"] <= 640
    objects = sorted(map(str, tmp_path.glob("*.o")))
    symbols = subprocess.run(
        ["nm", *objects], check=True, capture_output=True, text=True
    ).stdout
    kinds = set(re.findall(r"^[0-9a-f]+ (\w) ", symbols, re.MULTILINE))
    assert kinds <= set("TtRr")
