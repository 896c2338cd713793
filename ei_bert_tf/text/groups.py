"""Texts that are parts of each other, which a held-out part must not tear apart."""

from collections.abc import Sequence

import numpy as np

# A text of n words has n * n / 2 spans; a longer one groups with equal texts only.
_MOST_WORDS = 64


def text_groups(texts: Sequence[str]) -> np.ndarray:
    """Groups equal texts, and texts that are a span of words of a longer one.

    SST-2's training rows are phrases of its training sentences: a held-out phrase
    whose sentence was trained on says little about new sentences.

    Args:
        texts: N texts. A span of several longer texts goes with the first longest.

    Returns:
        Group numbers int64 [N], from 0 without gaps.
    """
    words = [text.split() for text in texts]
    rows: dict[str, list[int]] = {}
    for row, own in enumerate(words):
        rows.setdefault(" ".join(own), []).append(row)
    groups = np.full(len(texts), -1, np.int64)
    count = 0
    for row in sorted(range(len(texts)), key=lambda row: -len(words[row])):
        if groups[row] >= 0:
            continue
        own = words[row]
        spans = {" ".join(own)}
        if len(own) <= _MOST_WORDS:
            spans |= {
                " ".join(own[start:end])
                for start in range(len(own))
                for end in range(start + 1, len(own) + 1)
            }
        for span in spans & rows.keys():
            for member in rows[span]:
                if groups[member] < 0:
                    groups[member] = count
        count += 1
    return groups
