"""More texts for the student: words give way to their neighbours.

A small student learns the texts that it sees by heart long before it has learnt all
that the teacher could say. TinyBERT (Jiao et al. 2020, section 3.3) replaces words by
neighbours in GloVe and by a masked language model's guesses; here the neighbours are
those of the teacher's own embedding table, so nothing has to be downloaded. A
replaced word may turn the meaning round ("good", "bad"): such a text has no label, and
the teacher says what it means.
"""

import re
from collections.abc import Sequence

import numpy as np

from ei_bert_tf.task import Examples

_WORD = re.compile(r"[^\W\d_]+")
_ROWS = 1024


def word_neighbours(
    pieces: Sequence[str],
    embeddings: np.ndarray,
    used: np.ndarray,
    count: int,
) -> dict[str, list[str]]:
    """For each word of the corpus the words whose embedding is nearest to its own.

    Nearness is the cosine between embeddings, their mean taken off.

    Args:
        pieces: the teacher's vocabulary in id order, V of them.
        embeddings: float32 [V, H], its table.
        used: int [N], the corpus' ids; those that are no alphabetic words of two
            letters and more are left out.
        count: most neighbours a word.

    Returns:
        Neighbours by word, the nearest first; never the word itself.
    """
    ids = [i for i in used if len(pieces[i]) > 1 and pieces[i].isalpha()]
    words = [pieces[i] for i in ids]
    count = min(count, len(words) - 1)
    if count < 1:
        return {}
    table = embeddings[ids]
    table = table - table.mean(axis=0)
    table /= np.maximum(np.linalg.norm(table, axis=1, keepdims=True), 1e-12)
    found = {}
    for start in range(0, len(words), _ROWS):
        nearness = table[start : start + _ROWS] @ table.T  # [rows, words]
        rows = np.arange(len(nearness))
        nearness[rows, start + rows] = -np.inf
        best = np.argsort(-nearness, axis=1, kind="stable")[:, :count]
        for row in rows:
            found[words[start + row]] = [words[other] for other in best[row]]
    return found


def augmented(
    examples: Examples,
    neighbours: dict[str, list[str]],
    copies: int,
    share: float,
    seed: int,
) -> Examples:
    """Every text `copies` times, a share of its words replaced by neighbours.

    Args:
        examples: N texts or pairs.
        neighbours: of word_neighbours.
        copies: of each text.
        share: probability that a word that has neighbours is replaced.
        seed: of the draws.

    Returns:
        copies * N examples without targets.
    """
    generator = np.random.default_rng(seed)

    def replace(match: re.Match) -> str:
        near = neighbours.get(match[0].lower())
        if near is None or generator.random() >= share:
            return match[0]
        return near[generator.integers(len(near))]

    def rewritten(texts: Sequence[str]) -> list[str]:
        return [_WORD.sub(replace, text) for _ in range(copies) for text in texts]

    texts = rewritten(examples.texts)
    pairs = None if examples.pairs is None else rewritten(examples.pairs)
    return Examples(texts, pairs, examples.no_targets(len(texts)))
