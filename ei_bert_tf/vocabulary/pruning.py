"""Which pieces stay: the most important ones and those that spell all the others."""

from collections.abc import Iterable

import numpy as np

from ei_bert_tf.text.wordpiece import SPECIAL_PIECES

_ASCII = [chr(code) for code in range(0x21, 0x7F) if not chr(code).isupper()]


def spelling_pieces(pieces: list[str], texts_ids: np.ndarray) -> set[int]:
    """Ids that must stay so that a pruned word falls apart instead of being [UNK].

    Single characters and `##` characters of ASCII and of every piece that the corpus
    uses, as far as the source vocabulary has them.

    Args:
        pieces: the source vocabulary in id order.
        texts_ids: int32, ids that occur in the corpus (any shape).
    """
    characters = set(_ASCII)
    for index in np.unique(texts_ids):
        piece = pieces[index]
        if piece not in SPECIAL_PIECES:
            characters.update(piece.removeprefix("##"))
    wanted = characters | {"##" + character for character in characters}
    return {index for index, piece in enumerate(pieces) if piece in wanted}


def smallest_vocabulary(pieces: list[str], spelling: Iterable[int]) -> int:
    """Number of pieces that stay whatever the budget."""
    special = {pieces.index(piece) for piece in SPECIAL_PIECES}
    return len(special | set(spelling))


def keep_list(
    pieces: list[str], scores: np.ndarray, spelling: Iterable[int], size: int
) -> np.ndarray:
    """Ids of the source vocabulary that stay, in source order.

    Args:
        pieces: the source vocabulary in id order, [PAD] first.
        scores: float [V], importance; equal scores are settled by source order.
        spelling: ids that stay in any case.
        size: pieces of the pruned vocabulary. Pieces of score 0 fill nothing: the
            result may be smaller.

    Returns:
        int32 [at most size], ascending.

    Raises:
        ValueError: size is less than what has to stay.
    """
    required = {pieces.index(piece) for piece in SPECIAL_PIECES} | set(spelling)
    if size < len(required):
        raise ValueError(
            f"vocabulary of {size} pieces: special and single characters alone are "
            f"{len(required)}"
        )
    ranked = np.argsort(-scores, kind="stable")
    kept = set(required)
    for index in ranked:
        if len(kept) == size or scores[index] <= 0:
            break
        kept.add(int(index))
    return np.array(sorted(kept), np.int32)
