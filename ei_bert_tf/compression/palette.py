"""Weights of 16 values: the start of their training, and what becomes of it.

What FULLY_CONNECTED multiplies by gets the 16 values of its tensor that fit best; the
embedding's table gets -7..7, because two such numbers in a byte can be taken apart
(conversion/lookup_tables.py). docs/method.md has what else was tried.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from ei_bert_tf.compat import tf
from ei_bert_tf.compression.quantization import (
    copy_quantized,
    last_name,
    quantize_student,
)
from ei_bert_tf.compression.quantizers import (
    HALF_BYTE,
    HALF_BYTE_LARGEST,
    PALETTE,
    PALETTE_VALUES,
    palette_values,
)

# Small, and what the teacher's language is in.
_WHOLE = ("classifier",)
_ROUNDS = 50  # Lloyd's algorithm in one dimension; more change nothing.
_SPACINGS = np.linspace(0.2, 1.0, 41)
_INT8_LARGEST = 127


def cluster_student(
    student: tf.keras.Model, forms: Mapping[str, str] | None = None
) -> tf.keras.Model:
    """The quantized student whose weights have 16 values each, started by k-means.

    Args:
        student: float, in its exported form.
        forms: of the layers' weights, None for those that with_lookup_tables packs.
    """
    clustered = quantize_student(student, _forms(student) if forms is None else forms)
    for layer in clustered.layers:
        found = {last_name(weight): weight for weight in layer.weights}
        for name, weight in found.items():
            if name.endswith("_palette"):
                of = found[name.removesuffix("_palette")].numpy()
                weight.assign(_nearest_means(of))
            elif name.endswith("_spacing"):
                of = found[name.removesuffix("_spacing")].numpy()
                weight.assign(_best_spacing(of))
    return clustered


def copy_clustered(source: tf.keras.Model, target: tf.keras.Model) -> None:
    """Copies what cluster_student's model has learnt into one of quantize_student.

    The int8 weights of the target are then the values of the source.
    """
    copy_quantized(source, target)
    for layer in target.layers:
        if not layer.weights:
            continue
        learnt = {last_name(x): x for x in source.get_layer(layer.name).weights}
        found = {last_name(x): x for x in layer.weights}
        for name, weight in found.items():
            if f"{name}_palette" in learnt:
                values, most = palette_values(weight, learnt[f"{name}_palette"])
            elif f"{name}_spacing" in learnt:
                spacing = learnt[f"{name}_spacing"]
                most = _INT8_LARGEST * spacing
                limit = HALF_BYTE_LARGEST * spacing
                values = tf.clip_by_value(weight, -limit, limit)
            else:
                continue
            weight.assign(values)
            found[f"{name}_min"].assign(-most)
            found[f"{name}_max"].assign(most)


def _forms(student: tf.keras.Model) -> dict[str, str]:
    forms = {}
    for layer in student.layers:
        kind = type(layer).__name__
        if kind in ("Dense", "JoinedDense") and layer.name not in _WHOLE:
            forms[layer.name] = PALETTE
        elif layer.name == "embedding" and layer.width % 2 == 0:
            forms[layer.name] = HALF_BYTE
    return forms


def _nearest_means(weight: np.ndarray) -> Sequence[float]:
    """16 values with the least squared distance to a tensor's, sorted."""
    values = np.sort(weight, axis=None).astype(np.float64)
    sums = np.concatenate([[0.0], np.cumsum(values)])
    means = np.quantile(values, (np.arange(PALETTE_VALUES) + 0.5) / PALETTE_VALUES)
    for _ in range(_ROUNDS):
        inner = np.searchsorted(values, (means[1:] + means[:-1]) / 2)
        ends = np.concatenate([[0], inner, [len(values)]])
        counts = np.diff(ends)
        means = np.where(counts, np.diff(sums[ends]) / np.maximum(counts, 1), means)
    return means


def _best_spacing(weight: np.ndarray) -> float:
    """The spacing of -7..7 with the least squared distance to a tensor's values."""

    def error(spacing: float) -> float:
        steps = np.clip(
            np.round(weight / spacing), -HALF_BYTE_LARGEST, HALF_BYTE_LARGEST
        )
        return float(np.mean(np.square(steps * spacing - weight)))

    largest = max(float(np.abs(weight).max()), 1e-6) / HALF_BYTE_LARGEST
    return min(_SPACINGS * largest, key=error)
