"""Folds into other weights what training needs apart, exactly."""

import numpy as np

from ei_bert_tf.compat import tf
from ei_bert_tf.recipe import StudentConfig
from ei_bert_tf.student.slicing import Weights, norm_places, readers_behind


def fold(
    student: tf.keras.Model, folded: tf.keras.Model, config: StudentConfig
) -> None:
    """Copies a student's weights into its folded form.

    The projection into the task layers: tanh((x P + p) W + w) = tanh(x (P W) + (p W +
    w)), one kernel of H x task_size in place of two. A norm's shift s: what reads n + s
    gets the bias b + s W, and the next sum its s from the bias of what it adds. The
    centring of `rms` norms: n has mean 0 already, so a sum is centred when what is
    added to n is, by columns of W and elements of b less their mean over the outputs.
    Not a bit of the function changes in exact arithmetic.

    Args:
        student: built with folded=False.
        folded: built from the same config with folded=True; it is written to.
    """
    weights = {
        layer.name: layer.get_weights() for layer in student.layers if layer.weights
    }
    _fold_shifts(weights, config)
    if config.norm == "rms":
        _centre_writers(weights, config)
    projection, shift = weights.pop("task_projection")
    kernel, bias = weights["pooler"]
    weights["pooler"] = [projection @ kernel, shift @ kernel + bias]
    for layer in folded.layers:
        if layer.weights:
            layer.set_weights(weights[layer.name])


def copy_weights(source: tf.keras.Model, target: tf.keras.Model) -> None:
    """Copies weights between models by layer name; each target layer must be there."""
    for layer in target.layers:
        if layer.weights:
            layer.set_weights(source.get_layer(layer.name).get_weights())


def _fold_shifts(weights: Weights, config: StudentConfig) -> None:
    places = norm_places(config)
    for place, (norm, _) in enumerate(places):
        (shift,) = weights.pop(f"{norm}_shift")
        for reader in readers_behind(place, config):
            _add_to_bias(weights, reader, shift @ _kernel(weights, reader, config))
        if place + 1 < len(places):
            _add_to_bias(weights, places[place + 1][1], shift)


def _centre_writers(weights: Weights, config: StudentConfig) -> None:
    writers = [writer for _, writer in norm_places(config)]
    writers += ["embedding_projection", "segment_embedding"]
    writers += [
        f"shared_{number}_{role}"
        for number in config.kernel_sets
        for role in ("attention_output", "feed_forward_output")
    ]
    for name in set(writers) & set(weights):
        weights[name] = [
            values - values.mean(axis=-1, keepdims=True) for values in weights[name]
        ]


def _kernel(weights: Weights, name: str, config: StudentConfig) -> np.ndarray:
    """A layer's own, or the one that its block shares with others."""
    kernel, *bias = weights[name]
    if bias:
        return kernel
    _, index, role = name.split("_", 2)
    return weights[f"shared_{config.kernel_sets[int(index)]}_{role}"][0]


def _add_to_bias(weights: Weights, name: str, value: np.ndarray) -> None:
    *kernel, bias = weights[name]
    weights[name] = [*kernel, bias + value]
