"""Length-bucketed tf.data batches, the same for the same (seed, epoch).

B batch, T tokens of the bucket.
"""

from collections.abc import Mapping

import numpy as np

from ei_bert_tf.compat import tf
from ei_bert_tf.text.wordpiece import Encoded

BUCKET_TOKENS = 4

# What a batch without extras is, for functions that are traced once for all lengths.
TEXT_SIGNATURE = {
    "rows": tf.TensorSpec((None,), tf.int32),
    "ids": tf.TensorSpec((None, None), tf.int32),
    "mask": tf.TensorSpec((None, None), tf.int32),
    "segment_ids": tf.TensorSpec((None, None), tf.int32),
}


def batches(
    encoded: Encoded,
    extras: Mapping[str, np.ndarray],
    batch_size: int,
    shuffle_seed: int | None = None,
    chosen: np.ndarray | None = None,
) -> tf.data.Dataset:
    """Batches of examples of like length, padded to a multiple of BUCKET_TOKENS.

    Args:
        encoded: the texts.
        extras: arrays [N, ...] that travel with the texts (targets, cached outputs).
        batch_size: rows of a batch; what a bucket leaves over is pooled, so that
            only the last batch may be smaller.
        shuffle_seed: orders rows and batches; None keeps rows sorted by length.
        chosen: int [M], the rows that it is about; None for all.

    Returns:
        A finite dataset of dicts: `ids`, `mask`, `segment_ids` int32 [B, T], `rows`
        int32 [B] (the examples' numbers) and the extras [B, ...]. Its cardinality is
        known.
    """
    if chosen is None:
        chosen = np.arange(len(encoded), dtype=np.int32)
    rows, sizes, lengths = _plan(encoded.lengths[chosen], batch_size, shuffle_seed)
    rows = chosen[rows].astype(np.int32)
    width = encoded.ids.shape[1]
    ids = tf.constant(encoded.ids)
    segment_ids = tf.constant(encoded.segment_ids.astype(np.uint8))
    token_counts = tf.constant(encoded.lengths)
    constants = {name: tf.constant(value) for name, value in extras.items()}

    def gather(batch_rows, tokens):
        tokens = tf.minimum(tokens, width)
        mask = tf.sequence_mask(tf.gather(token_counts, batch_rows), tokens, tf.int32)
        segments = tf.gather(segment_ids, batch_rows)[:, :tokens]
        batch = {
            "rows": batch_rows,
            "ids": tf.gather(ids, batch_rows)[:, :tokens],
            "mask": mask,
            "segment_ids": tf.cast(segments, tf.int32),
        }
        for name, value in constants.items():
            batch[name] = tf.gather(value, batch_rows)
        return batch

    ragged = tf.RaggedTensor.from_row_lengths(rows, sizes)
    dataset = tf.data.Dataset.from_tensor_slices((ragged, lengths))
    dataset = dataset.map(gather, num_parallel_calls=2, deterministic=True).prefetch(4)
    # There is nothing to tune, and the tuner often holds up the end of a dataset until
    # it wakes up, which takes up to as long again as the dataset did.
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.with_options(options)


def epoch_rows(count: int, most: int, seed: int, epoch: int) -> np.ndarray:
    """The rows of one epoch, int [min(count, most)]; `most` 0 is no limit.

    Where an epoch can't be all `count` rows, the epochs share them out: no row comes
    again before every other one has come.
    """
    if not 0 < most < count:
        return np.arange(count)
    rows = np.zeros(0, np.int64)
    place = epoch * most
    while len(rows) < most:
        turn, start = divmod(place + len(rows), count)
        order = np.random.default_rng([seed, turn]).permutation(count)
        rows = np.concatenate([rows, order[start : start + most - len(rows)]])
    return rows


def _plan(
    lengths: np.ndarray, batch_size: int, shuffle_seed: int | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows in batch order, rows of each batch, tokens of each batch (all int32)."""
    buckets = np.maximum(-(-lengths // BUCKET_TOKENS), 1)
    if shuffle_seed is None:
        order = np.argsort(lengths, kind="stable")
    else:
        generator = np.random.default_rng(shuffle_seed)
        order = generator.permutation(len(lengths))
    full, rest = [], []
    for bucket in np.unique(buckets):
        members = order[buckets[order] == bucket]
        whole = len(members) // batch_size * batch_size
        full.extend(members[:whole].reshape(-1, batch_size))
        rest.append(members[whole:])
    leftover = np.concatenate(rest) if rest else order
    full.extend(
        leftover[start : start + batch_size]
        for start in range(0, len(leftover), batch_size)
    )
    if shuffle_seed is not None:
        full = [full[index] for index in generator.permutation(len(full))]
    sizes = np.array([len(rows) for rows in full], np.int64)
    tokens = [buckets[rows].max() * BUCKET_TOKENS for rows in full]
    return np.concatenate(full).astype(np.int32), sizes, np.array(tokens, np.int32)
