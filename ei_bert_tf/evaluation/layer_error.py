"""What int8 costs layer by layer: the file's tensors beside the float student's.

N texts, T tokens, H width of a layer's output.
"""

from typing import Any

import numpy as np

from ei_bert_tf.compat import tf
from ei_bert_tf.conversion.layer_outputs import layer_outputs
from ei_bert_tf.evaluation.runtimes import LiteRt
from ei_bert_tf.recipe import StudentConfig
from ei_bert_tf.student.encoder import norm_output, student_inputs
from ei_bert_tf.student.slicing import norm_places
from ei_bert_tf.text.wordpiece import Encoded

# The layers that compute: what only moves values has the error of what came before.
_KINDS = ("Dense", "JoinedDense", "Bias", "Activation")


def layer_errors(
    model: bytes, student: tf.keras.Model, config: StudentConfig, encoded: Encoded
) -> list[dict[str, Any]]:
    """Compares dense layers, norms and the pooler's tanh, in the order of the graph.

    Both run from the ids on, so a layer has the errors of those before it too. Only
    real tokens count. LiteRT's reference kernels give the int8 values.

    Args:
        model: the .tflite.
        student: the float student in its exported form, any T.
        config: its shape.
        encoded: N texts of the model's T tokens.

    Returns:
        For each layer `{layer, signal_to_noise_db, cosine, step}`: 10 log10 of the mean
        square of the float values over that of the differences, the cosine between
        both, and the value of one int8 step.

    Raises:
        ValueError: there is no text.
    """
    if len(encoded) == 0:
        raise ValueError("layer errors: no text to compare")
    engine = LiteRt(model, reference=True, preserve_all_tensors=True)
    tensors = layer_outputs(model)
    norms = {norm_output(norm, config) for norm, _ in norm_places(config)}
    layers = [
        layer.name
        for layer in student.layers
        if (type(layer).__name__ in _KINDS or layer.name in norms)
        and layer.name in tensors
    ]
    tapped = tf.keras.Model(
        student.inputs, [student.get_layer(name).output for name in layers]
    )
    batch = {
        "ids": encoded.ids,
        "mask": encoded.mask,
        "segment_ids": encoded.segment_ids,
    }
    inputs = [tf.constant(x, tf.int32) for x in student_inputs(config, batch)]
    values = tapped(inputs, training=False)
    sums = {name: np.zeros(4) for name in layers}
    for row in range(len(encoded)):
        engine.logits(encoded.take(np.array([row])))
        real = int(encoded.lengths[row])
        for name, floats in zip(layers, values, strict=True):
            output = tensors[name]
            exact = floats[row].numpy()[:real].astype(np.float64)  # [tokens, H]
            steps = engine.tensor(output.index).reshape(floats.shape[1:])[:real]
            found = (steps.astype(np.float64) - output.zero_point) * output.scale
            sums[name] += (
                np.sum(exact**2),
                np.sum(found**2),
                np.sum(exact * found),
                np.sum((exact - found) ** 2),
            )
    return [
        {
            "layer": name,
            "signal_to_noise_db": _decibels(signal, noise),
            "cosine": float(product / max(np.sqrt(signal * other), 1e-30)),
            "step": tensors[name].scale,
        }
        for name, (signal, other, product, noise) in sums.items()
    ]


def _decibels(signal: float, noise: float) -> float:
    return float(10 * np.log10(max(signal, 1e-30) / max(noise, 1e-30)))
