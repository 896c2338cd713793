"""A smaller student as a slice of a larger one.

H hidden size before, h after, E embedding size, V pieces, T tokens. slicing.py has
the arithmetic, which is the same for a slice of the teacher.
"""

import dataclasses
from collections.abc import Iterator

import numpy as np

from ei_bert_tf.compat import tf
from ei_bert_tf.recipe import StudentConfig
from ei_bert_tf.student.encoder import build_student, student_inputs
from ei_bert_tf.student.layers import DropoutSource
from ei_bert_tf.student.slicing import (
    NormFit,
    Slice,
    Weights,
    add_norms,
    best,
    factorised,
    rotated_basis,
    rotation,
    sliced,
)
from ei_bert_tf.student.units import Units
from ei_bert_tf.text.batches import batches
from ei_bert_tf.text.wordpiece import Encoded

_BATCH = 32
# Rows [R, H] from before and behind each norm, in the order of the norms.
_Points = list[tuple[np.ndarray, np.ndarray]]


def slice_student(
    student: tf.keras.Model,
    config: StudentConfig,
    smaller: StudentConfig,
    scores: Units,
    pieces: np.ndarray,
    sample: Encoded | None,
    seed: int,
    dropout: DropoutSource | None = None,
    gates: Units | None = None,
) -> tf.keras.Model:
    """A student of a smaller shape that starts from a larger one's weights.

    Where nothing shrinks it computes the same, and where only units go whose gates
    are 0 it computes what the gated one does. A narrower stream loses what is outside
    its basis; the norms are fitted to the rest.

    Args:
        student: float, unfolded, gated or not.
        config: its shape.
        smaller: the result's; in no number larger than config.
        scores: numpy arrays; of each group the best units stay.
        pieces: int [v], ids in the student's vocabulary that stay, ascending.
        sample: texts in the ids of the result, needed where the stream gets narrower.
        seed: of the rotation of the basis.
        dropout, gates: of the training that follows.
    """
    weights = _weights(student)
    weights["embedding"] = [weights["embedding"][0][pieces]]
    weights = _fewer_dimensions(weights, smaller.embedding_size, scores.embedding)
    whole = dataclasses.replace(
        config,
        vocabulary_size=len(pieces),
        embedding_size=smaller.embedding_size,
    )
    basis, energy = np.eye(config.hidden_size, dtype=np.float32), 1.0
    blocks = best(scores.blocks, smaller.layers).tolist()
    norms = None
    if smaller.hidden_size < config.hidden_size:
        larger = _with_weights(build_student(whole), weights)
        size = smaller.hidden_size
        basis, energy = _basis(larger, whole, sample, size, seed)
        norms = _fitted_norms(larger, whole, sample, basis, blocks)
    cut = Slice(
        basis,
        energy,
        blocks,
        [best(np.asarray(scores.heads[b]), smaller.heads) for b in blocks],
        [
            best(np.asarray(scores.neurons[b]), smaller.feed_forward_size)
            for b in blocks
        ],
        norms,
    )
    found = sliced(weights, smaller, cut)
    kernel, bias = weights["embedding_projection"]
    found["embedding"] = weights["embedding"]
    found["embedding_projection"] = [kernel @ basis, bias @ basis]
    if norms is None:
        found |= _kept_norms(weights, blocks)
    else:
        add_norms(found, smaller, cut)
    return _with_weights(build_student(smaller, dropout=dropout, gates=gates), found)


def principal_axes(student: tf.keras.Model, piece_weights: np.ndarray) -> None:
    """Turns the embedding's dimensions, in place, into the principal axes of what its
    table and projection make together; the student computes the same.

    The best rank-k table is then the one of the k dimensions of largest magnitude.

    Args:
        piece_weights: float [V], as for the slice of the teacher.
    """
    embedding = student.get_layer("embedding")
    projection = student.get_layer("embedding_projection")
    (table,), (kernel, bias) = embedding.get_weights(), projection.get_weights()
    rows = table @ kernel
    directions = factorised(rows, piece_weights, table.shape[1])
    embedding.set_weights([rows @ directions.T])
    projection.set_weights([directions, bias])


def _fewer_dimensions(weights: Weights, size: int, scores: np.ndarray) -> Weights:
    """The best embedding dimensions, rotated so that no few of them are large."""
    (table,), (kernel, bias) = weights["embedding"], weights["embedding_projection"]
    if size == table.shape[1]:
        return weights
    chosen = best(scores, size)
    turned = rotation(size, size).astype(np.float32)
    return weights | {
        "embedding": [table[:, chosen] @ turned.T],
        "embedding_projection": [turned @ kernel[chosen], bias],
    }


def _basis(
    student: tf.keras.Model,
    config: StudentConfig,
    sample: Encoded,
    size: int,
    seed: int,
) -> tuple[np.ndarray, float]:
    moment = np.zeros((config.hidden_size,) * 2, np.float64)
    for points in _states(student, config, sample):
        states = [points[0][1], *(rows for pair in points[1:] for rows in pair)]
        for rows in states:
            rows = rows.astype(np.float64)
            moment += rows.T @ rows
    return rotated_basis(moment, size, seed)


def _fitted_norms(
    student: tf.keras.Model,
    config: StudentConfig,
    sample: Encoded,
    basis: np.ndarray,
    blocks: list[int],
) -> list[tuple[np.ndarray, np.ndarray]]:
    kept = [0, *(1 + 2 * block + part for block in blocks for part in (0, 1))]
    fits = [NormFit(config.norm) for _ in kept]
    for points in _states(student, config, sample):
        for fit, point in zip(fits, kept, strict=True):
            before, after = points[point]
            fit.add(before @ basis, after @ basis)
    return [fit.solve() for fit in fits]


def _states(
    student: tf.keras.Model, config: StudentConfig, sample: Encoded
) -> Iterator[_Points]:
    """States of real tokens; of the last block there is but [CLS]."""
    layers = ["segments_add" if config.pair else "positions"]
    layers.append("embedding_norm_shift")
    for index in range(config.layers):
        for part in ("attention", "feed_forward"):
            name = f"block_{index}_{part}"
            layers += [f"{name}_add", f"{name}_norm_shift"]
    outputs = [student.get_layer(name).output for name in layers]
    tapped = tf.keras.Model(student.inputs, outputs)
    for batch in batches(sample, {}, _BATCH):
        real = batch["mask"].numpy().astype(bool)
        rows = []
        for state in tapped(student_inputs(config, batch), training=False):
            values = state.numpy()
            rows.append(values[real[:, : values.shape[1]]])
        yield list(zip(rows[::2], rows[1::2], strict=True))


def _weights(student: tf.keras.Model) -> Weights:
    return {
        layer.name: layer.get_weights() for layer in student.layers if layer.weights
    }


def _kept_norms(weights: Weights, blocks: list[int]) -> Weights:
    found = {}
    for name, values in weights.items():
        if name.startswith("embedding_norm"):
            found[name] = values
        for index, block in enumerate(blocks):
            old = f"block_{block}_"
            if name.startswith(old) and "_norm_" in name:
                found[f"block_{index}_{name.removeprefix(old)}"] = values
    return found


def _with_weights(student: tf.keras.Model, weights: Weights) -> tf.keras.Model:
    for name, values in weights.items():
        student.get_layer(name).set_weights(values)
    return student
