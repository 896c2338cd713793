"""What the keep list goes by."""

import numpy as np
import pytest

from ei_bert_tf.vocabulary.importance import piece_scores, with_stand_ins


@pytest.mark.parametrize(
    ("keep_by", "order"),
    [("attention", [1, 0, 2, 3]), ("frequency", [2, 0, 1, 3]), ("both", [2, 0, 1, 3])],
)
def test_pieces_are_ranked_by_what_is_asked(keep_by, order):
    attention = np.array([3.0, 4.0, 2.5, 0.0])
    counts = np.array([5, 3, 7, 0])
    scores = piece_scores(keep_by, attention, counts)
    assert np.argsort(-scores).tolist() == order
    assert scores[3] == 0
    if keep_by == "both":
        assert scores.tolist() == [15.0, 12.0, 17.5, 0.0]


def test_a_stand_in_has_a_share_of_the_scores_of_the_words_it_stands_for():
    pieces = ["[PAD]", "good", "great", "fine", "film"]
    scores = np.array([0.0, 8.0, 2.0, 0.0, 5.0])
    neighbours = {"good": ["great", "fine"], "great": ["fine", "good"]}
    found = with_stand_ins(scores, pieces, neighbours, 0.5)
    assert found.tolist() == [0.0, 8.5, 4.0, 2.5, 5.0]
    assert scores.tolist() == [0.0, 8.0, 2.0, 0.0, 5.0]
    assert with_stand_ins(scores, pieces, {}, 0.0).tolist() == scores.tolist()
