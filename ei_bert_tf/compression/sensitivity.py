"""Which module int8 costs accuracy in: one at a time, and one after the other.

EI-BERT quantizes module-wise: embedding, attention, feed-forward, norms, task layers,
each judged by what it costs. Here the trained student is given back its float
operators, and each module alone gets int8 weights and the ranges of the finished file.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from ei_bert_tf.compat import tf
from ei_bert_tf.compression.quantization import quantize_student, set_ranges

# By the name of a layer, the first that matches; in the order of the graph.
_PATTERNS = {
    "norms": r".*_norm_\w+",
    "embedding": r"(embedding|positions|segment|mask).*",
    "feed-forward": r"block_\d+_feed_forward.*",
    "attention": r"block_\d+_.*",
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
    evaluate: Callable[[tf.keras.Model], Any],
) -> list[dict[str, Any]]:
    """Quantizes each module alone, and the modules one after the other.

    Args:
        student: float, in its exported form.
        ranges: of each layer's output in the finished file.
        evaluate: measures a model.

    Returns:
        For `none` and each of MODULES `{module, alone, together}`: what `evaluate` says
        of the student with that module quantized, and with those before it too.
    """

    def measured(modules: set[str]) -> Any:
        layers = {
            layer.name for layer in student.layers if module_of(layer.name) in modules
        }
        quantized = quantize_student(student, layers)
        set_ranges(quantized, ranges)
        return evaluate(quantized)

    unquantized = evaluate(student)
    found = [{"module": "none", "alone": unquantized, "together": unquantized}]
    for number, module in enumerate(MODULES, 1):
        alone = measured({module})
        together = measured(set(MODULES[:number])) if number > 1 else alone
        found.append({"module": module, "alone": alone, "together": together})
    return found
