"""Quantization-aware training of the student with TFMOT.

TFMOT has configurations for convolutional nets only: this module says for each layer
of the student what is quantized, so that every operator of the exported graph has
int8 inputs and outputs.
"""

from collections.abc import Mapping

import numpy as np

from ei_bert_tf.compat import Default8BitQuantizeScheme, tf, tfmot
from ei_bert_tf.compression.quantizers import (
    INT8,
    WEIGHT_FORMS,
    FixedRange,
    RunningRange,
)
from ei_bert_tf.student.layers import OWN_LAYERS

_quantization = tfmot.quantization.keras
WEIGHTS = {
    "Dense": ("kernel",),
    "JoinedDense": ("kernel",),
    "Table": ("table",),
    "Positions": ("table",),
    "MaskBias": ("table",),
    "Scale": ("gamma",),
    "Shift": ("beta",),
}
# Operators whose output has the scale of their input: no quantizer stands behind them.
SAME_SCALE = (
    "Table",
    "MaskBias",
    "Reshape",
    "Permute",
    "FirstToken",
)


class OperatorConfig(_quantization.QuantizeConfig):
    """Quantizes named weights (symmetric, per tensor) and the output.

    Args:
        weights: attributes of the layer that hold weights.
        output: `running`, `none`, or a fixed `[low, high]`.
        form: of the weights, one of WEIGHT_FORMS.
    """

    def __init__(self, weights, output, form=INT8):
        self.weights = list(weights)
        self.output = output
        self.form = form

    def get_weights_and_quantizers(self, layer):
        quantizer = WEIGHT_FORMS[self.form]
        return [(getattr(layer, name), quantizer()) for name in self.weights]

    def get_activations_and_quantizers(self, layer):
        return []

    def set_quantize_weights(self, layer, quantize_weights):
        for name, weight in zip(self.weights, quantize_weights, strict=True):
            setattr(layer, name, weight)

    def set_quantize_activations(self, layer, quantize_activations):
        pass

    def get_output_quantizers(self, layer):
        if self.output == "none":
            return []
        if self.output == "running":
            return [RunningRange()]
        return [FixedRange(*self.output)]

    def get_config(self):
        return {"weights": self.weights, "output": self.output, "form": self.form}


class _UnchangedLayout:
    """TFMOT's own layout transform puts a fake quantizer behind int32 inputs."""

    def apply(self, model, layer_quantize_map):
        return model, layer_quantize_map


class StudentScheme(Default8BitQuantizeScheme):
    """8 bits, the model's layout as it is."""

    def get_layout_transformer(self):
        return _UnchangedLayout()


def quantize_student(
    student: tf.keras.Model, forms: Mapping[str, str] | None = None
) -> tf.keras.Model:
    """The student with a fake quantizer behind every operator, same weights.

    Layer `x` of the student is `quant_x` of the result. Ranges are empty until the
    first call with training=True.

    Args:
        forms: of the weights of the named layers, out of WEIGHT_FORMS.
    """

    def annotate(layer):
        return _annotate(layer, (forms or {}).get(layer.name, INT8))

    scope = {**OWN_LAYERS, "OperatorConfig": OperatorConfig}
    with _quantization.quantize_scope(scope):
        annotated = tf.keras.models.clone_model(student, clone_function=annotate)
        for layer in annotated.layers:
            if layer.weights:
                name = layer.layer.name
                layer.layer.set_weights(student.get_layer(name).get_weights())
        return _quantization.quantize_apply(annotated, StudentScheme())


def _annotate(layer, form):
    kind = type(layer).__name__
    copy = type(layer).from_config(layer.get_config())
    if kind == "InputLayer":
        return copy
    output = "running"
    if kind in SAME_SCALE:
        output = "none"
    elif kind == "Softmax":
        output = [0.0, 255 / 256]
    elif kind == "Activation":
        output = [-1.0, 127 / 128]
    config = OperatorConfig(WEIGHTS.get(kind, ()), output, form)
    return _quantization.quantize_annotate_layer(copy, quantize_config=config)


def float_weights(quantized: tf.keras.Model, student: tf.keras.Model) -> None:
    """Copies the trained weights into a float student of the same shape."""
    for layer in student.layers:
        if layer.weights:
            source = quantized.get_layer(f"quant_{layer.name}")
            found = {last_name(variable): variable for variable in source.weights}
            names = [last_name(variable) for variable in layer.weights]
            layer.set_weights([found[name].numpy() for name in names])


def copy_quantized(source: tf.keras.Model, target: tf.keras.Model) -> None:
    """Copies weights and ranges that both have between quantized models, by name.

    Ranges are snapped to exact scales: the converter derives the scale of a tensor
    in more than one place and refuses the model when the last bit differs.
    """
    for layer in target.layers:
        if not layer.weights:
            continue
        origin = source.get_layer(layer.name)
        values = {last_name(weight): weight for weight in origin.weights}
        found = {last_name(weight): weight for weight in layer.weights}
        for name in found.keys() & values.keys():
            found[name].assign(values[name])
        if "output_low" in found:
            low, high = found["output_low"], found["output_high"]
            snapped = exact_range(float(low.numpy()), float(high.numpy()))
            low.assign(snapped[0])
            high.assign(snapped[1])


def exact_range(low: float, high: float) -> tuple[float, float]:
    """The range widened until scale, zero point and ends are exact in float32.

    The scale is rounded up to a mantissa of 12 bits (at most 0.05 % wider), so that
    its products with whole numbers up to 255 fit into float32's 24 bits.
    """
    width = max(high - low, 1e-6)
    mantissa, exponent = np.frexp(width / 255)
    scale = float(np.ldexp(np.ceil(mantissa * 4096) / 4096, exponent))
    zero_point = int(np.clip(round(-low / scale), 0, 255))
    return -zero_point * scale, (255 - zero_point) * scale


def last_name(variable: tf.Variable) -> str:
    """A variable's name without the layers that it is in."""
    return variable.name.split(":")[0].split("/")[-1]
