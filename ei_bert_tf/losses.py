"""Losses of teacher and student.

B batch, C outputs, H width of the features. Each returns a scalar, the mean over the
batch, unless it says otherwise.
"""

from ei_bert_tf.compat import tf
from ei_bert_tf.task import Task


def task_loss(task: Task, targets: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """Cross-entropy (classification) or squared error (regression).

    Args:
        targets: int32 [B] with negative numbers for unlabelled rows, or float32 [B]
            with NaN for them; they do not count.
        logits: float32 [B, C].
    """
    if task.is_regression:
        known = tf.math.is_finite(targets)
        losses = tf.square(tf.where(known, targets, 0.0) - logits[:, 0])
    else:
        known = targets >= 0
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(
            tf.maximum(targets, 0), logits
        )
    weights = tf.cast(known, tf.float32)
    return tf.reduce_sum(losses * weights) / tf.maximum(tf.reduce_sum(weights), 1.0)


def prediction_distance(
    task: Task, student: tf.Tensor, teacher: tf.Tensor
) -> tf.Tensor:
    """KL(teacher || student) of what logits [B, C] predict (Hinton et al. 2015 at
    temperature 1), or for regression the squared error."""
    if task.is_regression:
        return squared_distance(student, teacher)
    return tf.reduce_mean(
        divergence(tf.nn.log_softmax(teacher), tf.nn.log_softmax(student))
    )


def divergence(target: tf.Tensor, prediction: tf.Tensor) -> tf.Tensor:
    """KL(target || prediction) of log probabilities [..., C]: [...], no mean."""
    return tf.reduce_sum(tf.exp(target) * (target - prediction), axis=-1)


def squared_distance(student: tf.Tensor, teacher: tf.Tensor) -> tf.Tensor:
    """Mean squared error, as TinyBERT's for logits and states (Jiao et al. 2020,
    equations 8 and 10 with its prediction loss replaced by MSE on logits)."""
    return tf.reduce_mean(tf.square(student - teacher))
