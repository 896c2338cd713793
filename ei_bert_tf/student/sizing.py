"""Bytes of the final .tflite from a StudentConfig, and the config for a budget.

V pieces, E embedding size, H hidden size, T tokens, F feed-forward size, N heads,
D head size, C outputs.
"""

import dataclasses
import math

from ei_bert_tf.errors import InputError
from ei_bert_tf.recipe import (
    CODE_DIMENSIONS,
    MOST_EMBEDDING_SHARE,
    StudentConfig,
    codebook_entries,
)

# What flatbuffer tables, names, shapes and scales take: without a block, for each
# block, for each of its heads, for each norm, for segment ids. Solved from converted
# students; tests/student/test_sizing.py compares with files of other shapes.
_BASE_BYTES = 2_871
_BLOCK_BYTES = 567
_HEAD_BYTES = {"softmax": 386, "relu": 304}
_NORM_BYTES = {"layer": 2_330, "rms": 1_800, "affine": 1_400}
_PAIR_BYTES = 258
# A column's float32 scales, of its weights and of its bias, and its int64 zero point,
# which stands in the file once for all kernels of as many columns.
_CHANNEL_BYTES, _ZERO_POINT_BYTES = 8, 8
# What a product embedding takes beside, and a block saves whose kernels are those of
# one before it.
_PRODUCT_BYTES = 720
_SHARED_BYTES = 380
# The limit is hard, so the prediction has to stay this much below it.
MARGIN = 1.01
HIDDEN_SIZES = (256, 224, 192, 160, 128, 112, 96, 80, 64, 48, 32)


def model_bytes(config: StudentConfig) -> int:
    """Predicted size of model.tflite: int8 weights, int32 biases, structure."""
    hidden, width = config.hidden_size, config.heads * config.head_size
    feed_forward, task = config.feed_forward_size, config.task_size

    scale, zero_points = 0, 0
    if config.has_channel_scales:
        scale = _CHANNEL_BYTES
        lengths = {hidden, width, feed_forward, task, config.outputs}
        zero_points = _ZERO_POINT_BYTES * sum(lengths)

    def dense(inputs: int, outputs: int) -> int:
        return inputs * outputs + (4 + scale) * outputs

    norm = _NORM_BYTES[config.norm]
    norm += 0 if config.norm == "rms" else hidden
    kernels = 4 * hidden * width + 2 * hidden * feed_forward
    block = (
        (4 + scale) * (3 * width + hidden + feed_forward + hidden)
        + 2 * norm
        + _BLOCK_BYTES
        + config.heads * _HEAD_BYTES[config.attention_form]
    )
    distinct = len(set(config.kernel_sets))
    return (
        config.vocabulary_size * piece_bytes(config)
        + _codebook_bytes(config)
        + dense(config.embedding_size, hidden)
        + config.max_tokens * hidden
        + (2 * hidden + _PAIR_BYTES if config.pair else 0)
        + norm
        + config.layers * block
        + distinct * kernels
        - (config.layers - distinct) * _SHARED_BYTES
        + dense(hidden, task)
        + dense(task, config.outputs)
        + zero_points
        + _BASE_BYTES
    )


def piece_bytes(config: StudentConfig) -> int:
    """What one more piece of the vocabulary takes in the file."""
    if config.embedding_form == "product":
        return config.embedding_size // CODE_DIMENSIONS
    return config.embedding_size


def _embedding_unit(embedding_form: str = "table", **_) -> int:
    """What an embedding size is a multiple of."""
    return CODE_DIMENSIONS if embedding_form == "product" else 1


def _embedding_size(wanted: float, unit: int) -> int:
    """Rounded up to what the form accepts."""
    return unit * max(1, math.ceil(wanted / unit))


def _codebook_bytes(config: StudentConfig) -> int:
    if config.embedding_form == "table":
        return 0
    entries = codebook_entries(config.vocabulary_size)
    return entries * config.embedding_size + _PRODUCT_BYTES


