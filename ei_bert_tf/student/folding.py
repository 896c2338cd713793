"""Folds the projection into the task layers into the pooler, exactly."""

from ei_bert_tf.compat import tf


def fold_task_projection(student: tf.keras.Model, folded: tf.keras.Model) -> None:
    """Copies a student's weights into its folded form.

    tanh((x P + p) W + w) = tanh(x (P W) + (p W + w)): one kernel of H x task_size
    replaces two, and not a bit of the function changes in exact arithmetic.

    Args:
        student: built with folded=False.
        folded: built from the same config with folded=True; it is written to.
    """
    copy_weights(student, folded, skip=("pooler",))
    kernel, bias = student.get_layer("pooler").get_weights()
    projection, shift = student.get_layer("task_projection").get_weights()
    folded.get_layer("pooler").set_weights([projection @ kernel, shift @ kernel + bias])


def copy_weights(
    source: tf.keras.Model, target: tf.keras.Model, skip: tuple[str, ...] = ()
) -> None:
    """Copies weights between models by layer name; each target layer must be there."""
    for layer in target.layers:
        if layer.weights and layer.name not in skip:
            layer.set_weights(source.get_layer(layer.name).get_weights())
