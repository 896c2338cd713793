"""More texts for the student: put together, with words that give way to neighbours.

A small student learns the texts that it sees by heart long before it has learnt all
that the teacher could say. TinyBERT (Jiao et al. 2020, section 3.3) replaces words by
neighbours in GloVe and by a masked language model's guesses; here the neighbours are
those of the teacher's own embedding table, so nothing has to be downloaded. A
replaced word may turn the meaning round ("good", "bad"), and a text that ends as
another one does means something between the two: such texts have no label, and the
teacher says what they mean.
"""

import re
from collections.abc import Sequence

import numpy as np

from ei_bert_tf.task import Examples

_WORD = re.compile(r"[^\W\d_]+")
_NEIGHBOURS = 10
_ROWS = 1024


def word_neighbours(
    pieces: Sequence[str], embeddings: np.ndarray, used: np.ndarray
) -> dict[str, list[str]]:
    """For each word of the corpus the words whose embedding is nearest to its own.

    Nearness is the cosine between embeddings, their mean taken off. The corpus need not
    have the neighbours: through them the student hears of words that its texts lack.

    Args:
        pieces: the teacher's vocabulary in id order, V of them.
        embeddings: float32 [V, H], its table.
        used: int [N], the corpus' ids. Only alphabetic words of two letters and more
            have neighbours and are some.

    Returns:
        At most ten neighbours by word, the nearest first; never the word itself.
    """
    words = [
        index
        for index, piece in enumerate(pieces)
        if len(piece) > 1 and piece.isalpha()
    ]
    count = min(_NEIGHBOURS, len(words) - 1)
    if count < 1:
        return {}
    table = embeddings[words] - embeddings[words].mean(axis=0)
    table /= np.maximum(np.linalg.norm(table, axis=1, keepdims=True), 1e-12)
    replaced = np.flatnonzero(np.isin(words, used))
    found = {}
    for start in range(0, len(replaced), _ROWS):
        rows = replaced[start : start + _ROWS]
        nearness = table[rows] @ table.T  # [rows, words]
        nearness[np.arange(len(rows)), rows] = -np.inf
        best = np.argsort(-nearness, axis=1, kind="stable")[:, :count]
        for row, near in zip(rows, best, strict=True):
            found[pieces[words[row]]] = [pieces[words[other]] for other in near]
    return found


def augmented(
    examples: Examples,
    neighbours: dict[str, list[str]],
    copies: int,
    share: float,
    seed: int,
    spliced: float = 0.0,
    joined: float = 0.0,
) -> Examples:
    """Every text or pair `copies` times, a share of its words replaced by neighbours.

    What a copy is of may be joined first: the whole text and a whole other one behind
    it, which pairs are not. Else it may be spliced: the beginning of the text, its
    first word at least, and the end of another one; of a pair it is the second text.
    In half of the copies of pairs a word has one replacement in both texts, so that
    what they share stays shared; in the others each text is rewritten by itself.

    Args:
        examples: N texts or pairs.
        neighbours: of word_neighbours.
        copies: of each text.
        share: probability that a word that has neighbours is replaced.
        seed: of the draws.
        spliced: probability of a splice, where nothing is joined.
        joined: probability that another text is put behind a text.

    Returns:
        copies * N examples without targets.
    """
    generator = np.random.default_rng(seed)

    def replacement(word: str) -> str | None:
        near = neighbours.get(word.lower())
        if near is None or generator.random() >= share:
            return None
        return near[generator.integers(len(near))]

    def rewritten(text: str) -> str:
        return _WORD.sub(lambda match: replacement(match[0]) or match[0], text)

    def rewritten_together(texts: Sequence[str]) -> list[str]:
        chosen: dict[str, str | None] = {}

        def replace(match: re.Match) -> str:
            word = match[0].lower()
            if word not in chosen:
                chosen[word] = replacement(word)
            return chosen[word] or match[0]

        return [_WORD.sub(replace, text) for text in texts]

    def splice(text: str, others: Sequence[str]) -> str:
        if generator.random() >= spliced:
            return text
        other = others[generator.integers(len(others))].split()
        words = text.split()
        first = words[: generator.integers(1, len(words) + 1)] if words else []
        last = other[generator.integers(len(other)) :] if other else []
        return " ".join(first + last)

    def join(text: str, others: Sequence[str]) -> str:
        if not joined or generator.random() >= joined:
            return splice(text, others)
        return f"{text} {others[generator.integers(len(others))]}"

    if examples.pairs is None:
        texts = [
            rewritten(join(text, examples.texts))
            for _ in range(copies)
            for text in examples.texts
        ]
        return Examples(texts, None, examples.no_targets(len(texts)))
    texts, pairs = [], []
    for _ in range(copies):
        for first, second in zip(examples.texts, examples.pairs, strict=True):
            together = generator.random() < 0.5
            pair = first, splice(second, examples.pairs)
            copy = rewritten_together(pair) if together else [*map(rewritten, pair)]
            texts.append(copy[0])
            pairs.append(copy[1])
    return Examples(texts, pairs, examples.no_targets(len(texts)))
