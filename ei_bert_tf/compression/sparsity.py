"""Magnitude pruning of the student with TFMOT, before quantization."""

from ei_bert_tf.compat import tf, tfmot
from ei_bert_tf.student.layers import OWN_LAYERS

_PRUNED = ("Dense", "JoinedDense", "Table")
# The task layers are small and what the teacher's language is in; two segments are no
# table to thin out.
_WHOLE = ("classifier", "segment_embedding")
_FREQUENCY = 20  # Steps between two choices of the zeros.
_RAMP = 0.75  # Share of the steps in which zeros are added; the rest heals.


def prunable_student(
    student: tf.keras.Model, target_sparsity: float, steps: int
) -> tf.keras.Model:
    """The student with TFMOT's pruning wrappers, same weights.

    The share of zeros in each kernel and table grows as a cubic from 0 to the target
    (Zhu and Gupta 2017, equation 1: TFMOT's PolynomialDecay).

    Args:
        student: float, without dropout layers.
        target_sparsity: 0..1.
        steps: of the training to come.
    """
    schedule = tfmot.sparsity.keras.PolynomialDecay(
        initial_sparsity=0.0,
        final_sparsity=target_sparsity,
        begin_step=0,
        end_step=max(1, int(steps * _RAMP)),
        frequency=max(1, min(_FREQUENCY, steps // 10)),
    )

    def wrapped(layer):
        copy = type(layer).from_config(layer.get_config())
        if type(layer).__name__ not in _PRUNED or layer.name in _WHOLE:
            return copy
        return tfmot.sparsity.keras.prune_low_magnitude(copy, pruning_schedule=schedule)

    with tf.keras.utils.custom_object_scope(OWN_LAYERS):
        prunable = tf.keras.models.clone_model(student, clone_function=wrapped)
    for layer in prunable.layers:
        if layer.weights:
            inner = getattr(layer, "layer", layer)
            inner.set_weights(student.get_layer(inner.name).get_weights())
    return prunable


def pruning_steps(prunable: tf.keras.Model) -> list[tf.Variable]:
    """The wrappers' step counters, which whoever trains has to set."""
    return [layer.pruning_step for layer in _wrappers(prunable)]


def take_pruned(prunable: tf.keras.Model, student: tf.keras.Model) -> None:
    """Copies the trained weights into a plain student, pruned ones as exact zeros."""
    for layer in _wrappers(prunable):
        # The last update came after the last masking.
        for weight, mask, _ in layer.pruning_vars:
            weight.assign(weight * mask)
    for layer in prunable.layers:
        if layer.weights:
            inner = getattr(layer, "layer", layer)
            student.get_layer(inner.name).set_weights(inner.get_weights())


def _wrappers(prunable: tf.keras.Model) -> list:
    return [layer for layer in prunable.layers if hasattr(layer, "pruning_vars")]
