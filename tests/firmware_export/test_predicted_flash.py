"""The budget solver's flash beside what the export counts."""

import pathlib

import pytest

from ei_bert_tf.recipe import StudentConfig
from ei_bert_tf.student.costs import TRIE_PIECE_BYTES, flash_bytes
from ei_bert_tf.student.sizing import model_bytes
from firmware_export.flash import firmware_bytes, vocabulary_bytes
from tests.tiny_contents import tiny_contents

_BUNDLE = pathlib.Path(__file__).parents[2] / "examples" / "bundle_bbc_news"


def pieces(count):
    """Special and single ones first, then others evenly through the vocabulary."""
    found = (_BUNDLE / "vocab.txt").read_text("utf-8").split("\n")[:-1]
    first = [piece for piece in found if piece[0] == "[" or len(piece) <= 3]
    others = [piece for piece in found if piece not in set(first)]
    wanted = count - len(first)
    return first + [others[n * len(others) // wanted] for n in range(wanted)]


@pytest.mark.parametrize("count", [1500, 2500, 4000])
def test_a_piece_takes_what_is_predicted(count):
    contents = tiny_contents(pieces=pieces(count))
    assert vocabulary_bytes(contents) == pytest.approx(
        TRIE_PIECE_BYTES * count, rel=0.1
    )


@pytest.mark.parametrize("count", [1500, 4000])
def test_flash_is_within_2_percent_and_not_below(count):
    config = StudentConfig(count, 64, 3, 64, 32, 2, 32, 256, 384, 5)
    contents = tiny_contents(pieces=pieces(count), model=bytes(model_bytes(config)))
    counted = firmware_bytes(contents)
    assert counted <= flash_bytes(config) <= 1.02 * counted + 3000
