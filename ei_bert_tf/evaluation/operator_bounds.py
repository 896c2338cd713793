"""How far engines part in one operator: each alone, on the same inputs.

A difference of parity.py is mostly one that came from the operators before. Here the
inputs of every operator are TFLM's, so that what is left is its own rounding.
"""

import dataclasses

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from ei_bert_tf.conversion import flatbuffer
from ei_bert_tf.conversion.single_operator import single_operator
from ei_bert_tf.evaluation.runtimes import Tflm
from ei_bert_tf.evaluation.stderr import captured_stderr
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
    parsed = flatbuffer.parse_model(model)
    graph = parsed.subgraphs[0]
    micro = Tflm(model, preserve_all_tensors=True)
    alone = [single_operator(parsed, n) for n in range(len(graph.operators))]
    engines = {
        name: [_interpreter(file, resolver) for file, _ in alone]
        for name, resolver in ENGINES.items()
    }
    names = [flatbuffer.operator_name(parsed, op) for op in graph.operators]
    counts = {(op, name): _Count() for op in names for name in ENGINES}
    for row in range(len(encoded)):
        micro.logits(encoded.take(np.array([row])))

        def of_micro(index: int) -> np.ndarray:
            return micro.tensor(index).reshape(graph.tensors[index].shape)

        for number, (op, (_, sources)) in enumerate(zip(names, alone, strict=True)):
            inputs = [of_micro(index) for index in sources]
            outputs = [of_micro(int(i)) for i in graph.operators[number].outputs]
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


def _interpreter(model: bytes, resolver: OpResolverType) -> Interpreter:
    with captured_stderr():
        found = Interpreter(model_content=model, experimental_op_resolver_type=resolver)
        found.allocate_tensors()
    return found


def _run(engine: Interpreter, inputs: list[np.ndarray]) -> list[np.ndarray]:
    for details, value in zip(engine.get_input_details(), inputs, strict=True):
        engine.set_tensor(details["index"], value)
    engine.invoke()
    return [engine.get_tensor(x["index"]) for x in engine.get_output_details()]


def _add(count: _Count, one: np.ndarray, other: np.ndarray) -> None:
    # int64: the difference of two int32 does not fit into int32.
    steps = np.abs(one.astype(np.int64) - other.astype(np.int64))
    count.elements += steps.size
    count.different += int(np.count_nonzero(steps))
    count.max_steps = max(count.max_steps, int(steps.max()))
