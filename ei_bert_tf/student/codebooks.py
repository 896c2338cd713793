"""Product quantization of an embedding table (Jegou et al. 2011, section 2).

V pieces, E embedding size, G groups of dimensions, K entries of a codebook.
"""

import numpy as np

from ei_bert_tf.recipe import CODE_DIMENSIONS, codebook_entries

_ROUNDS = 25
_FIRST_CODE = -128  # Codes are int8.


def product_codes(
    table: np.ndarray, weights: np.ndarray, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """The nearest codes and codebooks that k-means finds, group by group.

    Args:
        table: float [V, E], E a multiple of CODE_DIMENSIONS.
        weights: float [V], what an error of each row counts.
        seed: of the first entries.

    Returns:
        int8 [V, G] and float32 [G * K, CODE_DIMENSIONS], as ProductTable has them.
    """
    generator = np.random.default_rng(seed)
    entries = codebook_entries(len(table))
    groups = table.reshape(len(table), -1, CODE_DIMENSIONS).astype(np.float64)
    codes, books = [], []
    for number in range(groups.shape[1]):
        chosen, book = _k_means(groups[:, number], weights, entries, generator)
        codes.append(chosen + _FIRST_CODE)
        books.append(book)
    return (
        np.stack(codes, axis=1).astype(np.int8),
        np.concatenate(books).astype(np.float32),
    )


def _k_means(
    rows: np.ndarray, weights: np.ndarray, entries: int, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Weighted k-means (Lloyd): int [V] in 0..K-1 and float [K, CODE_DIMENSIONS]."""
    share = weights / weights.sum()
    first = generator.choice(len(rows), entries, replace=False, p=share)
    centres = rows[np.sort(first)]
    for _ in range(_ROUNDS):
        distances = _distances(rows, centres)
        chosen = distances.argmin(axis=1)
        total = np.bincount(chosen, share, entries)
        # An entry that nothing is near to takes a row that is badly served.
        empty = np.flatnonzero(total == 0)
        errors = share * distances.min(axis=1)
        worst = np.argsort(-errors, kind="stable")[: len(empty)]
        sums = np.stack(
            [np.bincount(chosen, share * column, entries) for column in rows.T], axis=1
        )
        centres = sums / np.maximum(total, np.finfo(float).tiny)[:, None]
        centres[empty] = rows[worst]
    return _distances(rows, centres).argmin(axis=1), centres


def _distances(rows: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Squared, [V, K]."""
    products = rows @ centres.T
    return (
        np.square(rows).sum(axis=1)[:, None] - 2 * products + np.square(centres).sum(1)
    )
