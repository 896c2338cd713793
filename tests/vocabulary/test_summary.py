"""What pruning kept and dropped is counted and shown."""

import numpy as np

from ei_bert_tf.vocabulary.summary import vocabulary_summary


def test_pieces_and_tokens_are_counted():
    pieces = ["[PAD]", "[UNK]", "a", "the", "cat", "dog", "unseen"]
    scores = np.array([0.0, 0.0, 0.5, 9.0, 2.0, 1.0, 0.0])
    counts = np.array([0, 0, 1, 6, 2, 3, 0])
    found = vocabulary_summary(pieces, scores, counts, np.array([0, 1, 2, 3]))
    assert found == {
        "teacher": 7,
        "used": 4,
        "kept": 4,
        "kept_share_of_tokens": 7 / 12,
        "dropped": ["cat", "dog"],
        # A single character stays whatever it scores, so it is no example.
        "last_kept": ["the"],
    }
