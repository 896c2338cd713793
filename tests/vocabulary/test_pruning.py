"""What stays in the vocabulary and what it can still spell."""

import numpy as np
import pytest

from ei_bert_tf.text.wordpiece import WordPiece
from ei_bert_tf.vocabulary.pruning import (
    keep_list,
    smallest_vocabulary,
    spelling_pieces,
)
from tests.make_tiny_teacher import vocabulary


def test_a_pruned_word_falls_apart_instead_of_being_unknown():
    pieces = vocabulary()
    source = WordPiece(pieces)
    ids = source.encode(["the awful house"], None, 9).ids
    spelling = spelling_pieces(pieces, ids)
    size = smallest_vocabulary(pieces, spelling) + 1
    scores = np.zeros(len(pieces))
    scores[pieces.index("house")] = 2.0
    scores[pieces.index("awful")] = 1.0
    kept = keep_list(pieces, scores, spelling, size)
    assert len(kept) == size and (np.diff(kept) > 0).all()
    student = WordPiece([pieces[index] for index in kept])
    assert "house" in student.ids and "awful" not in student.ids
    encoded = student.encode(["awful house"], None, 16)
    found = [student.pieces[index] for index in encoded.ids[0][: encoded.lengths[0]]]
    assert found == ["[CLS]", "a", "##w", "##f", "##u", "##l", "house", "[SEP]"]


def test_too_small_a_vocabulary_is_refused():
    pieces = vocabulary()
    with pytest.raises(ValueError, match="vocabulary of 5 pieces"):
        keep_list(pieces, np.ones(len(pieces)), {7}, 5)


def test_pieces_without_a_score_fill_nothing():
    pieces = vocabulary()
    assert len(keep_list(pieces, np.zeros(len(pieces)), {7}, 50)) == 6
