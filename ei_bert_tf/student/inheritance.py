"""The student starts as a rotated slice of the fine-tuned teacher.

Ht teacher hidden size, H student hidden size, E embedding size, N heads, D head size,
F feed-forward size. With a basis P [Ht, H] (orthonormal columns) the student's
residual stream is x P: a weight that reads the stream becomes P' W, one that writes it
W P. This is EI-BERT's parameter integration taken to its end, and ours.
"""

import dataclasses

import numpy as np

from ei_bert_tf.compat import tf
from ei_bert_tf.recipe import StudentConfig
from ei_bert_tf.student.codebooks import product_codes
from ei_bert_tf.student.encoder import BLOCK_DENSE, build_student
from ei_bert_tf.student.layers import DropoutSource
from ei_bert_tf.teacher.backbone import Teacher
from ei_bert_tf.teacher.forward import EPSILON, forward
from ei_bert_tf.text.batches import batches
from ei_bert_tf.text.wordpiece import Encoded

_BATCH = 32


@dataclasses.dataclass(frozen=True)
class Slice:
    """What the teacher's states on real text say about where to cut.

    Attributes:
        basis: float32 [Ht, H], rotated eigenvectors of the uncentred second moment of
            the residual stream.
        kept_energy: share of that moment inside the basis.
        blocks: teacher blocks that stay, one a student block.
        heads, neurons: for each kept block the ids that stay, ascending.
        norms: for each of the student's norms (scale [H], shift [H]).
    """

    basis: np.ndarray
    kept_energy: float
    blocks: list[int]
    heads: list[np.ndarray]
    neurons: list[np.ndarray]
    norms: list[tuple[np.ndarray, np.ndarray]]


def initial_student(
    teacher: Teacher,
    config: StudentConfig,
    kept_pieces: np.ndarray,
    piece_weights: np.ndarray,
    cut: Slice,
    seed: int,
    start: str,
    dropout: DropoutSource | None = None,
) -> tf.keras.Model:
    """A student whose weights come from the teacher.

    Args:
        teacher: fine-tuned.
        config: the student's shape; head_size is the teacher's.
        kept_pieces: int32 [V], the teacher's ids of the student's pieces.
        piece_weights: float [V], how often each counts when the table is factorised.
        cut: what measure_slice found.
        start: `slice`, or `random`, which takes only embedding and task layers.
        dropout: of the training that follows.
    """
    tf.keras.utils.set_random_seed(seed)
    student = build_student(config, dropout=dropout)
    weights = _embedding_weights(teacher, config, kept_pieces, piece_weights, cut.basis)
    if config.embedding_form == "product":
        (table,) = weights["embedding"]
        codes, codebooks = product_codes(table, piece_weights + 1.0, seed)
        weights["embedding"] = [codebooks, codes]  # Keras: trained ones first.
    weights |= _task_weights(teacher, cut.basis)
    if start == "slice":
        weights |= _block_weights(teacher, config, cut)
        _add_norms(weights, config, cut)
        _share_kernels(weights, config)
    for name, values in weights.items():
        student.get_layer(name).set_weights(values)
    return student


def residual_basis(
    teacher: Teacher, sample: Encoded, size: int, seed: int
) -> tuple[np.ndarray, float]:
    """The basis of the student's residual stream, and the energy that it keeps.

    Eigenvectors of the uncentred second moment over all residual states of real
    tokens, times a random orthogonal matrix: the rotation spreads the teacher's
    outlier dimensions, which per-tensor int8 could not hold otherwise.

    Returns:
        float32 [Ht, size] and the share of the second moment's trace.
    """
    width = teacher.backbone.hidden_dim
    moment = np.zeros((width, width), np.float64)
    for batch, states in _states(teacher, sample):
        real = batch["mask"].numpy().astype(bool)
        for state in _residual_states(states):
            rows = state.numpy()[real].astype(np.float64)
            moment += rows.T @ rows
    values, vectors = np.linalg.eigh(moment)
    chosen = vectors[:, ::-1][:, :size]
    energy = values[::-1][:size].sum() / values.sum()
    return (chosen @ _rotation(size, seed)).astype(np.float32), float(energy)


