"""Quantization-aware training of the student with TFMOT.

TFMOT has configurations for convolutional nets only: this module says for each layer
of the student what is quantized, so that every operator of the exported graph has
int8 inputs and outputs.
"""

import re
from collections.abc import Mapping

import numpy as np

from ei_bert_tf.compat import Default8BitQuantizeScheme, tf, tfmot
from ei_bert_tf.compression.quantizers import (
    BY_COLUMN,
    INT8,
    WEIGHT_FORMS,
    FixedRange,
    LearnedRange,
    RunningRange,
    StillRange,
    SymmetricRange,
)
from ei_bert_tf.recipe import Recipe, StudentConfig
from ei_bert_tf.student.encoder import build_student
from ei_bert_tf.student.layers import OWN_LAYERS

_quantization = tfmot.quantization.keras
WEIGHTS = {
    "Dense": ("kernel",),
    "JoinedDense": ("kernel",),
    "Table": ("table",),
    "ProductTable": ("codebooks",),
    "Positions": ("table",),
    "MaskBias": ("table",),
    "Scale": ("gamma",),
    "Shift": ("beta",),
}
# Operators whose output has the scale of their input: no quantizer stands behind them.
SAME_SCALE = (
    "Table",
    "ProductTable",
    "MaskBias",
    "Reshape",
    "Permute",
    "FirstToken",
)
# Attention multiplies by these: in the file they are weights of FULLY_CONNECTED
# (conversion/attention.py).
_COMPUTED_WEIGHTS = re.compile(r"block_\d+_(key|value)")


class OperatorConfig(_quantization.QuantizeConfig):
    """Quantizes named weights (symmetric) and the output.

    Args:
        weights: attributes of the layer that hold weights.
        output: `none`, a fixed `[low, high]`, `symmetric` (running with zero point 0),
            or of RANGES: `running`, `percentile` or `learned`.
        percentile: of `percentile`.
        form: of the weights, one of WEIGHT_FORMS.
    """

    def __init__(self, weights, output, percentile=100.0, form=INT8):
        self.weights = list(weights)
        self.output = output
        self.percentile = percentile
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
        if self.output == "symmetric":
            return [SymmetricRange()]
        if self.output == "percentile":
            return [StillRange(self.percentile)]
        if self.output == "learned":
            return [LearnedRange()]
        return [FixedRange(*self.output)]

    def get_config(self):
        return {
            "weights": self.weights,
            "output": self.output,
            "percentile": self.percentile,
            "form": self.form,
        }


class _UnchangedLayout:
    """TFMOT's own layout transform puts a fake quantizer behind int32 inputs."""

    def apply(self, model, layer_quantize_map):
        return model, layer_quantize_map


class StudentScheme(Default8BitQuantizeScheme):
    """8 bits, the model's layout as it is."""

    def get_layout_transformer(self):
        return _UnchangedLayout()


def quantize_student(
    student: tf.keras.Model,
    recipe: Recipe | None = None,
    per_channel: bool = False,
    forms: Mapping[str, str] | None = None,
) -> tf.keras.Model:
    """The student with a fake quantizer behind every operator, same weights.

    Layer `x` of the student is `quant_x` of the result. Ranges are empty until the
    first call with training=True.

    Args:
        recipe: says where ranges come from; None for running means.
        per_channel: whether each column of a kernel has a scale of its own.
        forms: of the weights of the named layers, out of WEIGHT_FORMS, where they
            differ.
    """
    chosen = recipe or Recipe()
    forms = forms or {}

    def annotate(layer):
        form = forms.get(layer.name, BY_COLUMN if per_channel else INT8)
        return _annotate(layer, chosen, form)

    return _quantized(student, annotate)


def exportable_student(
    student: tf.keras.Model, per_channel: bool = False
) -> tf.keras.Model:
    """The same as the converter takes it, for copy_quantized to fill.

    It refuses fake quantizers of kernels by column. Without any, it takes the scales
    that they would have had.
    """

    def annotate(layer):
        form = BY_COLUMN if per_channel else INT8
        return _annotate(layer, Recipe(), form, exported=True)

    return _quantized(student, annotate)


def exported_student(
    quantized: tf.keras.Model, config: StudentConfig
) -> tf.keras.Model:
    """A quantized student as the converter takes it, of batch 1 and fixed length."""
    fixed = build_student(config, fixed_tokens=True, folded=True)
    fixed = exportable_student(fixed, config.has_channel_scales)
    copy_quantized(quantized, fixed)
    return fixed


def _quantized(student: tf.keras.Model, annotate) -> tf.keras.Model:
    scope = {**OWN_LAYERS, "OperatorConfig": OperatorConfig}
    with _quantization.quantize_scope(scope):
        annotated = tf.keras.models.clone_model(student, clone_function=annotate)
        for layer in annotated.layers:
            if layer.weights:
                name = layer.layer.name
                layer.layer.set_weights(student.get_layer(name).get_weights())
        return _quantization.quantize_apply(annotated, StudentScheme())


def _annotate(layer, recipe, form, exported=False):
    kind = type(layer).__name__
    copy = type(layer).from_config(layer.get_config())
    if kind == "InputLayer":
        return copy
    weights = WEIGHTS.get(kind, ())
    if form == BY_COLUMN and weights != ("kernel",):
        form = INT8
    if form == BY_COLUMN and exported:
        weights = ()
    output = "running" if exported else recipe.quantization_ranges
    if not has_range(layer):
        output = "none"
    elif kind == "Softmax":
        output = [0.0, 255 / 256]
    elif kind == "Activation":
        output = [-1.0, 127 / 128]
    elif _COMPUTED_WEIGHTS.fullmatch(layer.name):
        output = "symmetric"
    config = OperatorConfig(weights, output, recipe.quantization_percentile, form)
    return _quantization.quantize_annotate_layer(copy, quantize_config=config)


def has_range(layer: tf.keras.layers.Layer) -> bool:
    """Whether the layer's output has a quantizer of its own.

    A kernel that blocks share has none: each use has one, behind its bias. Nor has
    what goes into a ReLU, which is one operator with it.
    """
    if any(
        type(node.outbound_layer).__name__ == "ReLU" for node in layer.outbound_nodes
    ):
        return False
    return type(layer).__name__ not in SAME_SCALE and getattr(layer, "use_bias", True)


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

    Args:
        source: trained, of quantize_student.
        target: of quantize_student or exportable_student.

    Ranges are snapped to exact scales: the converter derives the scale of a tensor
    in more than one place and refuses the model when the last bit differs.
    """
    for layer in target.layers:
        if not layer.weights:
            continue
        trained = source.get_layer(layer.name).weights
        values = {last_name(weight): weight.numpy() for weight in trained}
        if "output_low" in values:
            low, high = (
                float(values[end] * np.exp(values.get(f"{end}_growth", 0.0)))
                for end in ("output_low", "output_high")
            )
            values["output_low"], values["output_high"] = exact_range(low, high)
        for weight in layer.weights:
            if last_name(weight) in values:
                weight.assign(values[last_name(weight)])


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
