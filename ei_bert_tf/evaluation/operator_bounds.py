"""How far engines part in one operator: each alone, on the same inputs.

A difference of parity.py is mostly one that came from the operators before. Here the
inputs of every operator are TFLM's, so that what is left is its own rounding.
"""

import dataclasses

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from ei_bert_tf.evaluation.operators_alone import (
    OperatorsAlone,
    litert_interpreter,
    set_inputs,
)
from ei_bert_tf.text.wordpiece import Encoded

ENGINES = {
    "litert_reference": OpResolverType.BUILTIN_REF,
    "litert": OpResolverType.AUTO,
}


@dataclasses.dataclass
class _Count:
    elements: int = 0
    different: int = 0
    max_steps: int = 0


def operator_bounds(model: bytes, encoded: Encoded) -> list[dict]:
    """Compares each operator's outputs with TFLM's, given TFLM's inputs.

    Args:
        model: the .tflite.
        encoded: rows of the model's T tokens.

    Returns:
        One {"op", "operators", "elements", and for each of ENGINES {"different_share",
        "max_steps"}} a kind of operator, sorted by name: how many the file has, the
        elements compared over all rows, the share of them that differ, and the largest
        difference in steps of the output's scale.

    Raises:
        ValueError: there is no row to compare.
    """
    if len(encoded) == 0:
        raise ValueError("operator bounds: no row to compare")
    alone = OperatorsAlone(model)
    engines = {
        name: [litert_interpreter(file, resolver) for file in alone.files]
        for name, resolver in ENGINES.items()
    }
    names = alone.names
    counts = {(op, name): _Count() for op in names for name in ENGINES}
    for row in range(len(encoded)):
        alone.run(encoded.take(np.array([row])))
        for number, op in enumerate(names):
            inputs, outputs = alone.inputs(number), alone.outputs(number)
            for name in ENGINES:
                found = _run(engines[name][number], inputs)
                for one, other in zip(found, outputs, strict=True):
                    _add(counts[op, name], one, other)
    return [
        {
            "op": op,
            "operators": names.count(op),
            "elements": counts[op, "litert"].elements,
            **{
                name: {
                    "different_share": counts[op, name].different
                    / counts[op, name].elements,
                    "max_steps": counts[op, name].max_steps,
                }
                for name in ENGINES
            },
        }
        for op in sorted(set(names))
    ]


def _run(engine: Interpreter, inputs: list[np.ndarray]) -> list[np.ndarray]:
    set_inputs(engine, inputs)
    engine.invoke()
    return [engine.get_tensor(x["index"]) for x in engine.get_output_details()]


def _add(count: _Count, one: np.ndarray, other: np.ndarray) -> None:
    # int64: the difference of two int32 does not fit into int32.
    steps = np.abs(one.astype(np.int64) - other.astype(np.int64))
    count.elements += steps.size
    count.different += int(np.count_nonzero(steps))
    count.max_steps = max(count.max_steps, int(steps.max()))
