"""How much each unit of a student counts: the score that a smaller student is cut by.

E embedding size, N heads, D head size, H hidden size, F feed-forward size, V pieces,
L blocks. Scores compare units of one group: heads of a block, neurons of a block,
embedding dimensions, blocks.
"""

from collections.abc import Sequence

import numpy as np

from ei_bert_tf.compat import tf
from ei_bert_tf.recipe import StudentConfig
from ei_bert_tf.student.units import Units


def magnitude_scores(
    student: tf.keras.Model, config: StudentConfig, piece_weights: np.ndarray
) -> Units:
    """Norm of the weights into a unit times norm of those out of it.

    A head: of its value kernel and its rows of the output kernel. A neuron: of its
    column and its row. An embedding dimension: of its column in the table, each piece
    weighted with the root of what it counts, and its row in the projection: behind
    principal_axes that is its singular value. A block: the root of its heads' and
    neurons' squares.

    Args:
        student: float, gated or not; its variables are read, in a graph as well.
        piece_weights: float [V].
    """

    def kernel(name):
        return student.get_layer(name).kernel

    counts = tf.constant(np.sqrt(piece_weights + 1.0), tf.float32)[:, None]
    table = student.get_layer("embedding").table * counts
    heads, neurons = [], []
    for index in range(config.layers):
        name = f"block_{index}"
        shape = (config.heads, config.head_size, config.hidden_size)
        values = tf.reshape(tf.transpose(kernel(f"{name}_value")), shape)
        outputs = tf.reshape(kernel(f"{name}_attention_output"), shape)
        heads.append(tf.norm(values, axis=[1, 2]) * tf.norm(outputs, axis=[1, 2]))
        neurons.append(
            tf.norm(kernel(f"{name}_feed_forward"), axis=0)
            * tf.norm(kernel(f"{name}_feed_forward_output"), axis=1)
        )
    return Units(
        tf.norm(table, axis=0) * tf.norm(kernel("embedding_projection"), axis=1),
        heads,
        neurons,
        tf.stack(
            [tf.norm(tf.concat(both, 0)) for both in zip(heads, neurons, strict=True)]
        ),
    )


def taylor_scores(gates: Units, gradients: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    """First-order Taylor expansion of the loss in each gate (Molchanov et al. 2017,
    equation 7, with gates in place of activations): |gate * d loss / d gate|.

    Args:
        gradients: of one batch's loss, in the order of gates.groups().

    Returns:
        Scores in that order. One batch's say little: they are summed over batches.
    """
    return [
        tf.abs(gate * gradient)
        for gate, gradient in zip(gates.groups(), gradients, strict=True)
    ]
