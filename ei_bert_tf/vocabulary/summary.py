"""What token pruning kept and dropped, for people to look at.

V pieces of the teacher.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

_EXAMPLES = 40


def vocabulary_summary(
    pieces: Sequence[str], scores: np.ndarray, counts: np.ndarray, kept: np.ndarray
) -> dict[str, Any]:
    """Numbers and examples.

    Args:
        pieces: the teacher's vocabulary in id order.
        scores: float [V], what the keep list went by.
        counts: int [V], occurrences in the training texts, in the teacher's ids.
        kept: the ids that stay.

    Returns:
        `teacher`, `used` and `kept` (pieces: all, those of the training texts, those
        that stay), `kept_share_of_tokens` (of the training texts), `dropped` (pieces of
        the texts that left, the highest scores first) and `last_kept` (those that just
        stayed, the lowest scores first).
    """
    stays = np.zeros(len(pieces), bool)
    stays[kept] = True
    used = counts > 0
    order = np.argsort(-scores, kind="stable")
    dropped = [index for index in order if used[index] and not stays[index]]
    # Special pieces and single characters stay whatever they score.
    last = [i for i in order[::-1] if stays[i] and used[i] and len(pieces[i]) > 1]
    return {
        "teacher": len(pieces),
        "used": int(used.sum()),
        "kept": int(stays.sum()),
        "kept_share_of_tokens": float(counts[stays].sum() / max(counts.sum(), 1)),
        "dropped": [pieces[index] for index in dropped[:_EXAMPLES]],
        "last_kept": [pieces[index] for index in last[:_EXAMPLES]],
    }