def measure_slice(
    teacher: Teacher,
    sample: Encoded,
    config: StudentConfig,
    seed: int,
) -> Slice:
    """Chooses basis, blocks, heads and neurons and fits the norms on the sample's
    states.

    Heads by the mean norm of what they write into the stream; neurons by the mean
    |activation| times the norm of their output row; blocks evenly spaced, of those
    that share their kernels all the one in the middle.
    """
    basis, energy = residual_basis(teacher, sample, config.hidden_size, seed)
    layers = teacher.backbone.transformer_layers
    count = len(layers)
    blocks = np.linspace(0, count - 1, config.layers).round().astype(int).tolist()
    if config.distinct_blocks:
        blocks = _of_kernel_sets(blocks, config.kernel_sets)
    size = config.head_size
    head_scores = [np.zeros(teacher.backbone.num_heads) for _ in blocks]
    neuron_scores = [np.zeros(teacher.backbone.intermediate_dim) for _ in blocks]
    fits = [_NormFit(config.norm) for _ in range(1 + 2 * len(blocks))]
    for batch, states in _states(teacher, sample):
        real = batch["mask"].numpy().astype(bool)

        def project(state, real=real):
            return state.numpy()[real] @ basis

        fits[0].add(project(states.embedding_sum), project(states.embedding_state))
        for index, block in enumerate(blocks):
            layer, state = layers[block], states.layers[block]
            output = _numpy(layer._self_attention_layer.output_dense.kernel)
            heads = state.heads.numpy()[real].reshape(real.sum(), -1, size)
            written = np.einsum("tnd,ndh->tnh", heads, output)
            head_scores[index] += np.linalg.norm(written, axis=-1).sum(axis=0)
            rows = np.linalg.norm(
                _numpy(layer._feedforward_output_dense.kernel), axis=1
            )
            neuron_scores[index] += (
                np.abs(state.neurons.numpy()[real]).sum(axis=0) * rows
            )
            fits[1 + 2 * index].add(
                project(state.attention_sum), project(state.attention_state)
            )
            fits[2 + 2 * index].add(
                project(state.output_sum), project(state.output_state)
            )
    return Slice(
        basis,
        energy,
        blocks,
        [_top(scores, config.heads) for scores in head_scores],
        [_top(scores, config.feed_forward_size) for scores in neuron_scores],
        [fit.solve() for fit in fits],
    )


