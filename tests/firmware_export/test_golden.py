"""The golden texts tell a broken tokenizer from a right one."""

import ctypes

import pytest

from ei_bert_tf.text.wordpiece import SPECIAL_PIECES, WordPiece
from firmware_export.contents import GoldenVector
from firmware_export.golden import golden_texts
from firmware_export.package import write_firmware
from tests.compiled_firmware import compiled
from tests.tiny_contents import tiny_contents

MAX_TOKENS = 128
PIECES = (
    *SPECIAL_PIECES,
    *("a", "b", "l", "##l", "the", "word", "super", "##cali", "##fragilistic"),
    *("\u00a3", "\u6771", "\U0001f600"),
)
# Of a source: what stands there, and what a slip would make of it.
SLIPS = [
    ("tokenizer.c", "#define WORD_CHARACTERS 100U", "#define WORD_CHARACTERS 99U"),
    ("tokenizer.c", "#define WORD_CHARACTERS 100U", "#define WORD_CHARACTERS 101U"),
    ("tokenizer.c", "(0xC0U | (code_point >> 6))", "(0xC0U | (code_point >> 7))"),
    ("tokenizer.c", "(0xE0U | (code_point >> 12))", "(0xE0U | (code_point >> 13))"),
    ("tokenizer.c", "(0xF0U | (code_point >> 18))", "(0xF0U | (code_point >> 15))"),
    ("unicode.c", "lead < 0xC2U", "lead < 0xC0U"),
    ("unicode.c", "lowest = 0xA0U;", "lowest = 0x80U;"),
    ("unicode.c", "lowest = 0x90U;", "lowest = 0x80U;"),
    ("unicode.c", "highest = 0x8FU;", "highest = 0xBFU;"),
    ("unicode.c", "lead > 0xF4U", "lead > 0xF3U || lead == 0xE6U"),
]
OF_PAIRS = ("tokenizer.c", "high = low + room % 2U;", "high = low; low += room % 2U;")


def vectors(pair: bool) -> list[GoldenVector]:
    """The texts as the training's tokenizer reads them."""
    texts = golden_texts(MAX_TOKENS, PIECES)
    pairs = [texts[-1], *texts[:-1]] if pair else None
    decoded = [
        None if part is None else [text.decode("utf-8", "replace") for text in part]
        for part in (texts, pairs)
    ]
    encoded = WordPiece(PIECES).encode(decoded[0], decoded[1], MAX_TOKENS)
    return [
        GoldenVector(
            text,
            pairs[row] if pairs is not None else None,
            encoded.ids[row][: encoded.lengths[row]].tolist(),
            (1, 0),
            0,
        )
        for row, text in enumerate(texts)
    ]


@pytest.fixture(scope="module")
def firmwares(tmp_path_factory):
    """Of a task of single texts, and of one of pairs."""
    folder = tmp_path_factory.mktemp("golden")
    for pair in (False, True):
        contents = tiny_contents(
            pieces=PIECES, max_tokens=MAX_TOKENS, golden=vectors(pair), pair=pair
        )
        write_firmware(contents, folder / str(pair))
    return folder / "False", folder / "True"


def self_test(folder) -> int:
    ids = (ctypes.c_int32 * MAX_TOKENS)()
    return compiled(folder).ei_bert_self_test_tokenizer(ids, None)


def slipped(firmware, tmp_path, name, right, wrong):
    """A copy of the firmware with the slip."""
    folder = tmp_path / "firmware"
    for path in firmware.rglob("*.[ch]"):
        copy = folder / path.relative_to(firmware)
        copy.parent.mkdir(parents=True, exist_ok=True)
        text = path.read_text("utf-8")
        if path.name == name:
            assert right in text, right
            text = text.replace(right, wrong)
        copy.write_text(text, "utf-8")
    return folder


def test_the_tokenizer_meets_them(firmwares):
    assert [self_test(firmware) for firmware in firmwares] == [0, 0]


@pytest.mark.parametrize(("name", "right", "wrong"), SLIPS)
def test_a_slip_in_the_tokenizer_is_found(firmwares, tmp_path, name, right, wrong):
    assert self_test(slipped(firmwares[0], tmp_path, name, right, wrong)) == -6


def test_a_slip_in_how_pairs_share_their_room_is_found(firmwares, tmp_path):
    assert self_test(slipped(firmwares[1], tmp_path, *OF_PAIRS)) == -6


def test_words_of_the_vocabulary_have_characters_of_each_size():
    texts = golden_texts(16, ["##\u00a3", "a\u00a3", "\u6771", "\U0001f600\u00a3"])
    assert "a\u00a3 \u6771 \U0001f600\u00a3".encode() in texts
    assert b"" in golden_texts(16, [])
