"""Fake quantizers: of activations with their ranges, and of weights."""

from collections.abc import Callable

import numpy as np

from ei_bert_tf.compat import tf, tfmot

_AVERAGED_BATCHES = 100.0
PALETTE_VALUES = 16
HALF_BYTE_LARGEST = 7


class RunningRange(tfmot.quantization.keras.quantizers.Quantizer):
    """Asymmetric int8 with the running mean of the batches' smallest and largest.

    The first batch sets the range and each later one weighs 1/n, from 100 batches on
    1/100: TFMOT's moving average starts at [-6, 6] and needs thousands of steps, more
    than a small task has.
    """

    def build(self, tensor_shape, name, layer):
        def scalar(role):
            return layer.add_weight(
                f"{name}_{role}", initializer="zeros", trainable=False
            )

        return {"low": scalar("low"), "high": scalar("high"), "seen": scalar("seen")}

    def __call__(self, inputs, training, weights, **kwargs):
        low, high, seen = weights["low"], weights["high"], weights["seen"]
        if training:
            count = seen.assign(tf.minimum(seen + 1.0, _AVERAGED_BATCHES))
            batch_low = tf.minimum(tf.reduce_min(inputs), 0.0)
            batch_high = tf.maximum(tf.reduce_max(inputs), 0.0)
            low = low.assign_add((batch_low - low) / count)
            high = high.assign_add((batch_high - high) / count)
        return tf.quantization.fake_quant_with_min_max_vars(inputs, low, high)

    def get_config(self):
        return {}


class FixedRange(tfmot.quantization.keras.quantizers.Quantizer):
    """The range that TFLite's kernels prescribe for an operator's output."""

    def __init__(self, low: float, high: float):
        self.low = low
        self.high = high

    def build(self, tensor_shape, name, layer):
        return {}

    def __call__(self, inputs, training, weights, **kwargs):
        return tf.quantization.fake_quant_with_min_max_args(
            inputs, min=self.low, max=self.high
        )

    def get_config(self):
        return {"low": self.low, "high": self.high}


class Palette(tfmot.quantization.keras.quantizers.Quantizer):
    """Weights of 16 int8 values, which are trained; each weight takes the nearest.

    The gradient of a value is the sum over the weights that have it, as in TFMOT's
    clustering, and a weight's own passes straight through, so that it may change over
    to a neighbouring value.
    """

    def build(self, tensor_shape, name, layer):
        return {
            "palette": layer.add_weight(
                f"{name}_palette", shape=(PALETTE_VALUES,), initializer="zeros"
            )
        }

    def __call__(self, inputs, training, weights, **kwargs):
        values, _ = palette_values(inputs, weights["palette"])
        return values + (inputs - tf.stop_gradient(inputs))

    def get_config(self):
        return {}


class HalfByte(tfmot.quantization.keras.quantizers.Quantizer):
    """Weights of -7..7 times a trained spacing (LSQ: Esser et al. 2020)."""

    def build(self, tensor_shape, name, layer):
        return {"spacing": layer.add_weight(f"{name}_spacing", initializer="ones")}

    def __call__(self, inputs, training, weights, **kwargs):
        share = 1 / np.sqrt(np.prod(inputs.shape) * HALF_BYTE_LARGEST)
        spacing = weights["spacing"]
        # LSQ, section 2.2: the gradient of so many weights would move it too far.
        spacing = tf.stop_gradient(spacing * (1 - share)) + spacing * share
        limit = float(HALF_BYTE_LARGEST)
        steps = tf.clip_by_value(inputs / spacing, -limit, limit)
        return (steps + tf.stop_gradient(tf.round(steps) - steps)) * spacing

    def get_config(self):
        return {}


def palette_values(
    weight: tf.Tensor, palette: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """The nearest of a palette's int8 values for each weight, and the largest's size.

    Args:
        weight: float32 of any shape.
        palette: float32 [16].
    """
    palette = tf.sort(palette)
    largest = tf.stop_gradient(tf.reduce_max(tf.abs(palette)))
    exact = tf.quantization.fake_quant_with_min_max_vars(
        palette, -largest, largest, narrow_range=True
    )
    middles = tf.stop_gradient((palette[1:] + palette[:-1]) / 2)
    flat = tf.stop_gradient(tf.reshape(weight, [-1]))
    indexes = tf.searchsorted(middles, flat)
    return tf.reshape(tf.gather(exact, indexes), tf.shape(weight)), largest


def _int8() -> tfmot.quantization.keras.quantizers.Quantizer:
    return tfmot.quantization.keras.quantizers.LastValueQuantizer(
        num_bits=8, per_axis=False, symmetric=True, narrow_range=True
    )


INT8, PALETTE, HALF_BYTE = "int8", "palette", "half_byte"
WEIGHT_FORMS: dict[str, Callable] = {INT8: _int8, PALETTE: Palette, HALF_BYTE: HalfByte}