def _of_kernel_sets(blocks: list[int], sets: list[int]) -> list[int]:
    """For each block the middle one of those with the same kernels."""
    members = {
        number: [blocks[index] for index, other in enumerate(sets) if other == number]
        for number in sets
    }
    return [members[number][len(members[number]) // 2] for number in sets]


class _NormFit:
    """Least squares, per dimension, of norm(x) * scale + shift to what the teacher's
    norm gives in the student's basis."""

    def __init__(self, norm: str):
        self._norm = norm
        self._sums = [0.0] * 5

    def add(self, before: np.ndarray, after: np.ndarray) -> None:
        x = before.astype(np.float64)
        if self._norm == "layer":
            x = x - x.mean(axis=1, keepdims=True)
            x = x / np.sqrt(np.square(x).mean(axis=1, keepdims=True) + EPSILON)
        y = after.astype(np.float64)
        terms = (len(x), x.sum(0), y.sum(0), (x * x).sum(0), (x * y).sum(0))
        self._sums = [a + b for a, b in zip(self._sums, terms, strict=True)]

    def solve(self) -> tuple[np.ndarray, np.ndarray]:
        n, x, y, xx, xy = self._sums
        scale = (xy - x * y / n) / np.maximum(xx - x * x / n, EPSILON)
        return scale.astype(np.float32), ((y - scale * x) / n).astype(np.float32)


def _states(teacher: Teacher, sample: Encoded):
    dataset = batches(sample, {}, _BATCH)
    for batch in dataset:
        yield (
            batch,
            forward(
                teacher.backbone, batch["ids"], batch["mask"], batch["segment_ids"]
            ),
        )


def _residual_states(states):
    yield states.embedding_state
    for layer in states.layers:
        yield layer.attention_sum
        yield layer.attention_state
        yield layer.output_sum
        yield layer.output_state


def _rotation(size: int, seed: int) -> np.ndarray:
    """Random orthogonal matrix, uniform (QR of a Gaussian, signs fixed)."""
    gaussian = np.random.default_rng(seed).standard_normal((size, size))
    q, r = np.linalg.qr(gaussian)
    return q * np.sign(np.diag(r))


def _top(scores: np.ndarray, count: int) -> np.ndarray:
    return np.sort(np.argsort(-scores, kind="stable")[:count])


def _numpy(variable) -> np.ndarray:
    return variable.value.numpy()


def _embedding_weights(
    teacher: Teacher,
    config: StudentConfig,
    kept: np.ndarray,
    piece_weights: np.ndarray,
    basis: np.ndarray,
) -> dict[str, list[np.ndarray]]:
    """Kept rows in the basis, factorised [V, E] x [E, H] by a weighted SVD."""
    backbone = teacher.backbone
    rows = _numpy(backbone.token_embedding.embeddings)[kept] @ basis  # [V, H]
    weights = np.sqrt(piece_weights + 1.0)[:, None]
    size = config.embedding_size
    _, _, right = np.linalg.svd(weights * rows, full_matrices=False)
    directions = _rotation(size, config.hidden_size) @ right[:size]  # [E, H]
    positions = _numpy(backbone.position_embedding.position_embeddings)
    positions = positions[: config.max_tokens] @ basis
    segments = _numpy(backbone.segment_embedding.embeddings) @ basis  # [2, H]
    found = {
        "embedding": [rows @ directions.T],
        "embedding_projection": [directions, np.zeros(config.hidden_size)],
    }
    if config.pair:
        found["segment_embedding"] = [segments]
    else:
        positions = positions + segments[0]
    found["positions"] = [positions[None]]
    return found


def _task_weights(teacher: Teacher, basis: np.ndarray) -> dict[str, list[np.ndarray]]:
    pooler, classifier = teacher.backbone.pooled_dense, teacher.classifier
    return {
        "task_projection": [basis.T, np.zeros(len(basis))],
        "pooler": [_numpy(pooler.kernel), _numpy(pooler.bias)],
        "classifier": [_numpy(classifier.kernel), _numpy(classifier.bias)],
    }


def _block_weights(
    teacher: Teacher, config: StudentConfig, cut: Slice
) -> dict[str, list[np.ndarray]]:
    basis = cut.basis
    width = config.heads * config.head_size
    scale = config.head_size**-0.5
    found = {}
    for index, block in enumerate(cut.blocks):
        layer = teacher.backbone.transformer_layers[block]
        attention = layer._self_attention_layer
        chosen, neurons = cut.heads[index], cut.neurons[index]
        name = f"block_{index}"

        def heads(dense, factor=1.0, chosen=chosen):
            kernel = _numpy(dense.kernel)[:, chosen].reshape(-1, width)
            bias = _numpy(dense.bias)[chosen].reshape(width)
            return [factor * (basis.T @ kernel), factor * bias]

        found[f"{name}_query"] = heads(attention.query_dense, scale)
        found[f"{name}_key"] = heads(attention.key_dense)
        found[f"{name}_value"] = heads(attention.value_dense)
        output = attention.output_dense
        found[f"{name}_attention_output"] = [
            _numpy(output.kernel)[chosen].reshape(width, -1) @ basis,
            _numpy(output.bias) @ basis,
        ]
        first = layer._feedforward_intermediate_dense
        second = layer._feedforward_output_dense
        found[f"{name}_feed_forward"] = [
            basis.T @ _numpy(first.kernel)[:, neurons],
            _numpy(first.bias)[neurons],
        ]
        found[f"{name}_feed_forward_output"] = [
            _numpy(second.kernel)[neurons] @ basis,
            _numpy(second.bias) @ basis,
        ]
    return found


def _share_kernels(weights: dict, config: StudentConfig) -> None:
    """Gives kernels of several blocks to the layers that these blocks share."""
    sets = config.kernel_sets
    for index, number in enumerate(sets):
        if sets.count(number) == 1:
            continue
        for role in BLOCK_DENSE:
            kernel, bias = weights[f"block_{index}_{role}"]
            weights[f"shared_{number}_{role}"] = [kernel]
            weights[f"block_{index}_{role}"] = [bias]


def _add_norms(weights: dict, config: StudentConfig, cut: Slice) -> None:
    """Adds the fitted norms; an affine's shift goes into the bias before it."""
    places = [("embedding_norm", "positions")]
    for index in range(config.layers):
        name = f"block_{index}"
        places.append((f"{name}_attention_norm", f"{name}_attention_output"))
        places.append((f"{name}_feed_forward_norm", f"{name}_feed_forward_output"))
    for (norm, before), (scale, shift) in zip(places, cut.norms, strict=True):
        if config.norm == "layer":
            weights[f"{norm}_scale"] = [scale]
            weights[f"{norm}_shift"] = [shift]
            continue
        # A dimension that the teacher flattens keeps a scale that can be divided by.
        scale = np.where(np.abs(scale) < 1e-2, 1e-2, scale)
        weights[f"{norm}_scale"] = [scale]
        weights[before][-1] = weights[before][-1] + shift / scale
