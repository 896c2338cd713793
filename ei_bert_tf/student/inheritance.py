"""The student starts as a rotated slice of the fine-tuned teacher.

Ht teacher hidden size, H student hidden size, E embedding size, N heads, D head size,
V pieces. slicing.py has the arithmetic, which is the same for a slice of a student.
This is EI-BERT's parameter integration taken to its end, and ours.
"""

import numpy as np

from ei_bert_tf.compat import tf
from ei_bert_tf.recipe import StudentConfig
from ei_bert_tf.student.codebooks import product_codes
from ei_bert_tf.student.encoder import BLOCK_DENSE, build_student
from ei_bert_tf.student.layers import DropoutSource
from ei_bert_tf.student.slicing import (
    GainFit,
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
from ei_bert_tf.teacher.backbone import Teacher
from ei_bert_tf.teacher.forward import LayerStates, forward
from ei_bert_tf.text.batches import batches
from ei_bert_tf.text.wordpiece import Encoded

_BATCH = 32
# What a student has of the teacher that starts from random numbers.
_WITHOUT_SLICE = (
    *("embedding", "embedding_projection", "positions", "segment_embedding"),
    *("task_projection", "pooler", "classifier"),
)


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
    weights |= _as_student(sliced(_weights(teacher, config), config, cut), config)
    if start == "slice":
        add_norms(weights, config, cut)
        _share_kernels(weights, config)
    else:
        weights = {name: weights[name] for name in _WITHOUT_SLICE if name in weights}
    for name, values in weights.items():
        student.get_layer(name).set_weights(values)
    return student


def residual_basis(
    teacher: Teacher, sample: Encoded, size: int, seed: int
) -> tuple[np.ndarray, float]:
    """The basis of the student's residual stream, and the energy that it keeps.

    Of the uncentred second moment over all residual states of real tokens, as
    rotated_basis has it.

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
    return rotated_basis(moment, size, seed)


def measure_slice(
    teacher: Teacher,
    sample: Encoded,
    config: StudentConfig,
    seed: int,
) -> Slice:
    """Chooses basis, blocks, heads and neurons and fits the norms, and the gains of
    heads whose attention is no softmax, on the sample's states.

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
    fits = [NormFit(config.norm) for _ in range(1 + 2 * len(blocks))]
    gains = [GainFit() for _ in blocks]
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
            if config.attention_form == "relu":
                context = _relu_context(state, batch["mask"]).numpy()
                gains[index].add(context[real].reshape(heads.shape), heads)
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
    chosen = [best(scores, config.heads) for scores in head_scores]
    return Slice(
        basis,
        energy,
        blocks,
        chosen,
        [best(scores, config.feed_forward_size) for scores in neuron_scores],
        [fit.solve() for fit in fits],
        None
        if config.attention_form == "softmax"
        else [gain.solve()[heads] for gain, heads in zip(gains, chosen, strict=True)],
    )


def _relu_context(state: LayerStates, mask: tf.Tensor) -> tf.Tensor:
    """What a block's heads would give with ReLU in the place of softmax: [B, T, N * D].

    Args:
        state: of a block that has all its queries.
        mask: [B, T].
    """
    scores = tf.nn.relu(tf.matmul(state.query, state.key, transpose_b=True))
    scores *= tf.cast(mask, scores.dtype)[:, None, None, :]
    context = tf.transpose(tf.matmul(scores, state.value), [0, 2, 1, 3])
    return tf.reshape(context, tf.shape(state.heads))


def _of_kernel_sets(blocks: list[int], sets: list[int]) -> list[int]:
    """For each block the middle one of those with the same kernels."""
    members = {
        number: [blocks[index] for index, other in enumerate(sets) if other == number]
        for number in sets
    }
    return [members[number][len(members[number]) // 2] for number in sets]


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


def _numpy(variable) -> np.ndarray:
    return variable.value.numpy()


def _embedding_weights(
    teacher: Teacher,
    config: StudentConfig,
    kept: np.ndarray,
    piece_weights: np.ndarray,
    basis: np.ndarray,
) -> Weights:
    """Kept rows in the basis, factorised [V, E] x [E, H]."""
    backbone, size = teacher.backbone, config.embedding_size
    rows = _numpy(backbone.token_embedding.embeddings)[kept] @ basis  # [V, H]
    directions = factorised(rows, piece_weights, size)
    directions = rotation(size, config.hidden_size) @ directions  # [E, H]
    return {
        "embedding": [rows @ directions.T],
        "embedding_projection": [directions, np.zeros(config.hidden_size)],
    }


def _weights(teacher: Teacher, config: StudentConfig) -> Weights:
    """The teacher's weights behind its embedding table as a student would have them,
    but for the attention scale."""
    backbone = teacher.backbone
    hidden = backbone.hidden_dim
    positions = _numpy(backbone.position_embedding.position_embeddings)
    found = {
        "positions": [positions[: config.max_tokens]],
        "segment_embedding": [_numpy(backbone.segment_embedding.embeddings)],
        "task_projection": [np.eye(hidden, dtype=np.float32), np.zeros(hidden)],
    }

    def add(name, dense, *shape):
        kernel, bias = _numpy(dense.kernel), _numpy(dense.bias)
        found[name] = [kernel.reshape(shape or kernel.shape), bias.reshape(-1)]

    add("pooler", backbone.pooled_dense)
    add("classifier", teacher.classifier)
    for index, layer in enumerate(backbone.transformer_layers):
        attention, name = layer._self_attention_layer, f"block_{index}"
        add(f"{name}_query", attention.query_dense, hidden, -1)
        add(f"{name}_key", attention.key_dense, hidden, -1)
        add(f"{name}_value", attention.value_dense, hidden, -1)
        add(f"{name}_attention_output", attention.output_dense, -1, hidden)
        add(f"{name}_feed_forward", layer._feedforward_intermediate_dense)
        add(f"{name}_feed_forward_output", layer._feedforward_output_dense)
    return found


def _share_kernels(weights: Weights, config: StudentConfig) -> None:
    """Gives kernels of several blocks to the layers that these blocks share."""
    sets = config.kernel_sets
    for index, number in enumerate(sets):
        if sets.count(number) == 1:
            continue
        for role in BLOCK_DENSE:
            kernel, bias = weights[f"block_{index}_{role}"]
            weights[f"shared_{number}_{role}"] = [kernel]
            weights[f"block_{index}_{role}"] = [bias]


def _as_student(weights: Weights, config: StudentConfig) -> Weights:
    """The slice with the attention scale in the query weights and, for single texts,
    the segment in the positions."""
    found = dict(weights)
    scale = config.head_size**-0.5
    for index in range(config.layers):
        name = f"block_{index}_query"
        found[name] = [scale * value for value in found[name]]
    positions, segments = found["positions"][0], found["segment_embedding"][0]
    if not config.pair:
        positions = positions + segments[0]
        del found["segment_embedding"]
    found["positions"] = [positions[None]]
    return found