def choose_config(
    max_model_bytes: int,
    smallest_vocabulary: int,
    wanted_vocabulary: int,
    largest_vocabulary: int,
    teacher_hidden_size: int,
    teacher_heads: int,
    teacher_feed_forward_size: int,
    embedding_share: float,
    within: StudentConfig | None = None,
    **fixed,
) -> StudentConfig:
    """The widest student that fits, with the rest of the budget spent on vocabulary.

    The proportions are ours: E a share of H, as many heads as fill H, F = 4 H, and a
    table of at least 12 H^2 bytes. Pieces of the texts come before width, and width
    before other pieces: where the texts' have room, E is wider, H / 2 at most.

    Args:
        max_model_bytes: limit on the file.
        smallest_vocabulary: pieces that have to stay.
        wanted_vocabulary: pieces that the texts use.
        largest_vocabulary: those and what stands for them in copies.
        embedding_share: the least E / H, at most MOST_EMBEDDING_SHARE.
        within: a student that the result is to be a part of. What its vocabulary
            leaves of the budget is spent on neurons.
        fixed: of the StudentConfig what the budget has no say in: max_tokens, layers,
            outputs, norm, attention_form, weight_scales, pair, distinct_blocks,
            embedding_form.

    Raises:
        InputError: nothing fits; names the smallest size that can be reached.
    """
    widest, widest_embedding = HIDDEN_SIZES[0], HIDDEN_SIZES[0]
    unit = _embedding_unit(**fixed)
    if within is not None:
        largest_vocabulary = min(largest_vocabulary, within.vocabulary_size)
        widest, widest_embedding = within.hidden_size, within.embedding_size
    largest_vocabulary = max(largest_vocabulary, smallest_vocabulary)
    wanted_vocabulary = min(
        max(wanted_vocabulary, smallest_vocabulary), largest_vocabulary
    )
    head_size = teacher_hidden_size // teacher_heads
    limit = int(max_model_bytes / MARGIN)
    smallest = None
    for hidden in sorted({*HIDDEN_SIZES, teacher_hidden_size}, reverse=True):
        if hidden > min(teacher_hidden_size, widest):
            continue
        shape = StudentConfig(
            vocabulary_size=min(
                max(smallest_vocabulary, int(12 * hidden / embedding_share)),
                largest_vocabulary,
            ),
            hidden_size=hidden,
            embedding_size=min(
                _embedding_size(embedding_share * hidden, unit), widest_embedding
            ),
            heads=min(teacher_heads, max(1, hidden // head_size)),
            head_size=head_size,
            feed_forward_size=min(teacher_feed_forward_size, 4 * hidden),
            task_size=teacher_hidden_size,
            **fixed,
        )
        if model_bytes(shape) <= limit:
            wanted = dataclasses.replace(shape, vocabulary_size=wanted_vocabulary)
            most = min(int(MOST_EMBEDDING_SHARE * hidden), widest_embedding)
            width = _embedding_width(wanted, unit, most, limit)
            shape = dataclasses.replace(
                shape, vocabulary_size=smallest_vocabulary, embedding_size=width
            )
            more = (limit - model_bytes(shape)) // piece_bytes(shape)
            size = min(shape.vocabulary_size + more, largest_vocabulary)
            found = dataclasses.replace(shape, vocabulary_size=size)
            return found if within is None else _more_neurons(found, within, limit)
        least = dataclasses.replace(shape, vocabulary_size=smallest_vocabulary)
        smallest = int(model_bytes(least) * MARGIN) + 1
        if hidden == HIDDEN_SIZES[-1] and smallest <= max_model_bytes:
            room = limit - model_bytes(least)
            size = smallest_vocabulary + max(0, room) // piece_bytes(least)
            return dataclasses.replace(least, vocabulary_size=size)
    raise InputError(
        f"--max_model_bytes={max_model_bytes}: no student is so small; the smallest "
        f"for this task has {smallest} bytes"
    )


def _embedding_width(config: StudentConfig, unit: int, most: int, limit: int) -> int:
    """E of the widest embedding that the limit allows, in steps of `unit` up to `most`;
    the config's own where that is too wide already."""
    found = config.embedding_size
    for size in range(found + unit, most + 1, unit):
        wider = dataclasses.replace(config, embedding_size=size)
        if model_bytes(wider) > limit:
            break
        found = size
    return found


def _more_neurons(
    config: StudentConfig, within: StudentConfig, limit: int
) -> StudentConfig:
    """As many neurons as the limit and the larger student allow."""
    one_more = dataclasses.replace(
        config, feed_forward_size=config.feed_forward_size + 1
    )
    room = max(0, limit - model_bytes(config))
    more = room // (model_bytes(one_more) - model_bytes(config))
    size = min(config.feed_forward_size + more, within.feed_forward_size)
    return dataclasses.replace(config, feed_forward_size=size)
