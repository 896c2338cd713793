"""What a student costs a device beside model.tflite, from its StudentConfig.

T tokens, H hidden size, W width of all heads, F feed-forward size, E embedding size.
"""

import math

from ei_bert_tf.recipe import StudentConfig
from ei_bert_tf.student.sizing import model_bytes

# Of the firmware's vocabulary: bytes a piece takes in the trie (English; 6.1 to 6.5 in
# the vocabularies of tests/firmware_export/test_predicted_flash.py). Beside it: the
# Unicode tables, and the C around TFLM with labels and golden vectors. firmware_export
# counts them exactly when there is something to count.
TRIE_PIECE_BYTES = 6.5
_MEANS = {"layer": 2, "rms": 1, "affine": 0}
_TABLES_BYTES = 12_954
_GLUE_BYTES = 10_000


def flash_bytes(config: StudentConfig) -> int:
    """Predicted flash: model, vocabulary, Unicode tables and our C, without TFLM."""
    return (
        model_bytes(config)
        + math.ceil(TRIE_PIECE_BYTES * config.vocabulary_size)
        + _TABLES_BYTES
        + _GLUE_BYTES
    )


def multiply_accumulates(config: StudentConfig) -> int:
    """Of all FULLY_CONNECTED of an inference: the graph computes all T tokens, and a
    norm's means are products too.

    Behind the last attention there is only [CLS], so the last block has one query.
    """
    tokens, hidden = config.max_tokens, config.hidden_size
    width, feed_forward = config.heads * config.head_size, config.feed_forward_size

    norm = _MEANS[config.norm] * hidden

    def block(queries: int) -> int:
        keys_and_values = 2 * tokens * hidden * width
        scores_and_context = 2 * queries * tokens * width
        per_query = 2 * hidden * width + 2 * hidden * feed_forward + 2 * norm
        return keys_and_values + scores_and_context + queries * per_query

    return (
        tokens * (config.embedding_size * hidden + norm)
        + (config.layers - 1) * block(tokens)
        + block(1)
        + hidden * config.task_size
        + config.task_size * config.outputs
    )
