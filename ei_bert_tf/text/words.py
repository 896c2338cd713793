"""Which tokens of two segmentations of a text begin the same word.

N texts, T tokens, W words. Teacher and student cut a text into the same words and the
words into pieces of different vocabularies.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from ei_bert_tf.text.wordpiece import Encoded

NO_WORD = -1


@dataclasses.dataclass(frozen=True)
class WordPairs:
    """Positions of the first pieces of the words that both segmentations hold.

    Attributes:
        student, teacher: int16 [N, W], NO_WORD behind the last word of a text. Column
            0 is [CLS]; a word that one of them has lost to truncation is left out.
    """

    student: np.ndarray
    teacher: np.ndarray


def pair_words(
    student: Encoded,
    teacher: Encoded,
    student_pieces: Sequence[str],
    teacher_pieces: Sequence[str],
) -> WordPairs:
    """Pairs words by their number within their segment, which is the same character
    offset: both tokenizers split words alike, and truncation cuts a segment's end.

    Args:
        student, teacher: the same N texts.
        student_pieces, teacher_pieces: their vocabularies in id order.
    """
    found = [
        _first_pieces(student, student_pieces),
        _first_pieces(teacher, teacher_pieces),
    ]
    width = min(positions.shape[1] for positions in found)
    in_both = np.all([positions[:, :width] >= 0 for positions in found], axis=0)
    order = np.argsort(~in_both, axis=1, kind="stable")[:, : in_both.sum(axis=1).max()]
    missing = ~np.take_along_axis(in_both, order, axis=1)
    paired = []
    for positions in found:
        words = np.take_along_axis(positions, order, axis=1)
        words[missing] = NO_WORD
        paired.append(words)
    return WordPairs(*paired)


def _first_pieces(encoded: Encoded, pieces: Sequence[str]) -> np.ndarray:
    """int16 [N, 1 + 2 T]: [CLS], then the k-th words of either segment, or NO_WORD."""
    rows, tokens = encoded.ids.shape
    inside = np.array([piece.startswith("##") for piece in pieces])
    starts = encoded.mask.astype(bool) & ~inside[encoded.ids]
    starts &= encoded.ids != pieces.index("[SEP]")
    starts[:, 0] = False
    positions = np.full((rows, 1 + 2 * tokens), NO_WORD, np.int16)
    positions[:, 0] = 0
    for segment in (0, 1):
        own = starts & (encoded.segment_ids == segment)
        numbers = np.cumsum(own, axis=1) - 1
        row, column = np.nonzero(own)
        positions[row, 1 + segment * tokens + numbers[row, column]] = column
    return positions
