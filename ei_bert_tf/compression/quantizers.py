"""Fake quantizers of activations: where a range comes from."""

from ei_bert_tf.compat import tf, tfmot

_AVERAGED_BATCHES = 100.0


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
            batch_low, batch_high = self._range(inputs)
            low = low.assign_add((batch_low - low) / count)
            high = high.assign_add((batch_high - high) / count)
        return tf.quantization.fake_quant_with_min_max_vars(inputs, low, high)

    def _range(self, inputs):
        low = tf.minimum(tf.reduce_min(inputs), 0.0)
        return low, tf.maximum(tf.reduce_max(inputs), 0.0)

    def get_config(self):
        return {}


class SymmetricRange(RunningRange):
    """The same with zero point 0, as the device's kernels demand of a weight."""

    def _range(self, inputs):
        low, high = super()._range(inputs)
        step = tf.maximum(high / 127.0, -low / 128.0)
        return -128.0 * step, 127.0 * step


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
