"""Which module int8 costs accuracy in: one at a time, and one after the other.

EI-BERT quantizes module-wise: embedding, attention, feed-forward, norms, task layers,
each judged by what it costs. Here the trained student is given back its float
operators, and each module alone gets int8 weights and the ranges of the finished file.
"""

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from ei_bert_tf.compat import tf
from ei_bert_tf.compression.quantization import WEIGHTS, has_range

# By the name of a layer, the first that matches; in the order of the graph.
_PATTERNS = {
    "norms": r".*_norm_\w+",
    "embedding": r"(embedding|positions|segment|mask).*",
    "feed-forward": r"(block|shared)_\d+_feed_forward.*",
    "attention": r"(block|shared)_\d+_.*",
    "task layers": r".*",
}
MODULES = ("embedding", "attention", "feed-forward", "norms", "task layers")


def module_of(layer: str) -> str:
    """The module that a layer of the student belongs to."""
    matches = (name for name, p in _PATTERNS.items() if re.fullmatch(p, layer))
    return next(matches)


def module_sensitivity(
    student: tf.keras.Model,
    ranges: Mapping[str, tuple[float, float]],
    inputs: Mapping[str, tf.Tensor],
    evaluate: Callable[[tf.Tensor], Any],
    per_channel: bool = False,
) -> list[dict[str, Any]]:
    """Quantizes each module alone, and the modules one after the other.

    Args:
        student: float, in its exported form.
        ranges: of each layer's output in the finished file.
        inputs: the student's, int32 [N, T] by name.
        evaluate: measures logits [N, C].
        per_channel: whether each column of a kernel has a scale of its own.

    Returns:
        For `none` and each of MODULES `{module, alone, together}`: what `evaluate` says
        of the student with that module quantized, and with those before it too.
    """

    def measured(modules: Collection[str]) -> Any:
        layers = {x.name for x in student.layers if module_of(x.name) in modules}
        logits = quantized_logits(student, layers, ranges, inputs, per_channel)
        return evaluate(logits)

    unquantized = measured(())
    found = [{"module": "none", "alone": unquantized, "together": unquantized}]
    for number, module in enumerate(MODULES, 1):
        alone = measured((module,))
        together = measured(MODULES[:number]) if number > 1 else alone
        found.append({"module": module, "alone": alone, "together": together})
    return found


def quantized_logits(
    student: tf.keras.Model,
    layers: Collection[str],
    ranges: Mapping[str, tuple[float, float]],
    inputs: Mapping[str, tf.Tensor],
    per_channel: bool = False,
) -> tf.Tensor:
    """The logits of the float student with some layers quantized.

    They are those of quantize_student's model with the same ranges, which takes seconds
    to build: here the layers are called one by one.

    Args:
        student, ranges, inputs, per_channel: as in module_sensitivity.
        layers: names of those whose weights and output are quantized.
    """
    values = {student.get_layer(name).output.ref(): x for name, x in inputs.items()}
    for layer, number in _uses(student):
        result = layer.get_output_at(number).ref()
        arguments = tf.nest.map_structure(
            lambda tensor: values[tensor.ref()], layer.get_input_at(number)
        )
        if layer.name not in layers:
            values[result] = layer(arguments)
            continue
        kind = type(layer).__name__
        exact = {name: getattr(layer, name) for name in WEIGHTS.get(kind, ())}
        kept = {name: tf.identity(weight) for name, weight in exact.items()}
        for name, weight in exact.items():
            by_column = per_channel and name == "kernel"
            weight.assign(_quantized_weight(weight, by_column))
        output = layer(arguments)
        for name, weight in exact.items():
            weight.assign(kept[name])
        # What the file computes in one operator with the next layer has no range.
        if has_range(layer) and layer.name in ranges:
            low, high = ranges[layer.name]
            output = tf.quantization.fake_quant_with_min_max_vars(output, low, high)
        values[result] = output
    return values[student.get_layer("logits").output.ref()]


def _uses(student: tf.keras.Model) -> list[tuple[tf.keras.layers.Layer, int]]:
    """Layers with the number of the use, each behind those whose outputs it reads; a
    layer that blocks share has a use in each."""
    known = {tensor.ref() for tensor in student.inputs}
    waiting = [
        (layer, number)
        for layer in student.layers
        for number in range(len(layer.inbound_nodes))
        if layer.get_output_at(number).ref() not in known
    ]
    ordered = []
    while waiting:
        for use in waiting:
            read = tf.nest.flatten(use[0].get_input_at(use[1]))
            if all(tensor.ref() in known for tensor in read):
                break
        waiting.remove(use)
        ordered.append(use)
        known.add(use[0].get_output_at(use[1]).ref())
    return ordered


def _quantized_weight(weight: tf.Variable, by_column: bool) -> tf.Tensor:
    """Symmetric int8 as the quantizers of the training have it."""
    if by_column:
        most = tf.reduce_max(tf.abs(weight), axis=0)
        return tf.quantization.fake_quant_with_min_max_vars_per_channel(
            weight, -most, most, narrow_range=True
        )
    most = tf.reduce_max(tf.abs(weight))
    return tf.quantization.fake_quant_with_min_max_vars(
        weight, -most, most, narrow_range=True
    )
